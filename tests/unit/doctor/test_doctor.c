/* SPDX-License-Identifier: MIT */
/* Machines that are not this one, as folders: what is found on them, and what is to be done. */
#include "doctor/doctor.h"

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
#include "base/text.h"

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

struct world {
	char root[64];
	struct doctor d;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->root, "/tmp/vmrig-doctor.XXXXXX");
	if (!mkdtemp(w->root))
		return -1;
	w->d.root = w->root;
	w->d.user = "nobody";
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	doctor_release(&w->d);
	dir_remove(w->root, NULL);
	free(w);
	return 0;
}

static void put(struct world *w, const char *path, const char *text)
{
	_cleanup_free_ char *full = xasprintf("%s%s", w->d.root, path), *dir = path_dir(full);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(full, text, strlen(text), 0644, NULL), 0);
}

static const struct finding *find(struct world *w, const char *name)
{
	const struct finding *f;

	if (!w->d.n)
		doctor_examine(&w->d);
	f = doctor_find(&w->d, name);
	assert_non_null(f);
	return f;
}

static void is(struct world *w, const char *name, enum doctor_state state, const char *repair)
{
	const struct finding *f = find(w, name);

	assert_int_equal(f->state, state);
	if (!repair)
		assert_null(f->repair);
	else if (!f->repair || !strstr(f->repair, repair))
		fail_msg("%s: repair is %s", name, f->repair ? f->repair : "none");
}

static void intel(struct world *w)
{
	put(w, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx_like vmx tsc\nbugs\t\t: svm\n");
}

static void a_cpu_with_virtualization_wants_its_module(void **state)
{
	struct world *w = *state;

	intel(w);
	is(w, "cpu", DOCTOR_GOOD, NULL);
	is(w, "kvm-module", DOCTOR_WEAK, "modprobe kvm_intel");
	assert_int_equal(find(w, "kvm-module")->kind, DOCTOR_ABSENT);
}

static void words_that_only_begin_like_a_flag_do_not_count(void **state)
{
	struct world *w = *state;

	put(w, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu svm_lock vmxoff tsc\n");
	is(w, "cpu", DOCTOR_WEAK, "firmware");
}

static void a_virtual_machine_is_told_to_ask_its_host(void **state)
{
	struct world *w = *state;

	put(w, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\n");
	put(w, "/sys/class/dmi/id/sys_vendor", "Google\n");
	is(w, "cpu", DOCTOR_WEAK, "nested virtualization on the host");
	is(w, "cloud", DOCTOR_NOTE, "--enable-nested-virtualization");
}

static void a_module_without_nesting_is_told_with_the_way_to_change_it(void **state)
{
	struct world *w = *state;

	intel(w);
	put(w, "/sys/module/kvm_intel/parameters/nested", "N\n");
	is(w, "kvm-module", DOCTOR_GOOD, NULL);
	is(w, "nesting", DOCTOR_NOTE, "options kvm_intel nested=1");
}

static void a_kvm_in_software_is_told_by_its_module(void **state)
{
	struct world *w = *state;

	put(w, "/sys/module/kvm_pvm/refcnt", "0\n");
	is(w, "kvm-module", DOCTOR_WEAK, "hardware virtualization");
	assert_int_equal(find(w, "kvm-module")->kind, DOCTOR_BROKEN);
}

static void closed_user_namespaces_are_told_by_what_closes_them(void **state)
{
	struct world *w = *state;

	put(w, "/proc/sys/user/max_user_namespaces", "15000\n");
	put(w, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	is(w, "user-namespaces", DOCTOR_WEAK, "kernel.apparmor_restrict_unprivileged_userns=0");
}

static void little_memory_is_told_with_what_to_do(void **state)
{
	struct world *w = *state;

	put(w, "/proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 500000 kB\n");
	is(w, "memory", DOCTOR_WEAK, "-j 1");
}

static void a_slow_clock_is_told(void **state)
{
	struct world *w = *state;

	put(w, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
	is(w, "clock", DOCTOR_WEAK, "dmesg");
}

static void a_container_is_told(void **state)
{
	struct world *w = *state;

	put(w, "/run/.containerenv", "");
	assert_non_null(strstr(find(w, "container")->found, "podman"));
}

/* A machine of which nothing can be read is examined to the end. */
static void every_check_says_something_on_an_empty_machine(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv names = STRV_INIT;

	doctor_names(&names);
	assert_true(names.n > 20);
	for (size_t i = 0; i < names.n; i++) {
		const struct finding *f = find(w, names.v[i]);

		assert_true(f->found && *f->found && *f->matters);
		assert_true((f->kind == DOCTOR_FINE) == (f->state <= DOCTOR_NOTE));
	}
}

static void remember(void *arg, const char *step)
{
	strv_add(arg, step);
}

static void repairs_are_told_and_not_done(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv steps = STRV_INIT;
	int n;

	intel(w);
	doctor_examine(&w->d);
	n = doctor_fix(&w->d, false, remember, &steps, NULL);
	assert_int_equal(n, steps.n);
	assert_true(n >= 1);
	assert_string_equal(steps.v[0], "modprobe kvm_intel");
}

static void repairs_by_an_ordinary_user_are_refused(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv steps = STRV_INIT;

	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(doctor_fix(&w->d, true, remember, &steps, NULL), -EPERM);
	assert_int_equal(steps.n, 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cpu_with_virtualization_wants_its_module),
		TEST(words_that_only_begin_like_a_flag_do_not_count),
		TEST(a_virtual_machine_is_told_to_ask_its_host),
		TEST(a_module_without_nesting_is_told_with_the_way_to_change_it),
		TEST(a_kvm_in_software_is_told_by_its_module),
		TEST(closed_user_namespaces_are_told_by_what_closes_them),
		TEST(little_memory_is_told_with_what_to_do),
		TEST(a_slow_clock_is_told),
		TEST(a_container_is_told),
		TEST(every_check_says_something_on_an_empty_machine),
		TEST(repairs_are_told_and_not_done),
		TEST(repairs_by_an_ordinary_user_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
