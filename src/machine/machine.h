/* SPDX-License-Identifier: MIT */
/*
 * One interface over the engines: a description goes in, events come out. What an engine cannot do
 * it refuses by name (-EOPNOTSUPP). Nothing above this room knows QEMU.
 *
 * Which accelerator really works is found by running a payload, not by looking at /dev/kvm; see
 * machine_probe_kvm().
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/strv.h"

enum machine_engine { ENGINE_AUTO, ENGINE_QEMU };
enum machine_accel {
	ACCEL_AUTO,
	ACCEL_KVM,
	ACCEL_TCG,
	ACCEL_NESTED, /* TCG with a CPU whose virtualization is emulated: the guest has a KVM of its own */
};
enum machine_type { MACHINE_AUTO, MACHINE_MICROVM, MACHINE_Q35, MACHINE_VIRT /* Arm's */ };

const char *machine_engine_name(enum machine_engine v); /* "auto", "qemu" */
const char *machine_accel_name(enum machine_accel v); /* "auto", "kvm", "tcg", "nested" */
const char *machine_type_name(enum machine_type v); /* "auto", "microvm", "q35", "virt" */
/* The named value, or -EINVAL with the names allowed. */
int machine_engine_parse(const char *s, enum machine_engine *ret, struct err *e);
int machine_accel_parse(const char *s, enum machine_accel *ret, struct err *e);
int machine_type_parse(const char *s, enum machine_type *ret, struct err *e);

/* What /dev/kvm is worth. */
enum kvm_state {
	KVM_WORKS,
	KVM_ABSENT, /* no /dev/kvm */
	KVM_DENIED, /* it may not be opened */
	KVM_BROKEN, /* opens, but cannot run Linux, or so slowly that TCG is faster */
};
struct kvm_probe {
	enum kvm_state state;
	char why[200]; /* one line for people: "opens, but XRSTOR fails (emulation failure): software-
			   paged KVM", "permission denied: add yourself to group kvm" */
	char cpu[64]; /* the -cpu model to use under KVM: "host", or "host,-arch-capabilities" */
	double minstr_per_s; /* speed of the payload's loop, millions of instructions a second */
};
/*
 * Runs a payload of its own in 64-bit mode in a child process with a deadline: XSAVE and XRSTOR, INT3
 * through an IDT, and a counted loop. The answer is kept in the cache for this boot and user;
 * FRESH asks again.
 */
void machine_probe_kvm(bool fresh, struct kvm_probe *ret);

/* The accelerator to use for WISH and a guest of ARCH; WHY gets one line (why this one). ACCEL_KVM fails
 * rather than fall back: -ENODEV with the reason and the repair. */
int machine_pick_accel(enum machine_accel wish, const char *arch, enum machine_accel *ret,
	char why[static 240], struct err *e);

struct machine_share {
	char *tag; /* borrowed */
	char *path; /* borrowed */
	bool writable;
};

enum machine_channel {
	CHANNEL_VIRTIO, /* virtio-serial ports by name */
	CHANNEL_UART, /* the second 8250 */
};

/* All strings and arrays are borrowed until machine_start() returns. */
struct machine_spec {
	enum machine_engine engine;
	enum machine_accel accel; /* not AUTO: see machine_pick_accel() */
	enum machine_type type; /* not AUTO */
	const char *arch; /* "x86_64", "aarch64" */
	uint32_t cpus, memory_mib;
	const char *kernel, *initrd; /* paths; initrd may be "/dev/fd/N" with N in keep_fds */
	const char *cmdline; /* whole: see machine_cmdline() */
	const struct machine_share *shares;
	size_t n_shares;
	enum machine_channel channel;
	bool fs_port; /* a second port, WIRE_PORT_FS's name, for FUSE */
	const int *keep_fds;
	size_t n_keep_fds;
	const char *const *extra; /* more arguments for the engine's command line */
	size_t n_extra;
};

/* Appends what this machine needs on the kernel's command line: console, reboot and panic method, the
 * TSC's frequency under microvm with TCG, the agent's channel. */
void machine_cmdline(const struct machine_spec *spec, struct buf *ret);

/* The engine's command line, quoted for a shell. */
int machine_describe(const struct machine_spec *spec, struct strv *ret, struct err *e);

/* The engine's name and version ("qemu 7.2.22"), for records. */
int machine_engine_version(const struct machine_spec *spec, char **ret, struct err *e);

enum machine_end {
	MACHINE_RUNNING,
	MACHINE_POWERED_OFF,
	MACHINE_RESET,
	MACHINE_TRIPLE_FAULT,
	MACHINE_PANICKED,
	MACHINE_STOPPED, /* by us */
	MACHINE_DIED, /* the engine failed or was killed */
};

struct machine_handlers {
	void (*console)(void *arg, const char *data, size_t len);
	void (*ended)(void *arg, enum machine_end end, const char *why); /* once, last */
	void *arg;
};

struct machine;
int machine_start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e);
int machine_channel_fd(struct machine *m); /* borrowed, non-blocking */
int machine_fs_fd(struct machine *m); /* borrowed; -1: none */
void machine_inject_nmi(struct machine *m);
void machine_sysrq(struct machine *m, char key);
void machine_stop(struct machine *m);
void machine_usage(struct machine *m, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib);
void machine_free(struct machine *m);

#endif
