/* SPDX-License-Identifier: MIT */
/*
 * The guest's serial console: every byte kept, and read for what kernels print when they die.
 *
 * A console only ever makes a verdict worse: nothing that is printed there can make a test pass.
 * Text from userspace may imitate the kernel; so what was seen here is weighed against the record of
 * /dev/kmsg (fed to a second `struct splats`), whose kernel facility userspace cannot forge.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What the kernel complained of, the gravest last. */
enum splat_kind {
	SPLAT_NONE,
	SPLAT_WARN, /* WARN_ON; counts only when asked */
	SPLAT_STALL, /* soft lockup, RCU stall, hung task, workqueue lockup */
	SPLAT_LOCKDEP, /* lockdep and its relatives: sleeping in atomic context, suspicious RCU */
	SPLAT_UBSAN,
	SPLAT_SANITIZER, /* KASAN, KMSAN, KCSAN, KFENCE */
	SPLAT_BUG, /* BUG(), bad page, list corruption, refcount */
	SPLAT_OOPS, /* page fault, general protection, invalid opcode, … */
	SPLAT_PANIC,
};

/* "panic", "oops", "sanitizer", …: as in results and in the suite file. */
const char *splat_kind_name(enum splat_kind kind);
enum splat_kind splat_kind_parse(const char *name); /* SPLAT_NONE when unknown */

struct splat {
	enum splat_kind kind;
	char *title; /* owned: "KASAN: use-after-free Read in foo_bar", "kernel panic: sysrq
			   triggered crash", "BUG: unable to handle page fault in foo" */
	char *signature; /* owned: 16 hex digits, stable over addresses, offsets, PIDs, CPUs and
				   time: of kind, title without numbers, and the first own functions of
				   the trace */
	char *text; /* owned: its lines as printed (cleaned), at most 16 KiB */
};

/* Reads kernel log text, line by line, and gathers splats. At most SPLATS_MAX are kept; more are
 * counted. Linear in the input, bounded in memory, whatever the input is. */
#define SPLATS_MAX 16
struct splats;
struct splats *splats_new(void);
void splats_free(struct splats *s);
/* Text as printed on a console: with or without time stamps ("[    1.234567] ", "[ T12]" or
 * "[ C0]" caller marks, "<4>" levels), CRLF, ANSI; or as records of /dev/kmsg
 * ("PRIO,SEQ,TIME_US,FLAGS;TEXT"), of which those of other facilities than kern are passed over.
 * May end inside a line. Of a stream that has time stamps only stamped lines count (also where one
 * begins in the midst of a line that a program left without newline), unless a "Linux version"
 * without stamp or "printk.time=0" told that stamps are off. */
void splats_feed(struct splats *s, const char *data, size_t len);
/* Ends the line and the splats in progress; call before reading the result. Feeding may go on. */
void splats_end(struct splats *s);
size_t splats_count(const struct splats *s); /* of those kept */
size_t splats_lost(const struct splats *s); /* not kept: a graver one takes a milder one's place */
const struct splat *splats_at(const struct splats *s, size_t i);
/* The first of the gravest kind among those of at least MIN; NULL when there is none. */
const struct splat *splats_worst(const struct splats *s, enum splat_kind min);

/* What else the kernel said about its own end. */
struct console_end {
	bool restarting; /* "reboot: Restarting system" */
	bool powering_down; /* "reboot: Power down" */
	bool halted; /* "reboot: System halted" */
	bool no_init; /* "No working init found", "Attempted to kill init" (a panic follows) */
	bool out_of_memory; /* "Out of memory: Killed process" */
};
const struct console_end *splats_kernel_end(const struct splats *s);

/* The transcript: bounded memory (the last KEEP bytes), and every byte to a file where one is
 * given, at most FILE_MAX bytes of it; what did not fit is counted and said in the file's end. */
struct console;
struct console *console_new(size_t keep);
void console_free(struct console *c);
/* FD is owned from now on; -1: none. A failure to write (a full disk) is kept for console_error(). */
void console_log_to(struct console *c, int fd, uint64_t file_max);
void console_feed(struct console *c, const char *data, size_t len);
int console_error(const struct console *c); /* 0, or the first negative errno of writing */
uint64_t console_bytes(const struct console *c); /* seen in all */
/* The kept bytes from stream offset FROM on, cleaned for people, at most MAX bytes (the last). */
void console_slice(const struct console *c, uint64_t from, size_t max, struct buf *ret);
struct splats *console_splats(struct console *c); /* borrowed */

/* ---- symbols ---- */

/*
 * Function, file and line for the addresses of a trace. From a vmlinux with DWARF (libdw), else
 * from its symbol table, a System.map, or a copy of /proc/kallsyms. KASLR does not matter for
 * "function+0x12/0x80", which is how kernels print; bare addresses are decoded where they lie in the
 * image unrelocated (nokaslr) or where the trace tells "Kernel Offset: 0x…". Frames of a module stay
 * as they are, for the image knows nothing of them. A frame of a call trace is a return address; the
 * line shown is that of the call.
 */
struct symbols;
/* VMLINUX and MAP may be NULL. Opens lazily: costs nothing until symbols_decode(). */
struct symbols *symbols_new(const char *vmlinux, const char *map);
void symbols_free(struct symbols *s);
/*
 * The text of a splat with " (file:line)" behind each address that could be decoded, the file
 * relative to the folder the kernel was built in. A function that was inlined there has a line of
 * its own before it, the innermost first: " inner (file:line) [inline]"; file:line behind the
 * address is then where the outermost of them was called. Without DWARF a bare address gets
 * " (function+0x12)". Never fails: the rest stays as it is.
 */
void symbols_decode(struct symbols *s, const char *text, struct buf *ret);

#endif
