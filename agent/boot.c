/* SPDX-License-Identifier: MIT */
/*
 * The machine from the kernel's first jump to a system in which a program can run: pseudo file
 * systems, device nodes, modules; and its end.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CURRENT_CLOCK "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define CLOCK_WAIT_US (5 * 1000 * 1000)
#define CLOCK_POLL_US (20 * 1000)

int proc_fd = -1;

static bool can_power_off;
static int pseudo_error;

static int mount_at(const char *type, const char *where, unsigned long flags, const char *options)
{
	if (mkdir(where, 0755) < 0 && errno != EEXIST && access(where, F_OK) < 0)
		return -errno;
	return mount(type, where, type, flags, options) < 0 ? -errno : 0;
}

static void make_nodes(void)
{
	static const struct {
		const char *path;
		mode_t mode;
		unsigned major, minor;
	} nodes[] = {
		{ "/dev/console", 0600, 5, 1 },
		{ "/dev/fuse", 0666, 10, 229 },
		{ "/dev/full", 0666, 1, 7 },
		{ "/dev/kmsg", 0644, 1, 11 },
		{ "/dev/null", 0666, 1, 3 },
		{ "/dev/ptmx", 0666, 5, 2 },
		{ "/dev/random", 0666, 1, 8 },
		{ "/dev/tty", 0666, 5, 0 },
		{ "/dev/ttyS0", 0600, 4, 64 },
		{ "/dev/ttyS1", 0600, 4, 65 },
		{ "/dev/urandom", 0666, 1, 9 },
		{ "/dev/zero", 0666, 1, 5 },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		if (mknod(nodes[i].path, S_IFCHR | nodes[i].mode,
			    makedev(nodes[i].major, nodes[i].minor)) == 0)
			chmod(nodes[i].path, nodes[i].mode);
	}
}

static int mount_dev(void)
{
	int r = mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");

	if (r == -EBUSY) /* it is there: the root was not switched */
		return 0;
	if (r < 0) {
		r = mount_at("tmpfs", "/dev", MS_NOSUID, "mode=0755");
		make_nodes();
	}
	if (r < 0)
		return r;
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	return 0;
}

static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
}

static void make_sticky(const char *path)
{
	if (access(path, F_OK) < 0 && mkdir(path, 0777) == 0)
		chmod(path, 01777); /* the umask has no say in it */
}

/* Mounted before HELLO, so that they are in a template and cost its clones nothing; the root takes them over. */
static int mount_pseudo(void)
{
	static const struct {
		const char *type, *where, *options;
		unsigned long flags;
		bool needed;
	} rows[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, true },
		{ "devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC,
			false },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, false },
		{ "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV, true },
		{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
		{ "securityfs", "/sys/kernel/security", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC,
			false },
		{ "bpf", "/sys/fs/bpf", "mode=0700", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	};
	int r = mount_dev(), worst = 0;

	if (r < 0) {
		trouble("cannot mount /dev: %s", strerror(-r));
		worst = r;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		r = mount_at(rows[i].type, rows[i].where, rows[i].flags, rows[i].options);
		if (r < 0 && r != -EBUSY && rows[i].needed) {
			trouble("cannot mount %s: %s", rows[i].where, strerror(-r));
			worst = r;
		}
	}
	make_sticky("/run/lock");
	loopback_up();
	return worst;
}

int move_pseudo(const char *root)
{
	static const char *const paths[] = { "/dev", "/proc", "/sys", "/run" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char to[64];

		snprintf(to, sizeof(to), "%s%s", root, paths[i]);
		/* Most roots have it. */
		if (mount(paths[i], to, NULL, MS_MOVE, NULL) == 0)
			continue;
		if (errno != ENOENT || mkdir(to, 0755) < 0 ||
			mount(paths[i], to, NULL, MS_MOVE, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* No tmpfs: the caller may stand in the host's /tmp, and the overlay takes writes anyway. */
void make_tmp(void)
{
	make_sticky("/tmp");
}

/* Without a console node in the initramfs the kernel starts PID 1 with no open file at all. */
static void open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/console", O_RDWR | O_NOCTTY);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

void boot_mounts(void)
{
	umask(0);
	pseudo_error = mount_pseudo();
	open_standard_fds();
	proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	can_power_off = access("/sys/firmware/acpi/tables", F_OK) == 0 ||
			access("/sys/firmware/devicetree/base/psci", F_OK) == 0;
	umask(022);
}

static int load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		r = -errno;
	close(fd);
	return r;
}

void boot_await_clock(void)
{
	char name[32];

	for (int i = 0; i < CLOCK_WAIT_US / CLOCK_POLL_US; i++) {
		if (read_text(AT_FDCWD, CURRENT_CLOCK, name, sizeof(name)) < 0 ||
			strncmp(name, "tsc-early", 9) != 0)
			return;
		usleep(CLOCK_POLL_US);
	}
}

void boot_modules(void)
{
	FILE *list = fopen("/vmrig/modules", "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!list)
		return;
	while ((len = getline(&line, &cap, list)) > 0) {
		int r;

		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (len == 0)
			continue;
		/* KVM keeps the TSC's frequency of the moment at which its module is loaded. Where the correction makes more
		 * than 250 ppm, it gives guests a scaling factor of 0, and their clocks stand still or leap (arch/x86/kvm/x86.c:
		 * set_tsc_khz(), on a CPU that does not promise a constant TSC, as no emulated one does). */
		if (strstr(line, "/kvm"))
			boot_await_clock();
		r = load_module(line);
		if (r < 0)
			trouble("cannot load %s: %s (errno %d)", line, strerror(-r), -r);
	}
	free(line);
	fclose(list);
	chmod("/dev/kvm", 0666); /* there is no udev to let other users than root have it */
}

int boot_pseudo_error(void)
{
	return pseudo_error;
}

bool boot_word(const char *word)
{
	char line[4096], *rest = line, *each;

	if (read_text(proc_fd, "cmdline", line, sizeof(line)) < 0)
		return false;
	while ((each = strtok_r(rest, " ", &rest)))
		if (strcmp(each, word) == 0)
			return true;
	return false;
}

void power_off(void)
{
	/* Without ACPI, or PSCI on Arm, there is no way to power off: Linux would halt and leave the
	 * machine running. A reset is what ends it (QEMU's -no-reboot). */
	if (can_power_off)
		reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
