/* SPDX-License-Identifier: MIT */
/* A vector of strings that it owns, always NULL-terminated, so it can be an argv or an environ. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v; /* owned, with its strings; NULL-terminated; NULL while empty */
	size_t n, cap;
};

#define STRV_INIT          \
	{                  \
		NULL, 0, 0 \
	}
#define _cleanup_strv_ __attribute__((cleanup(strv_release)))

void strv_release(struct strv *s);
void strv_add(struct strv *s, const char *str); /* copies */
void strv_addf(struct strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_take(struct strv *s, char *str); /* owns STR from now on */
void strv_addv(struct strv *s, const struct strv *from);
void strv_copy(struct strv *dst, const struct strv *src); /* DST is initialised here */
bool strv_has(const struct strv *s, const char *str);
void strv_sort(struct strv *s);

/* Sets NAME=VALUE, replacing an earlier NAME=. */
void strv_setenv(struct strv *s, const char *name, const char *value);

/* The words joined by SEP; the caller owns the string. */
char *strv_join(const struct strv *s, const char *sep);

/* The words quoted for a shell, joined by blanks; the caller owns the string. */
char *strv_shell(const struct strv *s);

#endif
