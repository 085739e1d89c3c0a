/* SPDX-License-Identifier: MIT */
/*
 * Guests that are to be alike (vmrig.deterministic). Linux stirs its generator with cycle counts of interrupts, so no
 * two guests draw the same from it for long. What programs get by getrandom(2) comes from here instead: a seccomp
 * filter, which every process inherits, hands the call to us, and we answer with the next numbers of one series
 * (seccomp_unotify(2)). The kernel's own draws, and what is read from /dev/urandom, stay its own.
 */
#include "agent.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/random.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define DRAW_MAX (16 * 1024 * 1024) /* in one call; getrandom(2) promises 256 bytes */

static bool alike;
static int fd = -1;
static int place = -1;
static uint64_t series;

static union {
	struct seccomp_notif call;
	uint8_t room[512];
} received;
static union {
	struct seccomp_notif_resp answer;
	uint8_t room[512];
} answered;

/* What a kernel writes and reads may have grown. */
static int check_sizes(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	return sizes.seccomp_notif <= sizeof(received) &&
			       sizes.seccomp_notif_resp <= sizeof(answered)
		       ? 0
		       : -E2BIG;
}

static int listen_to_draws(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };
	int r = check_sizes();

	if (r < 0)
		return r;
	if (process_vm_writev(getpid(), NULL, 0, NULL, 0, 0) < 0) /* CONFIG_CROSS_MEMORY_ATTACH */
		return -errno;
	r = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return r < 0 ? -errno : r;
}

void alike_begin(void)
{
	char boot_id[64];

	alike = boot_word("vmrig.deterministic");
	if (!alike)
		return;
	/* The kernel draws it at the first look: before there are clones, so that they have the same. */
	if (read_text(proc_fd, "sys/kernel/random/boot_id", boot_id, sizeof(boot_id)) < 0)
		trouble("cannot read the boot id");
	fd = listen_to_draws();
	if (fd < 0)
		trouble("random numbers will not be alike: getrandom(2) cannot be answered: %s",
			strerror(-fd));
}

void alike_child(void)
{
	int now = alike ? personality(0xffffffff) : -1;

	if (now >= 0)
		personality((unsigned long)now | ADDR_NO_RANDOMIZE);
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_number(void)
{
	uint64_t z = series += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t number = next_number();

		memcpy(bytes + i, &number, len - i < sizeof(number) ? len - i : sizeof(number));
	}
}

/* Into the memory of the caller, which stands still. As the kernel does it: how much was written, or an error. */
static int64_t draw(pid_t pid, uint64_t address, uint64_t len)
{
	static uint8_t bytes[16 * 1024];
	uint64_t done = 0;
	ssize_t n = 0;

	if (len > DRAW_MAX)
		len = DRAW_MAX;
	while (done < len) {
		struct iovec from = { bytes,
			len - done < sizeof(bytes) ? (size_t)(len - done) : sizeof(bytes) };
		struct iovec to = { (void *)(uintptr_t)(address + done), from.iov_len };

		fill(bytes, from.iov_len);
		n = process_vm_writev(pid, &from, 1, &to, 1, 0);
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done > 0 || n >= 0 ? (int64_t)done : -errno;
}

void alike_poll(struct poll_set *set)
{
	place = poll_add(set, fd, POLLIN);
}

void alike_step(const struct poll_set *set)
{
	const unsigned sources = GRND_RANDOM | GRND_INSECURE;
	const struct seccomp_data *call = &received.call.data;
	struct seccomp_notif_resp *answer = &answered.answer;
	int64_t n;

	if (!poll_got(set, place))
		return;
	memset(&received, 0, sizeof(received));
	memset(&answered, 0, sizeof(answered));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &received) < 0)
		return; /* ENOENT: it was killed meanwhile */
	answer->id = received.call.id;
	if (call->args[2] & ~(uint64_t)(GRND_NONBLOCK | sources) ||
		(call->args[2] & sources) == sources) {
		answer->flags =
			SECCOMP_USER_NOTIF_FLAG_CONTINUE; /* the kernel says what is wrong with it */
	} else if (call->args[1] > 0 && ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &answer->id) == 0) {
		n = draw((pid_t)received.call.pid, call->args[0], call->args[1]);
		answer->val = n < 0 ? 0 : n;
		answer->error = n < 0 ? (int32_t)n : 0;
	}
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, answer);
}
