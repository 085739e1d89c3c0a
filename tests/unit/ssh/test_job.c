/* SPDX-License-Identifier: MIT */
/* ssh and scp are scripts here, which do what the test wants of them; what listens is a socket of the test. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/text.h"
#include "fixture.h"
#include "ssh/ssh.h"

struct world {
	const char *dir;
	struct loop *loop;
	struct ssh *ssh;
	struct buf out, err;
	struct ssh_result result;
	char *why;
	bool done;
	int listener;
	uint16_t port;
	struct loop_fd *source;
	const char *const *answers; /* what each connection is sent; NULL: it is closed at once */
	size_t n_answers, answered;
};

static void on_connection(void *arg, int fd, uint32_t events)
{
	struct world *w = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	const char *answer =
		w->answers[w->answered < w->n_answers ? w->answered : w->n_answers - 1];

	assert_true(c >= 0);
	w->answered++;
	if (answer)
		assert_int_equal(fd_write_all(c, answer, strlen(answer)), 0);
	fd_close(c);
}

static void listen_with(struct world *w, const char *const *answers, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(w->listener, 8), 0);
	assert_int_equal(getsockname(w->listener, (struct sockaddr *)&a, &len), 0);
	w->port = ntohs(a.sin_port);
	w->answers = answers;
	w->n_answers = n;
	w->source = loop_fd_add(w->loop, w->listener, EPOLLIN, on_connection, w);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct world *w = arg;

	buf_add(stream == 1 ? &w->out : &w->err, data, len);
}

static void on_done(void *arg, const struct ssh_result *r)
{
	struct world *w = arg;

	w->result = *r;
	w->why = r->why ? xstrdup(r->why) : NULL;
	w->done = true;
	loop_stop(w->loop);
}

static const struct ssh_handlers *handlers(struct world *w)
{
	static struct ssh_handlers h;

	h = (struct ssh_handlers){ on_output, on_done, w };
	return &h;
}

static void script(struct world *w, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(w->dir, name);
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_addf(&b,
		"#!/bin/sh\ncd '%s' || exit 9\necho \"$0 $*\" >>calls\nlog=\nfor a; do [ \"$last\" = -E ] && log=$a; last=$a; done\n%s\n",
		w->dir, text);
	lay(w->dir, name, buf_str(&b));
	assert_int_equal(chmod(path, 0755), 0);
}

static void world_start(struct world *w, void **state, const char *ssh_text, const char *scp_text)
{
	static const char *const speaks[] = { "SSH-2.0-test\r\n" };
	_cleanup_free_ char *path = xasprintf("%s:%s", (char *)*state, getenv("PATH"));
	struct ssh_spec spec = { .user = "ci", .key = "/key", .host_key = "ssh-ed25519 AAAA" };

	*w = (struct world){ .dir = *state, .loop = loop_new(), .listener = -1 };
	script(w, "ssh", ssh_text);
	script(w, "scp", scp_text);
	setenv("PATH", path, 1);
	listen_with(w, speaks, 1);
	spec.port = w->port;
	assert_int_equal(ssh_new(w->loop, &spec, &w->ssh, NULL), 0);
	setenv("PATH", strchr(path, ':') + 1, 1);
}

static void world_end(struct world *w)
{
	loop_fd_remove(w->source);
	fd_close(w->listener);
	ssh_free(w->ssh);
	loop_free(w->loop);
	buf_release(&w->out);
	buf_release(&w->err);
	free(w->why);
}

static char *calls(struct world *w)
{
	_cleanup_free_ char *path = path_join(w->dir, "calls");
	struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 100000, &b, NULL), 0);
	return buf_detach(&b);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void output_and_code_are_the_commands_own(void **state)
{
	struct world w;
	struct ssh_job *j;
	_cleanup_free_ char *seen = NULL;

	world_start(&w, state, "echo out; echo err >&2; exit 7", "");
	j = ssh_run(w.ssh, "-x; uname", handlers(&w));
	loop_run(w.loop);
	assert_int_equal(w.result.end, SSH_EXITED);
	assert_int_equal(w.result.code, 7);
	assert_null(w.why);
	assert_string_equal(buf_str(&w.out), "out\n");
	assert_string_equal(buf_str(&w.err), "err\n");
	seen = calls(&w);
	/* What the command begins with is no option of ssh. */
	assert_non_null(strstr(seen, "ci@127.0.0.1 -- -x; uname"));
	assert_non_null(strstr(seen, "-F none"));
	assert_non_null(strstr(seen, "StrictHostKeyChecking=yes"));
	ssh_job_free(j);
	world_end(&w);
}

static void code_255_is_told_from_a_connection_that_broke(void **state)
{
	static const struct {
		const char *log;
		enum ssh_end end;
	} cases[] = {
		{ "debug1: Sending command: x\\ndebug1: client_input_channel_req: channel 0 rtype exit-status reply 0",
			SSH_EXITED },
		{ "debug1: Sending command: x\\ndebug1: client_input_channel_req: channel 0 rtype exit-signal reply 0",
			SSH_SIGNALLED },
		{ "debug1: Sending command: x", SSH_LOST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text =
			xasprintf("printf '%s\\n' >\"$log\"; exit 255", cases[i].log);
		struct ssh_job *j;
		struct world w;

		world_start(&w, state, text, "");
		j = ssh_run(w.ssh, "x", handlers(&w));
		loop_run(w.loop);
		assert_int_equal(w.result.end, cases[i].end);
		if (w.result.end == SSH_EXITED)
			assert_int_equal(w.result.code, 255);
		else
			assert_non_null(w.why);
		assert_int_equal(ssh_job_tries(j), 1);
		ssh_job_free(j);
		world_end(&w);
	}
}

static void what_had_not_begun_is_tried_again(void **state)
{
	struct world w;
	struct ssh_job *j;

	world_start(&w, state,
		"[ -e once ] && exit 0; : >once; echo 'ci@127.0.0.1: Permission denied (publickey).' >\"$log\"; exit 255",
		"");
	j = ssh_run(w.ssh, "x", handlers(&w));
	while (!ssh_job_trouble(j))
		loop_turn(w.loop, -1);
	assert_string_equal(ssh_job_trouble(j), "ci@127.0.0.1: Permission denied (publickey).");
	loop_run(w.loop);
	assert_int_equal(w.result.end, SSH_EXITED);
	assert_int_equal(w.result.code, 0);
	assert_int_equal(ssh_job_tries(j), 2);
	ssh_job_free(j);
	world_end(&w);
}

static void it_waits_until_something_speaks_ssh(void **state)
{
	static const char *const answers[] = { NULL, "HTTP/1.0 400\r\n", "SSH-2.0-at last\r\n" };
	struct world w;
	struct ssh_job *j;

	world_start(&w, state, "exit 0", "");
	w.answers = answers;
	w.n_answers = ARRAY_SIZE(answers);
	j = ssh_run(w.ssh, "x", handlers(&w));
	while (w.answered < 1 || !ssh_job_trouble(j))
		loop_turn(w.loop, -1);
	assert_non_null(strstr(ssh_job_trouble(j), "nothing listens"));
	while (w.answered < 2 || !strstr(ssh_job_trouble(j), "no SSH"))
		loop_turn(w.loop, -1);
	assert_non_null(strstr(ssh_job_trouble(j), "'HTTP/1.0 400'"));
	loop_run(w.loop);
	assert_int_equal(w.result.end, SSH_EXITED);
	assert_int_equal(ssh_job_tries(j), 1);
	ssh_job_free(j);
	/* Now that it answered nobody is asked any more. */
	w.done = false;
	j = ssh_run(w.ssh, "x", handlers(&w));
	loop_run(w.loop);
	assert_int_equal(w.answered, 3);
	ssh_job_free(j);
	world_end(&w);
}

static void copies_go_both_ways_and_tell_why_they_failed(void **state)
{
	struct world w;
	struct ssh_job *j;
	_cleanup_free_ char *seen = NULL;

	world_start(&w, state, "exit 0",
		"[ -e no ] && { echo 'scp: /x: No such file or directory' >&2; exit 1; }; exit 0");
	j = ssh_copy_in(w.ssh, "/a b", "dir/", handlers(&w));
	loop_run(w.loop);
	assert_int_equal(w.result.end, SSH_EXITED);
	ssh_job_free(j);
	script(&w, "no", "");
	j = ssh_copy_out(w.ssh, "/x", "/to", 0, handlers(&w));
	loop_run(w.loop);
	assert_int_equal(w.result.end, SSH_FAILED);
	assert_string_equal(w.why, "scp: /x: No such file or directory");
	ssh_job_free(j);
	seen = calls(&w);
	assert_non_null(strstr(seen, "-- /a b ci@127.0.0.1:dir/\n"));
	assert_non_null(strstr(seen, "-- ci@127.0.0.1:/x /to\n"));
	/* Once, to know that we are let in. */
	assert_int_equal(count(seen, "exit 0"), 1);
	world_end(&w);
}

/* One file that grows without end, many that say nothing, and one that is as large as it may be. */
static void a_copy_from_the_guest_is_bounded(void **state)
{
	static const struct {
		const char *scp;
		enum ssh_end end;
	} all[] = {
		{ "exec cat /dev/zero >got", SSH_FAILED },
		{ "mkdir got; i=0; while :; do i=$((i+1)); : >got/$i; done", SSH_FAILED },
		{ "head -c 100001 /dev/zero >got", SSH_FAILED },
		{ "head -c 100000 /dev/zero >got", SSH_EXITED },
	};
	struct world w;
	_cleanup_free_ char *got = path_join(*state, "got");

	world_start(&w, state, "exit 0", "");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct ssh_job *j;

		script(&w, "scp", all[i].scp);
		w.done = false;
		j = ssh_copy_out(w.ssh, "/x", got, 100000, handlers(&w));
		loop_run(w.loop);
		assert_int_equal(w.result.end, all[i].end);
		assert_int_equal(access(got, F_OK), all[i].end == SSH_EXITED ? 0 : -1);
		if (all[i].end == SSH_FAILED)
			assert_string_equal(w.why, "it is larger than 100000 bytes");
		ssh_job_free(j);
		free(w.why);
		w.why = NULL;
	}
	world_end(&w);
}

static void a_job_freed_in_its_midst_leaves_no_process(void **state)
{
	struct world w;
	struct ssh_job *j;
	pid_t pid;

	world_start(&w, state, "echo $$; exec sleep 1000", "");
	j = ssh_run(w.ssh, "x", handlers(&w));
	while (!strchr(buf_str(&w.out), '\n'))
		loop_turn(w.loop, -1);
	pid = atoi(buf_str(&w.out));
	assert_int_equal(kill(pid, 0), 0);
	ssh_job_free(j);
	assert_int_equal(kill(pid, 0), -1);
	assert_false(w.done);
	world_end(&w);
}

static void names_of_users_that_are_more_are_refused(void **state)
{
	static const char *const bad[] = { "", "-oProxyCommand=x", "a@b", "a b", "a:b", "a'b" };
	struct loop *loop = loop_new();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct ssh_spec spec = { .user = bad[i], .key = "/key", .port = 1 };
		struct ssh *s;

		assert_int_equal(ssh_new(loop, &spec, &s, NULL), -EINVAL);
	}
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(output_and_code_are_the_commands_own),
		in_folder(code_255_is_told_from_a_connection_that_broke),
		in_folder(what_had_not_begun_is_tried_again),
		in_folder(it_waits_until_something_speaks_ssh),
		in_folder(copies_go_both_ways_and_tell_why_they_failed),
		in_folder(a_copy_from_the_guest_is_bounded),
		in_folder(a_job_freed_in_its_midst_leaves_no_process),
		cmocka_unit_test(names_of_users_that_are_more_are_refused),
	};

	return cmocka_run_group_tests_name("ssh-job", tests, NULL, NULL);
}
