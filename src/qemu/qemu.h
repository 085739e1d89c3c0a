/* SPDX-License-Identifier: MIT */
/*
 * QEMU: which one is here and what it can do, the command line for a machine, and the process with its
 * QMP monitor. Every channel to it is a socket pair given to it as an open descriptor: there is no
 * path, no port, and nothing to clean up. The process dies with us (PR_SET_PDEATHSIG).
 */
#ifndef QEMU_QEMU_H
#define QEMU_QEMU_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/strv.h"
#include "qmp/qmp.h"

/* What a QEMU program can do, found by asking it once; kept in the cache by its file identity. */
struct qemu_features {
	char *program; /* owned: absolute path */
	char *version; /* owned: "7.2.22" */
	bool machine_microvm, machine_q35, machine_pc, machine_virt;
	bool accel_kvm, accel_tcg;
	bool sandbox; /* -sandbox on works */
	bool virtfs; /* 9p: -fsdev local */
	bool tcg_x2apic; /* since 9.0 */
	bool pvpanic; /* the ISA device that tells us of a guest's panic */
	bool vmgenid; /* the device that tells a guest that it is a copy */
	bool templates; /* memory in a file that migration passes over, and events of migration */
};
void qemu_features_release(struct qemu_features *f);

/* Looks for $VMRIG_QEMU, then qemu-system-ARCH on PATH. -ENOENT with what to install. */
int qemu_probe(const char *arch, struct qemu_features *ret, struct err *e);

enum qemu_machine {
	QEMU_MICROVM,
	QEMU_Q35,
	QEMU_VIRT, /* Arm's */
	QEMU_PC, /* i440FX and PIIX, with IDE */
};
enum qemu_accel { QEMU_TCG, QEMU_KVM };

struct qemu_share {
	const char *tag; /* borrowed: mount tag of the 9p device, at most 31 bytes */
	const char *path; /* borrowed: host folder, absolute */
	bool writable;
};

enum qemu_bus { QEMU_BUS_VIRTIO, QEMU_BUS_IDE, QEMU_BUS_SATA, QEMU_BUS_NVME, QEMU_BUS_SCSI };

/* A disk. What the guest writes goes to `own`, never to `path`. */
struct qemu_disk {
	enum qemu_bus bus;
	const char *path; /* borrowed; NULL: a disk that begins empty */
	const char *format; /* borrowed: of `path`, as qemu-img calls it */
	int own; /* of `keep_fds`: a qcow2 file that is laid over what is below, or where nothing is a raw file. 0: only read */
	/* Of `keep_fds`: between `path` and `own`, what another guest has written, of the kind that its `own` was. It is
	 * only read. 0: nothing. */
	int frozen;
	bool cdrom; /* only read, on the bus that the machine has for it */
	const char *serial; /* borrowed; NULL: "vmrigN" */
};

struct qemu_nic {
	const char *model; /* borrowed: as -device calls it */
	bool internet; /* the guest may reach others than us */
	const uint16_t *
		forwards; /* borrowed: its TCP ports that are to be had on free ports of 127.0.0.1 */
	size_t n_forwards;
};

/* What a machine has that boots by its own means. */
struct qemu_os {
	const char *firmware; /* borrowed: UEFI's code; NULL: the machine's own BIOS */
	int firmware_vars; /* of `keep_fds`: UEFI's variables; 0: none */
	const struct qemu_disk *disks; /* borrowed; tried for booting in this order */
	size_t n_disks;
	const struct qemu_nic *nics; /* borrowed */
	size_t n_nics;
	unsigned
		serials; /* 1 to QEMU_SERIALS_MAX; the second's other end is port number 0, and so on */
	uint16_t exit_port; /* where isa-debug-exit listens, 4 bytes; 0: nowhere */
	bool resets; /* a reset by the guest does not end it */
	bool generations; /* copies of it go on from one state: it has a device that tells each that it is another */
};
#define QEMU_SERIALS_MAX 4

/* A machine. Strings are borrowed until qemu_start() or qemu_argv() returns. */
struct qemu_config {
	const struct qemu_features *features;
	enum qemu_machine machine;
	enum qemu_accel accel;
	const char *cpu; /* NULL: all that TCG does well, or "host" under KVM */
	bool nested; /* TCG: with emulated virtualization: SVM with nested paging, or EL2 */
	uint32_t cpus;
	uint32_t memory_mib;
	const char *kernel; /* path */
	const char *initrd; /* path, or "/dev/fd/N" of a descriptor in `keep_fds`; NULL: none */
	const char *cmdline;
	const struct qemu_share *shares;
	size_t n_shares;
	const char *const *ports; /* names of virtio-serial ports, at most QEMU_PORTS_MAX */
	size_t n_ports;
	/* The file that is the guest's memory, of its size: "/dev/fd/N" of a descriptor in `keep_fds`, open for
	 * writing; NULL: memory of no name. */
	const char *memory;
	bool memory_shared; /* what the guest writes goes to that file, for qemu_save(); else it stays its own */
	int state_fd; /* of `keep_fds`: where qemu_save() left the state to go on from; 0: it boots */
	bool holds; /* stands still when the guest has ended, see `held` */
	bool stopped; /* with `state_fd`: does not go on by itself */
	int debug_fd; /* of `keep_fds`: a listening socket for gdb; 0: none */
	/* A library (forkserver/) to load into QEMU, so that qemu_fork() can copy it; NULL: none. TCG only. */
	const char *fork_library;
	bool second_uart; /* a second 8250 (not on virt), its other end is port number n_ports */
	const struct qemu_os
		*os; /* borrowed; NULL: it boots `kernel` and is an appliance of ours */
	bool sandbox;
	const int *keep_fds; /* stay open in QEMU under their numbers */
	size_t n_keep_fds;
	const char *const *extra; /* appended to the command line */
	size_t n_extra;
};
#define QEMU_PORTS_MAX 4

/* The command line as a person could type it (descriptors shown as numbers). */
void qemu_argv(const struct qemu_config *c, struct strv *ret);

enum qemu_end {
	QEMU_RUNNING,
	QEMU_GUEST_SHUTDOWN, /* the guest powered off */
	QEMU_GUEST_RESET, /* the guest reset itself, or system_reset did; with -no-reboot that ends QEMU */
	QEMU_TRIPLE_FAULT, /* a reset that QEMU's log tells to be a triple fault */
	QEMU_GUEST_PANIC, /* pvpanic */
	QEMU_GUEST_EXIT, /* the guest wrote to the exit port: qemu_exit_value() */
	QEMU_STOPPED, /* we asked for it */
	QEMU_DIED, /* it exited or was killed without a SHUTDOWN event */
};

struct qemu;

struct qemu_handlers {
	/* Bytes of the first serial port. */
	void (*console)(void *arg, const char *data, size_t len);
	/* QEMU has ended, all its output was delivered. WHY is for people ("killed by SIGKILL: its last
	 * words …"). Called once, never from inside qemu_start(). */
	void (*ended)(void *arg, enum qemu_end end, const char *why);
	void *arg;
	/* The state was loaded, and the guest goes on now. What was sent to a serial port before is lost. May be
	 * NULL. */
	void (*loaded)(void *arg);
	/* Each QMP event as it comes. May be NULL. */
	void (*event)(void *arg, const char *name, const json_t *data);
	/* The guest has ended and QEMU holds it: qemu_stop() ends it. */
	void (*held)(void *arg);
};

/* Starts it. 0, or a negative errno with E. The handlers are called from LOOP. */
int qemu_start(struct loop *loop, const struct qemu_config *c, const struct qemu_handlers *h,
	struct qemu **ret, struct err *e);

/* Our end of port I (the second UART is n_ports): a non-blocking stream socket, owned by the qemu until
 * qemu_free(). */
int qemu_port(struct qemu *q, size_t i);

/* QMP. The reply comes to CB, which may be NULL. */
void qemu_command(struct qemu *q, const char *execute, json_t *arguments /* stolen; may be NULL */,
	qmp_reply_cb cb, void *arg);
/* Whether a reply can still come. */
bool qemu_talks(const struct qemu *q);

void qemu_inject_nmi(struct qemu *q);
/* A break on the console and then KEY: magic SysRq over serial. */
void qemu_sysrq(struct qemu *q, char key);
void qemu_console_write(struct qemu *q, const char *data, size_t len);
/* Bytes written there that QEMU has not taken: the guest does not read its serial port. */
size_t qemu_console_unsent(const struct qemu *q);
/* As qmp_greeting(). */
json_t *qemu_greeting(const struct qemu *q);

/* Presses keys one after the other: COMMANDS (stolen) is an array of send-key's arguments, as qmp_keys() and
 * qmp_type() make them. CB (may be NULL) is called when the last one is released, or with the first error. */
void qemu_press(struct qemu *q, json_t *commands, qmp_reply_cb cb, void *arg);

/* The screen as a PPM image (P6), borrowed until CB returns; or ERROR says why there is none. CB is not called when
 * the qemu is freed before. */
typedef void (*qemu_screen_cb)(void *arg, const char *ppm, size_t len, const char *error);
void qemu_screen(struct qemu *q, qemu_screen_cb cb, void *arg);

/*
 * Stops the guest and writes the state of its devices to the file FD (borrowed until CB); its memory is in the
 * file that is `memory_shared`. CB gets NULL, or why it could not be saved; in both cases the guest stands still
 * until qemu_cont(). It is not called when QEMU ends before.
 */
typedef void (*qemu_saved_cb)(void *arg, const char *error);
void qemu_save(struct qemu *q, int fd, qemu_saved_cb cb, void *arg);
void qemu_cont(struct qemu *q);
/* Stops the guest; CB as for qemu_save(). */
void qemu_pause(struct qemu *q, qemu_saved_cb cb, void *arg);
/*
 * A copy of FROM, which has a `fork_library` and was paused: the same guest, at the same point, in a process of its own
 * with channels of its own, that goes on at once. FROM stays as it is.
 */
int qemu_fork(struct qemu *from, const struct qemu_handlers *h, struct qemu **ret, struct err *e);
/* When, of clock_us(), its process was started, its monitor spoke, the state was loaded, and the guest ran; 0: not yet. */
struct qemu_times {
	int64_t started_us, answered_us, loaded_us, runs_us;
};
struct qemu_times qemu_times(const struct qemu *q);
/* Whether the guest ever executed an instruction: not one whose state could not be loaded. */
bool qemu_ran(const struct qemu *q);

/* Gentler ends; `ended` comes if they are heard. After all but the button it comes with QEMU_STOPPED. */
enum qemu_ask {
	QEMU_ASK_BUTTON, /* the guest is told of the power button, as ACPI has it */
	QEMU_ASK_QUIT, /* QEMU is asked by QMP, and writes its files out */
	QEMU_ASK_TERM, /* SIGTERM */
};
void qemu_ask(struct qemu *q, enum qemu_ask how);
/* Ends it at once by SIGKILL; `ended` still comes, with QEMU_STOPPED. */
void qemu_stop(struct qemu *q);
/* What the guest wrote to the exit port, after QEMU_GUEST_EXIT: 1 to 127. QEMU tells the lowest seven bits alone. */
int qemu_exit_value(const struct qemu *q);
bool qemu_alive(const struct qemu *q);
/* CPU time of the process so far and its peak resident memory, from /proc while it runs, from wait4
 * afterwards. */
void qemu_usage(struct qemu *q, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib);

/* Kills it if need be, reaps it, frees all. No handler is called any more. NULL is fine. */
void qemu_free(struct qemu *q);

#endif
