/* SPDX-License-Identifier: MIT */
/* Requests that come as a stream of bytes. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "harness.h"

struct line {
	struct loop *loop;
	struct share_stream *stream;
	int ours, theirs;
	char why[100]; /* "" while nothing broke */
	int ends;
	bool free_in_callback;
};

static void line_ended(void *arg, const char *why)
{
	struct line *l = arg;

	snprintf(l->why, sizeof(l->why), "%s", why ? why : "");
	l->ends++;
	if (l->free_in_callback) {
		share_stream_free(l->stream);
		l->stream = NULL;
	}
}

static void line_open(struct line *l, struct tree *t)
{
	int fds[2];

	*l = (struct line){ .loop = loop_new() };
	assert_int_equal(fd_socketpair(fds), 0);
	l->ours = fds[0];
	l->theirs = fds[1];
	assert_int_equal(fd_set_nonblock(l->ours, true), 0);
	assert_int_equal(fd_set_nonblock(l->theirs, true), 0);
	l->stream = share_stream_new(l->loop, t->share, l->theirs, line_ended, l);
}

static void line_close(struct line *l)
{
	share_stream_free(l->stream);
	loop_free(l->loop);
	fd_close(l->ours);
	fd_close(l->theirs);
}

static void line_send(struct line *l, const void *data, size_t len)
{
	assert_int_equal(send(l->ours, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Turns the loop until WANT bytes of replies are in B, or nothing comes any more. */
static void line_receive(struct line *l, struct buf *b, size_t want)
{
	for (int idle = 0; b->len < want && idle < 50;) {
		loop_turn(l->loop, 1);
		idle = buf_read(b, l->ours, want - b->len) > 0 ? 0 : idle + 1;
	}
}

static void requests_may_be_cut_at_every_byte(void **state)
{
	struct tree *t = *state;
	_cleanup_buf_ struct buf requests = BUF_INIT, replies = BUF_INIT, whole = BUF_INIT;
	struct fuse_forget_in forget_in = { .nlookup = 1 };
	struct fuse_read_in read_in = { .size = 10 };
	struct line l;
	uint64_t node;

	put(t, "f", "content", 7);
	node = node_of(t, FUSE_ROOT_ID, "f");
	request_put(&requests, FUSE_GETATTR, 1, FUSE_ROOT_ID, &read_in, 16);
	request_put(&requests, FUSE_FORGET, 2, 77, &forget_in, sizeof(forget_in));
	request_put(&requests, FUSE_READ, 3, node, &read_in, sizeof(read_in));
	request_put(&requests, FUSE_LOOKUP, 4, FUSE_ROOT_ID, "none", 5);
	line_open(&l, t);
	line_send(&l, requests.data, requests.len);
	line_receive(&l, &whole, 1 << 20);
	assert_true(whole.len > 3 * sizeof(struct fuse_out_header));

	for (size_t cut = 1; cut < requests.len; cut++) {
		buf_clear(&replies);
		line_send(&l, requests.data, cut);
		loop_turn(l.loop, 0);
		line_send(&l, requests.data + cut, requests.len - cut);
		line_receive(&l, &replies, whole.len);
		assert_int_equal(replies.len, whole.len);
		assert_memory_equal(replies.data, whole.data, whole.len);
	}
	buf_clear(&replies);
	for (size_t at = 0; at < requests.len; at++) {
		line_send(&l, requests.data + at, 1);
		loop_turn(l.loop, 0);
	}
	line_receive(&l, &replies, whole.len);
	assert_int_equal(replies.len, whole.len);
	assert_memory_equal(replies.data, whole.data, whole.len);
	assert_string_equal(l.why, "");
	line_close(&l);
}

static void replies_that_nobody_takes_stop_the_reading(void **state)
{
	const size_t size = 131072, header = sizeof(struct fuse_out_header), n = 3000;
	struct tree *t = *state;
	_cleanup_free_ char *data = xcalloc(1, size);
	_cleanup_buf_ struct buf requests = BUF_INIT, replies = BUF_INIT;
	struct fuse_read_in in = { .size = (uint32_t)size };
	/* 64 KiB of requests read ahead, and what a small socket holds. */
	const size_t ahead = 128 * 1024;
	struct line l;
	size_t sent = 0, got = 0;
	uint64_t node;
	int idle = 0, small = 8192;

	put(t, "f", data, size);
	node = node_of(t, FUSE_ROOT_ID, "f");
	for (size_t i = 0; i < n; i++)
		request_put(&requests, FUSE_READ, i + 1, node, &in, sizeof(in));

	line_open(&l, t);
	assert_int_equal(setsockopt(l.ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (idle = 0; idle < 10; idle++) {
		ssize_t k;

		while ((k = send(l.ours, requests.data + sent, requests.len - sent, MSG_NOSIGNAL)) >
			0)
			sent += (size_t)k;
		loop_turn(l.loop, 1);
	}
	assert_true(sent < ahead);

	/* All is answered, in order, once they are taken. */
	for (idle = 0; got < n * (header + size) && idle < 50;) {
		ssize_t k = send(l.ours, requests.data + sent, requests.len - sent, MSG_NOSIGNAL);

		if (k > 0)
			sent += (size_t)k;
		/* Not read faster than answered either. */
		assert_true(sent < got / (header + size) * (requests.len / n) + ahead);
		loop_turn(l.loop, 1);
		k = buf_read(&replies, l.ours, 1 << 20);
		idle = k > 0 ? 0 : idle + 1;
		while (replies.len >= header + size) {
			struct fuse_out_header out;

			memcpy(&out, replies.data, header);
			assert_int_equal(out.len, header + size);
			assert_int_equal(out.unique, got / (header + size) + 1);
			got += header + size;
			buf_consume(&replies, header + size);
		}
	}
	assert_int_equal(got, n * (header + size));
	assert_string_equal(l.why, "");
	line_close(&l);
}

static void what_is_no_request_breaks_the_stream_once(void **state)
{
	const uint32_t lengths[] = { 0, 1, 39, 256 * 1024 + 1, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct fuse_in_header in = {
			.len = lengths[i], .opcode = FUSE_STATFS, .unique = 1
		};
		struct line l;

		line_open(&l, *state);
		l.free_in_callback = i % 2;
		line_send(&l, &in, sizeof(in));
		for (int k = 0; k < 10; k++)
			loop_turn(l.loop, 0);
		assert_int_equal(l.ends, 1);
		assert_non_null(strstr(l.why, "FUSE"));
		line_close(&l);
	}
}

static void the_other_end_closing_is_told_once(void **state)
{
	struct line l;

	line_open(&l, *state);
	l.ours = fd_close(l.ours);
	for (int k = 0; k < 10; k++)
		loop_turn(l.loop, 0);
	assert_int_equal(l.ends, 1);
	assert_string_equal(l.why, "");
	line_close(&l);
}

static void a_reply_to_a_closed_end_kills_nobody(void **state)
{
	struct tree *t = *state;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct line l;

	signal(SIGPIPE, SIG_DFL);
	line_open(&l, t);
	request_put(&b, FUSE_STATFS, 1, FUSE_ROOT_ID, NULL, 0);
	line_send(&l, b.data, b.len);
	l.ours = fd_close(l.ours);
	for (int k = 0; k < 10; k++)
		loop_turn(l.loop, 0);
	assert_int_equal(l.ends, 1);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_tree(requests_may_be_cut_at_every_byte),
		in_a_tree(replies_that_nobody_takes_stop_the_reading),
		in_a_tree(what_is_no_request_breaks_the_stream_once),
		in_a_tree(the_other_end_closing_is_told_once),
		in_a_tree(a_reply_to_a_closed_end_kills_nobody),
	};

	return cmocka_run_group_tests_name("share-stream", tests, NULL, NULL);
}
