/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* ---- what is right ---- */

static void minimal_file_gets_every_default(void **state)
{
	struct suite *s = suite_of("tests: [{name: a, run: 'true'}]\n");
	const struct suite_test *t = &s->tests[0];

	assert_int_equal(s->n_tests, 1);
	assert_int_equal(s->n_kernels, 1);
	assert_int_equal(s->n_machines, 1);
	assert_string_equal(s->name, path_base(*state));
	assert_string_equal(s->kernels[0].name, "default");
	assert_null(s->kernels[0].spec);
	assert_null(s->root);
	assert_int_equal(s->boot_ms, 120000);
	assert_int_equal(s->idle_ms, 0);
	assert_int_equal(t->timeout_ms, 60000);
	assert_int_equal(t->protocol, PROTOCOL_EXIT);
	assert_int_equal(t->expect, EXPECT_PASS);
	assert_int_equal(t->fail_on, SPLAT_STALL);
	assert_string_equal(t->cwd, *state);
	assert_null(t->user);
	assert_int_equal(t->run.n, 3);
	assert_string_equal(t->run.v[0], "sh");
	assert_string_equal(t->run.v[2], "true");
	suite_free(s);
}

static void tests_take_over_the_defaults_and_may_differ(void **state)
{
	struct suite *s = suite_of(
		"defaults: { timeout: 5s, protocol: tap, env: {A: b, C: d}, user: nobody,\n"
		"  fail_on: warn, tags: [x], cpus: 2, memory: 1G, boot_timeout: 9s,\n"
		"  idle_timeout: 3s, total_timeout: 1m, setup: prepare, cwd: sub }\n"
		"tests:\n"
		"  - { name: a, run: [x, 'y z'] }\n"
		"  - { name: b, run: x, timeout: 1m, protocol: ktap, env: {A: e}, user: root,\n"
		"      tags: y, cwd: /tmp, needs: {cpus: 4, config: CONFIG_SMP} }\n");
	const struct suite_test *a = &s->tests[0], *b = &s->tests[1];

	assert_int_equal(a->timeout_ms, 5000);
	assert_int_equal(a->protocol, PROTOCOL_TAP);
	assert_int_equal(a->env.n, 2);
	assert_string_equal(a->user, "nobody");
	assert_int_equal(a->fail_on, SPLAT_WARN);
	assert_true(strv_has(&a->tags, "x"));
	assert_int_equal(a->run.n, 2);
	assert_string_equal(a->setup.v[2], "prepare");
	assert_true(str_ends(a->cwd, "/sub"));
	assert_int_equal(b->timeout_ms, 60000);
	assert_int_equal(b->protocol, PROTOCOL_KTAP);
	assert_true(strv_has(&b->env, "A=e"));
	assert_true(strv_has(&b->env, "C=d"));
	assert_null(b->user);
	assert_false(strv_has(&b->tags, "x"));
	assert_string_equal(b->cwd, "/tmp");
	assert_int_equal(b->needs_cpus, 4);
	assert_int_equal(b->line, 6);
	assert_int_equal(s->machines[0].cpus, 2);
	assert_int_equal(s->machines[0].memory_mib, 1024);
	assert_int_equal(s->boot_ms, 9000);
	assert_int_equal(s->idle_ms, 3000);
	assert_int_equal(s->total_ms, 60000);
	suite_free(s);
}

static void files_to_put_are_meant_from_the_suites_folder(void **state)
{
	_cleanup_free_ char *f = path_join(*state, "f"), *g = path_join(*state, "sub/g");
	struct suite *s =
		suite_of("defaults: {put: [f, sub/g]}\n"
			 "tests: [{name: a, run: [x]}, {name: b, run: [x], put: /h, cwd: /tmp}]\n");

	assert_int_equal(s->tests[0].put.n, 2);
	assert_string_equal(s->tests[0].put.v[0], f);
	assert_string_equal(s->tests[0].put.v[1], g);
	assert_int_equal(s->tests[1].put.n, 1);
	assert_string_equal(s->tests[1].put.v[0], "/h");
	suite_free(s);
}

static void machines_and_kernels_are_read(void **state)
{
	struct suite *s = suite_of(
		"kernels: [debian:6.1, {name: mine, kernel: ../linux}]\n"
		"machines:\n"
		"  - { name: small, arch: arm64 }\n"
		"  - { name: big, cpus: 8, memory: 2G, type: q35, accel: tcg, cmdline: quiet,\n"
		"      qemu_args: [-device, pvpanic] }\n"
		"tests: [{name: a, run: x, machines: big, kernels: [mine]}]\n");

	assert_string_equal(s->kernels[0].name, "debian:6.1");
	assert_string_equal(s->kernels[0].spec, "debian:6.1");
	assert_string_equal(s->kernels[1].name, "mine");
	assert_string_equal(s->kernels[1].spec, "../linux");
	assert_string_equal(s->machines[0].arch, "arm64");
	assert_null(s->machines[1].arch);
	assert_int_equal(s->machines[0].cpus, 0);
	assert_int_equal(s->machines[1].cpus, 8);
	assert_int_equal(s->machines[1].type, MACHINE_Q35);
	assert_int_equal(s->machines[1].accel, ACCEL_TCG);
	assert_int_equal(s->machines[1].qemu_args.n, 2);
	suite_free(s);
}

static void aliases_and_merge_keys_share_values(void **state)
{
	struct suite *s = suite_of("tests:\n"
				   "  - &base { name: a, run: &cmd [x, y], timeout: 7s }\n"
				   "  - { <<: *base, name: b }\n"
				   "  - { name: c, run: *cmd }\n");

	assert_int_equal(s->tests[1].timeout_ms, 7000);
	assert_string_equal(s->tests[1].name, "b");
	assert_string_equal(s->tests[2].run.v[1], "y");
	suite_free(s);
}

static void root_of_its_own_moves_the_working_folder_to_its_top(void **state)
{
	struct suite *s = suite_of("defaults: {root: none}\ntests: [{name: a, run: x}]\n");

	assert_string_equal(s->root, "none");
	assert_string_equal(s->tests[0].cwd, "/");
	suite_free(s);
}

/* ---- what is wrong, and where ---- */

static const struct fault {
	const char *text, *place, *message;
} faults[] = {
	{ "", "1:1", "the file is empty" },
	{ "# nothing\n", "1:1", "the file is empty" },
	{ "[1]", "1:1", "expected a mapping (key: value), found a list" },
	{ "name: x\n", "1:1", "lacks the key 'tests'" },
	{ "tests: []\n", "1:8", "the list is empty" },
	{ "tests: {a: b}\n", "1:8", "'tests': expected a list, found a mapping" },
	{ "tests:\n  - name: a\n    rum: b\n", "3:5",
		"unknown key 'rum' in a test; did you mean 'run'?" },
	{ "machines: [{name: a, arch: vax}]\ntests: [{name: a, run: b}]\n", "1:12",
		"arch 'vax' is neither x86_64 nor aarch64" },
	{ "tests: [{name: a}]\n", "1:9", "a test lacks the key 'run'" },
	{ "tests: [{name: [a], run: b}]\n", "1:16", "'name': expected a name, found a list" },
	{ "tests: [{name: '', run: b}]\n", "1:16", "expected a name of 1 to 200 bytes" },
	{ "tests: [{name: a, run: [a, [b]]}]\n", "1:28", "'run': expected a text, found a list" },
	{ "tests: [{name: a, run: []}]\n", "1:24", "'run': expected a command" },
	{ "tests: [{name: a, run: b, timeout: soon}]\n", "1:36", "'timeout': " },
	{ "tests: [{name: a, run: b, timeout: [1]}]\n", "1:36", "expected a duration such as 30s" },
	{ "tests: [{name: a, run: b, expect: pas}]\n", "1:35",
		"expected pass, fail, crash or timeout, found 'pas'" },
	{ "tests: [{name: a, run: b, protocol: xml}]\n", "1:37", "expected exit, tap, ktap" },
	{ "tests: [{name: a, run: b, fail_on: none}]\n", "1:36", "expected warn, stall" },
	{ "tests: [{name: a, run: b, env: [A=b]}]\n", "1:32", "expected a mapping of NAME: value" },
	{ "tests: [{name: a, run: b, env: {1A: b}}]\n", "1:33", "expected a name of letters" },
	{ "tests: [{name: a, run: b, needs: {cpu: 2}}]\n", "1:35",
		"in 'needs'; did you mean 'cpus'?" },
	{ "tests: [{name: a, run: b, needs: {cpus: 0}}]\n", "1:41",
		"expected a whole number from 1 to 1024" },
	{ "tests: [{name: a, run: b, needs: {config: [FOO]}}]\n", "1:44",
		"expected an option as CONFIG_NAME" },
	{ "tests: [{name: a, run: b, put: {f: g}}]\n", "1:32",
		"'put': expected a list of texts, found a mapping" },
	{ "tests: [{name: a, run: b, put: [f, [g]]}]\n", "1:36",
		"'put': expected a text, found a list" },
	{ "tests: [{name: a, run: b, put: [f, '']}]\n", "1:36",
		"'put': expected the path of a file" },
	{ "tests: [{name: a, run: b, put: dir/}]\n", "1:32",
		"expected the path of a file, found 'dir/'" },
	{ "tests: [{name: a, run: b, deterministic: very}]\n", "1:42",
		"'deterministic': expected" },
	{ "defaults: {deterministic: true}\ntests: [{name: a, run: b, isolate: shared}]\n", "2:9",
		"test 'a': only clones can be 'deterministic', and its 'isolate' is shared" },
	{ "tests: [{name: a, steps: [{expect: x}], deterministic: true}]\n", "1:9",
		"test 'a': 'deterministic' needs our agent" },
	{ "defaults: {put: f, root: /srv}\ntests: [{name: a, run: b}]\n", "2:9",
		"test 'a': 'put' is for guests without a root, and this suite's is /srv" },
	{ "tests: [{name: a, run: b, machines: [m]}]\n", "1:9", "'machines' has no 'm'" },
	{ "tests: [{name: a, run: b, kernels: [k]}]\n", "1:9", "'kernels' has no 'k'" },
	{ "tests:\n  - {name: a, run: b}\n  - {name: a, run: c}\n", "3:5",
		"duplicate name: a test 'a' already stands in line 2" },
	{ "tests: [{name: a, run: b}]\ntests: [{name: c, run: d}]\n", "2:1",
		"duplicate key 'tests': it already stands in line 1" },
	{ "machines: [{name: m}, {name: m}]\ntests: [{name: a, run: b}]\n", "1:23",
		"two machines are named 'm'" },
	{ "machines: [{name: m, cpus: two}]\ntests: [{name: a, run: b}]\n", "1:28", "found 'two'" },
	{ "machines: [{name: m, memory: much}]\ntests: [{name: a, run: b}]\n", "1:30",
		"'memory': " },
	{ "kernels: [x, x]\ntests: [{name: a, run: b}]\n", "1:14", "two kernels are named 'x'" },
	{ "defaults: {timeouts: 3}\ntests: [{name: a, run: b}]\n", "1:12",
		"did you mean 'timeout'?" },
	{ "tests:\n\t- name: a\n", "2:1", "tab" },
	{ "tests: [{name: a, run: b}\nx: y\n", "2:1", "wrongly indented flow sequence" },
	{ "tests: &x [*x]\n", "1:12", "cycle: alias *x stands inside what it names (line 1)" },
	{ "tests: *nowhere\n", "1:8", "alias *nowhere has no anchor" },
	{ "tests: !include x\n", "1:8", "tags ('!name') have no meaning here" },
	{ "tests: [{name: a, run: b}]\n---\nx: y\n", "2:1", "a second document begins here" },
	{ "? [a]\n: b\n", "1:3", "expected a key, found a list" },
	{ "name: caf\xe9\n", "1:10", "not UTF-8" },
	{ "name: a\x01\n", "1:8", "control byte" },
};

static void each_fault_is_told_with_its_exact_place(void **state)
{
	_cleanup_free_ char *file = path_join(*state, "vmrig.yaml");

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_free_ char *start = xasprintf("%s:%s: ", file, faults[i].place);
		struct suite *s = NULL;
		struct err e = ERR_INIT;

		put_file(file, faults[i].text);
		assert_int_equal(suite_load(file, &s, &e), -EINVAL);
		if (!str_starts(err_text(&e), start) || !strstr(err_text(&e), faults[i].message))
			fail_msg("for\n%s\nexpected: %s...%s\ngot: %s", faults[i].text, start,
				faults[i].message, err_text(&e));
		err_release(&e);
	}
}

/* ---- files that mean harm ---- */

static void expect_refused(const char *text, size_t len, const char *message)
{
	struct suite *s = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(file_write_atomic("vmrig.yaml", text, len, 0644, NULL), 0);
	assert_true(suite_load("vmrig.yaml", &s, &e) < 0);
	if (!strstr(err_text(&e), message))
		fail_msg("expected: %s\ngot: %s", message, err_text(&e));
	err_release(&e);
}

static void repeat(const char *unit, size_t bytes, const char *message)
{
	struct buf b = BUF_INIT;

	while (b.len < bytes)
		buf_adds(&b, unit);
	expect_refused(b.data, b.len, message);
	buf_release(&b);
}

static void megabytes_of_junk_are_refused_with_a_place(void **state)
{
	struct buf b = BUF_INIT;
	uint32_t x = 1;

	while (b.len < 10u << 20) {
		x = x * 1664525 + 1013904223;
		buf_add(&b, &x, sizeof(x));
	}
	expect_refused(b.data, b.len, "vmrig.yaml:1:");
	buf_release(&b);
	repeat("k: v\n", 10u << 20, "too many values");
	repeat("- ", 10u << 20, "too long");
	repeat("- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -\n", 1u << 20,
		"nested too deeply");
	repeat("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", 1u << 20, "nested too deeply");
	repeat("a", 17u << 20, "vmrig.yaml");
}

static void aliases_cannot_multiply_without_bound(void **state)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "defaults: {tags: &a [");
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, "x,");
	buf_adds(&b, "]}\ntests:\n");
	for (int i = 0; i < 2000; i++)
		buf_addf(&b, "- {name: t%d, run: x, tags: *a}\n", i);
	expect_refused(b.data, b.len, "aliases make more than");
	buf_release(&b);
}

/* ---- finding it ---- */

static void suite_is_found_upwards_in_a_folder_or_by_name(void **state)
{
	_cleanup_free_ char *want = path_join(*state, "vmrig.yaml");
	_cleanup_free_ char *deep = path_join(*state, "a/b");
	char *got = NULL;

	put_file("vmrig.yaml", "");
	assert_int_equal(dir_make(deep, 0755, NULL), 0);
	assert_int_equal(suite_find(NULL, deep, &got, NULL), 0);
	assert_string_equal(got, want);
	free(got);
	assert_int_equal(suite_find("../..", deep, &got, NULL), 0);
	assert_string_equal(got, want);
	free(got);
	assert_int_equal(suite_find("vmrig.yaml", NULL, &got, NULL), 0);
	assert_string_equal(got, want);
	free(got);
	assert_int_equal(suite_find("a", NULL, &got, NULL), -ENOENT);
	assert_int_equal(suite_find("nothing", NULL, &got, NULL), -ENOENT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(minimal_file_gets_every_default),
		CASE(tests_take_over_the_defaults_and_may_differ),
		CASE(files_to_put_are_meant_from_the_suites_folder),
		CASE(machines_and_kernels_are_read),
		CASE(aliases_and_merge_keys_share_values),
		CASE(root_of_its_own_moves_the_working_folder_to_its_top),
		CASE(each_fault_is_told_with_its_exact_place),
		CASE(megabytes_of_junk_are_refused_with_a_place),
		CASE(aliases_cannot_multiply_without_bound),
		CASE(suite_is_found_upwards_in_a_folder_or_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
