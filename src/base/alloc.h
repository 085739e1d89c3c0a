/* SPDX-License-Identifier: MIT */
/*
 * Memory. On the host an allocation that fails ends the program with a message (exit 125, the
 * code for a failure of the rig): the sizes are bounded by what we read, and every caller would do
 * the same. Cleanup is by attribute: `_cleanup_free_ char *s = …`, handed on with TAKE_PTR().
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
void *xmemdup(const void *p, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* Frees *P and points it at a copy of S. */
void str_replace(char **p, const char *s);

static inline void freep(void *p)
{
	free(*(void **)p);
}

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(freep)
#define TAKE_PTR(p)                             \
	({                                      \
		__typeof__(p) *take_p = &(p);   \
		__typeof__(p) take_v = *take_p; \
		*take_p = NULL;                 \
		take_v;                         \
	})

/* Makes room for one more element in a vector of the fields PTR, N and CAP. */
#define VEC_GROW(ptr, n, cap)                                            \
	do {                                                             \
		if ((n) == (cap)) {                                      \
			(cap) = (cap) ? 2 * (cap) : 8;                   \
			(ptr) = xrealloc((ptr), (cap) * sizeof(*(ptr))); \
		}                                                        \
	} while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
