/* SPDX-License-Identifier: MIT */
/* A guest published by a child process, and we who look at it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "live/live.h"

#define LIMIT_S 30 /* far above what a loaded machine needs */

/* ---- the guest ---- */

struct guest {
	struct loop *loop;
	struct live *live;
	size_t taken;
};

/* "flood" prints a lot, "echo" answers with its arguments, "later" never, "end" ends the guest. */
static void guest_command(
	void *arg, const char *execute, json_t *arguments, qmp_reply_cb cb, void *cb_arg)
{
	static char lots[1024 * 1024];
	struct guest *g = arg;
	const struct qmp_error error = { "CommandNotFound", "what?" };
	json_t *nothing = json_object();

	memset(lots, 'x', sizeof(lots));
	if (streq(execute, "echo")) {
		live_event(g->live, "ECHO", NULL);
		cb(cb_arg, arguments ? arguments : nothing, NULL);
	} else if (streq(execute, "flood")) {
		live_console(g->live, lots, sizeof(lots));
		cb(cb_arg, nothing, NULL);
	} else if (streq(execute, "end")) {
		loop_stop(g->loop);
	} else if (!streq(execute, "later")) {
		cb(cb_arg, NULL, &error);
	}
	json_decref(nothing);
	json_decref(arguments);
}

static void guest_write(void *arg, const char *data, size_t len)
{
	struct guest *g = arg;

	live_console(g->live, "<", 1);
	live_console(g->live, data, len);
	live_console(g->live, ">", 1);
}

static size_t guest_unsent(void *arg)
{
	return 0;
}

static json_t *guest_greeting(void *arg)
{
	return NULL;
}

static int start_guest(void **state)
{
	struct guest g = { 0 };
	const struct live_ops ops = { guest_command, guest_write, guest_unsent, guest_greeting,
		&g };
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		alarm(4 * LIMIT_S);
		g.loop = loop_new();
		if (live_new(g.loop, "a guest", json_pack("{s:s}", "engine", "none"), &ops, &g.live,
			    NULL) == 0) {
			live_console(g.live, "history|", 8);
			if (write(ready[1], "", 1) == 1)
				loop_run(g.loop);
			live_free(g.live);
		}
		loop_free(g.loop);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		return -1;
	close(ready[0]);
	*state = (void *)(intptr_t)pid;
	return 0;
}

static int stop_guest(void **state)
{
	pid_t pid = (pid_t)(intptr_t)*state;

	kill(pid, SIGKILL);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

#define with_guest(f) cmocka_unit_test_setup_teardown(f, start_guest, stop_guest)

/* ---- those who look ---- */

static int open_or_fail(void **state, json_t *what)
{
	_cleanup_free_ char *which = xasprintf("%d", (int)(intptr_t)*state);
	const struct timeval limit = { .tv_sec = LIMIT_S };
	struct err e = ERR_INIT;
	int fd = live_open(which, what, NULL, &e);

	if (fd < 0)
		fail_msg("%s", err_text(&e));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int open_console(void **state, bool write, bool history)
{
	return open_or_fail(state, json_pack("{s:s, s:b, s:b}", "open", "console", "write", write,
					   "history", history));
}

static int open_qmp(void **state)
{
	return open_or_fail(state, json_pack("{s:s}", "open", "qmp"));
}

static void say(int fd, const char *text)
{
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

/* Reads until TEXT was the end of it. */
static void read_until(int fd, const char *text, struct buf *b)
{
	while (!str_ends(buf_str(b), text))
		if (buf_read(b, fd, 65536) <= 0)
			fail_msg("\"%s\" did not come after: %s", text, buf_str(b));
}

static void expect(int fd, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	read_until(fd, text, &b);
	assert_string_equal(buf_str(&b), text);
}

/* The next line, but for what has a time in it. */
static void expect_line(int fd, const char *line)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *at;

	while (b.len == 0 || b.data[b.len - 1] != '\n')
		assert_int_equal(buf_read(&b, fd, 1), 1);
	buf_truncate(&b, b.len - 1);
	at = strstr(buf_str(&b), ",\"timestamp\"");
	if (at)
		buf_truncate(&b, (size_t)(at - b.data));
	assert_string_equal(buf_str(&b), line);
}

/* ---- tests ---- */

static void a_guest_is_found_by_id_name_pid_and_glob(void **state)
{
	_cleanup_free_ char *pid = xasprintf("%d", (int)(intptr_t)*state);
	_cleanup_free_ char *id = xasprintf("%s.1", pid);
	struct live_list l;
	bool found = false;

	assert_int_equal(live_find(&l, NULL), 0);
	for (size_t i = 0; i < l.n; i++) {
		found |= streq(l.v[i].id, id) && streq(l.v[i].name, "a guest");
		assert_true(json_is_object(l.v[i].info));
	}
	live_list_release(&l);
	assert_true(found);
	for (size_t i = 0; i < 4; i++) {
		const char *const ways[] = { pid, id, "a guest", "a gu*" };
		_cleanup_free_ char *name = NULL;
		int fd = live_open(ways[i], json_pack("{s:s}", "open", "qmp"), &name, NULL);

		assert_true(fd >= 0);
		assert_string_equal(name, "a guest");
		close(fd);
	}
}

static void who_is_not_there_is_told_with_who_is(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(live_open("nobody", json_pack("{s:s}", "open", "qmp"), NULL, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "no guest is called nobody; there are "));
	assert_non_null(strstr(err_text(&e), "(a guest)"));
	err_release(&e);
}

static void a_guest_that_was_killed_is_not_found(void **state)
{
	_cleanup_free_ char *which = xasprintf("%d", (int)(intptr_t)*state);

	stop_guest(state);
	assert_int_equal(live_open(which, json_pack("{s:s}", "open", "qmp"), NULL, NULL), -ENOENT);
	assert_int_equal(start_guest(state), 0);
}

static void many_watch_and_who_may_type_is_heard_by_all(void **state)
{
	int typing = open_console(state, true, true), watching = open_console(state, false, true),
	    late = open_console(state, false, false);

	expect(typing, "history|");
	expect(watching, "history|");
	say(watching, "not heard");
	/* Its answer comes behind what was said before. */
	say(typing, "hello");
	expect(typing, "<hello>");
	expect(watching, "<hello>");
	expect(late, "<hello>");
	close(typing);
	close(watching);
	close(late);
}

static void who_does_not_read_holds_nobody_up_and_is_told_what_he_missed(void **state)
{
	int slow = open_console(state, false, false), qmp = open_qmp(state);
	_cleanup_buf_ struct buf b = BUF_INIT;

	expect_line(qmp, "{\"QMP\":{}}");
	for (int i = 0; i < 3; i++) {
		say(qmp, "{\"execute\": \"flood\"}\n");
		expect_line(qmp, "{\"return\":{}}");
	}
	read_until(slow, "bytes skipped, this reader is too slow]\r\n", &b);
	assert_true(b.len < 1024 * 1024);
	close(slow);
	close(qmp);
}

static void commands_are_answered_with_their_ids_and_events_come_between(void **state)
{
	int fd = open_qmp(state);

	expect_line(fd, "{\"QMP\":{}}");
	say(fd, "{\"execute\": \"qmp_capabilities\", \"id\": 1}\n");
	expect_line(fd, "{\"return\":{},\"id\":1}");
	say(fd, "{\"execute\": \"later\", \"id\": \"lost\"}\n{\"execute\": \"echo\", \"arguments\": {\"a\": [1]}, "
		"\"id\": {\"x\": 2}}\n{\"execute\": \"no\"}\n");
	expect_line(fd, "{\"event\":\"ECHO\"");
	expect_line(fd, "{\"return\":{\"a\":[1]},\"id\":{\"x\":2}}");
	expect_line(fd, "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"what?\"}}");
	close(fd);
}

static void what_is_no_command_is_refused_and_the_next_one_answered(void **state)
{
	static const char *const bad[] = { "garbage\n", "[]\n", "{}\n", "{\"execute\": 1}\n",
		"{\"execute\": \"echo\", \"arguments\": 7}\n", "\n" };
	int fd = open_qmp(state);

	expect_line(fd, "{\"QMP\":{}}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		say(fd, bad[i]);
		read_until(fd, "\n", &b);
		assert_true(str_starts(buf_str(&b), "{\"error\":{\"class\":\"GenericError\""));
	}
	say(fd, "{\"execute\": \"qmp_capabilities\"}\n");
	expect_line(fd, "{\"return\":{}}");
	close(fd);
}

static void who_asks_for_nothing_known_is_hung_up_on(void **state)
{
	int fd = open_or_fail(state, json_pack("{s:s}", "open", "sesame"));
	char c;

	assert_true(read(fd, &c, 1) <= 0);
	close(fd);
}

static void too_many_commands_at_once_are_refused(void **state)
{
	int fd = open_qmp(state);

	expect_line(fd, "{\"QMP\":{}}");
	for (int i = 0; i < 64; i++)
		say(fd, "{\"execute\": \"later\"}\n");
	say(fd, "{\"execute\": \"echo\"}\n");
	expect_line(fd,
		"{\"error\":{\"class\":\"GenericError\",\"desc\":\"too many commands under way\"}}");
	close(fd);
}

static void a_line_without_end_is_hung_up_on(void **state)
{
	_cleanup_free_ char *lots = xcalloc(1, 65537);
	int fd = open_qmp(state);

	expect_line(fd, "{\"QMP\":{}}");
	memset(lots, 'x', 65536);
	for (int i = 0; i < 64; i++)
		if (send(fd, lots, 65536, MSG_NOSIGNAL) < 0)
			break;
	assert_true(read(fd, lots, 1) <= 0);
	close(fd);
}

static void the_guests_end_hangs_up_with_commands_under_way(void **state)
{
	int fd = open_qmp(state), console = open_console(state, true, false);
	char c;

	expect_line(fd, "{\"QMP\":{}}");
	say(fd, "{\"execute\": \"later\"}\n{\"execute\": \"end\"}\n");
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(read(console, &c, 1), 0);
	close(fd);
	close(console);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_guest(a_guest_is_found_by_id_name_pid_and_glob),
		with_guest(who_is_not_there_is_told_with_who_is),
		with_guest(a_guest_that_was_killed_is_not_found),
		with_guest(many_watch_and_who_may_type_is_heard_by_all),
		with_guest(who_does_not_read_holds_nobody_up_and_is_told_what_he_missed),
		with_guest(commands_are_answered_with_their_ids_and_events_come_between),
		with_guest(what_is_no_command_is_refused_and_the_next_one_answered),
		with_guest(who_asks_for_nothing_known_is_hung_up_on),
		with_guest(too_many_commands_at_once_are_refused),
		with_guest(a_line_without_end_is_hung_up_on),
		with_guest(the_guests_end_hangs_up_with_commands_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
