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

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/strv.h"
#include "qmp/qmp.h"
#include "screen/screen.h"

enum machine_engine { ENGINE_AUTO, ENGINE_QEMU };
enum machine_accel {
	ACCEL_AUTO,
	ACCEL_KVM,
	ACCEL_TCG,
	ACCEL_NESTED, /* TCG with a CPU whose virtualization is emulated: the guest has a KVM of its own */
};
enum machine_type {
	MACHINE_AUTO,
	MACHINE_MICROVM,
	MACHINE_Q35,
	MACHINE_VIRT, /* Arm's */
	MACHINE_PC, /* what PCs were before PCI Express: i440FX, PIIX with IDE */
};

const char *machine_engine_name(enum machine_engine v); /* "auto", "qemu" */
const char *machine_accel_name(enum machine_accel v); /* "auto", "kvm", "tcg", "nested" */
const char *machine_type_name(enum machine_type v); /* "auto", "microvm", "q35", "virt", "pc" */
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

/* ---- a machine whose system is its own: it boots by firmware from disks, or a kernel that is none of ours ---- */

enum machine_firmware { FIRMWARE_BIOS, FIRMWARE_UEFI };
enum machine_bus { BUS_VIRTIO, BUS_IDE, BUS_SATA, BUS_NVME, BUS_SCSI };
const char *machine_firmware_name(enum machine_firmware v); /* "bios", "uefi" */
const char *machine_bus_name(enum machine_bus v); /* "virtio", "ide", "sata", "nvme", "scsi" */
int machine_firmware_parse(const char *s, enum machine_firmware *ret, struct err *e);
int machine_bus_parse(const char *s, enum machine_bus *ret, struct err *e);

/* What the guest writes goes to the file of `own`, which is ours to throw away, and never to `path`. */
struct machine_disk {
	enum machine_bus bus;
	const char *path; /* NULL: a disk that begins empty */
	const char *format; /* of `path`, as disk_format_name() calls it */
	int own; /* an empty qcow2 file of the size of what is below; where nothing is a raw file. 0: it is only read */
	int frozen; /* between the two: what was the `own` of a machine that was saved. It is only read; 0: nothing */
	bool cdrom; /* only read, on the bus that the machine has for it */
	const char *serial; /* NULL: "vmrigN" */
};

struct machine_nic {
	const char *model; /* as the engine calls it: "e1000", "virtio-net-pci" */
	bool internet; /* it may reach others than us */
	const uint16_t *
		forwards; /* TCP ports of the guest that are to be had on free ports of 127.0.0.1 */
	size_t n_forwards;
};

struct machine_os {
	enum machine_firmware firmware;
	const char *firmware_code; /* path of UEFI's code; NULL with BIOS */
	int firmware_vars; /* its variables, ours to throw away; 0 with BIOS */
	const struct machine_disk *disks; /* tried for booting in this order */
	size_t n_disks;
	const struct machine_nic *nics;
	size_t n_nics;
	unsigned serials; /* serial ports: 1 to MACHINE_SERIALS_MAX */
	uint16_t exit_port; /* I/O port where a guest may write its verdict; 0: none */
	bool resets; /* a reset by the guest is no end */
	bool generations; /* several go on from one saved state, and are told that they are not the same */
	const char *cpu; /* the engine's name of a CPU model; NULL: what suits the accelerator */
};
#define MACHINE_SERIALS_MAX 4
#define MACHINE_DISKS_MAX   6

#define MACHINE_FS_PORTS_MAX 2

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
	unsigned
		fs_ports; /* further ports for FUSE, at most MACHINE_FS_PORTS_MAX: WIRE_PORT_FS, WIRE_PORT_FS2 */
	const int *keep_fds;
	size_t n_keep_fds;
	/* Files of a template, whose descriptors the engine is handed; 0: none. */
	int memory_fd; /* is the guest's memory, as long as that */
	bool memory_shared; /* what the guest writes goes into that file, for machine_save(); else it stays its own */
	int state_fd; /* the state to go on from, instead of booting */
	bool holds; /* a guest that ends by itself stands still, to be saved: see machine_handlers */
	bool stopped; /* with `state_fd`: it is loaded, and does not go on by itself */
	int debug_fd; /* a listening socket, kept by the engine, for a debugger of the gdb protocol; 0: none */
	bool copies; /* machine_copy() will be asked of it: machine_can_copy() */
	const char *const *extra; /* more arguments for the engine's command line */
	size_t n_extra;
	/* NULL: a guest of ours, with agent, channel and shares. Else it has none of these, and kernel, initrd and cmdline
	 * may be NULL. */
	const struct machine_os *os;
	const char *
		name; /* under which `vmrig console` and `vmrig qmp` find it while it lives; NULL: they do not */
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
	MACHINE_EXITED, /* the guest wrote to the exit port: machine_exit_value() */
	MACHINE_STOPPED, /* by us */
	MACHINE_DIED, /* the engine failed or was killed */
};

struct machine_handlers {
	void (*console)(void *arg, const char *data, size_t len);
	void (*ended)(void *arg, enum machine_end end, const char *why); /* once, last */
	void *arg;
	/* The state was loaded, and the guest goes on now; what was sent to it before may be lost. May be NULL. */
	void (*loaded)(void *arg);
	/* The guest has ended, and `holds`: machine_stop() brings `ended`. NULL: it is stopped at once. */
	void (*held)(void *arg);
};

struct machine;
int machine_start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e);
int machine_channel_fd(struct machine *m); /* borrowed, non-blocking */
int machine_fs_fd(struct machine *m, unsigned i); /* of FUSE port I; borrowed */
/* Whether machines as SPEC can be saved, and go on from that several times: 0, or -EOPNOTSUPP with the reason. */
int machine_can_save(const struct machine_spec *spec, struct err *e);
/*
 * Stops the guest, whose memory is `memory_shared`, and writes the rest of its state to the file STATE_FD, borrowed
 * until CB is called: with NULL, or why it could not be saved. Either way the guest stands still until
 * machine_cont(). CB is not called when the machine ends before.
 */
typedef void (*machine_saved_cb)(void *arg, const char *error);
void machine_save(struct machine *m, int state_fd, machine_saved_cb cb, void *arg);
void machine_cont(struct machine *m);
/*
 * Copies: the engine's whole process, with the guest in it and all that was translated of its code, is copied as by
 * fork(2). Whether machines as SPEC can be: 0, or -EOPNOTSUPP with the reason.
 */
int machine_can_copy(const struct machine_spec *spec, struct err *e);
/* Stops the guest, so that it can be copied; CB as for machine_save(). */
void machine_pause(struct machine *m, machine_saved_cb cb, void *arg);
/* The guest of FROM, which was paused, goes on at once as another machine. FROM stays as it is. */
int machine_copy(struct loop *loop, struct machine *from, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e);
/* When what an engine does first was done, of clock_us(); 0: not yet, or the engine does not tell. */
struct machine_times {
	int64_t started_us; /* its process was started, or copied */
	int64_t answered_us; /* its monitor spoke */
	int64_t loaded_us; /* the state was loaded */
	int64_t runs_us; /* the guest goes on from there, or boots */
};
void machine_times(const struct machine *m, struct machine_times *ret);
/* Whether the guest ever ran: false where its state could not be loaded. */
bool machine_ran(const struct machine *m);
/* Of a machine with a system of its own: our end of serial port I from 1 on (0 is the console: machine_write()), a
 * borrowed non-blocking stream. Its last bytes may still wait there when `ended` is called. */
int machine_serial_fd(struct machine *m, unsigned i);
/* Bytes to its console, as fast as the guest takes them. */
void machine_write(struct machine *m, const char *data, size_t len);
/* The value, 1 to 127, after MACHINE_EXITED; else 0. Higher bits are lost on the way. */
int machine_exit_value(const struct machine *m);
/* One command to the engine's monitor, ARGUMENTS stolen. CB (may be NULL) gets what it returned or why it failed;
 * it is not called once the machine is freed. */
void machine_command(
	struct machine *m, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg);
/* Whether it still answers commands: false from the end of its monitor on, `ended` is then to come. */
bool machine_talks(const struct machine *m);
/* Ways to end it that are gentler than machine_stop(); `ended` comes where they are heard. */
enum machine_ask {
	MACHINE_ASK_BUTTON /* ACPI's, for the guest */,
	MACHINE_ASK_QUIT,
	MACHINE_ASK_TERM
};
void machine_ask(struct machine *m, enum machine_ask how);
/* Another name to find it by. */
void machine_rename(struct machine *m, const char *name);

/*
 * Presses KEYS, each as qmp_keys() reads it ("esc", "ctrl-alt-f2"), one after the other, and then types TEXT (may be
 * NULL) on a US keyboard. CB (may be NULL) is called when the last key is released: with NULL, or why it went
 * wrong; not when the machine is freed before. -EINVAL names a key that there is not, and nothing is pressed.
 */
typedef void (*machine_pressed_cb)(void *arg, const char *error);
int machine_press(struct machine *m, const char *const *keys, size_t n_keys, const char *text,
	machine_pressed_cb cb, void *arg, struct err *e);

/* The screen, borrowed until CB returns; or ERROR says why there is none ("There is no console to take a screendump
 * from": a machine without a display). Not called when the machine is freed before. */
struct machine_screenshot {
	const struct screen *screen;
	const void *png; /* the same as a file */
	size_t len;
};
typedef void (*machine_screenshot_cb)(
	void *arg, const struct machine_screenshot *s, const char *error);
void machine_screenshot(struct machine *m, machine_screenshot_cb cb, void *arg);

void machine_inject_nmi(struct machine *m);
void machine_sysrq(struct machine *m, char key);
void machine_stop(struct machine *m);
void machine_usage(struct machine *m, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib);
void machine_free(struct machine *m);

/* ---- the store of templates: CACHE/templates/KEY (docs/architecture.md) ---- */

struct machine_template {
	char *key; /* owned */
	int memory_fd, state_fd; /* owned: of one that is there, or of one in the making */
	struct buf
		hello; /* what the agent said before it was stopped: a payload of the wire's HELLO */
	int lock; /* owned: held by who makes it; -1: it is there */
};
#define MACHINE_TEMPLATE_INIT                               \
	{                                                   \
		.memory_fd = -1, .state_fd = -1, .lock = -1 \
	}
void machine_template_release(struct machine_template *t); /* one not committed is gone */

/* The key of the template that serves SPEC: of all that shapes the machine until its agent speaks, so not of the
 * folders that it shares. -EOPNOTSUPP, with the reason, where there can be none. The caller owns the string. */
int machine_template_key(const struct machine_spec *spec, char **ret, struct err *e);

/* Opens it and counts it as used. -ENOENT: there is none; -EBADMSG: it was damaged, E says how, and is removed. */
int machine_template_open(const char *key, struct machine_template *ret, struct err *e);

/* Begins to make it, in files without a name. -EBUSY while somebody else does (look again), -EEXIST when it is there
 * by now. */
int machine_template_begin(
	const char *key, uint32_t memory_mib, struct machine_template *ret, struct err *e);
/* Makes it appear, whole and on the disk, and trims the store. T's files stay open, for a clone. */
int machine_template_commit(struct machine_template *t, struct err *e);
/* The host's CPU in words: what a saved machine goes on upon. The caller owns it. */
char *machine_host_cpu(void);

/* Removes it: the engine refused it. */
void machine_template_remove(const char *key);

struct machine_trim {
	uint64_t max_bytes; /* all together; those unused for longest go first */
	int64_t older_ms; /* those unused for so long go; 0: none for that */
	bool dry_run;
	const char *keep; /* key of one that stays; NULL */
	/* Called for each that goes, or would. May be NULL. */
	void (*gone)(void *arg, const char *key, uint64_t bytes, int64_t unused_ms);
	void *arg;
};
#define MACHINE_TEMPLATES_MAX (4ull << 30) /* bytes that the store is held below */
int machine_templates_trim(const struct machine_trim *t, struct err *e);

#endif
