/* SPDX-License-Identifier: MIT */
/* Private to the room: the state of a job. */
#ifndef GUEST_JOB_H
#define GUEST_JOB_H

#include "guest/channel.h"
#include "guest/plan.h"
#include "share/share.h"

/* In order; a job only ever moves on. */
enum job_state {
	JOB_WAITING, /* somebody else makes the template */
	JOB_BOOTING, /* waiting for HELLO */
	JOB_PREPARING, /* a machine that becomes the template is parked, and runs a command first where there is one */
	JOB_SAVING, /* HELLO came from a machine that becomes the template; it is saved, and then ends */
	JOB_MOUNTING, /* WELCOME, ROOT and SHAREs sent; waiting for their DONEs */
	JOB_RUNNING, /* commands, one after the other */
	JOB_PULLING, /* fetching artifacts */
	JOB_PARKING, /* PARK sent, waiting for HELLO and for the machine to stand still */
	JOB_PARKED, /* `done` is due or was called; it is there to be copied */
	JOB_KEPT, /* `done` is due or was called; waiting for job_again() */
	JOB_LEAVING, /* SHUTDOWN sent, waiting for BYE */
	JOB_DIAGNOSING, /* a limit ran out: collecting backtraces */
	JOB_ENDING, /* the machine was told to stop */
	JOB_OVER, /* `done` is due or was called */
};

/* Request ids on the wire. Commands are job.first_id plus their index. */
enum {
	ID_ROOT = 1,
	ID_PULL = 2,
	ID_PREPARE = 3,
	ID_PARK = 4,
	ID_SHARE = 100,
	ID_COMMAND = 10000,
	ID_RESUMED = 1000000, /* of a guest in which others may run still */
};

struct job_file; /* an artifact being received */
struct job_saving;

struct job {
	struct loop *loop; /* borrowed */
	struct guest_plan *plan; /* a reference */
	struct job_spec spec;
	struct job_handlers h;
	struct machine *machine; /* owned; NULL while WAITING */
	struct machine_template template; /* that the machine becomes or came from */
	bool making; /* the machine becomes the template */
	bool shares_memory; /* the machine was to become the template: what it writes is in the file */
	struct job_saving *saving; /* owned: the guest is being saved as it stands */
	uint32_t first_id; /* of its commands */
	bool saved; /* it did */
	bool prepared; /* it was parked, with the command for it behind it */
	bool has_prepared; /* the guest has that command behind it */
	bool used; /* it has run another row of commands before */
	struct buf prepare_tail; /* its last words */
	bool copied; /* from `spec.copy_of` */
	bool refused; /* a template was not accepted by the engine, and removed */
	struct loop_timer *look; /* owned: looks for the template again, or begins a copy */
	int64_t look_until; /* then it boots instead */
	struct channel *channel; /* owned; NULL once closed */
	struct share
		*share[MACHINE_FS_PORTS_MAX]; /* owned: the folders that go over FUSE; else NULL */
	struct share_stream *share_stream[MACHINE_FS_PORTS_MAX]; /* owned */
	struct console *console; /* owned */
	struct splats *kmsg; /* owned */
	int kmsg_fd; /* owned */
	uint64_t kmsg_bytes;
	struct job_report report;

	enum job_state state;
	size_t current; /* index of the running command */
	bool pulled, leaving; /* PULL, SHUTDOWN was sent */
	size_t mount; /* whose DONE is due while MOUNTING: 0 is the root, I + 1 the plan's mount I */
	uint64_t stdin_room;
	bool paused;
	uint64_t kmsg_next; /* number of the record that is due */
	bool kmsg_cut; /* records were lost in the guest */
	struct job_file *file; /* owned; NULL: none open */
	uint64_t artifact_bytes;

	int64_t start_ms, start_us;
	int64_t engine_ms; /* when the engine was started */
	int64_t command_deadline, idle_deadline, beat_deadline, boot_deadline, total_deadline;
	struct loop_timer *limits; /* owned: the nearest of the deadlines */
	struct loop_timer *diagnosis; /* owned */
	unsigned diagnosis_step;
	int64_t diagnosis_end; /* deadline of all its steps */
	uint64_t diagnosis_bytes; /* of console when the step began */
	struct loop_timer *finish; /* owned: calls `done` from the loop */
};

/* job.c */
void job_next(struct job *j); /* the current command has ended, or none ran yet: what comes now */
void job_end(struct job *j); /* stops the machine; the report is made when it has ended */
void job_fail(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_trouble(struct job *j, const char *text); /* kept for the report, within bounds */
void job_request(struct job *j, uint8_t type, const struct wire_enc *e);
bool job_takes_stdin(const struct job *j); /* the current command runs and has one */

void job_listen(
	struct job *j, const struct job_spec *spec); /* to the kernel, and keep what it says */
void job_finish(struct job *j); /* calls `done` from the loop */
void job_report_release(struct job_report *r);
void job_over(
	struct job *j, enum machine_end end, const char *why); /* `done` is called from the loop */
extern const struct machine_handlers job_machine_handlers; /* but for its `arg` */
int job_attach(struct job *j, struct err *e); /* to a machine that was started */

void job_detach(struct job *j); /* from a machine, which is freed */

/* steps.c: when what was reached, for the report */
void job_steps_begin(struct job *j); /* nothing yet */
void job_step(struct job *j, enum guest_step s); /* now, unless it was before */
void job_steps_of_machine(struct job *j); /* those that the engine knows of */

/* job_again.c */
bool job_keep(struct job *j); /* instead of leaving; false: it has to leave */

/* job_start.c */
int job_begin(struct job *j, struct err *e); /* by the way that the spec asks for */
void job_template_hello(
	struct job *j, const struct wire_frame *f); /* of a machine that is to become one */
bool job_next_machine(struct job *j, enum machine_end end,
	const char *why); /* one has ended; another one goes on */
void job_as_said(struct job *j); /* a clone goes on: what follows is as if it had just said HELLO */
void job_start_release(struct job *j);

/* job_save.c */
/* Saves the guest where that is wanted, then calls THEN; false: not, and it does not. */
bool job_save(struct job *j, enum guest_moment moment, void (*then)(struct job *j));
void job_save_release(struct job *j);
int job_resume(struct job *j, struct err *e);

/* job_copy.c */
bool job_mounts(const struct job *j,
	size_t at); /* as `mount`: it is mounted by J, not by one that J is a copy of */
bool job_park(struct job *j); /* instead of leaving; false: it has to leave */
void job_park_done(struct job *j);
void job_park_hello(struct job *j, const struct wire_frame *f);
int job_copy(struct job *j, struct err *e);

/* job_prepare.c */
bool job_prepares(
	const struct job *j); /* its first command is to be run before a template is kept */
void job_prepare(struct job *j);
void job_send_park(struct job *j);
void job_prepare_frame(struct job *j, const struct wire_frame *f);

/* job_hello.c */
void job_send_welcome(struct job *j);
void job_hello(struct job *j, const struct wire_frame *f);
bool job_mounts_due(const struct job *j); /* an answer of one is awaited */
void job_mount_done(
	struct job *j, uint32_t id, int error, const char *text, const struct wire_frame *f);

/* job_frames.c */
void job_broken(struct job *j, const char *what,
	const struct wire_frame *f); /* ends it: F is not what it may be */
void job_frame(struct job *j, const struct wire_frame *f);

/* job_limits.c */
void job_limits_start(struct job *j);
void job_limits_boot(struct job *j); /* a machine of our own starts */
void job_limits_exec(struct job *j); /* a command was asked for */
void job_limits_command(struct job *j); /* it has started */
void job_limits_no_command(struct job *j); /* it has ended */
void job_limits_ready(struct job *j);
void job_limits_alive(struct job *j); /* output came */
void job_limits_beat(struct job *j); /* a heartbeat came */
void job_limits_pause(struct job *j, bool paused);
void job_limits_stop(struct job *j);
void job_limits_wait(struct job *j, bool waits); /* the guest stands still by our doing */
void job_limits_update(struct job *j);

/* job_program.c */
/* The path of command I's program in the guest, as far as it can be known from here; NULL: it is to look. Owned by
 * the caller. */
char *job_program(const struct job *j, size_t i);

/* job_pull.c */
bool job_pull_start(struct job *j); /* false: nothing to fetch */
void job_pull_frame(struct job *j, const struct wire_frame *f);
void job_pull_end(struct job *j); /* closes and drops what is half received */

#endif
