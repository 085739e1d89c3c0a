/* SPDX-License-Identifier: MIT */
/* One record as JSON: written, read back, and refused where it is damaged. */
#include "sample.h"

static char *written(const struct record *r)
{
	struct buf b = BUF_INIT;

	record_write(&b, r);
	return buf_detach(&b);
}

static void assert_round_trip(const struct record *r)
{
	_cleanup_free_ char *once = written(r), *twice = NULL;
	struct err e = ERR_INIT;
	struct record back;

	if (record_read(once, strlen(once), "x", 1, &back, &e) < 0)
		fail_msg("%s", err_text(&e));
	twice = written(&back);
	assert_string_equal(once, twice);
	record_release(&back);
}

static void fields_stand_in_a_fixed_order(void **state)
{
	struct record r = RECORD_INIT;
	_cleanup_free_ char *line = NULL;

	r.id = xstrdup("a");
	r.verdict = VERDICT_FAIL;
	r.has_exit = true;
	r.exit_code = 3;
	r.duration_ms = 0;
	line = written(&r);
	assert_string_equal(line,
		"{\"schema\":1,\"id\":\"a\",\"verdict\":\"fail\",\"ok\":false,\"exit_code\":3,\"duration_ms\":0,"
		"\"attempt\":1,\"stdout_bytes\":0,\"stderr_bytes\":0}\n");
	record_release(&r);
}

static void every_field_is_read_back(void **state)
{
	struct record r = RECORD_INIT;
	char **strings[] = { &r.id, &r.test, &r.kernel, &r.machine, &r.suite, &r.expected,
		&r.reason, &r.limit, &r.started, &r.release, &r.engine, &r.accel, &r.accel_why,
		&r.machine_type, &r.isolate, &r.isolate_why, &r.ended_by, &r.dir, &r.tail,
		&r.console_tail, &r.rerun };
	_cleanup_free_ char *line = NULL;
	struct record back;

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = xasprintf("text \"%zu\"\n\xc3\xa9", i);
	r.verdict = VERDICT_TIMEOUT;
	r.ok = r.has_exit = r.output_truncated = r.deterministic = true;
	r.exit_code = -1;
	r.signal = 9;
	r.duration_ms = 1;
	r.boot_ms = 2;
	r.test_ms = 3;
	r.cpus = 4;
	r.memory_mib = 5;
	r.attempt = 6;
	r.stdout_bytes = 7;
	r.stderr_bytes = INT64_MAX;
	r.leftover = 8;
	strv_add(&r.problems, "p");
	strv_add(&r.artifacts, "a/b");
	strv_add(&r.tags, "t");
	add_splat(&r, "title", "text");
	add_subtest(&r, "s", VERDICT_NONE, "why");
	record_add_step(&r, "engine", 1234);
	record_add_step(&r, "end", 56789);
	assert_round_trip(&r);
	line = written(&r);
	assert_int_equal(record_read(line, strlen(line), "x", 1, &back, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		size_t offset = (size_t)((char *)strings[i] - (char *)&r);

		assert_string_equal(*strings[i], *(char **)((char *)&back + offset));
	}
	assert_int_equal(back.verdict, VERDICT_TIMEOUT);
	assert_int_equal(back.n_steps, 2);
	assert_string_equal(back.steps[1].name, "end");
	assert_int_equal(back.steps[1].us, 56789);
	assert_true(back.ok && back.has_exit && back.output_truncated && back.deterministic);
	assert_int_equal(back.exit_code, -1);
	assert_int_equal(back.signal, 9);
	assert_int_equal(back.leftover, 8);
	assert_true(back.stderr_bytes == INT64_MAX);
	assert_int_equal(back.subtests[0].duration_ms, 7);
	record_release(&back);
	record_release(&r);
}

static void text_that_is_not_utf8_is_replaced(void **state)
{
	struct record r = RECORD_INIT;
	_cleanup_free_ char *line = NULL;

	r.id = xstrdup("a");
	r.reason = xstrdup("x\xff\xc3y");
	line = written(&r);
	assert_contains(line, "\"reason\":\"x\xef\xbf\xbd\xef\xbf\xbdy\"");
	assert_round_trip(&r);
	record_release(&r);
}

static void damaged_records_are_refused(void **state)
{
	static const struct {
		const char *json;
		int code;
		const char *says;
	} table[] = {
		{ "{", -EINVAL, "f, line 7" },
		{ "[]", -EINVAL, "f, line 7: not an object" },
		{ "{\"id\":\"a\",\"verdict\":\"pass\"}", -EINVAL, "\"schema\" is missing" },
		{ "{\"schema\":2,\"verdict\":8}", -EPROTONOSUPPORT, "schema 2" },
		{ "{\"schema\":1,\"verdict\":\"pass\"}", -EINVAL, "\"id\" is missing" },
		{ "{\"schema\":1,\"id\":\"a\"}", -EINVAL, "\"verdict\" is missing" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"passed\"}", -EINVAL,
			"\"passed\" is no verdict" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"ok\":1}", -EINVAL, "ok" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"exit_code\":4294967296}",
			-ERANGE, "exit_code" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"subtests\":{}}", -EINVAL,
			"subtests" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"subtests\":[{\"name\":\"x\"},3]}",
			-EINVAL, "verdict" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"splats\":[3]}", -EINVAL,
			"splat" },
		{ "{\"schema\":1,\"id\":\"a\",\"verdict\":\"pass\",\"tags\":[3]}", -EINVAL,
			"tags" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err e = ERR_INIT;
		struct record r;

		assert_int_equal(record_read(table[i].json, strlen(table[i].json), "f", 7, &r, &e),
			table[i].code);
		assert_contains(err_text(&e), table[i].says);
		err_release(&e);
	}
}

static void unknown_fields_are_passed_over(void **state)
{
	static const char json[] =
		"{\"schema\":1,\"id\":\"a\",\"verdict\":\"skip\",\"new\":{\"x\":[1]}}";
	struct record r;

	assert_int_equal(record_read(json, strlen(json), "f", 1, &r, NULL), 0);
	assert_int_equal(r.verdict, VERDICT_SKIP);
	assert_false(r.ok);
	assert_int_equal(r.duration_ms, -1);
	assert_int_equal(r.attempt, 1);
	record_release(&r);
}

static void names_and_values_agree(void **state)
{
	enum protocol p;

	for (int v = VERDICT_NONE; v <= VERDICT_INFRA; v++)
		assert_int_equal(verdict_parse(verdict_name((enum verdict)v)), v);
	assert_int_equal(verdict_parse("Pass"), VERDICT_NONE);
	for (int i = PROTOCOL_EXIT; i <= PROTOCOL_AUTOMAKE; i++) {
		assert_int_equal(protocol_parse(protocol_name((enum protocol)i), &p), 0);
		assert_int_equal(p, i);
	}
	assert_int_equal(protocol_parse("xml", &p), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_stand_in_a_fixed_order),
		cmocka_unit_test(every_field_is_read_back),
		cmocka_unit_test(text_that_is_not_utf8_is_replaced),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(unknown_fields_are_passed_over),
		cmocka_unit_test(names_and_values_agree),
	};

	return cmocka_run_group_tests_name("results/record", tests, NULL, NULL);
}
