/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* A QEMU of few words, which counts in ./asked how often it was asked. */
static const char script[] =
	"#!/bin/sh\n"
	"echo x >> \"$(dirname \"$0\")/asked\"\n"
	"case \"$*\" in *-sandbox*) $SANDBOX ;; esac\n"
	"cat > /dev/null\n"
	"echo '{\"QMP\": {\"version\": {\"qemu\": {\"major\": 9, \"minor\": 1, \"micro\": 2}}}}'\n"
	"echo '{\"return\": [{\"name\": \"microvm\"}, {\"name\": \"pc-q35-9.1\", \"alias\": "
	"\"q35\"}], \"id\": \"machines\"}'\n"
	"echo '{\"return\": [{\"name\": \"tcg-accel\"}], \"id\": \"accels\"}'\n"
	"echo '{\"return\": [{\"name\": \"virtio-9p-device\"}], \"id\": \"devices\"}'\n"
	"echo '{\"return\": {\"model\": {\"props\": {\"x2apic\": true}}}, \"id\": \"cpu\"}'\n";

static void put_script(const char *dir, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, "qemu");

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0755, NULL), 0);
	chmod(path, 0755);
	setenv("VMRIG_QEMU", path, 1);
	setenv("VMRIG_CACHE_DIR", dir, 1);
	setenv("SANDBOX", ":", 1);
}

static size_t times_asked(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "asked");
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size / 2 : 0;
}

static struct qemu_features probe(void)
{
	struct qemu_features f = { 0 };
	struct err e = ERR_INIT;

	if (qemu_probe("x86_64", &f, &e) < 0)
		fail_msg("%s", err_text(&e));
	return f;
}

static void features_are_read_from_its_answers(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "qemu");
	struct qemu_features f;

	put_script(*state, script);
	f = probe();
	assert_string_equal(f.program, path);
	assert_string_equal(f.version, "9.1.2");
	assert_true(f.machine_microvm && f.machine_q35 && f.accel_tcg && f.virtfs && f.sandbox);
	assert_true(f.tcg_x2apic);
	assert_false(f.accel_kvm || f.pvpanic);
	qemu_features_release(&f);
}

static void it_is_asked_once_for_each_program(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "qemu");
	struct qemu_features f;

	put_script(*state, script);
	f = probe();
	qemu_features_release(&f);
	f = probe();
	assert_int_equal(times_asked(*state), 1);
	assert_string_equal(f.program, path);
	assert_string_equal(f.version, "9.1.2");
	assert_true(f.machine_q35 && f.sandbox && f.tcg_x2apic);
	assert_false(f.accel_kvm);
	qemu_features_release(&f);

	put_script(*state, script); /* another file of the same name */
	f = probe();
	assert_int_equal(times_asked(*state), 2);
	qemu_features_release(&f);
}

static void a_damaged_answer_is_asked_anew(void **state)
{
	_cleanup_free_ char *command =
		xasprintf("for f in '%s'/probe/*; do echo '{' > \"$f\"; done", (char *)*state);
	struct qemu_features f;

	put_script(*state, script);
	f = probe();
	qemu_features_release(&f);
	assert_int_equal(system(command), 0);
	f = probe();
	assert_int_equal(times_asked(*state), 2);
	assert_true(f.machine_q35);
	qemu_features_release(&f);
}

static void a_sandbox_that_fails_is_left_out(void **state)
{
	struct qemu_features f;

	put_script(*state, script);
	setenv("SANDBOX", "exit 1", 1);
	f = probe();
	assert_false(f.sandbox);
	assert_true(f.machine_q35);
	qemu_features_release(&f);
}

static void what_is_no_qemu_is_refused(void **state)
{
	struct qemu_features f = { 0 };
	struct err e = ERR_INIT;

	put_script(*state, "#!/bin/sh\necho 'who are you?' >&2\nexit 4\n");
	assert_int_equal(qemu_probe("x86_64", &f, &e), -ENOEXEC);
	assert_non_null(strstr(err_text(&e), "(exit code 4: who are you?)"));
	assert_non_null(strstr(e.hint, "VMRIG_QEMU"));
	assert_null(f.program);
	err_release(&e);
}

static void a_missing_qemu_says_what_to_install(void **state)
{
	static const char *const cases[][2] = {
		{ "x86_64", "apt install qemu-system-x86)" },
		{ "aarch64", "apt install qemu-system-arm)" },
		{ "riscv64", "apt install qemu-system-misc)" },
	};
	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	struct qemu_features f = { 0 };
	struct err e = ERR_INIT;

	unsetenv("VMRIG_QEMU");
	setenv("PATH", *state, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = xasprintf("qemu-system-%s", cases[i][0]);

		assert_int_equal(qemu_probe(cases[i][0], &f, &e), -ENOENT);
		assert_non_null(strstr(err_text(&e), name));
		assert_non_null(strstr(e.hint, cases[i][1]));
	}
	setenv("VMRIG_QEMU", "/nonexistent/q", 1);
	assert_int_equal(qemu_probe("x86_64", &f, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "/nonexistent/q"));
	setenv("PATH", path, 1);
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(features_are_read_from_its_answers),
		in_folder(it_is_asked_once_for_each_program),
		in_folder(a_damaged_answer_is_asked_anew),
		in_folder(a_sandbox_that_fails_is_left_out),
		in_folder(what_is_no_qemu_is_refused),
		in_folder(a_missing_qemu_says_what_to_install),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
