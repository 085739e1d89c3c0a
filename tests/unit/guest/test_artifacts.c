/* SPDX-License-Identifier: MIT */
/* Files that the guest sends: where they go, and where not. */
#include <fcntl.h>
#include <sys/stat.h>

#include "rig.h"

static void send_file(const char *path, const char *text)
{
	say_file(path, strlen(text));
	if (*text)
		say_file_data(text);
	say_file_data("");
}

static void leave(void)
{
	say_done(ID_PULL, 0, "");
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
	assert_null(rig.report->broken);
	assert_null(rig.report->infra);
}

static void artifacts_are_written_below_their_folder(void **state)
{
	struct wire_dec d;
	size_t n;

	rig.spec.artifacts_max = 12345;
	rig.commands[0].cwd = "/work";
	reach(AT_PULL);
	dec_init(&d, &rig.got);
	assert_int_equal(dec_u32(&d), ID_PULL);
	assert_memory_equal(dec_bytes(&d, &n), "/work", 5);
	dec_u32(&d);
	assert_memory_equal(dec_bytes(&d, &n), "*.log", 5);
	assert_int_equal(dec_u64(&d), 12345);
	assert_int_equal(dec_end(&d), 0);
	send_file("a.log", "first");
	send_file("deep/er/b.log", "second");
	send_file("empty", "");
	send_file("..log", "not a way up");
	send_file("...", "nor this");
	leave();
	assert_true(file_is("artifacts/a.log", "first"));
	assert_true(file_is("artifacts/deep/er/b.log", "second"));
	assert_true(file_is("artifacts/empty", ""));
	assert_true(file_is("artifacts/..log", "not a way up"));
	assert_int_equal(rig.report->artifacts.n, 5);
	assert_string_equal(rig.report->artifacts.v[1], "deep/er/b.log");
}

static void without_a_file_there_is_no_folder(void **state)
{
	reach(AT_PULL);
	leave();
	assert_false(dir_exists("artifacts"));
}

static void artifacts_are_fetched_before_the_teardown(void **state)
{
	use_artifacts();
	use_commands(2, true);
	reach(AT_EXEC);
	say_started(0);
	say_exited(0, 1);
	expect(WIRE_PULL);
	send_file("a.log", "x");
	say_done(ID_PULL, 0, "");
	expect_exec(1);
	say_started(1);
	say_exited(1, 0);
	expect(WIRE_SHUTDOWN);
}

static void of_a_test_that_was_not_executed_nothing_is_fetched(void **state)
{
	use_artifacts();
	reach(AT_EXEC);
	say_done(ID_COMMAND, -ENOENT, "no such program");
	expect(WIRE_SHUTDOWN);
}

static void paths_that_could_leave_the_folder_break_the_channel(void **state)
{
	static char long_name[300], long_path[2000];
	static const char *const paths[] = { "../x", "/x", "/", "a//b", "a/./b", ".", "..", "",
		"a/..", "a/../../x", "x/", "./x", "a/../b", long_name, long_path };

	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i + 2 < sizeof(long_path); i += 2)
		memcpy(long_path + i, "p/", 2);
	memcpy(long_path + sizeof(long_path) - 3, "pp", 2);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		reach(AT_PULL);
		say_file(paths[i], 1);
		expect_broken("an artifact that is not acceptable");
		assert_int_equal(rig.report->artifacts.n, 0);
		assert_false(dir_exists("artifacts"));
		rig_again();
	}
	assert_true(file_is("x", NULL));
}

static void a_path_with_a_nul_inside_breaks_the_channel(void **state)
{
	static const uint8_t payload[] = { ID_PULL, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 'b', 0, 0, 0, 0, 1,
		0, 0, 0, 0, 0, 0, 0 };

	reach(AT_PULL);
	say(WIRE_FILE, payload, sizeof(payload));
	expect_broken("an artifact that is not acceptable");
}

static void no_symbolic_link_is_followed(void **state)
{
	assert_int_equal(mkdir("artifacts", 0755), 0);
	assert_int_equal(symlink("../outside", "artifacts/link"), 0);
	reach(AT_PULL);
	send_file("link", "must not arrive");
	send_file("b", "fine");
	leave();
	assert_true(file_is("outside", NULL));
	assert_true(file_is("artifacts/b", "fine"));
	assert_int_equal(rig.report->artifacts.n, 1);
}

/* Overlapping globs name one file twice, and files of two folders may want one name. */
static void a_name_that_is_taken_costs_only_its_second_file(void **state)
{
	reach(AT_PULL);
	send_file("a", "first");
	send_file("a", "second");
	send_file("a/b", "below a file");
	send_file("d/x", "in a folder");
	send_file("d", "as a folder");
	send_file("last", "last");
	leave();
	assert_true(file_is("artifacts/a", "first"));
	assert_true(file_is("artifacts/d/x", "in a folder"));
	assert_true(file_is("artifacts/last", "last"));
	assert_int_equal(rig.report->artifacts.n, 3);
	assert_int_equal(rig.report->trouble.n, 4);
	assert_non_null(strstr(rig.report->trouble.v[1], "artifact a is not kept"));
}

static void a_second_file_of_one_name_that_has_no_end_leaves_the_first(void **state)
{
	reach(AT_PULL);
	send_file("a", "first");
	say_file("a", 5);
	say_done(ID_PULL, -EFBIG, "a does not fit");
	expect(WIRE_SHUTDOWN);
	assert_true(file_is("artifacts/a", "first"));
}

static void more_files_than_are_kept_cost_no_verdict(void **state)
{
	reach(AT_PULL);
	rig.muffled = true;
	for (int i = 0; i < 10100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		send_file(name, "");
		if (i % 64 == 0)
			turn();
	}
	rig.muffled = false;
	turn();
	leave();
	assert_int_equal(rig.report->artifacts.n, 10000);
}

/* ---- sizes ---- */

static void a_file_may_be_longer_or_shorter_than_announced(void **state)
{
	reach(AT_PULL);
	say_file("proc", 0);
	say_file_data("has no size");
	say_file_data("");
	say_file("shrank", 1000);
	say_file_data("little");
	say_file_data("");
	leave();
	assert_true(file_is("artifacts/proc", "has no size"));
	assert_true(file_is("artifacts/shrank", "little"));
}

static void more_than_the_limit_breaks_the_channel(void **state)
{
	rig.spec.artifacts_max = 10;
	reach(AT_PULL);
	say_file("announced", 11);
	expect_broken("an artifact that is not acceptable");
	rig_again();

	rig.spec.artifacts_max = 10;
	reach(AT_PULL);
	send_file("a", "12345");
	say_file("b", 6);
	expect_broken("an artifact that is not acceptable");
	assert_true(file_is("artifacts/a", "12345"));
	rig_again();

	rig.spec.artifacts_max = 10;
	reach(AT_PULL);
	send_file("c", "12345");
	say_file("d", 0);
	say_file_data("12345");
	say_file_data("6");
	expect_broken("artifact data that was not asked for");
	assert_true(file_is("artifacts/c", "12345"));
	assert_true(file_is("artifacts/d", NULL));
	rig_again();

	/* what is passed over counts as well */
	rig.spec.artifacts_max = 10;
	reach(AT_PULL);
	send_file("e", "12345");
	send_file("e", "12345");
	say_file("f", 1);
	expect_broken("an artifact that is not acceptable");
}

static void a_size_that_wraps_breaks_the_channel(void **state)
{
	reach(AT_PULL);
	send_file("a", "x");
	say_file("b", UINT64_MAX);
	expect_broken("an artifact that is not acceptable");
}

static void data_without_a_file_breaks_the_channel(void **state)
{
	reach(AT_PULL);
	say_file_data("x");
	expect_broken("artifact data that was not asked for");
	rig_again();

	reach(AT_PULL);
	send_file("a", "x");
	say_file_data("");
	expect_broken("artifact data that was not asked for");
}

static void a_file_within_a_file_breaks_the_channel(void **state)
{
	reach(AT_PULL);
	say_file("a", 5);
	say_file("b", 5);
	expect_broken("an artifact that is not acceptable: b");
	assert_true(file_is("artifacts/a", NULL));
}

/* ---- ends ---- */

static void a_file_that_has_no_end_is_dropped(void **state)
{
	reach(AT_PULL);
	send_file("whole", "x");
	say_file("half", 100);
	say_file_data("some");
	say_done(ID_PULL, -EFBIG, "half: does not fit");
	expect(WIRE_SHUTDOWN);
	assert_true(file_is("artifacts/whole", "x"));
	assert_true(file_is("artifacts/half", NULL));
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
	assert_string_equal(
		rig.report->trouble.v[1], "artifacts: half: does not fit (File too large)");
}

static void a_guest_that_dies_leaves_no_half_file(void **state)
{
	reach(AT_PULL);
	say_file("half", 100);
	say_file_data("some");
	fake_end(MACHINE_RESET, NULL);
	expect_over();
	assert_true(file_is("artifacts/half", NULL));
	rig_again();

	reach(AT_PULL);
	say_file("half", 100);
	job_free(rig.job);
	rig.job = NULL;
	assert_true(file_is("artifacts/half", NULL));
}

static void a_folder_that_cannot_be_made_is_the_rigs_failure(void **state)
{
	assert_int_equal(file_write_atomic("artifacts", "", 0, 0644, NULL), 0);
	reach(AT_PULL);
	say_file("a", 1);
	expect_infra("cannot write an artifact");
}

static void a_disk_that_is_full_is_the_rigs_failure(void **state)
{
	assert_int_equal(mkdir("artifacts", 0755), 0);
	reach(AT_PULL);
	say_file("a", 5);
	/* Its descriptor, the newest, becomes one of /dev/full. */
	for (int fd = 3; fd < 64; fd++) {
		char link[64] = "", path[200] = "";
		int full;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, path, sizeof(path) - 1) < 0 || !str_ends(path, "artifacts/a"))
			continue;
		full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		assert_true(full >= 0);
		assert_int_equal(dup2(full, fd), fd);
		close(full);
	}
	say_file_data("12345");
	expect_infra("cannot write artifact a: No space left on device");
	assert_true(file_is("artifacts/a", NULL));
}

static void globs_that_fit_no_frame_are_the_rigs_failure(void **state)
{
	static char glob[70000];
	const char *const globs[] = { glob };

	memset(glob, 'x', sizeof(glob) - 1);
	rig.spec.artifacts = globs;
	rig.spec.n_artifacts = 1;
	reach(AT_RUN);
	machine.stubborn = true;
	say_exited(0, 0);
	assert_int_equal(machine.stops, 1);
	say_file("a", 1);
	say_bye();
	assert_int_equal(machine.stops, 1);
	fake_end(MACHINE_STOPPED, NULL);
	expect_infra("the list of artifacts is larger than");
	assert_true(file_is("artifacts/a", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(artifacts_are_written_below_their_folder),
		in_rig(without_a_file_there_is_no_folder),
		in_rig(artifacts_are_fetched_before_the_teardown),
		in_rig(of_a_test_that_was_not_executed_nothing_is_fetched),
		in_rig(paths_that_could_leave_the_folder_break_the_channel),
		in_rig(a_path_with_a_nul_inside_breaks_the_channel),
		in_rig(no_symbolic_link_is_followed),
		in_rig(a_name_that_is_taken_costs_only_its_second_file),
		in_rig(a_second_file_of_one_name_that_has_no_end_leaves_the_first),
		in_rig(more_files_than_are_kept_cost_no_verdict),
		in_rig(a_file_may_be_longer_or_shorter_than_announced),
		in_rig(more_than_the_limit_breaks_the_channel),
		in_rig(a_size_that_wraps_breaks_the_channel),
		in_rig(data_without_a_file_breaks_the_channel),
		in_rig(a_file_within_a_file_breaks_the_channel),
		in_rig(a_file_that_has_no_end_is_dropped),
		in_rig(a_guest_that_dies_leaves_no_half_file),
		in_rig(a_folder_that_cannot_be_made_is_the_rigs_failure),
		in_rig(a_disk_that_is_full_is_the_rigs_failure),
		in_rig(globs_that_fit_no_frame_are_the_rigs_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
