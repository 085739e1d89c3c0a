/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"

/* Of the last error that was set where nobody wants its text: err_hint() and err_wrap() have no other place to
 * learn it from. */
static _Thread_local int bare_code = -EIO;

static int bare(int code)
{
	bare_code = code;
	return code;
}

void err_release(struct err *e)
{
	if (!e)
		return;
	free(e->message);
	free(e->hint);
	*e = (struct err)ERR_INIT;
}

/* The old error goes last: the new text may have been made from it. */
static int replace(struct err *e, int code, char *message)
{
	err_release(e);
	e->code = code;
	e->message = message;
	return code;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	char *message;

	BUG_ON(code >= 0);
	if (!e)
		return bare(code);
	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	return replace(e, code, message);
}

int err_sys(struct err *e, int errnum, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list ap;

	BUG_ON(errnum <= 0);
	if (!e)
		return bare(-errnum);
	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	return replace(e, -errnum, xasprintf("%s: %s", what, strerror(errnum)));
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	_cleanup_free_ char *context = NULL;
	va_list ap;
	char *message;

	if (!e)
		return bare_code;
	va_start(ap, fmt);
	context = xvasprintf(fmt, ap);
	va_end(ap);
	if (e->code == 0)
		e->code = -EIO;
	message = xasprintf("%s: %s", context, err_text(e));
	free(e->message);
	e->message = message;
	return e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return bare_code;
	if (!e->hint) {
		va_start(ap, fmt);
		e->hint = xvasprintf(fmt, ap);
		va_end(ap);
	}
	return e->code;
}

int err_move(struct err *dst, struct err *src)
{
	int code = src->code;

	if (dst == src)
		return code;
	if (!dst) {
		err_release(src);
		return code < 0 ? bare(code) : code;
	}
	err_release(dst);
	*dst = *src;
	*src = (struct err)ERR_INIT;
	return code;
}

const char *err_text(const struct err *e)
{
	if (e->message)
		return e->message;
	return e->code ? strerror(-e->code) : "no error";
}

void err_print(const struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	/* It may quote what a guest or a file said. */
	text_clean(&b, err_text(e), strlen(err_text(e)));
	if (e->hint) {
		buf_addc(&b, '\n');
		text_clean(&b, e->hint, strlen(e->hint));
	}
	fprintf(stderr, "vmrig: %s\n", buf_str(&b));
}

void bug_at(const char *file, int line, const char *what)
{
	fprintf(stderr, "vmrig: bug at %s:%d: %s\n", file, line, what);
	abort();
}
