/* SPDX-License-Identifier: MIT */
#include "run_harness.h"

#include "base/json.h"

/* An architecture that is not this machine's. */
#ifdef __aarch64__
#define OTHER "x86_64"
#else
#define OTHER "aarch64"
#endif

static void passing_suite_exits_with_0_and_leaves_every_report(void **state)
{
	static const char *const files[] = { "run.json", "results.jsonl", "junit.xml",
		"results.tap", "summary.txt", "cases/a/console.log", "cases/a/kernel.log",
		"cases/a/stdout", "cases/a/stderr" };
	_cleanup_outcome_ struct outcome o =
		run("tests: [{name: a, run: [x, out=hello, err=world]}]\n");
	_cleanup_free_ char *text = get_file("out/cases/a/stdout");
	const struct record *rec = record_at(&o, "a");

	assert_int_equal(o.code, 0);
	assert_string_equal(o.error, "");
	expect_verdict(&o, "a", VERDICT_PASS, true);
	assert_string_equal(text, "hello\n");
	assert_string_equal(rec->tail, "hello\nworld\n");
	assert_string_equal(rec->dir, "cases/a");
	assert_string_equal(rec->release, "6.1.0-fake");
	assert_string_equal(rec->rerun, "vmrig test --filter a");
	assert_int_equal(rec->stdout_bytes, 6);
	assert_non_null(strstr(o.err, "1/1 a"));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join("out", files[i]);

		if (!file_exists(path))
			fail_msg("no %s", path);
	}
}

static void failure_exits_with_1_and_keeps_its_last_words(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("tests: [{name: good, run: [x]}, {name: bad, run: [x, out=why, exit=3]}]\n");
	const struct record *rec = record_at(&o, "bad");

	assert_int_equal(o.code, 1);
	expect_verdict(&o, "good", VERDICT_PASS, true);
	expect_verdict(&o, "bad", VERDICT_FAIL, false);
	assert_int_equal(rec->exit_code, 3);
	assert_non_null(strstr(o.out, "why"));
	assert_non_null(strstr(o.out, "vmrig test --filter bad"));
}

static void shared_cases_run_one_after_another_in_one_guest(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with("defaults: {isolate: shared}\n"
						      "tests:\n"
						      "- {name: a, run: [x, out=a]}\n"
						      "- {name: b, run: [x, out=b, exit=3]}\n"
						      "- {name: own, run: [x], isolate: boot}\n"
						      "- {name: c, run: [x, out=c]}\n",
		(struct run_options){ .jobs = 4 });

	assert_int_equal(fake.started, 2);
	assert_int_equal(fake.reused, 2);
	assert_true(fake.most_running <= 2);
	expect_verdict(&o, "a", VERDICT_PASS, true);
	expect_verdict(&o, "b", VERDICT_FAIL, false);
	expect_verdict(&o, "c", VERDICT_PASS, true);
	assert_string_equal(record_at(&o, "a")->isolate, "shared");
	assert_string_equal(record_at(&o, "own")->isolate, "boot");
	assert_string_equal(record_at(&o, "b")->tail, "b\n");
	assert_string_equal(record_at(&o, "c")->tail, "c\n");
}

static void a_crash_gives_the_next_shared_case_a_fresh_guest(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("defaults: {isolate: shared}\n"
		    "tests: [{name: a, run: [x]}, {name: b, run: [panic]},\n"
		    "  {name: c, run: [x]}, {name: d, run: [x]}]\n");

	assert_int_equal(fake.started, 2);
	assert_int_equal(fake.reused, 2);
	expect_verdict(&o, "b", VERDICT_CRASH, false);
	expect_verdict(&o, "c", VERDICT_PASS, true);
	expect_verdict(&o, "d", VERDICT_PASS, true);
}

/* N cases of one plan, side by side, where clones can be copied as P says. */
static struct outcome run_pool(struct fake_pool p, size_t n, struct run_options o)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct outcome ret;

	buf_adds(&b, "tests:\n");
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "- {name: t%zu, run: [x, out=t%zu]}\n", i, i);
	buf_adds(&b, "- {name: own, run: [x], isolate: boot}\n");
	o.jobs = 2;
	fake_pool = p;
	ret = run_with(b.data, o);
	fake_pool = (struct fake_pool){ 0 };
	assert_int_equal(ret.code, 0);
	assert_int_equal(ret.records.n, n + 1);
	assert_int_equal(fake.parked, 0);
	return ret;
}

static void clones_are_copied_once_one_has_shown_that_they_can_be(void **state)
{
	const struct fake_pool can = { .can_park = true };
	_cleanup_outcome_ struct outcome o = run_pool(can, 8, (struct run_options){ 0 });

	assert_int_equal(fake.parks, 1);
	/* Those that had begun before are no copies, nor is the one that wants a boot. */
	assert_int_equal(fake.copies, 6);
	assert_string_equal(record_at(&o, "own")->isolate, "boot");
	assert_string_equal(record_at(&o, "t7")->isolate, "clone");
}

static void expect_no_copies(struct fake_pool p, size_t n, bool no_pool, size_t parks)
{
	_cleanup_outcome_ struct outcome o =
		run_pool(p, n, (struct run_options){ .no_pool = no_pool });

	assert_string_equal(record_at(&o, "t0")->isolate, "clone");
	assert_int_equal(fake.parks, parks);
	assert_int_equal(fake.copies, 0);
}

static void a_few_clones_are_not_worth_a_guest_to_copy(void **state)
{
	expect_no_copies((struct fake_pool){ .can_park = true }, 4, false, 0);
}

static void without_a_pool_no_clone_is_a_copy(void **state)
{
	expect_no_copies((struct fake_pool){ .can_park = true }, 8, true, 0);
}

static void where_the_guest_to_copy_does_not_come_to_be_it_is_tried_once(void **state)
{
	expect_no_copies((struct fake_pool){ .can_park = true, .park_fails = true }, 8, false, 1);
}

static void one_that_died_is_thrown_away(void **state)
{
	expect_no_copies((struct fake_pool){ .can_park = true, .parked_died = true }, 8, false, 1);
}

static void clones_that_are_to_be_alike_are_no_copies_and_have_a_plan_of_their_own(void **state)
{
	const char *text = "tests:\n"
			   "- {name: a, run: [x], deterministic: true}\n"
			   "- {name: b, run: [x], deterministic: true}\n"
			   "- {name: c, run: [x], deterministic: true}\n"
			   "- {name: d, run: [x], deterministic: true}\n"
			   "- {name: e, run: [x], deterministic: true}\n"
			   "- {name: own, run: [x]}\n";

	fake_pool = (struct fake_pool){ .can_park = true };
	_cleanup_outcome_ struct outcome o = run_with(text, (struct run_options){ .jobs = 1 });
	fake_pool = (struct fake_pool){ 0 };
	assert_int_equal(o.code, 0);
	assert_int_equal(fake.parks, 0);
	assert_int_equal(fake.prepared, 2);
	assert_true(record_at(&o, "e")->deterministic);
	assert_false(record_at(&o, "own")->deterministic);
}

static void jobs_that_end_in_any_order_each_get_one_record(void **state)
{
	struct buf b = BUF_INIT;
	unsigned x = 7;

	buf_adds(&b, "tests:\n");
	for (int i = 0; i < 60; i++) {
		x = x * 1103515245 + 12345;
		buf_addf(&b, "- {name: t%d, run: [x, after=%u, exit=%d, out=t%d]}\n", i,
			x / 65536 % 20, i % 5 == 4, i);
	}
	_cleanup_outcome_ struct outcome o = run_with(b.data, (struct run_options){ .jobs = 7 });
	assert_int_equal(o.code, 1);
	assert_int_equal(o.records.n, 60);
	assert_int_equal(fake.started, 60);
	assert_int_equal(fake.most_running, 7);
	assert_int_equal(fake.resolved, 1);
	assert_int_equal(fake.prepared, 1);
	for (int i = 0; i < 60; i++) {
		_cleanup_free_ char *id = xasprintf("t%d", i), *tail = xasprintf("t%d\n", i);

		expect_verdict(&o, id, i % 5 == 4 ? VERDICT_FAIL : VERDICT_PASS, i % 5 != 4);
		assert_string_equal(record_at(&o, id)->tail, tail);
	}
	buf_release(&b);
}

static void one_job_means_one_guest_at_a_time(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run_with("tests: [{name: a, run: [x]}, {name: b, run: [x]}]\n",
			(struct run_options){ .jobs = 1 });

	assert_int_equal(o.code, 0);
	assert_int_equal(fake.most_running, 1);
}

static void memory_of_the_host_bounds_the_guests(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with(
		"machines: [{name: huge, memory: 15T}]\ntests: [{name: a, run: [x]}, {name: b, run: [x]}]\n",
		(struct run_options){ .jobs = 2 });

	assert_int_equal(o.code, 0);
	assert_int_equal(fake.most_running, 1);
}

static void kernel_that_cannot_be_had_is_infra_for_its_cases_alone(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("kernels: [good, missing, unbootable]\n"
		    "tests: [{name: a, run: [x]}, {name: b, run: [x]}]\n");

	assert_int_equal(o.code, EXIT_INFRA);
	assert_int_equal(o.records.n, 6);
	expect_verdict(&o, "a@good", VERDICT_PASS, true);
	expect_verdict(&o, "b@missing", VERDICT_INFRA, false);
	expect_verdict(&o, "a@unbootable", VERDICT_INFRA, false);
	assert_string_equal(record_at(&o, "a@missing")->reason, "no kernel 'missing'. Fetch it.");
	assert_non_null(strstr(record_at(&o, "b@unbootable")->reason, "CONFIG_VIRTIO"));
	assert_int_equal(fake.resolved, 3);
	assert_int_equal(fake.prepared, 2);
}

static void kernel_is_resolved_for_each_architecture_of_the_machines(void **state)
{
	_cleanup_outcome_ struct outcome o = run(
		"machines: [{name: a, arch: x86_64}, {name: b, arch: amd64}, {name: c, arch: aarch64}]\n"
		"tests: [{name: t, run: [x]}, {name: u, run: [x]}]\n");

	assert_int_equal(o.code, 0);
	assert_int_equal(o.records.n, 6);
	assert_int_equal(fake.resolved, 2);
	assert_int_equal(fake.prepared, 3);
}

static void guest_that_does_not_start_is_infra(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("tests: [{name: a, run: [nostart]}, {name: b, run: [x]}]\n");

	assert_int_equal(o.code, EXIT_INFRA);
	expect_verdict(&o, "a", VERDICT_INFRA, false);
	expect_verdict(&o, "b", VERDICT_PASS, true);
}

static void what_the_kernel_or_the_host_lacks_skips_and_is_named(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("kernels: [full, bare, unknown]\n"
		    "tests:\n"
		    "  - {name: c, run: [x], needs: {config: [CONFIG_NEEDED, CONFIG_HZ=250]}}\n"
		    "  - {name: v, run: [x], needs: {config: CONFIG_NEEDED=y}}\n"
		    "  - {name: f, run: [x], needs: {files: [vmrig.yaml, /nowhere/at/all]}}\n"
		    "  - {name: g, run: [x], needs: {files: vmrig.yaml}}\n");

	assert_int_equal(o.code, 0);
	expect_verdict(&o, "c@full", VERDICT_PASS, true);
	expect_verdict(&o, "c@bare", VERDICT_SKIP, true);
	assert_string_equal(
		record_at(&o, "c@bare")->reason, "needs CONFIG_NEEDED, which kernel bare lacks");
	expect_verdict(&o, "c@unknown", VERDICT_PASS, true);
	assert_string_equal(
		record_at(&o, "v@full")->reason, "needs CONFIG_NEEDED=y, which kernel full lacks");
	assert_string_equal(
		record_at(&o, "f@full")->reason, "needs file /nowhere/at/all, which is not there");
	expect_verdict(&o, "g@bare", VERDICT_PASS, true);
}

static void guest_without_a_root_gets_what_its_machines_tests_name(void **state)
{
	put_file("data", "");
	put_file("more", "");
	_cleanup_outcome_ struct outcome o = run(
		"machines: [{name: pc}, {name: other, arch: " OTHER "}]\n"
		"tests:\n"
		"  - {name: a, run: [./x], put: [data, more], machines: [other]}\n"
		"  - {name: b, run: [./x], put: data, setup: [./y], machines: [other]}\n"
		"  - {name: c, run: [./z], put: no-such, needs: {files: no-such}, machines: [other]}\n"
		"  - {name: d, run: [./w], put: data, machines: [pc]}\n");

	assert_int_equal(o.code, 0);
	assert_int_equal(fake.prepared, 2);
	/* Those of a test that is skipped are not asked for; a guest with this machine's root has them all. */
	assert_string_equal(fake.wanted, " x y +data +more");
	expect_verdict(&o, "c@other", VERDICT_SKIP, true);
	expect_verdict(&o, "d@pc", VERDICT_PASS, true);
}

static void what_cannot_run_without_a_root_is_told_before_booting(void **state)
{
	put_file("data", "");
	_cleanup_outcome_ struct outcome o = run("machines: [{name: other, arch: " OTHER "}]\n"
						 "tests:\n"
						 "  - {name: a, run: [x]}\n"
						 "  - {name: b, run: echo hello}\n"
						 "  - {name: c, run: [x], teardown: rm x}\n"
						 "  - {name: d, run: [x], put: [data, nothing]}\n"
						 "  - {name: e, run: [x], put: .}\n");

	assert_int_equal(o.code, 125);
	assert_int_equal(fake.started, 1);
	expect_verdict(&o, "a", VERDICT_PASS, true);
	expect_verdict(&o, "b", VERDICT_INFRA, false);
	assert_non_null(strstr(record_at(&o, "b")->reason,
		"vmrig.yaml:4: 'run' of test 'b' is a text, which sh would run, and a guest of " OTHER
		" without a root has no sh"));
	assert_non_null(strstr(record_at(&o, "c")->reason, "'teardown' of test 'c'"));
	assert_non_null(
		strstr(record_at(&o, "d")->reason, "/nothing into the guest: No such file"));
	assert_non_null(strstr(record_at(&o, "e")->reason, "no regular file"));
}

static void case_that_needs_cpus_gets_a_guest_of_its_own(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with(
		"tests: [{name: a, run: [x]}, {name: b, run: [x]}, {name: c, run: [x], needs: {cpus: 3}}]\n",
		(struct run_options){ .jobs = 1 });

	assert_int_equal(o.code, 0);
	assert_int_equal(fake.prepared, 2);
	assert_int_equal(fake.last_cpus, 3);
	assert_int_equal(record_at(&o, "c")->cpus, 3);
}

static void setup_and_teardown_frame_the_test(void **state)
{
	_cleanup_outcome_ struct outcome o = run(
		"tests:\n"
		"  - {name: a, setup: [x, out=before], run: [x, out=test], teardown: [x, out=after]}\n"
		"  - {name: b, setup: [x, exit=1], run: [x, out=test], teardown: [x, out=after]}\n"
		"  - {name: c, run: [x, exit=1], teardown: [x, out=after]}\n");

	expect_verdict(&o, "a", VERDICT_PASS, true);
	assert_string_equal(record_at(&o, "a")->tail, "before\ntest\nafter\n");
	expect_verdict(&o, "b", VERDICT_FAIL, false);
	assert_string_equal(record_at(&o, "b")->tail, "after\n");
	expect_verdict(&o, "c", VERDICT_FAIL, false);
	assert_string_equal(record_at(&o, "c")->tail, "after\n");
}

static void only_stdout_of_the_test_is_its_report(void **state)
{
	_cleanup_outcome_ struct outcome o = run(
		"defaults: {protocol: tap}\n"
		"tests:\n"
		"  - {name: a, setup: [x, 'out=not ok 1 setup'], run: [x, \"out=1..2\\nok 1 x\\nok 2 y\", 'err=not ok 3']}\n"
		"  - {name: b, setup: [x, \"out=1..1\\nok 1 x\"], run: [x]}\n");

	expect_verdict(&o, "a", VERDICT_PASS, true);
	assert_int_equal(record_at(&o, "a")->n_subtests, 2);
	expect_verdict(&o, "b", VERDICT_FAIL, false);
}

static void expected_crash_is_ok_and_another_is_not(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run("tests: [{name: a, run: [panic], expect: crash}, {name: b, run: [panic]}]\n");

	assert_int_equal(o.code, 1);
	expect_verdict(&o, "a", VERDICT_CRASH, true);
	expect_verdict(&o, "b", VERDICT_CRASH, false);
	assert_int_equal(record_at(&o, "b")->n_splats, 1);
	assert_non_null(strstr(record_at(&o, "b")->console_tail, "Kernel panic"));
	/* The slice begins with the test, not with the boot. */
	assert_null(strstr(record_at(&o, "b")->console_tail, "Linux version"));
}

static void fail_fast_starts_nothing_more(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with(
		"tests: [{name: a, run: [x]}, {name: b, run: [x, exit=1]}, {name: c, run: [x]}]\n",
		(struct run_options){ .jobs = 1, .fail_fast = true });

	assert_int_equal(o.code, 1);
	assert_int_equal(o.records.n, 2);
	assert_non_null(strstr(o.out, "stopped after the first failure"));
}

static void json_gives_records_and_nothing_else_on_stdout(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run_with("tests: [{name: a, run: [x]}, {name: b, run: [x, exit=1]}]\n",
			(struct run_options){ .json = true });
	const char *line = o.out;
	size_t n = 0;

	for (; *line; n++) {
		struct record rec = RECORD_INIT;
		size_t len = strcspn(line, "\n");

		assert_int_equal(record_read(line, len, "stdout", 1, &rec, NULL), 0);
		record_release(&rec);
		line += len + 1;
	}
	assert_int_equal(n, 2);
}

static void tap_goes_to_stdout_alone_and_to_a_file(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with(
		"tests: [{name: a, run: [x]}, {name: b, run: [x, exit=1]}]\n",
		(struct run_options){ .tap = true, .tap_file = "copy.tap", .junit = "copy.xml" });
	_cleanup_free_ char *copy = get_file("copy.tap"), *junit = get_file("copy.xml");

	assert_true(str_starts(o.out, "TAP version 14\n"));
	assert_string_equal(o.out, copy);
	assert_non_null(strstr(junit, "<testsuite"));
	assert_non_null(strstr(o.err, "vmrig test --filter b"));
}

static void on_github_annotations_and_a_summary_come_too(void **state)
{
	setenv("GITHUB_ACTIONS", "true", 1);
	setenv("GITHUB_STEP_SUMMARY", "step.md", 1);
	put_file("step.md", "before\n");
	_cleanup_outcome_ struct outcome o = run("tests: [{name: b, run: [x, exit=1]}]\n");
	_cleanup_free_ char *summary = get_file("step.md");

	unsetenv("GITHUB_ACTIONS");
	unsetenv("GITHUB_STEP_SUMMARY");
	assert_non_null(strstr(o.out, "::error"));
	assert_true(str_starts(summary, "before\n"));
	assert_true(strlen(summary) > 20);
}

static void wrong_selection_is_usage_and_leaves_no_folder(void **state)
{
	const char *const filters[] = { "nothing-like-it" };
	const struct selection sel = { .filters = filters, .n_filters = 1 };
	_cleanup_outcome_ struct outcome o = run_with(
		"tests: [{name: a, run: [x]}]\n", (struct run_options){ .selection = &sel });

	assert_int_equal(o.code, 2);
	assert_non_null(strstr(o.error, "matches nothing"));
	assert_false(dir_exists("out"));
}

static void list_tells_what_would_be_skipped(void **state)
{
	struct suite *s = suite_of(
		"kernels: [full, bare, missing]\n"
		"tests: [{name: a, run: [x], needs: {config: CONFIG_NEEDED}, tags: [t]}]\n");
	_cleanup_buf_ struct buf text = BUF_INIT, json = BUF_INIT;
	_cleanup_json_ json_t *j = NULL;

	assert_int_equal(suite_list(s, NULL, NULL, false, &text, NULL), 0);
	assert_non_null(strstr(text.data, "skip: needs CONFIG_NEEDED, which kernel bare lacks\n"));
	assert_non_null(strstr(text.data, "no kernel: no kernel 'missing'"));
	assert_int_equal(suite_list(s, NULL, NULL, true, &json, NULL), 0);
	assert_int_equal(json_parse(json.data, json.len, "list", &j, NULL), 0);
	assert_int_equal(json_array_size(j), 3);
	assert_string_equal(fake.last_arch, "");
	buf_release(&text);
	assert_int_equal(suite_list(s, NULL, "arm64", false, &text, NULL), 0);
	assert_string_equal(fake.last_arch, "aarch64");
	suite_free(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(passing_suite_exits_with_0_and_leaves_every_report),
		CASE(failure_exits_with_1_and_keeps_its_last_words),
		CASE(shared_cases_run_one_after_another_in_one_guest),
		CASE(a_crash_gives_the_next_shared_case_a_fresh_guest),
		CASE(clones_are_copied_once_one_has_shown_that_they_can_be),
		CASE(a_few_clones_are_not_worth_a_guest_to_copy),
		CASE(without_a_pool_no_clone_is_a_copy),
		CASE(where_the_guest_to_copy_does_not_come_to_be_it_is_tried_once),
		CASE(one_that_died_is_thrown_away),
		CASE(clones_that_are_to_be_alike_are_no_copies_and_have_a_plan_of_their_own),
		CASE(jobs_that_end_in_any_order_each_get_one_record),
		CASE(one_job_means_one_guest_at_a_time),
		CASE(memory_of_the_host_bounds_the_guests),
		CASE(kernel_is_resolved_for_each_architecture_of_the_machines),
		CASE(kernel_that_cannot_be_had_is_infra_for_its_cases_alone),
		CASE(guest_that_does_not_start_is_infra),
		CASE(what_the_kernel_or_the_host_lacks_skips_and_is_named),
		CASE(guest_without_a_root_gets_what_its_machines_tests_name),
		CASE(what_cannot_run_without_a_root_is_told_before_booting),
		CASE(case_that_needs_cpus_gets_a_guest_of_its_own),
		CASE(setup_and_teardown_frame_the_test),
		CASE(only_stdout_of_the_test_is_its_report),
		CASE(expected_crash_is_ok_and_another_is_not),
		CASE(fail_fast_starts_nothing_more),
		CASE(json_gives_records_and_nothing_else_on_stdout),
		CASE(tap_goes_to_stdout_alone_and_to_a_file),
		CASE(on_github_annotations_and_a_summary_come_too),
		CASE(wrong_selection_is_usage_and_leaves_no_folder),
		CASE(list_tells_what_would_be_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
