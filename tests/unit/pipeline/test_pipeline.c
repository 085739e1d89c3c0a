/* SPDX-License-Identifier: MIT */
/* Templates, and what becomes of suites in pipelines. */
#include "pipeline/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "pipeline/template.h"
#include "yaml/yaml.h"

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

struct world {
	char repository[64];
	char *suite; /* owned */
	struct strv kernels, packages, notes, command;
	struct pipeline_options o;
	struct buf text;
	struct err e;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->repository, "/tmp/vmrig-pipeline.XXXXXX");
	if (!mkdtemp(w->repository))
		return -1;
	w->suite = path_join(w->repository, "tests/vmrig.yaml");
	w->o.repository = w->repository;
	w->o.suite = w->suite;
	w->o.vmrig = "https://example.org/vmrig.git@v1";
	w->o.kernels = &w->kernels;
	w->o.packages = &w->packages;
	strv_add(&w->command, "ci");
	strv_add(&w->command, "init");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	dir_remove(w->repository, NULL);
	free(w->suite);
	strv_release(&w->kernels);
	strv_release(&w->packages);
	strv_release(&w->notes);
	strv_release(&w->command);
	buf_release(&w->text);
	err_release(&w->e);
	free(w);
	return 0;
}

/* Makes the pipeline of the suite TEXT anew. */
static int make(struct world *w, const char *text)
{
	_cleanup_free_ char *dir = path_dir(w->suite);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(w->suite, text, strlen(text), 0644, NULL), 0);
	buf_clear(&w->text);
	err_release(&w->e);
	w->e = (struct err)ERR_INIT;
	return pipeline_make(&w->o, &w->command, &w->text, &w->notes, &w->e);
}

static void has(const struct world *w, const char *line)
{
	if (!strstr(buf_str(&w->text), line))
		fail_msg("expected: %s\n%s", line, buf_str(&w->text));
}

static void hasnt(const struct world *w, const char *line)
{
	if (strstr(buf_str(&w->text), line))
		fail_msg("not expected: %s\n%s", line, buf_str(&w->text));
}

static void refused(struct world *w, const char *suite, const char *why)
{
	assert_int_equal(make(w, suite), -EINVAL);
	if (!strstr(w->e.message, why))
		fail_msg("expected: %s, got: %s", why, w->e.message);
}

#define ONE_TEST "tests: [{ name: a, run: 'true', timeout: 5m }]\n"

/* ---- templates ---- */

static void the_templates_are_filled(void **state)
{
	struct template_values v = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct strv *entry;

	strv_add(&v.values, "container=");
	strv_add(&v.values, "udev=1");
	strv_add(&v.values, "installed=1");
	strv_add(&v.values, "packages=a b");
	template_fill("vmrig.sh", &v, &b);
	assert_string_equal(buf_str(&b),
		"vmrig --version\n# What the tests need; vmrig ci runner --package installs it.\ndpkg -s a b >/dev/null\n");
	buf_clear(&b);
	strv_add(&v.values, "image=outer");
	strv_add(&v.values, "kernel=1");
	for (int i = 0; i < 2; i++) {
		entry = template_entry(&v, "prepares");
		strv_addf(entry, "id=%d", i);
		if (i)
			strv_add(entry, "image=inner");
	}
	template_fill("drone.yml", &v, &b);
	assert_non_null(strstr(buf_str(&b), "  - name: prepare-0\n    image: outer\n"));
	/* A loop's values go before the others, and what is included is indented as the line that does it. */
	assert_non_null(strstr(buf_str(&b), "  - name: prepare-1\n    image: inner\n"));
	assert_non_null(strstr(buf_str(&b), "\n        vmrig --version\n"));
	assert_null(strstr(buf_str(&b), "@{"));
	assert_null(strstr(buf_str(&b), "%"));
	template_values_release(&v);
}

/* ---- suites ---- */

static void every_platform_is_yaml_that_our_own_reader_takes(void **state)
{
	struct world *w = *state;

	for (int p = 0; p < PIPELINE_PLATFORMS; p++) {
		struct yaml y = { 0 };

		w->o.platform = (enum pipeline_platform)p;
		assert_int_equal(make(w, "name: \"it's\"\nkernels: [debian:6.1]\n" ONE_TEST), 0);
		if (yaml_parse("pipeline", buf_str(&w->text), w->text.len, &y, &w->e) < 0)
			fail_msg("%s", w->e.message);
		yaml_release(&y);
	}
}

static void a_job_for_each_kernel_and_architecture(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		make(w, "kernels: [debian:6.1, debian:6.12]\n"
			"machines: [{ name: pc }, { name: arm, arch: aarch64 }]\n" ONE_TEST),
		0);
	has(w, "{ name: 'debian-6.1', kernel: 'debian:6.1', arch: x86_64, how: fetch }");
	has(w, "{ name: 'debian-6.1-aarch64', kernel: 'debian:6.1', arch: aarch64, how: fetch }");
	has(w, "{ name: 'debian-6.12-aarch64', kernel: 'debian:6.12', arch: aarch64, how: fetch }");
	has(w, "args: '--kernel debian:6.1 --filter ''!*@arm'''");
	has(w, "args: '--kernel debian:6.1 --filter ''!*@pc'''");
}

static void a_kernel_is_got_by_its_spec_and_tested_by_its_name(void **state)
{
	struct world *w = *state;
	const char *suite =
		"kernels: [{ name: next, kernel: 'git+https://example.org/linux.git#next' }]\n" ONE_TEST;

	assert_int_equal(make(w, suite), 0);
	has(w, "{ name: 'next', kernel: 'git+https://example.org/linux.git#next', arch: x86_64, how: build }");
	has(w, "args: '--kernel next'");
	w->o.platform = PIPELINE_GITLAB;
	assert_int_equal(make(w, suite), 0);
	has(w, "vmrig kernel build --arch x86_64 'git+https://example.org/linux.git#next'\n");
	has(w, "vmrig test tests --kernel next ");
}

static void jobs_of_one_folder_do_not_share_results(void **state)
{
	struct world *w = *state;

	w->o.platform = PIPELINE_DRONE;
	assert_int_equal(
		make(w, "kernels: [debian:6.1, debian:6.12]\ntests: [{ name: a, run: 'true', tags: bench }]\n"),
		0);
	has(w, "--output results-debian-6-1\n");
	has(w, "--output results-debian-6-12\n");
	has(w, "--output \"results-debian-6-1/$i\"");
	has(w, "      - prepare-debian-6-12\n      # Not side by side: they would disturb each other.\n"
	       "      - bench-debian-6-1\n");
}

static void nothing_that_was_skipped_reads_as_success(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "RESULTS: ${{ needs.prepare.result }} ${{ needs.test.result }}\n");
	has(w, "[ \"$result\" = success ] || exit 1");
	assert_int_equal(make(w, "tests: [{ name: a, run: 'true', tags: bench }]\n"), 0);
	has(w, "github.event_name == 'workflow_dispatch' && needs.bench.result || needs.test.result");
}

static void tests_of_features_run_on_the_variants_that_they_are_of(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		make(w, "variants:\n  - { name: full, source: '6.12' }\n  - { name: small, source: '6.12' }\n"
			"  - { name: bare, source: '6.12' }\n"
			"features:\n  - { name: a, options: CONFIG_A=y, variants: full }\n"
			"  - { name: b, options: CONFIG_B=y, variants: [full, small] }\n"
			"tests: [{ name: a, run: 'true' }, { name: b, run: 'true' }]\n"),
		0);
	has(w, "args: '--kernel variant:full'\n");
	has(w, "args: '--kernel variant:small --filter ''!a'''");
	has(w, "kernel variant:bare for x86_64, made, but no test is meant for it");
	hasnt(w, "--kernel variant:bare");
	has(w, "kernel: 'variant:bare', arch: x86_64, how: build }");
}

static void without_kernels_and_variants_it_is_debians(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "kernel debian:6.1 for x86_64, tested");
	strv_add(&w->kernels, "6.12");
	assert_int_equal(make(w, ONE_TEST), 0);
	hasnt(w, "debian:6.1");
	has(w, "{ name: '6.12', kernel: '6.12', arch: x86_64, how: build }");
}

static void kvm_is_demanded_where_a_machine_demands_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, "machines: [{ name: m, accel: tcg }]\n" ONE_TEST), 0);
	has(w, "--require tcg");
	hasnt(w, "/dev/kvm");
	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "--require tcg");
	has(w, "mknod -m 0666 /dev/kvm");
	assert_int_equal(
		make(w, "machines: [{ name: m, accel: kvm }, { name: n, accel: nested }]\n" ONE_TEST),
		0);
	has(w, "--require kvm,nested");
	/* An optional one is skipped where there is none. */
	assert_int_equal(
		make(w, "machines: [{ name: m, accel: kvm, optional: true }]\n" ONE_TEST), 0);
	has(w, "--require tcg");
	w->o.kvm = true;
	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "--require kvm\n");
	w->o.image = "none";
	refused(w, ONE_TEST, "the runners of github are no Debian");
	strv_add(&w->kernels, "6.12");
	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "echo 'KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0666\", OPTIONS+=\"static_node=kvm\"' | sudo tee");
}

static void benchmarks_are_there_where_tests_are_tagged_so(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, ONE_TEST), 0);
	hasnt(w, "bench");
	assert_int_equal(make(w, "tests: [{ name: a, run: 'true', tags: bench }]\n"), 0);
	has(w, "--tag bench --filter \"$FILTER\"");
	has(w, "inputs:\n      filter:");
}

static void systems_are_made_once_and_handed_on(void **state)
{
	struct world *w = *state;
	const char *suite =
		"machines: [{ name: own, iso: a.iso }, { name: other, disks: [{ image: b.img }] }]\n"
		"tests: [{ name: boots, console: { pass: '^done' } }]\n";

	assert_int_equal(make(w, suite), 0);
	assert_int_equal(w->notes.n, 1);
	assert_non_null(strstr(w->notes.v[0], "a.iso b.img"));
	hasnt(w, "prepare:");
	w->o.prepare = "./build.sh";
	assert_int_equal(make(w, suite), 0);
	has(w, "{ name: 'systems', command: './build.sh', files: 'a.iso b.img' }");
	has(w, "to: 'tests'");
}

static void the_limit_is_that_of_the_tests_and_leaves_room_for_reports(void **state)
{
	struct world *w = *state;

	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "limit: 15m\n            minutes: 35\n");
	assert_int_equal(make(w, "tests: [{ name: a, run: 'true', timeout: 100h }]\n"), 0);
	has(w, "limit: 330m\n            minutes: 350\n");
}

static void what_a_runner_cannot_have_is_refused(void **state)
{
	struct world *w = *state;

	refused(w, "kernels: [../linux]\n" ONE_TEST, "is one of this machine");
	refused(w, "kernels: [6.1..6.12]\n" ONE_TEST, "stands for several");
	refused(w, "kernels: [prebuilt:mine]\n" ONE_TEST, "is one of this machine");
	refused(w,
		"machines: [{ name: own, image: hurd }]\ntests: [{ name: boots, console: { pass: '^done' } }]\n",
		"machine own boots hurd, which is of this machine alone");
	w->o.vmrig = NULL;
	refused(w, ONE_TEST, "how vmrig comes to the runners of github is not said");
	w->o.vmrig = "https://example.org/vmrig.git";
	refused(w, ONE_TEST, "names no tag or commit");
	w->o.vmrig = "https://me@example.org/vmrig.git";
	refused(w, ONE_TEST, "names no tag or commit");
	w->o.vmrig = "https://me:secret@example.org/vmrig.git@v1";
	refused(w, ONE_TEST, "holds a user or a password");
	w->o.vmrig = "../vmrig";
	refused(w, ONE_TEST, "is no folder of the repository");
	w->o.vmrig = NULL;
	w->o.platform = PIPELINE_BUILDKITE;
	w->o.image = "debian:12";
	refused(w, ONE_TEST, "no --image");
	w->o.platform = PIPELINE_GITLAB;
	w->o.image = "none";
	refused(w, ONE_TEST, "--image cannot be none");
}

static void options_that_would_be_no_yaml_are_refused(void **state)
{
	struct world *w = *state;

	w->o.image = "debian: 12";
	refused(w, ONE_TEST, "is no name of an image");
	w->o.image = NULL;
	w->o.runner = "a # b";
	refused(w, ONE_TEST, "names no runners");
	w->o.runner = "[self-hosted, big]";
	assert_int_equal(make(w, ONE_TEST), 0);
	has(w, "runs-on: [self-hosted, big]\n");
	w->o.prepare = "a\nb";
	refused(w, ONE_TEST, "has more than one line");
}

/* ---- the head ---- */

static void the_command_is_read_from_the_head(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_add(&w->command, "--prepare");
	strv_add(&w->command, "./a b 'c' \"d\" $e \\");
	strv_add(&w->command, "");
	assert_int_equal(make(w, ONE_TEST), 0);
	assert_int_equal(pipeline_command(buf_str(&w->text), &words, NULL), 0);
	assert_int_equal(words.n, w->command.n);
	for (size_t i = 0; i < words.n; i++)
		assert_string_equal(words.v[i], w->command.v[i]);
	assert_int_equal(pipeline_command("name: mine\n", &words, NULL), -EINVAL);
	assert_int_equal(pipeline_command("# mine\n\n", &words, NULL), -EINVAL);
	assert_int_equal(pipeline_command("", &words, NULL), -EINVAL);
	assert_int_equal(pipeline_command("#", &words, NULL), -EINVAL);
}

static void what_the_suite_gained_and_lost_is_the_reason(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv why = STRV_INIT;
	_cleanup_free_ char *old = NULL;

	assert_int_equal(make(w, "kernels: [debian:6.1]\n" ONE_TEST), 0);
	old = xstrdup(buf_str(&w->text));
	assert_int_equal(make(w, "kernels: [debian:6.12]\n" ONE_TEST), 0);
	pipeline_reasons(old, buf_str(&w->text), &why);
	assert_int_equal(why.n, 2);
	assert_string_equal(why.v[0], "the suite now has: kernel debian:6.12 for x86_64, tested");
	assert_string_equal(
		why.v[1], "the suite no longer has: kernel debian:6.1 for x86_64, tested");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_templates_are_filled),
		TEST(every_platform_is_yaml_that_our_own_reader_takes),
		TEST(a_job_for_each_kernel_and_architecture),
		TEST(a_kernel_is_got_by_its_spec_and_tested_by_its_name),
		TEST(jobs_of_one_folder_do_not_share_results),
		TEST(nothing_that_was_skipped_reads_as_success),
		TEST(tests_of_features_run_on_the_variants_that_they_are_of),
		TEST(without_kernels_and_variants_it_is_debians),
		TEST(kvm_is_demanded_where_a_machine_demands_it),
		TEST(benchmarks_are_there_where_tests_are_tagged_so),
		TEST(systems_are_made_once_and_handed_on),
		TEST(the_limit_is_that_of_the_tests_and_leaves_room_for_reports),
		TEST(what_a_runner_cannot_have_is_refused),
		TEST(options_that_would_be_no_yaml_are_refused),
		TEST(the_command_is_read_from_the_head),
		TEST(what_the_suite_gained_and_lost_is_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
