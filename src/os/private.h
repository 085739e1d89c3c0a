/* SPDX-License-Identifier: MIT */
/* Private to the room: patterns, the text of a serial port, the state of a run. */
#ifndef OS_PRIVATE_H
#define OS_PRIVATE_H

#include "base/buf.h"
#include "disk/disk.h"
#include "os/os.h"
#include "os/step.h"

/* ---- pattern.c ---- */

struct os_match {
	size_t from, to; /* bytes of the line */
	char *name,
		*count; /* owned: the groups of these names; name may be the first group; NULL */
};

struct os_pattern;
int os_pattern_new(const char *text, struct os_pattern **ret, struct err *e);
void os_pattern_free(struct os_pattern *p); /* NULL is fine */
/* True when LINE matches. RET may be NULL; its strings are the caller's. A pattern that takes more steps than a line
 * is worth does not match, and says so in os_pattern_gave_up() ever after. */
bool os_pattern_match(struct os_pattern *p, const char *line, size_t len, struct os_match *ret);
bool os_pattern_gave_up(const struct os_pattern *p);
const char *os_pattern_text(const struct os_pattern *p);

/* ---- text.c ---- */

#define OS_LINE_MAX   4096 /* a longer line counts as several */
#define OS_WINDOW_MAX (256 * 1024) /* of text that no step has looked at is kept; the oldest goes */

typedef void (*os_line_cb)(void *arg, const char *line, size_t len);

/* A stream of bytes as lines of plain text: ANSI sequences dropped (those that move the cursor to another line end the
 * line), control characters dropped, "\r" before "\n" too. All-zero is the start. */
struct os_text {
	struct buf window; /* lines with their "\n", then the line that is not ended yet */
	size_t line; /* where that one begins */
	size_t taken; /* what steps have consumed */
	size_t tried; /* lines before this one do not match what is looked for now */
	uint64_t dropped; /* bytes that went unseen */
	unsigned escape; /* state in the middle of an ANSI sequence */
	unsigned escape_len;
	bool cr;
};
void os_text_release(struct os_text *t);
/* LINE is called for each line that ends. */
void os_text_feed(struct os_text *t, const char *data, size_t len, os_line_cb line, void *arg);
/* Ends the last line, for what stands in it is all there will be. */
void os_text_end(struct os_text *t, os_line_cb line, void *arg);
/* The line that is not ended. */
const char *os_text_open_line(const struct os_text *t, size_t *ret_len);
/* Looks on from where it looked before; what it finds is consumed, with all before it. */
bool os_text_find(struct os_text *t, struct os_pattern *p);
/* The same for any of N patterns (NULLs are passed over): the index of the one that the first line matches, the first of
 * several; -1: none. */
int os_text_find_any(struct os_text *t, struct os_pattern *const *p, size_t n);
void os_text_retry(struct os_text *t); /* something else is looked for */
void os_text_skip(struct os_text
		*t); /* what was said is not looked at any more, and what comes is a new line */
/* The last lines that nobody consumed, for messages. */
char *os_text_tail(const struct os_text *t);

/* ---- the run ---- */

enum os_state {
	OS_RUNNING,
	OS_LINGERING, /* after a failure or panic: a moment for last words */
	OS_SAVING, /* and then it goes on */
	OS_COLLECTING, /* the engine is asked what the CPUs do */
	OS_ENDING, /* told to end */
	OS_OVER, /* `done` is due or was called */
};

struct os_serial {
	struct os *os; /* borrowed */
	unsigned index;
	struct console *log; /* owned */
	struct os_text text;
	int timing_fd; /* owned; -1: none */
	uint64_t timing_bytes;
	int64_t last_us; /* when its last bytes came */
	struct loop_fd *source; /* owned; NULL: the console's, or at its end */
	struct buf out; /* what waits to be sent */
	int error; /* of writing the timing */
};

enum os_word { OS_WORD_START, OS_WORD_PASS, OS_WORD_FAIL, OS_WORD_PANIC, OS_WORD_END, OS_WORDS };

struct os {
	struct loop *loop; /* borrowed */
	struct os_spec spec;
	char *dir; /* owned: the spec's */
	struct os_handlers h;
	struct machine *machine; /* owned */
	struct os_serial serials[MACHINE_SERIALS_MAX];
	unsigned n_serials;
	struct os_report report;
	enum os_state state;

	struct os_pattern *words[OS_WORDS], *cases[OS_CASE_SKIP + 1]; /* owned; NULL: none */
	const struct os_step **
		steps; /* owned; what they point to is borrowed: the preparation's and the test's */
	size_t n_steps, n_prepare;
	struct os_saved *making; /* owned: in the making; NULL: none */
	const struct os_saved
		*from; /* borrowed, while the machine is started: what it goes on from */
	int64_t saved_ns; /* when that was saved, by the wall's clock; 0: it was powered on */
	bool woken; /* it was told that it had stood still */
	bool loading; /* what was saved is on its way into the machine */
	bool kept; /* `making` is whole */
	bool again; /* the machine that was saved has ended, and goes on anew */
	size_t step; /* index of the one that runs or is next */
	struct os_step_run run; /* of that one */
	struct strv host_keys; /* that it has shown: "TYPE KEY" */
	struct ssh *ssh; /* owned: opened by the first step that needs it; NULL */
	bool ssh_answered;
	struct ssh_job *farewell; /* owned; NULL */

	int64_t start_ms, start_us;
	int64_t boot_deadline, step_deadline, test_deadline, idle_deadline, total_deadline;
	struct loop_timer *limits; /* owned: the nearest of these */
	struct loop_timer *next; /* owned: goes on, from the loop */
	struct loop_timer *quiet; /* owned: an open line is heard as it stands */
	struct loop_timer *linger; /* owned: ends lingering, collecting, or the rung */
	int64_t linger_end;
	struct loop_timer *finish; /* owned: calls `done` from the loop */
};

/* os.c */
void os_go_on(struct os *
		o); /* something changed: looks, from the loop, whether there is more to wait for */
int64_t os_elapsed_ms(const struct os *o);
bool os_preparing(const struct os *o);
/* The test begins: its limits, and what its steps hear. */
void os_prepared(struct os *o);
void os_over(struct os *o); /* nothing is left but `done` */
/* Of the machine. */
void os_on_console(void *arg, const char *data, size_t len);
void os_on_loaded(void *arg);
void os_on_ended(void *arg, enum machine_end end, const char *why);

/* start.c */
int os_machine_start(struct os *o, struct err *e);

/* save.c */
void os_save_prepare(struct os *o); /* before the start: makes `making`, where there can be one */
bool os_save_due(const struct os *o);
void os_save(struct os *o);
void os_begin_again(struct os *o); /* the machine that was saved has ended */
void os_take_usage(struct os *o); /* of the machine, which is to be freed */

/* limits.c */
void os_limits_start(struct os *o);
void os_limits_prepared(struct os *o); /* those of the test begin */
void os_limits_update(struct os *o);
void os_limits_alive(struct os *o);
void os_limits_stop(struct os *o);

/* serial.c */
int os_serials_open(struct os *o, struct err *e);
void os_serials_attach(struct os *o); /* to the machine */
void os_serial_feed(struct os_serial *s, const char *data, size_t len);
void os_serials_drain(struct os *o); /* the machine has ended: what is still to be read */
void os_serials_end(struct os *o); /* and nothing more will come */
void os_serials_stop(struct os *o); /* nothing is read any more: before the machine is freed */
void os_serials_release(struct os *o);

/* host_key.c */
void os_host_key_line(struct os *o, const char *line, size_t len);
bool os_host_key_awaited(const struct os *o); /* without one it is not spoken to over SSH */

/* grammar.c */
int os_grammar_start(struct os *o, struct err *e);
void os_grammar_line(struct os *o, const char *line, size_t len);
void os_grammar_open_line(struct os *o, const char *line,
	size_t len); /* as it stands; it will come again when it has ended */
void os_grammar_release_run(struct os *o);

/* step.c */
void os_steps_text(struct os *o, unsigned serial); /* there is more to read */
void os_steps_next(struct os *o); /* starts the one that is due */
void os_steps_timeout(struct os *o);
void os_steps_lost(struct os *o); /* the machine has ended */
bool os_steps_over(const struct os *o); /* none is left, or one failed */
bool os_steps_failed(const struct os *o);
void os_steps_drop(struct os *o); /* what the one that runs holds */

/* end.c */
void os_end(
	struct os *o, bool in_order); /* by the ladder; IN_ORDER: the power button makes sense */
void os_collect(struct os *o); /* what the CPUs do; then os_end() */
void os_on_linger(void *arg);
void os_rung_refused(struct os *o); /* the system does not do what OS_RUNG_SSH asked for */

/* media.c: files without a name, in DIR or, where it cannot, beside it; closed they are gone */
int os_media_empty(const char *dir, uint64_t size, struct err *e); /* all zeros */
int os_media_overlay(const char *dir, uint64_t virtual_size, struct err *e); /* an empty qcow2 */
int os_media_copy(const char *dir, const char *path, struct err *e);
int os_media_reopen(int fd, struct err *e); /* to be read from its beginning, whoever reads FD */

/* prepare.c */
struct os_media {
	char *path, *format; /* owned */
	uint64_t virtual_size;
	bool only_read; /* it is no overlay's */
	struct disk_image held; /* of the cache, locked */
};
struct os_plan {
	struct os_wish wish; /* borrows */
	struct machine_spec spec;
	struct machine_os os;
	struct machine_disk *disks; /* owned */
	struct machine_nic *nics; /* owned */
	struct os_media *media; /* owned; one a disk */
	char *engine, *firmware_code, *firmware_vars; /* owned: the latter two paths */
	struct os_keys *keys; /* owned */
	uint16_t *forwards; /* owned: of the first NIC where it has more than the wish's; NULL */
	struct strv said; /* of the seed */
	char why[240];
};

#endif
