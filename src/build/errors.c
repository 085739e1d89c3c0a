/* SPDX-License-Identifier: MIT */
/* The few lines of a compilation's output that say why it failed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "build/private.h"

#define FOUND_MAX 10
#define SHOWN     3
#define LAST_MAX  4

/* What names an error in the output of compilers, assemblers, linkers, make and the kernel's scripts. */
static const char *const marks[] = { ": error: ", ": fatal error: ", ": Error: ",
	": undefined reference to ", ": multiple definition of ",
	": undefined symbol: ", "ERROR: modpost: ", "Kconfig:", ": not found",
	"*** No rule to make target", "No space left on device", "*** The source tree is not clean",
	"FAILED: load BTF" };

static const char *cut(const char *line, const char *dir)
{
	size_t n = strlen(dir);

	return n && strncmp(line, dir, n) == 0 && line[n] == '/' ? line + n + 1 : line;
}

void errors_line(struct errors *x, const char *line, const char *src, const char *out)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	bool bad = false;

	for (size_t i = 0; !bad && i < ARRAY_SIZE(marks); i++)
		bad = strstr(line, marks[i]) != NULL;
	line = cut(cut(line, src), out);
	text_clean(&clean, line, strlen(line));
	/* What make says of it after that tells nothing. */
	if (bad && ++x->n <= FOUND_MAX && !strv_has(&x->found, buf_str(&clean)))
		strv_add(&x->found, buf_str(&clean));
	if (!*line)
		return;
	if (x->last.n == LAST_MAX) {
		free(x->last.v[0]);
		memmove(x->last.v, x->last.v + 1, LAST_MAX * sizeof(*x->last.v));
		x->last.n--;
	}
	strv_add(&x->last, buf_str(&clean));
}

void errors_release(struct errors *x)
{
	strv_release(&x->found);
	strv_release(&x->last);
	*x = (struct errors){ 0 };
}

int errors_report(const struct errors *x, const char *what, const char *log, struct err *e)
{
	const struct strv *lines = x->found.n ? &x->found : &x->last;
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t shown = x->found.n ? SHOWN : LAST_MAX;

	for (size_t i = 0; i < lines->n && i < shown; i++)
		buf_addf(&text, "\n  %s", lines->v[i]);
	if (x->found.n > shown)
		buf_addf(&text, "\n  and %zu more", x->n - shown);
	err_set(e, -EIO, "%s failed:%s", what, buf_str(&text));
	return err_hint(e, "The whole log is %s", log);
}
