/* SPDX-License-Identifier: MIT */
/*
 * An error that a person will read: what failed, on what, why, and what to do.
 *
 * Functions return 0 or a negative errno and, where a person will read it, fill a `struct err *`
 * that the caller owns. A NULL `struct err *` is allowed everywhere and means "only the code".
 * An error is set where it happens and wrapped on the way up:
 *
 *	r = err_sys(e, errno, "cannot open %s", path);	 → "cannot open /x: No such file or directory"
 *	return err_wrap(e, "kernel %s", name);		 → "kernel 6.1: cannot open /x: No such …"
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

struct err {
	int code; /* negative errno; 0: no error */
	char *message; /* owned; NULL: no error */
	char *hint; /* owned; NULL: none. What to do about it, a whole sentence */
};

#define ERR_INIT              \
	{                     \
		0, NULL, NULL \
	}

/* Sets the error to CODE (a negative errno) and the text; an earlier error is dropped. Returns CODE. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and the text of ERRNUM (a positive errno) at its end. Returns -ERRNUM. */
int err_sys(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts the text and ": " before the message. Returns the error's code, -EIO if none was set; for E NULL the code
 * that was set last on a NULL. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do. A hint set closer to the cause stays. Returns the error's code, for E NULL as err_wrap(). */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Hands the error from SRC to DST (dropping DST's); SRC is empty afterwards. Returns the code. */
int err_move(struct err *dst, struct err *src);

/* The message, or the text of the code where there is none. Valid while E is unchanged. */
const char *err_text(const struct err *e);

/* Prints "vmrig: MESSAGE\n" and, on lines of its own, the hint, to standard error. */
void err_print(const struct err *e);

void err_release(struct err *e);

/* For our own bugs alone: prints the place and the condition, and aborts. */
#define BUG_ON(cond)                                       \
	do {                                               \
		if (cond)                                  \
			bug_at(__FILE__, __LINE__, #cond); \
	} while (0)
void bug_at(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
