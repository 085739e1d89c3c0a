/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "qmp/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"

struct seen {
	struct qmp *q;
	struct buf log; /* "event NAME", "reply TEXT", "error TEXT", in order */
};

static void on_event(void *arg, const char *name, const json_t *data)
{
	struct seen *s = arg;
	const char *reason = json_string_value(json_object_get(data, "reason"));

	buf_addf(&s->log, "event %s %s;", name, reason ? reason : "-");
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct seen *s = arg;
	_cleanup_free_ char *text = ret ? json_dumps(ret, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (ret)
		buf_addf(&s->log, "reply %s;", text);
	else
		buf_addf(&s->log, "error %s%s%s;", error->class ? error->class : "",
			error->class ? ": " : "", error->desc);
}

static void on_reply_mute(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct seen *s = arg;

	on_reply(arg, ret, error);
	qmp_mute(s->q);
}

static void on_reply_ask_again(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct seen *s = arg;

	on_reply(arg, ret, error);
	qmp_command(s->q, "again", NULL, on_reply, s);
}

static int start(void **state)
{
	struct seen *s = xcalloc(1, sizeof(*s));

	s->q = qmp_new(on_event, s);
	*state = s;
	return 0;
}

static int finish(void **state)
{
	struct seen *s = *state;

	qmp_free(s->q);
	buf_release(&s->log);
	free(s);
	return 0;
}

#define case_of(f) cmocka_unit_test_setup_teardown(f, start, finish)

static void feed(struct seen *s, const char *text)
{
	qmp_feed(s->q, text, strlen(text));
}

static void nothing_is_sent_before_the_greeting(void **state)
{
	struct seen *s = *state;

	qmp_command(s->q, "stop", NULL, on_reply, s);
	assert_int_equal(qmp_output(s->q)->len, 0);
	feed(s, GREETING);
	assert_string_equal(buf_str(qmp_output(s->q)),
		"{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
		"{\"execute\":\"stop\",\"id\":2}\n");
}

static void arguments_are_sent(void **state)
{
	struct seen *s = *state;

	feed(s, GREETING);
	buf_clear(qmp_output(s->q));
	qmp_command(s->q, "x", json_pack("{s:i}", "n", 7), NULL, NULL);
	assert_string_equal(buf_str(qmp_output(s->q)),
		"{\"execute\":\"x\",\"arguments\":{\"n\":7},\"id\":2}\n");
}

static const char conversation[] = GREETING
	"{\"return\": {}, \"id\": 1}\r\n"
	"{\"event\": \"STOP\"}\r\n"
	"\r\n"
	"{\"id\": 3, \"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}}\n"
	"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\n"
	"{\"return\": {\"a\\u00e9\\n\": [1, 2]}, \"id\": 2}\n";
static const char expected[] =
	"event STOP -;error GenericError: no such thing;event SHUTDOWN guest-reset;"
	"reply {\"a\303\251\\n\":[1,2]};";

static void converse(size_t first, size_t second)
{
	struct seen s = { 0 };
	size_t len = sizeof(conversation) - 1;

	s.q = qmp_new(on_event, &s);
	qmp_command(s.q, "one", NULL, on_reply, &s);
	qmp_command(s.q, "two", NULL, on_reply, &s);
	qmp_feed(s.q, conversation, first);
	qmp_feed(s.q, conversation + first, second - first);
	qmp_feed(s.q, conversation + second, len - second);
	assert_null(qmp_broken(s.q));
	assert_string_equal(buf_str(&s.log), expected);
	qmp_free(s.q);
	buf_release(&s.log);
}

static void every_split_of_a_stream_reads_the_same(void **state)
{
	size_t len = sizeof(conversation) - 1;

	for (size_t i = 0; i <= len; i++)
		converse(i, len);
	for (size_t i = 0; i < len; i += 7)
		for (size_t k = i; k <= len; k += 5)
			converse(i, k);
}

static void single_bytes_read_the_same(void **state)
{
	struct seen *s = *state;

	qmp_command(s->q, "one", NULL, on_reply, s);
	qmp_command(s->q, "two", NULL, on_reply, s);
	for (size_t i = 0; i + 1 < sizeof(conversation); i++)
		qmp_feed(s->q, &conversation[i], 1);
	assert_string_equal(buf_str(&s->log), expected);
}

static void what_is_no_qmp_breaks_the_stream(void **state)
{
	static const struct {
		const char *input, *why;
	} cases[] = {
		{ "\x7f\x45LF\n", "QMP: not a JSON object: \\x7fELF" },
		{ "{\"return\": {}, \"id\": 1}\n",
			"QMP: no greeting: {\"return\": {}, \"id\": 1}" },
		{ GREETING "[]\n", "QMP: not a JSON object: []" },
		{ GREETING "{\"return\": {}\n", "QMP: not a JSON object: {\"return\": {}" },
		{ GREETING "{}\n", "QMP: neither event nor reply: {}" },
		{ GREETING "{\"event\": 3}\n", "QMP: neither event nor reply: {\"event\": 3}" },
		{ GREETING "{\"return\": 1}\n", "QMP: a reply to no command: {\"return\": 1}" },
		{ GREETING "{\"return\": 1, \"id\": 99}\n",
			"QMP: a reply to no command: {\"return\": 1, \"id\": 99}" },
		{ GREETING "{\"return\": 1, \"id\": \"1\"}\n",
			"QMP: a reply to no command: {\"return\": 1, \"id\": \"1\"}" },
		{ GREETING "{\"error\": \"x\", \"id\": 1}\n",
			"QMP: neither event nor reply: {\"error\": \"x\", \"id\": 1}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seen s = { 0 };

		s.q = qmp_new(on_event, &s);
		qmp_command(s.q, "one", NULL, on_reply, &s);
		feed(&s, cases[i].input);
		assert_non_null(qmp_broken(s.q));
		assert_string_equal(qmp_broken(s.q), cases[i].why);
		assert_int_equal(qmp_output(s.q)->len, 0);
		/* The command under way was answered, and so is a later one. */
		assert_true(str_starts(buf_str(&s.log), "error QMP: "));
		buf_clear(&s.log);
		qmp_command(s.q, "late", NULL, on_reply, &s);
		assert_true(str_starts(buf_str(&s.log), "error QMP: "));
		buf_clear(&s.log);
		feed(&s, "{\"event\": \"STOP\"}\n");
		assert_string_equal(buf_str(&s.log), "");
		qmp_free(s.q);
		buf_release(&s.log);
	}
}

static void one_reply_is_not_taken_twice(void **state)
{
	struct seen *s = *state;

	feed(s, GREETING "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 1}\n");
	assert_non_null(qmp_broken(s->q));
}

static void a_message_without_end_breaks_the_stream(void **state)
{
	struct seen *s = *state;
	_cleanup_free_ char *piece = xmalloc(65536);

	memset(piece, 'x', 65536);
	qmp_command(s->q, "one", NULL, on_reply, s);
	feed(s, GREETING);
	for (size_t n = 0; n <= QMP_MESSAGE_MAX && !qmp_broken(s->q); n += 65536)
		qmp_feed(s->q, piece, 65536);
	assert_non_null(qmp_broken(s->q));
	assert_true(str_starts(qmp_broken(s->q), "QMP: a message without end: xxx"));
	assert_true(strlen(qmp_broken(s->q)) < 200);
}

static void deep_nesting_breaks_the_stream(void **state)
{
	struct seen *s = *state;
	_cleanup_free_ char *piece = xmalloc(100000);

	memset(piece, '[', 99999);
	piece[99999] = '\n';
	feed(s, GREETING);
	qmp_feed(s->q, piece, 100000);
	assert_non_null(qmp_broken(s->q));
}

static void the_end_answers_commands_under_way(void **state)
{
	struct seen *s = *state;

	qmp_command(s->q, "one", NULL, on_reply_ask_again, s);
	qmp_command(s->q, "two", NULL, NULL, NULL);
	qmp_end(s->q, "gone");
	qmp_end(s->q, "gone again");
	assert_string_equal(buf_str(&s->log), "error gone;error gone;");
}

static void a_mute_client_calls_nobody(void **state)
{
	struct seen *s = *state;

	qmp_command(s->q, "one", NULL, on_reply_mute, s);
	qmp_command(s->q, "two", NULL, on_reply, s);
	feed(s, GREETING "{\"return\": {}, \"id\": 2}\n{\"return\": {}, \"id\": 3}\n"
			 "{\"event\": \"STOP\"}\n");
	qmp_end(s->q, "gone");
	assert_string_equal(buf_str(&s->log), "reply {};");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(nothing_is_sent_before_the_greeting),
		case_of(arguments_are_sent),
		cmocka_unit_test(every_split_of_a_stream_reads_the_same),
		case_of(single_bytes_read_the_same),
		cmocka_unit_test(what_is_no_qmp_breaks_the_stream),
		case_of(one_reply_is_not_taken_twice),
		case_of(a_message_without_end_breaks_the_stream),
		case_of(deep_nesting_breaks_the_stream),
		case_of(the_end_answers_commands_under_way),
		case_of(a_mute_client_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
