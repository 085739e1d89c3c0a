/* SPDX-License-Identifier: MIT */
#include "base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

void strv_release(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv)STRV_INIT;
}

void strv_take(struct strv *s, char *str)
{
	BUG_ON(!str);
	if (s->n + 2 > s->cap) {
		s->cap = s->cap ? 2 * s->cap : 8;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = str;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *str)
{
	strv_take(s, xstrdup(str));
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(s, xvasprintf(fmt, ap));
	va_end(ap);
}

void strv_addv(struct strv *s, const struct strv *from)
{
	size_t n = from->n; /* S and FROM may be the same */

	for (size_t i = 0; i < n; i++)
		strv_add(s, from->v[i]);
}

void strv_copy(struct strv *dst, const struct strv *src)
{
	*dst = (struct strv)STRV_INIT;
	strv_addv(dst, src);
}

bool strv_has(const struct strv *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], str) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

void strv_setenv(struct strv *s, const char *name, const char *value)
{
	char *entry = xasprintf("%s=%s", name, value);
	size_t len = strlen(name) + 1;

	for (size_t i = 0; i < s->n; i++) {
		if (strncmp(s->v[i], entry, len) == 0) {
			free(s->v[i]);
			s->v[i] = entry;
			return;
		}
	}
	strv_take(s, entry);
}

char *strv_join(const struct strv *s, const char *sep)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->n; i++) {
		if (i)
			buf_adds(&b, sep);
		buf_adds(&b, s->v[i]);
	}
	return buf_detach(&b);
}

char *strv_shell(const struct strv *s)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->n; i++) {
		if (i)
			buf_addc(&b, ' ');
		buf_add_shell_word(&b, s->v[i]);
	}
	return buf_detach(&b);
}
