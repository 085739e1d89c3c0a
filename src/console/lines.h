/* SPDX-License-Identifier: MIT */
/* Kernel log text cut into lines, and each line parted from what printk put before it. */
#ifndef CONSOLE_LINES_H
#define CONSOLE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_LINE_MAX 4096 /* of a longer line only this much is read */

/*
 * A time stamp in the middle of a line begins a line of its own: a program that printed without a
 * newline has the kernel's next words glued to its own. All-zero is the initial state.
 */
struct line_reader {
	char data[CONSOLE_LINE_MAX];
	size_t len;
	bool cut; /* the line's first CONSOLE_LINE_MAX bytes were handed out; only a stamp matters now */
};

/* LINE is without its newline and not NUL-terminated. */
typedef void (*line_fn)(void *arg, const char *line, size_t len);

void line_reader_feed(struct line_reader *r, const char *data, size_t len, line_fn fn, void *arg);
void line_reader_end(struct line_reader *r, line_fn fn, void *arg);

enum line_origin {
	LINE_BARE, /* no prefix */
	LINE_STAMPED, /* "[    1.234567] " */
	LINE_KMSG, /* a record of /dev/kmsg, of facility kern */
	LINE_KMSG_USER, /* a record of /dev/kmsg, of another facility */
};

#define CALLER_MAX 16

struct kline {
	enum line_origin origin;
	const char *shown; /* borrowed: from its stamp on, without a level */
	const char *text; /* borrowed: what printk was given */
	char caller[CALLER_MAX]; /* "T12", "C0" (CONFIG_PRINTK_CALLER), or "" */
	unsigned long long time_us; /* of LINE_KMSG alone */
};

/* Parts LINE, which RET then points into. */
void kline_parse(const char *line, struct kline *ret);

#endif
