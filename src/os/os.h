/* SPDX-License-Identifier: MIT */
/*
 * A machine whose system is its own: an installed disk, an ISO, a kernel that is no Linux of ours. No agent runs in
 * it. What is known of it comes from its serial ports, its exit port and its end; what is done to it are steps.
 *
 *	os_prepare()  wish → plan: accelerator, firmware, what the images are
 *	os_start()    plan + steps + what to listen for → boots on private copies, listens, ends it, reports facts
 *
 * A report holds what was seen and judges nothing: suite/verdict does. docs/systems.md is the manual.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/strv.h"
#include "console/console.h"
#include "machine/machine.h"
#include "yaml/yaml.h"

/* ---- patterns: Perl's regular expressions, by PCRE2, on one line of text at a time ---- */

/* Whether TEXT is one: 0, or -EINVAL with the place in it. */
int os_pattern_check(const char *text, struct err *e);

/* ---- what a suite file says: read with the places of its mistakes ---- */

/* What lines of a serial port mean. Owned patterns; NULL: none. */
struct os_grammar {
	uint32_t serial;
	char *start; /* the system speaks from here on: what comes before (firmware, boot loader) means nothing */
	char *pass, *fail, *panic;
	char *end; /* nothing more is to come */
	/* One result among several; group "name", or the first, is its name. */
	char *case_pass, *case_fail, *case_skip;
};
void os_grammar_copy(
	struct os_grammar *dst, const struct os_grammar *src); /* DST is initialised here */
void os_grammar_release(struct os_grammar *g);

#define OS_EXIT_VALUES 8
struct os_exit_port {
	uint32_t port; /* 0: there is none */
	uint8_t pass[OS_EXIT_VALUES], fail[OS_EXIT_VALUES]; /* 1 to 127, as the guest writes them */
	size_t n_pass, n_fail;
};

/* How it is ended once there is nothing more to see: each way with its time in ms, 0: that way is not taken. */
struct os_shutdown {
	int64_t ssh_ms; /* told over SSH, where that answered; on the same terms as the button */
	int64_t button_ms; /* ACPI's power button; not after a panic, a failed step or a limit */
	int64_t quit_ms, term_ms; /* of the engine: QMP's quit, SIGTERM; then SIGKILL */
};
#define OS_SHUTDOWN_DEFAULT                      \
	{                                        \
		.quit_ms = 5000, .term_ms = 5000 \
	}

struct os_step;
struct os_steps {
	struct os_step **v; /* owned, with the steps */
	size_t n, cap;
};
void os_steps_release(struct os_steps *s);

/* Readers for the tables of yaml_read_map(). The field's type is said behind each. */
int os_read_steps(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_steps */
int os_read_grammar(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_grammar */
int os_read_exit_port(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_exit_port */
int os_read_shutdown(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_shutdown */
int os_read_seed(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_seed */
int os_read_ssh(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct os_ssh */
/* What a machine has for steps. */
struct os_means {
	const char *machine; /* its name, for messages */
	bool ssh; /* it says as whom to log in */
	bool key; /* and a key is made for that */
	bool display;
	bool resets;
	uint32_t serials;
};
/* -EINVAL, with its place, for a step that such a machine cannot be made to take. */
int os_steps_check(const struct yaml_reader *l, const struct os_steps *s, const struct os_means *m);

/* The highest serial port that one of the steps or the grammar speaks of. */
uint32_t os_steps_serial(const struct os_steps *s);

/* ---- the plan ---- */

struct os_disk {
	char *image; /* owned: a path, or a name of the cache of images; NULL: a disk that begins empty */
	bool iso;
	uint32_t size_mib; /* of an empty disk */
	bool has_bus;
	enum machine_bus bus;
	char *serial; /* owned; NULL: of ours */
};

struct os_nic {
	char *model; /* owned; NULL: virtio's */
	bool internet;
	uint16_t *forwards; /* owned */
	size_t n_forwards;
};

/* What cloud-init in the system is told: a volume of its own, made and checked when the plan is. All owned. */
struct os_seed {
	bool given;
	char *user_data, *meta_data, *network_config; /* paths, absolute; NULL: none */
	struct strv vars; /* NAME=VALUE for @NAME@ in them */
	bool vfat;
};

/* By what key it is known. */
enum os_host_key {
	OS_HOST_KEY_SEED, /* that which its seed gives it; without a seed as FIRST */
	OS_HOST_KEY_FIRST, /* one of its own: that with which it answers first */
	OS_HOST_KEY_CONSOLE, /* one of its own, that it shows on a serial port */
};

/* How the system is reached by SSH. Owned. */
struct os_ssh {
	char *user; /* NULL: it is not */
	uint32_t port; /* in the guest; 0: 22 */
	char *key; /* path of a private key that it knows; NULL: one that is made, and goes into the seed */
	enum os_host_key host_key;
};
void os_seed_release(struct os_seed *s);
void os_ssh_release(struct os_ssh *s);

/* What is wished for. Zeroes are the defaults. All borrowed, for the life of the plan. */
struct os_wish {
	const char *arch; /* "x86_64", "i386", "aarch64"; NULL: this machine's */
	enum machine_engine engine;
	enum machine_accel accel;
	enum machine_type type;
	enum machine_firmware firmware;
	const char *cpu;
	uint32_t cpus; /* 0: 1 */
	uint32_t memory_mib; /* 0: 512 */
	const char *kernel, *initrd,
		*cmdline; /* for the engine to load; NULL: it boots from a disk */
	const char *dir; /* relative images are against it; absolute */
	const struct os_disk *disks;
	size_t n_disks;
	const struct os_nic *nics;
	size_t n_nics;
	const struct os_seed *seed; /* may be NULL, as may the next */
	const struct os_ssh *ssh;
	bool clones; /* runs are to go on from one that was prepared */
	uint32_t serials; /* 0: 1 */
	uint32_t exit_port;
	bool resets;
	const char *const *extra; /* further engine arguments */
	size_t n_extra;
};

struct os_plan;
/* Errors: an image that is not there, damaged or names foreign files; no firmware; an accelerator that cannot be had;
 * a disk's bus that the board lacks. */
int os_prepare(const struct os_wish *wish, struct os_plan **ret, struct err *e);
void os_plan_free(struct os_plan *p);
/* Borrowed from the plan. Descriptors in it are 0: each run has its own. */
const struct machine_spec *os_plan_spec(const struct os_plan *p);
const char *os_plan_engine(const struct os_plan *p);
const char *os_plan_accel_why(const struct os_plan *p);
/* Whether such machines can be saved: 0, or -EOPNOTSUPP with the reason. */
int os_plan_can_save(const struct os_plan *p, struct err *e);

/* A machine of a plan, as it stood when it was prepared. Runs of the same plan may go on from it, several at once. */
struct os_saved;
void os_saved_free(
	struct os_saved *s); /* those that have gone on from it need it no more. NULL is fine */

/* ---- the run ---- */

enum os_limit {
	OS_LIMIT_NONE,
	OS_LIMIT_BOOT,
	OS_LIMIT_STEP,
	OS_LIMIT_TEST,
	OS_LIMIT_IDLE,
	OS_LIMIT_TOTAL
};
const char *os_limit_name(enum os_limit l); /* "boot", …; NULL for NONE */

enum os_step_state {
	OS_STEP_WAITING,
	OS_STEP_RUNNING,
	OS_STEP_DONE,
	OS_STEP_FAILED,
	OS_STEP_TIMEOUT,
	OS_STEP_LOST
};

struct os_step_result {
	char *what; /* owned: "expect login:" */
	enum os_step_state state;
	char *why; /* owned: of one that failed; NULL */
	int64_t ms; /* how long it took; -1: it never began */
	bool prepares; /* it is one of os_spec's `prepare`, which stand first */
};

/* What the grammar heard. */
struct os_said {
	char *line; /* owned: the first that matched; NULL: none */
	int64_t ms; /* since the start of the engine */
};

enum os_case_result { OS_CASE_PASS, OS_CASE_FAIL, OS_CASE_SKIP };
struct os_case {
	char *name; /* owned */
	enum os_case_result result;
};
#define OS_CASES_MAX 10000

enum os_rung {
	OS_RUNG_NONE,
	OS_RUNG_SSH,
	OS_RUNG_BUTTON,
	OS_RUNG_QUIT,
	OS_RUNG_TERM,
	OS_RUNG_KILL
};
const char *os_rung_name(
	enum os_rung r); /* "ssh", "acpi", "quit", …; NULL for NONE: it ended by itself */

struct os_report {
	struct os_step_result *steps;
	size_t n_steps;
	bool cloned; /* it went on from a machine that was saved */
	char *not_saved; /* owned: why it was not, though it should; NULL */
	struct os_said start, pass, fail, panic, end_said;
	int64_t planned; /* what group "count" of the start pattern told; -1: nothing */
	struct os_case *cases;
	size_t n_cases;
	uint64_t cases_lost; /* beyond OS_CASES_MAX */
	int exit_value; /* what it wrote to the exit port; 0: nothing */

	enum machine_end end; /* RUNNING where it never started */
	char *end_why; /* owned */
	bool by_itself; /* it ended before we told it to */
	enum os_rung rung; /* what ended it */
	enum os_limit limit;
	int64_t limit_ms;
	bool cancelled;
	char *infra; /* owned: the rig failed; NULL */
	struct strv trouble; /* lines for the record */
	struct strv artifacts; /* files made in the folder: "screens/boot.png" */

	struct splats
		*splats; /* what a Linux on the console complained of; borrowed until os_free() */
	int64_t boot_ms; /* to the start pattern, or to the first step that heard the system; -1 */
	int64_t total_ms;
	int64_t engine_cpu_us, engine_maxrss_kib;
};

/* All but `dir` borrowed until `done`. */
struct os_spec {
	const struct os_plan *plan;
	const struct os_steps *
		prepare; /* come first, and what is heard meanwhile means nothing but a panic; NULL: none */
	bool saves; /* the machine is saved behind `prepare`, which is told by `saved`, and goes on from there */
	const struct os_saved *
		from; /* it goes on from there, and needs no `prepare`; borrowed until it is started; NULL: none */
	const struct os_steps *steps;
	const struct os_grammar *grammar;
	const struct os_exit_port *exit_port;
	struct os_shutdown shutdown;
	bool report_serial; /* a report in lines is awaited on the grammar's serial port: it ends with the machine, or with
			       the grammar's `end` */
	int64_t boot_ms; /* to the start pattern, where there is one; 0: none, as of those below */
	int64_t test_ms; /* from the start of the engine until there is nothing more to wait for; `prepare` has as much */
	int64_t idle_ms; /* without a byte on any serial port */
	int64_t total_ms; /* with its shutdown */
	const char *name; /* to find the machine by while it lives; NULL: it is not found */
	const char *
		dir; /* a folder that is there: gets console.log, console.timing, serialN.* of further ports, and what steps make */
	uint64_t file_max; /* bytes at most in each log; 0: 64 MiB */
};

struct os;
struct os_handlers {
	/* The system speaks: its start was seen. */
	void (*booted)(void *arg);
	/* What a command over SSH prints; STREAM is 1 or 2. */
	void (*output)(void *arg, int stream, const char *data, size_t len);
	/* A line of the grammar's serial port behind its start, clean and without its end. */
	void (*line)(void *arg, const char *line, size_t len);
	/* With `saves`, once: S is the caller's from now on; or it is NULL, and
	 * WHY says why the run goes on as it is. Not called where `prepare` did not come to its end. */
	void (*saved)(void *arg, struct os_saved *s, const char *why);
	/* Everything is over: once, last. The report is valid until os_free(). */
	void (*done)(void *arg, const struct os_report *r);
	void *arg;
};

int os_start(struct loop *loop, const struct os_spec *spec, const struct os_handlers *h,
	struct os **ret, struct err *e);
void os_cancel(struct os *o); /* ends it at once; `done` still comes */
struct console *os_console(struct os *o); /* borrowed: of serial port 0 */
/* 0, or the first negative errno of writing a log. */
int os_disk_error(const struct os *o);
/* At any time, then the machine is killed first; but from inside no other handler than `done`. NULL is fine. */
void os_free(struct os *o);

#endif
