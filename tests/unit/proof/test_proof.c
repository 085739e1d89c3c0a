/* SPDX-License-Identifier: MIT */
/* What counts as a proof. Kernels and runs are fakes: a kernel is its options, a run the verdict that was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "proof/proof.h"

static char dir[] = "/tmp/vmrig-test-XXXXXX";

/* ---- fakes ---- */

static struct {
	const char *config_with, *config_without; /* what the kernels' .config says */
	enum verdict with, without; /* VERDICT_NONE: no record at all */
	int run_code; /* what suite_run() returns where it is neither 0 nor 1 */
	int builds, runs;
	bool unmet_allowed, aside; /* by the second build */
	char options[200]; /* of the second build */
	char label[100];
	char keys[2][20]; /* that the runs were given */
} fake;

int build_kernel(
	const struct build_spec *s, const struct build_how *how, struct kernel *ret, struct err *e)
{
	bool without = fake.builds++ > 0;

	if (without) {
		fake.unmet_allowed = s->allow_unmet;
		fake.aside = s->aside;
		snprintf(fake.label, sizeof(fake.label), "%s", s->label);
		for (size_t i = 0; i < s->options->n; i++)
			snprintf(fake.options + strlen(fake.options),
				sizeof(fake.options) - strlen(fake.options), "%s ",
				s->options->v[i]);
	}
	*ret = (struct kernel){ .key = xstrdup(without ? "key-without" : "key-with"),
		.release = xstrdup("6.9") };
	return 0;
}

int kernel_config(const struct kernel *k, struct kconfig **ret, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_adds(&text, streq(k->key, "key-with") ? fake.config_with : fake.config_without);
	return kconfig_parse(&text, ret, e);
}

void kernel_release(struct kernel *k)
{
	free(k->key);
	free(k->release);
}

int suite_load(const char *path, struct suite **ret, struct err *e)
{
	*ret = xcalloc(1, sizeof(**ret));
	return 0;
}

void suite_free(struct suite *s)
{
	free(s);
}

int suite_run(struct suite *s, const struct run_options *o, struct err *e)
{
	enum verdict v = fake.runs == 0 ? fake.with : fake.without;
	_cleanup_free_ char *path = path_join(o->output, "results.jsonl");
	struct record r = RECORD_INIT;
	struct err why = ERR_INIT;
	int fd;

	snprintf(fake.keys[fake.runs++], sizeof(fake.keys[0]), "%s", o->selection->kernels[0]);
	assert_string_equal(o->selection->filters[0], "nat");
	if (fake.run_code)
		return fake.run_code;
	assert_int_equal(dir_make(o->output, 0755, NULL), 0);
	if (records_open(path, &fd, &why) < 0)
		fail_msg("%s", err_text(&why));
	r.id = xstrdup("nat");
	r.verdict = v;
	r.reason = xstrdup("because");
	if (v != VERDICT_NONE)
		assert_int_equal(records_append(fd, &r, NULL), 0);
	close(fd);
	record_release(&r);
	return v == VERDICT_PASS ? 0 : 1;
}

/* ---- the rig ---- */

static int set_up(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake.config_with = "CONFIG_NAT=y\nCONFIG_X=y\n";
	fake.config_without = "# CONFIG_NAT is not set\nCONFIG_X=y\n";
	fake.with = VERDICT_PASS;
	fake.without = VERDICT_FAIL;
	snprintf(dir, sizeof(dir), "/tmp/vmrig-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	return dir_remove(dir, NULL);
}

static int prove(struct proof *ret, struct err *e)
{
	char *nat_y[] = { (char[]){ "CONFIG_NAT=y" } }, *nat_n[] = { (char[]){ "CONFIG_NAT=n" } };
	char *x_y[] = { (char[]){ "CONFIG_X=y" } }, *nat[] = { (char[]){ "nat" } };
	struct feature f = { .name = (char[]){ "nat" },
		.options = { .v = nat_y, .n = 1 },
		.without = { .v = nat_n, .n = 1 },
		.tests = { .v = nat, .n = 1 } };
	struct strv options = { .v = x_y, .n = 1 };
	struct build_spec build = { .label = "variant:v", .options = &options };
	struct build_how how = { 0 };
	struct proof_spec s = { .feature = &f,
		.variant = "v",
		.build = &build,
		.how = &how,
		.suite = "vmrig.yaml",
		.output = dir };

	*ret = (struct proof){ 0 };
	return proof_run(&s, ret, e);
}

static void assert_state(enum proof_state state, const char *why)
{
	struct proof p;

	assert_int_equal(prove(&p, NULL), 0);
	assert_int_equal(p.state, state);
	if (!strstr(p.why, why))
		fail_msg("'%s' does not say '%s'", p.why, why);
	proof_release(&p);
}

static void assert_failed(const char *why)
{
	struct err e = ERR_INIT;
	struct proof p;

	assert_true(prove(&p, &e) < 0);
	if (!strstr(err_text(&e), why))
		fail_msg("'%s' does not say '%s'", err_text(&e), why);
	assert_int_equal(p.state, PROOF_NONE);
	err_release(&e);
	proof_release(&p);
}

/* ---- the tests ---- */

static void feature_is_proven_by_a_pass_with_it_and_a_failure_without(void **state)
{
	assert_state(PROOF_PROVEN, "pass with it and fail without it");
	assert_string_equal(fake.keys[0], "key-with");
	assert_string_equal(fake.keys[1], "key-without");
	assert_string_equal(fake.options, "CONFIG_X=y CONFIG_NAT=n ");
	assert_string_equal(fake.label, "v-without-nat");
	assert_true(fake.unmet_allowed);
	assert_true(fake.aside);
}

static void test_that_does_not_pass_with_it_ends_there(void **state)
{
	fake.with = VERDICT_FAIL;
	assert_state(PROOF_BROKEN, "with it, nat: fail: because");
	assert_int_equal(fake.builds, 1);
}

static void skip_and_crash_prove_nothing(void **state)
{
	static const enum verdict bad[] = { VERDICT_PASS, VERDICT_SKIP, VERDICT_CRASH, VERDICT_LOST,
		VERDICT_TIMEOUT, VERDICT_INFRA, VERDICT_XFAIL };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tear_down(state);
		set_up(state);
		fake.without = bad[i];
		assert_state(PROOF_BLIND, verdict_name(bad[i]));
	}
	tear_down(state);
	set_up(state);
	fake.with = VERDICT_SKIP;
	assert_state(PROOF_BROKEN, "skip");
}

static void kernel_that_lacks_the_option_is_not_tested(void **state)
{
	fake.config_with = "CONFIG_NAT=m\n";
	assert_state(PROOF_BROKEN, "CONFIG_NAT is m, not y");
	assert_int_equal(fake.runs, 0);
}

static void option_that_stays_is_an_error(void **state)
{
	fake.config_without = "CONFIG_NAT=y\n";
	assert_failed("feature nat cannot be taken away: CONFIG_NAT is y, not n");
	assert_int_equal(fake.runs, 1);
}

static void run_without_records_is_an_error(void **state)
{
	fake.with = VERDICT_NONE;
	assert_failed("left no record");
}

static void run_of_a_broken_rig_is_an_error(void **state)
{
	fake.run_code = 125;
	assert_failed("could not be run");
	tear_down(state);
	set_up(state);
	fake.run_code = 130;
	assert_failed("stopped by a signal");
}

int main(void)
{
#define PROOF_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		PROOF_TEST(feature_is_proven_by_a_pass_with_it_and_a_failure_without),
		PROOF_TEST(test_that_does_not_pass_with_it_ends_there),
		PROOF_TEST(skip_and_crash_prove_nothing),
		PROOF_TEST(kernel_that_lacks_the_option_is_not_tested),
		PROOF_TEST(option_that_stays_is_an_error),
		PROOF_TEST(run_without_records_is_an_error),
		PROOF_TEST(run_of_a_broken_rig_is_an_error),
	};

	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
