/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer. `data` is always NUL-terminated behind `len` once anything was added, so
 * text can be used as a string; the NUL is not counted. BUF_INIT and all-zero are both empty.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct buf {
	char *data; /* owned */
	size_t len, cap;
};

#define BUF_INIT           \
	{                  \
		NULL, 0, 0 \
	}
#define _cleanup_buf_ __attribute__((cleanup(buf_release)))

void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* empties it, keeps the memory */
void buf_reserve(struct buf *b, size_t extra); /* room for EXTRA more bytes and the NUL */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_consume(struct buf *b, size_t n); /* drops the first N bytes */
void buf_truncate(struct buf *b, size_t len);
const char *buf_str(const struct buf *b); /* never NULL: "" when empty */
char *buf_detach(struct buf *b); /* the caller owns the string; B is empty; never NULL */

/* One read(2) of at most MAX bytes to the end of B. Returns bytes read, 0 at end of file, -errno. */
ssize_t buf_read(struct buf *b, int fd, size_t max);

/* Everything up to end of file, at most MAX bytes; -EFBIG when there is more. */
int buf_read_all(struct buf *b, int fd, size_t max);

/* Quotes S so that a POSIX shell reads it as one word; words of safe characters stay as they are. */
void buf_add_shell_word(struct buf *b, const char *s);

#endif
