/* SPDX-License-Identifier: MIT */
/* What /dev/kvm is worth: the payload run in a child with a deadline, and what came of it in words. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "machine/machine.h"
#include "machine/private.h"
#include "machine/probe_payload.h"

#define DEADLINE_MS 2000

/* QEMU's TCG runs a thousand million simple instructions a second and a real program a fifth of that; a
 * hardware KVM several thousand million, even nested; one that emulates each instruction, two million.
 * Anything in between is clear of both. */
#define MIN_MINSTR_PER_S 50.0

static const char *const step_names[] = {
	[STEP_NONE] = "its first instruction",
	[STEP_STARTED] = "XSETBV",
	[STEP_XSETBV] = "XSAVE",
	[STEP_XSAVE] = "XRSTOR",
	[STEP_XRSTOR] = "INT3",
	[STEP_INT3] = "a loop of plain instructions",
	[STEP_LOOP] = "its end",
};

/* What the payload was about to do when it had done STEP. */
static const char *failing(int step)
{
	return step >= 0 && step < (int)ARRAY_SIZE(step_names) ? step_names[step]
							       : "an unknown step";
}

/* Who this KVM is, in so far as the CPU tells. */
static const char *kind(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (file_read("/proc/cpuinfo", 16 * 1024 * 1024, &b, NULL) < 0)
		return "";
	if (strstr(buf_str(&b), " svm") || strstr(buf_str(&b), " vmx"))
		return "";
	return ": software-paged KVM (PVM), the CPU has no svm or vmx";
}

static void broken(struct kvm_probe *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void broken(struct kvm_probe *p, const char *fmt, ...)
{
	va_list ap;

	p->state = KVM_BROKEN;
	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
}

void kvm_probe_judge(
	const struct payload_result *r, bool timed_out, const char *what_kvm, struct kvm_probe *ret)
{
	const char *at = failing(r->step);

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->cpu, sizeof(ret->cpu), "%s",
		r->arch_capabilities ? "host" : "host,-arch-capabilities");
	if (timed_out) {
		broken(ret, "opens, but did not come through %s in %d s%s; use --accel tcg", at,
			DEADLINE_MS / 1000, what_kvm);
	} else if (r->call[0]) {
		broken(ret, "opens, but %s fails (%s)%s; use --accel tcg", r->call,
			strerror(r->call_errno), what_kvm);
	} else if (r->trapped) {
		broken(ret, "opens, but %s raises an exception%s; use --accel tcg", at, what_kvm);
	} else if (!r->done && r->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
		broken(ret, "opens, but %s fails (%s)%s; use --accel tcg", at,
			r->suberror == KVM_INTERNAL_ERROR_EMULATION ? "emulation failure"
								    : "internal error",
			what_kvm);
	} else if (!r->done && r->exit_reason == KVM_EXIT_SHUTDOWN) {
		broken(ret, "opens, but %s ends in a triple fault%s; use --accel tcg", at,
			what_kvm);
	} else if (!r->done) {
		broken(ret, "opens, but %s ends the guest (exit reason %u)%s; use --accel tcg", at,
			r->exit_reason, what_kvm);
	} else {
		ret->minstr_per_s =
			PAYLOAD_LOOP_INSTRUCTIONS * 1e3 / (double)(r->loop_ns > 0 ? r->loop_ns : 1);
		if (ret->minstr_per_s < MIN_MINSTR_PER_S) {
			broken(ret,
				"runs %.1f million instructions a second, slower than TCG%s; use "
				"--accel tcg",
				ret->minstr_per_s, what_kvm);
			return;
		}
		ret->state = KVM_WORKS;
		snprintf(ret->why, sizeof(ret->why), "works, %.0f million instructions a second",
			ret->minstr_per_s);
	}
}

/* ---- the child ---- */

static void __attribute__((noreturn)) child(int kvm, int out, volatile int *step)
{
	const struct rlimit seconds = { DEADLINE_MS / 1000 + 1, DEADLINE_MS / 1000 + 1 };
	const struct rlimit none = { 0, 0 };
	struct payload_result r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	signal(SIGPIPE, SIG_DFL);
	probe_payload_run(kvm, step, &r);
	_exit(write(out, &r, sizeof(r)) == sizeof(r) ? 0 : 1);
}

/* Whether the whole result came before the deadline. */
static bool gather(int fd, struct payload_result *ret)
{
	int64_t deadline = clock_ms() + DEADLINE_MS;
	struct pollfd p = { fd, POLLIN, 0 };
	size_t have = 0;

	while (have < sizeof(*ret)) {
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0)
			return false;
		n = poll(&p, 1, (int)left);
		if (n == 0 || (n < 0 && errno == EINTR))
			continue;
		n = n < 0 ? n : read(fd, (char *)ret + have, sizeof(*ret) - have);
		if (n <= 0) { /* the child died: nothing to wait for */
			snprintf(ret->call, sizeof(ret->call), "the probe's child");
			ret->call_errno = ECHILD;
			return true;
		}
		have += (size_t)n;
	}
	return true;
}

static void run_payload(int kvm, struct kvm_probe *ret)
{
	struct payload_result r = { 0 };
	volatile int *step = mmap(
		NULL, sizeof(*step), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool in_time;
	int fds[2];
	pid_t pid;

	if (step == MAP_FAILED || pipe2(fds, O_CLOEXEC) < 0) {
		broken(ret, "could not be probed (%s)", strerror(errno));
		return;
	}
	pid = fork();
	if (pid == 0)
		child(kvm, fds[1], step);
	close(fds[1]);
	if (pid < 0) {
		broken(ret, "could not be probed (fork: %s)", strerror(errno));
	} else {
		in_time = gather(fds[0], &r);
		if (!in_time)
			r.step = *step;
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		kvm_probe_judge(&r, !in_time, kind(), ret);
	}
	close(fds[0]);
	munmap((void *)(uintptr_t)step, sizeof(*step));
}

/* ---- the cache ---- */

static bool cache_read(const char *path, struct kvm_probe *ret)
{
	_cleanup_json_ json_t *j = NULL;
	const char *why, *cpu;

	if (json_read_file(path, &j, NULL) < 0)
		return false;
	why = json_string_value(json_object_get(j, "why"));
	cpu = json_string_value(json_object_get(j, "cpu"));
	if (!why || !cpu || !json_is_boolean(json_object_get(j, "works")))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->state = json_is_true(json_object_get(j, "works")) ? KVM_WORKS : KVM_BROKEN;
	ret->minstr_per_s = json_number_value(json_object_get(j, "minstr_per_s"));
	snprintf(ret->why, sizeof(ret->why), "%s", why);
	snprintf(ret->cpu, sizeof(ret->cpu), "%s", cpu);
	return true;
}

static void cache_write(const char *path, const struct kvm_probe *p)
{
	_cleanup_json_ json_t *j = json_pack("{s:b, s:s, s:s, s:f}", "works", p->state == KVM_WORKS,
		"why", p->why, "cpu", p->cpu, "minstr_per_s", p->minstr_per_s);
	_cleanup_buf_ struct buf b = BUF_INIT;

	json_line(&b, j);
	file_write_atomic(path, b.data, b.len, 0600, NULL);
}

void machine_probe_kvm(bool fresh, struct kvm_probe *ret)
{
	_cleanup_close_ int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *cached = NULL;

	memset(ret, 0, sizeof(*ret));
	if (kvm < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
		ret->state = KVM_ABSENT;
		snprintf(ret->why, sizeof(ret->why),
			"not there: load kvm_intel or kvm_amd, or enable virtualisation");
		return;
	}
	if (kvm < 0 && (errno == EACCES || errno == EPERM)) {
		ret->state = KVM_DENIED;
		snprintf(
			ret->why, sizeof(ret->why), "permission denied: add yourself to group kvm");
		return;
	}
	if (kvm < 0) {
		broken(ret, "cannot be opened (%s); use --accel tcg", strerror(errno));
		return;
	}
	if (!probe_payload_supported()) {
		broken(ret, "not probed on this architecture; use --accel tcg");
		return;
	}
	/* Whether it opens is asked anew each time; what it is worth does not change while it is up. */
	cached = machine_boot_cache("kvm", "/dev/kvm");
	if (!fresh && cached && cache_read(cached, ret))
		return;
	run_payload(kvm, ret);
	if (cached)
		cache_write(cached, ret);
}
