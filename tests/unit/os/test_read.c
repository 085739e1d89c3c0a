/* SPDX-License-Identifier: MIT */
/* What a suite file may say of a system, and that mistakes are told with their place. */
#include "harness.h"

typedef int (*reader)(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field);

/* Reads TEXT by READ into FIELD; the message is the caller's, NULL where all is well. */
static char *read_text(reader read, const char *text, void *field)
{
	static const struct yaml_key key = { "key", NULL };
	struct err e = ERR_INIT;
	struct yaml_reader l = { .e = &e };
	char *ret = NULL;

	assert_int_equal(yaml_parse("f.yaml", text, strlen(text), &l.y, &e), 0);
	if (read(&l, &key, l.y.root, field) < 0)
		ret = xstrdup(err_text(&e));
	err_release(&e);
	yaml_release(&l.y);
	return ret;
}

static void assert_mistake(reader read, const char *text, const char *message)
{
	struct os_steps steps = { 0 };
	struct os_grammar grammar = { 0 };
	struct os_exit_port port = { 0 };
	struct os_shutdown shutdown = { 0 };
	void *field = read == os_read_steps      ? (void *)&steps
		      : read == os_read_grammar  ? (void *)&grammar
		      : read == os_read_shutdown ? (void *)&shutdown
						 : (void *)&port;
	_cleanup_free_ char *said = read_text(read, text, field);

	if (!said || !strstr(said, message))
		fail_msg("%s: said \"%s\", not \"%s\"", text, said ? said : "nothing", message);
	os_steps_release(&steps);
	os_grammar_release(&grammar);
}

static void steps_are_read_in_their_order(void **state)
{
	struct os_steps s = { 0 };

	assert_null(read_text(os_read_steps,
		"- { expect: 'a.c', timeout: 2s, serial: 1 }\n"
		"- login: root\n"
		"- login: { user: ci, password: x, prompt: '>$' }\n"
		"- qmp: { execute: send-key, arguments: { keys: [{ type: qcode, data: ret }], hold-time: 5, x: true } }\n"
		"- ends: any\n",
		&s));
	assert_int_equal(s.n, 5);
	assert_string_equal(s.v[0]->kind->name, "expect");
	assert_int_equal(s.v[0]->timeout_ms, 2000);
	assert_string_equal(s.v[1]->user, "root");
	assert_string_equal(s.v[2]->prompt, ">$");
	assert_int_equal(json_integer_value(json_object_get(s.v[3]->arguments, "hold-time")), 5);
	assert_true(json_is_true(json_object_get(s.v[3]->arguments, "x")));
	assert_int_equal(os_steps_serial(&s), 1);
	os_steps_release(&s);
}

static void mistakes_in_steps_have_their_place(void **state)
{
	assert_mistake(os_read_steps, "[]", "f.yaml:1:1: 'key': expected a list of steps");
	assert_mistake(os_read_steps, "- expect: ok\n- expct: x\n",
		"f.yaml:2:3: unknown key 'expct' in a step; did you mean 'expect'?");
	assert_mistake(os_read_steps, "- expect: '('\n",
		"f.yaml:1:11: 'expect': pattern '(' is wrong at character 2");
	assert_mistake(os_read_steps, "- { expect: a, send: b }\n",
		"a step does one thing: this one has 'expect' and 'send'");
	assert_mistake(os_read_steps, "- { timeout: 3s }\n",
		"the step says nothing to do; expected one of expect, send");
	assert_mistake(os_read_steps, "- power: off\n", "'power': expected 'button' or 'reset'");
	assert_mistake(os_read_steps, "- login: { password: x }\n", "'login' lacks the key 'user'");
	assert_mistake(os_read_steps, "- { expect: a, serial: 4 }\n", "a whole number from 0 to 3");
}

static void exit_values_are_those_that_can_be_told_apart(void **state)
{
	struct os_exit_port p = { 0 };

	assert_null(read_text(os_read_exit_port, "{ pass: [0x10, 18], fail: 0x11 }", &p));
	assert_int_equal(p.port, 0xf4);
	assert_int_equal(p.n_pass, 2);
	assert_int_equal(p.pass[1], 18);
	assert_int_equal(p.fail[0], 0x11);
	assert_mistake(os_read_exit_port, "{ pass: 0 }", "from 1 to 0x7f");
	assert_mistake(os_read_exit_port, "{ pass: 0x90 }", "from 1 to 0x7f");
	assert_mistake(os_read_exit_port, "{ pass: yes }", "from 1 to 0x7f");
	assert_mistake(os_read_exit_port, "{ pass: 1, fail: [2, 1] }",
		"0x01 cannot mean both pass and fail");
	assert_mistake(os_read_exit_port, "{ fail: 1 }", "lacks the key 'pass'");
	assert_mistake(os_read_exit_port, "{ pass: 1, port: 0x10000 }", "an I/O port");
}

static void grammar_and_shutdown_are_checked(void **state)
{
	struct os_shutdown s = OS_SHUTDOWN_DEFAULT;

	assert_null(read_text(os_read_shutdown, "{ acpi: 30s, term: none }", &s));
	assert_int_equal(s.button_ms, 30000);
	assert_int_equal(s.quit_ms, 5000);
	assert_int_equal(s.term_ms, 0);
	assert_mistake(os_read_shutdown, "{ acpi: soon }", "f.yaml:1:9");
	assert_mistake(os_read_grammar, "{ panic: '[' }", "'panic': pattern '[' is wrong");
	assert_mistake(os_read_grammar, "{ passes: x }", "did you mean 'pass'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_read_in_their_order),
		cmocka_unit_test(mistakes_in_steps_have_their_place),
		cmocka_unit_test(exit_values_are_those_that_can_be_told_apart),
		cmocka_unit_test(grammar_and_shutdown_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
