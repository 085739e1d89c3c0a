/* SPDX-License-Identifier: MIT */
/* The whole way through the interface, with the real QEMU and guests of a few instructions. */
#include <errno.h>
#include <unistd.h>

#include "../qemu/tiny_guest.h"
#include "machine/machine.h"
#include "wire/wire.h"

static bool have_qemu;

static struct machine_spec spec_of(const char *kernel)
{
	return (struct machine_spec){ .accel = ACCEL_TCG,
		.type = MACHINE_MICROVM,
		.arch = "x86_64",
		.cpus = 1,
		.memory_mib = 64,
		.kernel = kernel,
		.cmdline = "" };
}

struct outcome {
	struct loop *loop;
	struct buf console;
	enum machine_end end;
	char *why;
};

static void on_console(void *arg, const char *data, size_t len)
{
	buf_add(&((struct outcome *)arg)->console, data, len);
}

static void on_ended(void *arg, enum machine_end end, const char *why)
{
	struct outcome *o = arg;

	o->end = end;
	o->why = xstrdup(why);
	loop_stop(o->loop);
}

static void on_limit(void *arg)
{
	fail_msg("the machine did not end");
}

static void the_second_uart_is_a_channel(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	struct machine_handlers h = { on_console, on_ended, NULL };
	struct outcome o = { 0 };
	struct machine_spec spec;
	struct machine *m = NULL;
	struct err e = ERR_INIT;
	int64_t cpu_us, maxrss_kib;
	char data[16] = "";

	if (!have_qemu) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	tiny_print(&code, "console");
	for (const char *p = "channel"; *p; p++)
		tiny_out(&code, 0x2f8, (uint8_t)*p);
	TINY_POWER_OFF(&code);
	tiny_halt(&code);
	path = tiny_write(*state, &code);
	spec = spec_of(path);
	spec.channel = CHANNEL_UART;

	o.loop = loop_new();
	h.arg = &o;
	if (machine_start(o.loop, &spec, &h, &m, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_int_equal(machine_fs_fd(m, 0), -1);
	loop_timer_add(o.loop, clock_ms() + LIMIT_MS, on_limit, NULL);
	loop_run(o.loop);
	assert_int_equal(o.end, MACHINE_POWERED_OFF);
	assert_string_equal(buf_str(&o.console), "console");
	/* What the guest sent stays readable after its end. */
	assert_int_equal(read(machine_channel_fd(m), data, sizeof(data)), 7);
	assert_string_equal(data, "channel");
	assert_int_equal(read(machine_channel_fd(m), data, sizeof(data)), 0);
	machine_usage(m, &cpu_us, &maxrss_kib);
	assert_true(cpu_us > 0 && maxrss_kib > 1024);
	machine_free(m);
	loop_free(o.loop);
	buf_release(&o.console);
	free(o.why);
}

static void a_kernel_that_lost_its_timer_is_the_rigs_failure(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	struct outcome o = { 0 };
	struct machine_handlers h = { on_console, on_ended, &o };
	struct machine_spec spec;
	struct machine *m = NULL;

	if (!have_qemu) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	tiny_print(&code, "AAPIC frequency too slow, disabling apic timer\n");
	tiny_halt(&code);
	path = tiny_write(*state, &code);
	spec = spec_of(path);
	o.loop = loop_new();
	assert_int_equal(machine_start(o.loop, &spec, &h, &m, NULL), 0);
	loop_timer_add(o.loop, clock_ms() + LIMIT_MS, on_limit, NULL);
	loop_run(o.loop);
	assert_int_equal(o.end, MACHINE_DIED);
	assert_non_null(strstr(o.why, "--machine q35"));
	machine_free(m);
	loop_free(o.loop);
	buf_release(&o.console);
	free(o.why);
}

static void ports_are_where_the_spec_says(void **state)
{
	struct machine_handlers h = { NULL, NULL, NULL };
	const char *const extra[] = { "-S" };
	struct machine_spec spec = spec_of(NULL);

	if (!have_qemu) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	spec.extra = extra;
	spec.n_extra = 1;
	for (int uart = 0; uart < 2; uart++)
		for (int fs = 0; fs < 2; fs++) {
			_cleanup_loop_ struct loop *loop = loop_new();
			struct machine *m = NULL;

			spec.channel = uart ? CHANNEL_UART : CHANNEL_VIRTIO;
			spec.fs_ports = fs;
			assert_int_equal(machine_start(loop, &spec, &h, &m, NULL), 0);
			assert_true(machine_channel_fd(m) >= 0);
			if (fs)
				assert_true(machine_fs_fd(m, 0) >= 0 &&
					    machine_fs_fd(m, 0) != machine_channel_fd(m));
			else
				assert_int_equal(machine_fs_fd(m, 0), -1);
			machine_free(m);
		}
}

static void the_command_line_is_shown(void **state)
{
	const struct machine_share share = { (char[]){ "root" }, (char[]){ "/" }, false };
	struct machine_spec spec = spec_of("a kernel");
	_cleanup_strv_ struct strv v = STRV_INIT;
	_cleanup_free_ char *line = NULL, *version = NULL;

	if (!have_qemu) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	spec.fs_ports = 1;
	spec.shares = &share;
	spec.n_shares = 1;
	assert_int_equal(machine_describe(&spec, &v, NULL), 0);
	line = strv_shell(&v);
	assert_non_null(strstr(line, "name=" WIRE_PORT_AGENT " "));
	assert_non_null(strstr(line, "name=" WIRE_PORT_FS " "));
	assert_non_null(strstr(line, "-kernel 'a kernel'"));
	assert_int_equal(machine_engine_version(&spec, &version, NULL), 0);
	assert_true(str_starts(version, "qemu "));
}

/* A QEMU that has one machine, no 9p and no KVM. */
static const char poor_qemu[] =
	"#!/bin/sh\n"
	"cat > /dev/null\n"
	"echo '{\"QMP\": {\"version\": {\"qemu\": {\"major\": 8, \"minor\": 0, \"micro\": 1}}}}'\n"
	"echo '{\"return\": [{\"name\": \"pc-q35-8.0\", \"alias\": \"q35\"}], \"id\": \"machines\"}'\n"
	"echo '{\"return\": [{\"name\": \"tcg-accel\"}], \"id\": \"accels\"}'\n"
	"echo '{\"return\": [], \"id\": \"devices\"}'\n";

static void what_the_engine_lacks_is_refused_by_name(void **state)
{
	const struct machine_share share = { (char[]){ "root" }, (char[]){ "/" }, false };
	_cleanup_free_ char *path = path_join(*state, "qemu");
	struct machine_spec spec = spec_of("k");
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(file_write_atomic(path, poor_qemu, sizeof(poor_qemu) - 1, 0755, NULL), 0);
	setenv("VMRIG_QEMU", path, 1);
	setenv("VMRIG_CACHE_DIR", *state, 1);
	assert_int_equal(machine_describe(&spec, &v, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "(QEMU 8.0.1) has no machine \"microvm\""));
	spec.type = MACHINE_Q35;
	spec.shares = &share;
	spec.n_shares = 1;
	assert_int_equal(machine_describe(&spec, &v, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "without 9p"));
	spec.accel = ACCEL_KVM;
	assert_int_equal(machine_describe(&spec, &v, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "without accelerator \"kvm\""));
	assert_int_equal(v.n, 0);
	unsetenv("VMRIG_QEMU");
	err_release(&e);
}

/* An SVM that KVM runs on is known from QEMU 7.2 on. */
static void nested_on_an_older_qemu_is_refused_with_the_version_that_can(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "old-qemu"), *text = xstrdup(poor_qemu);
	struct machine_spec spec = spec_of("k");
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err e = ERR_INIT;
	char *major = strstr(text, "\"major\": 8");

	assert_non_null(major);
	major[strlen("\"major\": ")] = '6';
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0755, NULL), 0);
	setenv("VMRIG_QEMU", path, 1);
	setenv("VMRIG_CACHE_DIR", *state, 1);
	spec.type = MACHINE_Q35;
	spec.accel = ACCEL_NESTED;
	assert_int_equal(machine_describe(&spec, &v, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "(QEMU 6.0.1)"));
	assert_non_null(strstr(err_text(&e), "QEMU 7.2 is the first"));
	unsetenv("VMRIG_QEMU");
	err_release(&e);
}

static void machines_of_kvm_are_not_copied(void **state)
{
	const struct machine_spec spec = { .accel = ACCEL_KVM, .type = MACHINE_Q35 };
	struct err e = ERR_INIT;

	assert_int_equal(machine_can_copy(&spec, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "KVM"));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(the_second_uart_is_a_channel),
		in_folder(a_kernel_that_lost_its_timer_is_the_rigs_failure),
		cmocka_unit_test(ports_are_where_the_spec_says),
		cmocka_unit_test(the_command_line_is_shown),
		in_folder(what_the_engine_lacks_is_refused_by_name),
		cmocka_unit_test(machines_of_kvm_are_not_copied),
		in_folder(nested_on_an_older_qemu_is_refused_with_the_version_that_can),
	};
	struct qemu_features f = { 0 };

	have_qemu = qemu_probe("x86_64", &f, NULL) == 0 && f.machine_microvm && f.accel_tcg;
	qemu_features_release(&f);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
