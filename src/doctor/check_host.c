/* SPDX-License-Identifier: MIT */
/* The machine: how much of it there is, who owns it, and what it is inside of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "doctor/private.h"

#define MIB            1048576ull
#define MEMORY_LOW_MIB 1024 /* two guests of 512 MiB */
#define DISK_LOW_MIB   4096 /* the templates' share of the cache */
#define KIB_PER_MIB    1024

/* The number behind KEY in /proc/meminfo; -1: none. */
static long long meminfo(const struct doctor *d, const char *key)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *p;
	size_t n = strlen(key);

	if (!doctor_read(d, "/proc/meminfo", &b))
		return -1;
	for (p = buf_str(&b); *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, key, n) == 0 && p[n] == ':')
			return atoll(p + n + 1);
	return -1;
}

static void check_memory(const struct doctor *d, struct finding *f)
{
	long long mib = meminfo(d, "MemAvailable") / KIB_PER_MIB;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (mib >= MEMORY_LOW_MIB)
		say_good(f, "%lld MiB available, %ld CPUs", mib, cpus);
	else {
		say_weak(f, DOCTOR_ABSENT, "%lld MiB available, %ld CPUs", mib < 0 ? 0 : mib, cpus);
		say_repair(f,
			"Run fewer guests at a time (-j 1) with less memory each (memory: 256M).");
	}
}

static void check_disk(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *cache = NULL;
	struct err e = ERR_INIT;
	struct statvfs s;
	unsigned long long mib;

	if (path_cache(&cache, &e) < 0 || statvfs(cache, &s) < 0) {
		say_bad(f, DOCTOR_DENIED, "%s",
			e.message ? e.message : "the cache folder cannot be used");
		say_repair(f, "Name a folder that can be written by VMRIG_CACHE_DIR.");
		err_release(&e);
		return;
	}
	mib = (unsigned long long)s.f_bavail * s.f_frsize / MIB;
	if (mib >= DISK_LOW_MIB)
		say_good(f, "%llu MiB free for %s", mib, cache);
	else {
		say_weak(f, DOCTOR_ABSENT, "%llu MiB free for %s", mib, cache);
		say_repair(f,
			"Make room (vmrig cleanup, vmrig kernel clean), or name another folder by "
			"VMRIG_CACHE_DIR.");
	}
}

static void check_hugepages(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	long long n = meminfo(d, "HugePages_Total");

	doctor_read(d, "/sys/kernel/mm/transparent_hugepage/enabled", &b);
	say_note(f, "%lld reserved; transparent: %s", n < 0 ? 0 : n,
		b.len ? buf_str(&b) : "not told");
}

static void check_cpufreq(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!doctor_read(d, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", &b))
		say_note(f, "no frequency scaling that this machine can see");
	else if (streq(buf_str(&b), "performance"))
		say_good(f, "governor performance");
	else {
		say_note(f, "governor %s", buf_str(&b));
		say_repair(f, "For benchmarks: cpupower frequency-set -g performance");
	}
}

static void check_vhost(const struct doctor *d, struct finding *f)
{
	bool net = doctor_exists(d, "/dev/vhost-net"), vsock = doctor_exists(d, "/dev/vhost-vsock");

	say_note(f, "vhost-net %s, vhost-vsock %s", net ? "there" : "not there",
		vsock ? "there" : "not there");
}

static void check_userns(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf max = BUF_INIT, debian = BUF_INIT, apparmor = BUF_INIT;
	bool none = doctor_read(d, "/proc/sys/user/max_user_namespaces", &max) &&
		    streq(buf_str(&max), "0");

	doctor_read(d, "/proc/sys/kernel/unprivileged_userns_clone", &debian);
	doctor_read(d, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &apparmor);
	if (none || streq(buf_str(&debian), "0") || streq(buf_str(&apparmor), "1")) {
		say_weak(f, DOCTOR_DENIED, "ordinary users get none (%s)",
			none ? "user.max_user_namespaces=0"
			: streq(buf_str(&debian), "0")
				? "kernel.unprivileged_userns_clone=0"
				: "kernel.apparmor_restrict_unprivileged_userns=1");
		say_repair(f, "sysctl %s (as root)",
			none ? "user.max_user_namespaces=15000"
			: streq(buf_str(&debian), "0")
				? "kernel.unprivileged_userns_clone=1"
				: "kernel.apparmor_restrict_unprivileged_userns=0");
	} else
		say_good(f, "for ordinary users too");
}

/* The folder of our own cgroup, of version 2. */
static void check_cgroup(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *path = NULL, *name = NULL;
	const char *p;

	if (!doctor_exists(d, "/sys/fs/cgroup/cgroup.controllers")) {
		say_note(f, "cgroup v2 is not mounted at /sys/fs/cgroup");
		return;
	}
	doctor_read(d, "/proc/self/cgroup", &b);
	p = strstr(buf_str(&b), "0::");
	name = p ? xstrndup(p + 3, strcspn(p + 3, "\n")) : xstrdup("/");
	path = xasprintf("/sys/fs/cgroup%s", name);
	if (access(path, W_OK) == 0)
		say_good(f, "v2, %s may be written", name);
	else
		say_note(f, "v2, %s may not be written: no limits by cgroup", name);
}

static void check_clock(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!doctor_read(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource", &b))
		say_note(f, "not told");
	else if (streq(buf_str(&b), "hpet") || streq(buf_str(&b), "acpi_pm") ||
		 streq(buf_str(&b), "jiffies")) {
		say_weak(f, DOCTOR_BROKEN, "%s: each look at the clock is slow", buf_str(&b));
		say_repair(f, "See why the TSC was found unstable: dmesg | grep -i tsc");
	} else
		say_good(f, "%s", buf_str(&b));
}

static void check_container(const struct doctor *d, struct finding *f)
{
	const char *in = doctor_container(d);

	if (in)
		say_note(f, "%s: devices and rights are those that it was started with", in);
	else
		say_note(f, "none");
}

static void check_cloud(const struct doctor *d, struct finding *f)
{
	static const struct {
		const char *vendor, *name, *repair;
	} clouds[] = {
		{ "Google", "Google Cloud",
			"Create the instance with --enable-nested-virtualization (not every machine type "
			"has it)." },
		{ "Amazon", "AWS", "Instances of type .metal have KVM; few others do." },
		{ "Microsoft Corporation", "Azure or Hyper-V",
			"Take a size that offers nested virtualization (Dv3, Ev3 and later of Intel and AMD)." },
		{ "QEMU", "a QEMU guest",
			"Give it -cpu host, with the module's nested=1 on its host." },
	};
	_cleanup_buf_ struct buf vendor = BUF_INIT;
	const char *runner = getenv("RUNNER_ENVIRONMENT");

	doctor_read(d, "/sys/class/dmi/id/sys_vendor", &vendor);
	if (runner && streq(runner, "github-hosted")) {
		say_note(f, "a runner that GitHub hosts");
		say_repair(f, "Its /dev/kvm needs a udev rule: sudo vmrig doctor --fix");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(clouds); i++)
		if (str_starts(buf_str(&vendor), clouds[i].vendor)) {
			say_note(f, "%s", clouds[i].name);
			if (!doctor_kvm_module(d))
				say_repair(f, "%s", clouds[i].repair);
			return;
		}
	if (doctor_cpu_flag(d, "hypervisor"))
		say_note(f, "a virtual machine%s%s", vendor.len ? " of " : "", buf_str(&vendor));
	else
		say_note(f, "%s", vendor.len ? buf_str(&vendor) : "not told");
}

static void check_kernel(const struct doctor *d, struct finding *f)
{
	struct utsname u;

	uname(&u);
	say_note(f, "Linux %s, %s", u.release, u.machine);
}

const struct check doctor_host_checks[] = {
	{ "host-kernel", "machine", "what KVM can do depends on it", check_kernel },
	{ "memory", "machine", "each guest has its own", check_memory },
	{ "disk", "machine", "kernels, images and templates are kept there", check_disk },
	{ "hugepages", "machine", "large guests under KVM start faster with them",
		check_hugepages },
	{ "cpufreq", "machine", "measured times depend on it", check_cpufreq },
	{ "vhost", "machine", "a guest's network is faster with it", check_vhost },
	{ "user-namespaces", "machine", "images are made without root by them", check_userns },
	{ "cgroup", "machine", "guests can be held to limits by it", check_cgroup },
	{ "clock", "machine", "measured times depend on it", check_clock },
	{ "container", "machine", "it decides on devices and rights", check_container },
	{ "cloud", "machine", "it decides on whether there is a KVM", check_cloud },
	{ 0 },
};
