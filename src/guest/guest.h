/* SPDX-License-Identifier: MIT */
/*
 * A guest: a machine that boots a kernel with our agent, and the conversation with it.
 *
 *	guest_prepare()  kernel + wishes → a plan: vmlinux and initramfs from the cache, machine spec
 *	job_start()      plan + commands → boots, runs them one after the other, shuts down, reports facts
 *
 * A report holds what was seen and judges nothing: suite/verdict does. "No proof" is what a report
 * says until proof arrives: all its fields begin as "nothing happened".
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/strv.h"
#include "console/console.h"
#include "kernel/kernel.h"
#include "machine/machine.h"

/* ---- the plan ---- */

struct guest_share {
	char *host; /* owned: absolute */
	char *guest; /* owned: absolute; where it appears */
	bool writable;
};

/* What is wished for. Zeroes are the defaults. Strings are owned by whoever made it. */
struct guest_wish {
	enum machine_engine engine;
	enum machine_accel accel;
	enum machine_type type;
	uint32_t cpus; /* 0: 1 */
	uint32_t memory_mib; /* 0: 512 */
	const char *
		root; /* NULL or "/": the host's own files; "none": the initramfs; else a folder. A guest
			  of another architecture cannot run the host's: there NULL is "none" */
	const struct guest_share *shares; /* further folders, writable or not */
	size_t n_shares;
	const char *cmdline; /* added to the kernel's command line; NULL: nothing */
	const char *const
		*programs; /* host programs that a root of "none" must hold, with libraries */
	size_t n_programs;
	const char *const *puts; /* host files that a root of "none" holds as well, under their own
				    absolute paths */
	size_t n_puts;
	const char *cwd; /* absolute: a folder that a root of "none" must have; NULL: none */
	bool deterministic; /* clones of one template begin alike: ids, clock, and no fresh entropy (docs/suite.md) */
	bool savable; /* as long as it runs, for job_spec.snapshot_dir: no 9p, unless a writable folder needs it */
	bool without_kvm; /* a nested guest boots a kernel that has no KVM, too: to see what fails there */
	const char *const *extra; /* further engine arguments */
	size_t n_extra;
};

struct guest_plan;

/*
 * Makes what the guest boots from (cached: vmlinux and initramfs are built once for a kernel, agent and
 * module set) and decides machine, accelerator, channel and root. Errors say which option or module
 * the kernel lacks. KERNEL and the wish are copied.
 */
int guest_prepare(const struct kernel *kernel, const struct guest_wish *wish,
	struct guest_plan **ret, struct err *e);
/* Plans are shared by the jobs that use them. */
struct guest_plan *guest_plan_ref(struct guest_plan *p);
void guest_plan_unref(struct guest_plan *p);

/* The engine's command line, and facts for the record. All borrowed from the plan. */
int guest_plan_describe(const struct guest_plan *p, struct strv *ret, struct err *e);
const struct machine_spec *guest_plan_spec(const struct guest_plan *p);
const char *guest_plan_engine(const struct guest_plan *p); /* "qemu 7.2.22" */
const char *guest_plan_accel_why(const struct guest_plan *p);
const struct strv *guest_plan_notes(const struct guest_plan *p); /* lines worth telling a person */
const struct kernel *guest_plan_kernel(const struct guest_plan *p);

/* Why nobody else will want a template of this plan ("it boots with kernel parameters of its own"); NULL: others
 * may, so making one pays. */
const char *guest_plan_one_off(const struct guest_plan *p);

/* ---- the job ---- */

/* When a guest is saved. */
enum guest_moment {
	MOMENT_FAILED, /* a command is over; the guest lives */
	MOMENT_LIMIT, /* a limit ran out; what ran runs still */
	MOMENT_ENDED, /* its kernel came to its end: a panic, a reset */
};

/* A guest that was saved (job_spec.snapshot_dir) in the folder DIR. One that cannot go on here is refused, by what differs:
 * engine, host CPU, files. */
struct guest_snapshot;
int guest_snapshot_open(const char *dir, struct guest_snapshot **ret, struct err *e);
void guest_snapshot_free(struct guest_snapshot *s);
struct guest_plan *guest_snapshot_plan(
	const struct guest_snapshot *s); /* borrowed: for job_start() */
const char *guest_snapshot_silent(
	const struct guest_snapshot *s); /* why it takes no command; NULL: it does */

/* How far it has come, in order; not every guest takes every step. */
enum guest_step {
	STEP_ENGINE, /* the engine's process was started, or copied */
	STEP_MONITOR, /* its monitor answered */
	STEP_STATE, /* the state of a clone was loaded */
	STEP_RUNS, /* the guest's first instruction */
	STEP_AGENT, /* the agent's first word */
	STEP_ROOT, /* the root is mounted */
	STEP_COMMAND, /* the first command runs */
	STEP_OUTPUT, /* its first output */
	STEP_EXIT, /* the last command has ended */
	STEP_END, /* the engine has ended */
};
#define GUEST_STEPS (STEP_END + 1)
const char *guest_step_name(enum guest_step s); /* "engine", … */

/* How a guest comes to be. */
enum guest_isolate {
	ISOLATE_BOOT, /* powered on */
	ISOLATE_CLONE, /* a private copy of a template, which is made where there is none; powered on where there
			  can be none, and the report says why */
};
const char *guest_isolate_name(enum guest_isolate i); /* "boot", "clone" */

enum guest_limit { LIMIT_NONE, LIMIT_BOOT, LIMIT_TEST, LIMIT_IDLE, LIMIT_HEARTBEAT, LIMIT_TOTAL };
const char *guest_limit_name(enum guest_limit l); /* "boot", …; NULL for NONE */

/* One command. Strings borrowed for the life of the job. */
struct job_command {
	const char *name; /* for messages: "setup", the test's name */
	const char *const *argv;
	const char *const *env; /* NAME=VALUE, NULL-terminated: the whole environment */
	const char *cwd; /* in the guest */
	const char *user; /* NULL: root */
	bool prepares; /* the first one alone: a clone has it behind it, for it was run before the template was kept */
	bool has_stdin; /* job_stdin() feeds it; else /dev/null */
	bool terminal; /* its streams are a terminal, see job_window(); with has_stdin. Its output is stream 1 */
	int64_t timeout_ms; /* from its start, and as long for the exec; 0: none */
};

/* How a command went. */
struct job_exit {
	bool started; /* it was executed */
	bool ended; /* it ended, and the agent told so */
	bool signalled;
	int code; /* exit code, or the signal */
	int exec_error; /* positive errno when it could not be executed */
	char *exec_text; /* owned: the agent's words */
	int64_t wall_us, user_us, sys_us, maxrss_kib;
	uint32_t leftover;
};

struct job_report {
	/* How far it came. */
	bool connected; /* the agent said HELLO */
	bool ready; /* root mounted, commands can run */
	bool bye; /* the agent said goodbye: its record of /dev/kmsg is whole */
	char *release, *agent; /* owned: as told by HELLO; NULL before */
	struct job_exit *exits; /* one a command, in order */
	size_t n_exits;

	enum guest_isolate isolate; /* what it was */
	bool deterministic; /* it began like every clone of its template, as was wished for */
	char *isolate_why; /* owned: why it is no clone, or what was wrong with a template; NULL: nothing to say */

	bool snapshot; /* it was saved */
	char *snapshot_why; /* owned: why it could not be; NULL */

	/* How it ended. */
	enum machine_end end;
	char *end_why; /* owned: the engine's last words when it died */
	enum guest_limit limit; /* which limit ran out, and the length of it */
	int64_t limit_ms;
	int limit_command; /* which command was running; -1: none */
	bool kept; /* the guest lives on, and nothing speaks against it: job_again() */
	bool lived_on; /* the agent spoke after the limit ran out: the kernel lives */
	bool cancelled; /* job_cancel() */
	char *broken; /* owned: why the channel is broken; NULL: it was not */
	char *infra; /* owned: the rig failed: this is why; NULL: it did not */
	struct strv trouble; /* what the agent complained of */

	/* What the kernel said: borrowed from the job, until job_free(). */
	struct splats *console; /* as printed on the console: may be imitated */
	size_t n_console; /* how many of these came before we ourselves provoked backtraces */
	struct splats *kmsg; /* records of facility kern alone: may be cut short by a crash */
	bool kmsg_whole; /* `kmsg` is everything the kernel said, from its start to the goodbye, or to the
			    limit that it lived to see */
	uint64_t tainted; /* /proc/sys/kernel/tainted, told with the goodbye */
	const struct console_end *kernel_end;

	int64_t boot_ms; /* start of the engine to the agent's first word; -1 */
	int64_t ready_ms; /* start of the engine to the root being mounted; -1 */
	int64_t total_ms;
	int64_t steps_us
		[GUEST_STEPS]; /* from job_start() or job_again() until the step was taken; -1: it was not */
	int64_t engine_cpu_us, engine_maxrss_kib;
	struct strv artifacts; /* files received, relative to artifacts_dir */
};

struct job_spec {
	struct guest_plan *plan; /* borrowed; the job takes its own reference */
	enum guest_isolate isolate;
	bool park; /* it becomes a guest to copy: it mounts the root and the folders that are only read, runs the
		      commands, whatever comes of them, and then stands still; `done` comes then, and the report says
		      `kept` where that was reached */
	struct job *
		copy_of; /* one that is parked, of the same plan, borrowed until job_start() returns: a clone is
				a copy of it; it is ended where it cannot be copied. NULL: of the template */
	bool keep; /* once the commands are over the guest is kept for others, unless its kernel complained */
	const char *
		snapshot_dir; /* where the guest is saved when `keep` of its handlers says so; NULL: nowhere */
	const struct guest_snapshot
		*resume; /* goes on from there, once more; NULL. Its plan is that of the job */
	int debug_fd; /* with `resume`: stands still for a debugger on this listening socket; 0: none */
	const struct job_command
		*commands; /* run in order; the first that fails (exit code not 0) ends
						   the row, except `always_last` */
	size_t n_commands;
	bool always_last; /* the last command (a teardown) runs even when an earlier one failed */
	int64_t boot_ms; /* limit from start to ready; 0: none */
	int64_t idle_ms; /* limit without output of the command, on its streams or the console; 0: none */
	int64_t heartbeat_ms; /* limit without a heartbeat; 0: none */
	int64_t total_ms; /* limit of everything; 0: none */
	const char *
		name; /* to find the guest by while it lives, borrowed for the life of the job; NULL: it is not found */
	const char *hostname; /* NULL: "vmrig" */
	int console_fd; /* the transcript; owned by the job from the start; -1: none */
	int kmsg_fd; /* text of /dev/kmsg; owned by the job; -1: none */
	uint64_t file_max; /* bytes at most in each of these; 0: 64 MiB */
	const char *const
		*artifacts; /* globs pulled after the last command but a teardown, relative to
					   that command's cwd */
	size_t n_artifacts;
	const char *artifacts_dir; /* host folder that gets them, made when the first comes */
	uint64_t artifacts_max; /* bytes in all; 0: 1 GiB */
};

struct job;

struct job_handlers {
	/* The guest can take commands. */
	void (*ready)(void *arg);
	/* Command I runs. */
	void (*started)(void *arg, size_t i);
	/* Its bytes: STREAM is 1 or 2. */
	void (*output)(void *arg, size_t i, int stream, const char *data, size_t len);
	/* Console bytes as they come. May be NULL. */
	void (*console)(void *arg, const char *data, size_t len);
	/* Room for more stdin of the running command. May be NULL. */
	void (*stdin_room)(void *arg, size_t bytes);
	/* Everything is over: once, last. The report is valid until job_free(), or job_again(). */
	void (*done)(void *arg, const struct job_report *r);
	void *arg;
	/* Whether the guest is to be saved, at this moment. May be NULL. */
	bool (*keep)(void *arg, enum guest_moment moment);
};

/* Starts it; SPEC's arrays stay borrowed until `done`. Handlers are called from LOOP. */
int job_start(struct loop *loop, const struct job_spec *spec, const struct job_handlers *h,
	struct job **ret, struct err *e);
/*
 * A guest that was kept: whether it can be used again. It cannot once it has ended, or its kernel complained
 * meanwhile; then it is freed.
 */
bool job_usable(const struct job *j);
/* Other commands for it, as job_start() takes them; the plan is the same. What was seen before is forgotten, the report
 * begins anew with a guest that is ready. Only on one that is usable. */
void job_again(struct job *j, const struct job_spec *spec, const struct job_handlers *h);
/* Whether jobs of this plan can be parked. */
bool job_can_park(const struct guest_plan *p);
/* It is, and lives: it can be copied. */
bool job_parked(const struct job *j);
/* Bytes for the running command's stdin, at most the room told; LEN 0 ends it. Dropped when it has ended. */
void job_stdin(struct job *j, const char *data, size_t len);
/* A signal to the running command; -ESRCH when none runs. */
int job_signal(struct job *j, int signo);
/* The size of the running command's terminal. */
void job_window(struct job *j, uint16_t rows, uint16_t columns);
/* While paused nothing is read from the guest, and limits on idleness and heartbeats wait. */
void job_pause_output(struct job *j, bool paused);
/* Ends the guest at once; `done` still comes, from the loop. */
void job_cancel(struct job *j);
struct console *job_console(struct job *j); /* borrowed: for slices */
const struct job_report *job_so_far(const struct job *j); /* borrowed: what is known by now */
/* At any time, then the guest is killed first; but from inside no other handler than `done`. */
void job_free(struct job *j);

#endif
