/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "suite/case_env.h"
#include "suite/plan.h"
#include "suite/run_dir.h"

static const char small[] =
	"tests: [{name: a/x, run: x, tags: [fast]}, {name: a/y, run: x}, {name: b, run: x, tags: [slow]}]\n";
static const char wide[] =
	"kernels: [k1, k2]\n"
	"machines: [{name: m1}, {name: m2, cpus: 2}]\n"
	"tests: [{name: a, run: x}, {name: b, run: x, kernels: k1, machines: m2, needs: {cpus: 4}}]\n";

/* The ids that SEL leaves of the suite in TEXT, joined by blanks; the error's text where there is one. */
static char *ids(const char *text, const struct selection *sel)
{
	struct suite *s = suite_of(text);
	struct plan p = { 0 };
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	if (plan_make(s, sel, &p, &e) < 0)
		buf_adds(&b, err_text(&e));
	for (size_t i = 0; i < p.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", p.v[i].id);
	plan_release(&p);
	err_release(&e);
	suite_free(s);
	return buf_detach(&b);
}

static void expect_ids(const char *text, struct selection sel, const char *want)
{
	_cleanup_free_ char *got = ids(text, &sel);

	assert_string_equal(got, want);
}

#define V(...)                \
	(const char *const[]) \
	{                     \
		__VA_ARGS__   \
	}
#define FILTERS(n, ...)                                     \
	(struct selection)                                  \
	{                                                   \
		.filters = V(__VA_ARGS__), .n_filters = (n) \
	}
#define TAGS(n, ...)                                  \
	(struct selection)                            \
	{                                             \
		.tags = V(__VA_ARGS__), .n_tags = (n) \
	}
#define KERNELS(n, ...)                                     \
	(struct selection)                                  \
	{                                                   \
		.kernels = V(__VA_ARGS__), .n_kernels = (n) \
	}

static void ids_hold_only_what_varies(void **state)
{
	expect_ids(small, (struct selection){ 0 }, "a/x a/y b");
	expect_ids(wide, (struct selection){ 0 }, "a@k1@m1 a@k1@m2 b@k1@m2 a@k2@m1 a@k2@m2");
	expect_ids(wide, KERNELS(1, "k1"), "a@m1 a@m2 b@m2");
	expect_ids("kernels: [k1, k2]\ntests: [{name: a, run: x}]\n", (struct selection){ 0 },
		"a@k1 a@k2");
}

static void cases_that_meet_in_one_id_are_refused(void **state)
{
	_cleanup_free_ char *got =
		ids("kernels: [c, b@c]\ntests: [{name: a, run: x}, {name: a@b, run: x}]\n", NULL);

	assert_non_null(strstr(got, "two cases are called 'a@b@c'"));
}

static void filters_choose_by_id_or_test_and_exclude(void **state)
{
	expect_ids(small, FILTERS(1, "a/*"), "a/x a/y");
	expect_ids(small, FILTERS(2, "b", "*y"), "a/y b");
	expect_ids(small, FILTERS(1, "!a/*"), "b");
	expect_ids(small, FILTERS(2, "a/*", "!*x"), "a/y");
	expect_ids(wide, FILTERS(1, "*@m1"), "a@k1@m1 a@k2@m1");
	expect_ids(wide, FILTERS(1, "b"), "b@k1@m2");
}

static void filter_that_matches_nothing_is_told_with_the_nearest_name(void **state)
{
	expect_ids(small, FILTERS(1, "a/z"), "filter 'a/z' matches nothing; did you mean 'a/x'?");
	expect_ids(small, FILTERS(2, "b", "quite-other"), "filter 'quite-other' matches nothing");
	expect_ids(small, FILTERS(1, "!nope-nope"), "filter '!nope-nope' matches nothing");
	expect_ids(small, FILTERS(1, "!*"), "nothing is left to run of the 3 tests");
}

static void tags_choose_any_of_them(void **state)
{
	expect_ids(small, TAGS(1, "fast"), "a/x");
	expect_ids(small, TAGS(2, "fast", "slow"), "a/x b");
	expect_ids(small, TAGS(1, "slwo"), "no test has the tag 'slwo'; did you mean 'slow'?");
}

static void kernels_of_the_command_line_replace_the_suites(void **state)
{
	struct suite *s =
		suite_of("kernels: [{name: old, kernel: 5.10}]\ntests: [{name: a, run: x}]\n");
	const char *const v[] = { "old", "6.12", "old" };
	struct selection sel = { .kernels = v, .n_kernels = 3 };
	struct plan p;

	assert_int_equal(plan_make(s, &sel, &p, NULL), 0);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.v[0].kernel->spec, "5.10");
	assert_string_equal(p.v[1].kernel->spec, "6.12");
	plan_release(&p);
	suite_free(s);
}

static void test_that_needs_cpus_raises_its_machine_only(void **state)
{
	struct suite *s = suite_of(wide);
	struct plan p;

	assert_int_equal(plan_make(s, NULL, &p, NULL), 0);
	assert_int_equal(plan_case_cpus(&p.v[0]), 1);
	assert_int_equal(plan_case_cpus(&p.v[1]), 2);
	assert_int_equal(plan_case_cpus(&p.v[2]), 4);
	plan_release(&p);
	suite_free(s);
}

static void folders_of_cases_differ_even_where_file_names_meet(void **state)
{
	struct suite *s = suite_of(
		"tests: [{name: a/b, run: x}, {name: a_b, run: x}, {name: 'a b', run: x}, {name: c, run: x}]\n");
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct plan p;

	assert_int_equal(plan_make(s, NULL, &p, NULL), 0);
	run_dir_case_names(&p, &names);
	assert_int_equal(names.n, 4);
	for (size_t i = 0; i < names.n; i++)
		for (size_t k = i + 1; k < names.n; k++)
			assert_string_not_equal(names.v[i], names.v[k]);
	plan_release(&p);
	suite_free(s);
}

static void rerun_line_selects_exactly_the_case(void **state)
{
	const char *const kernels[] = { "debian:6.1", "./my tree" };
	const struct selection sel = { .kernels = kernels, .n_kernels = 2 };
	const struct run_options o = {
		.selection = &sel, .suite_arg = "a dir/x.yaml", .accel = ACCEL_TCG
	};
	_cleanup_free_ char *line = case_rerun(&o, "it's [x]*");
	_cleanup_free_ char *plain = case_rerun(&(struct run_options){ 0 }, "a");

	assert_string_equal(plain, "vmrig test --filter a");
	assert_string_equal(line,
		"vmrig test 'a dir/x.yaml' --filter 'it'\\''s \\[x]\\*' --kernel debian:6.1 "
		"--kernel './my tree' --accel tcg");
}

static void environment_is_minimal_and_the_tests_own_wins(void **state)
{
	struct suite *s = suite_of("tests: [{name: a, run: x, env: {LANG: de, X: 'a=b'}}]\n");
	_cleanup_strv_ struct strv env = STRV_INIT;
	struct plan p;

	setenv("SECRET_OF_THE_HOST", "1", 1);
	assert_int_equal(plan_make(s, NULL, &p, NULL), 0);
	case_environment(s, &p.v[0], &env);
	assert_true(strv_has(&env, "VMRIG=1"));
	assert_true(strv_has(&env, "VMRIG_TEST=a"));
	assert_true(strv_has(&env, "HOME=/root"));
	assert_true(strv_has(&env, "LANG=de"));
	assert_true(strv_has(&env, "X=a=b"));
	assert_int_equal(env.n, 7);
	plan_release(&p);
	suite_free(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ids_hold_only_what_varies),
		CASE(cases_that_meet_in_one_id_are_refused),
		CASE(filters_choose_by_id_or_test_and_exclude),
		CASE(filter_that_matches_nothing_is_told_with_the_nearest_name),
		CASE(tags_choose_any_of_them),
		CASE(kernels_of_the_command_line_replace_the_suites),
		CASE(test_that_needs_cpus_raises_its_machine_only),
		CASE(folders_of_cases_differ_even_where_file_names_meet),
		CASE(rerun_line_selects_exactly_the_case),
		CASE(environment_is_minimal_and_the_tests_own_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
