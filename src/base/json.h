/* SPDX-License-Identifier: MIT */
/* A few helpers over jansson, so that readers of our own files say which field is wrong. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define _cleanup_json_ __attribute__((cleanup(json_decrefp_)))
static inline void json_decrefp_(json_t **j)
{
	json_decref(*j);
}

/* Parses TEXT, an object or an array; the error names WHAT (a file) with line and column. The caller
 * owns the value. */
int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e);
int json_read_file(const char *path, json_t **ret, struct err *e);

/* Fields of an object. A missing one gives the default (NULL, nothing added to the strv); one of
 * another type, null included, is -EINVAL, and so is an O that is no object. */
int json_field_str(const json_t *o, const char *key, char **ret_owned, struct err *e);
int json_field_i64(const json_t *o, const char *key, int64_t dflt, int64_t *ret, struct err *e);
int json_field_bool(const json_t *o, const char *key, bool dflt, bool *ret, struct err *e);
int json_field_strv(const json_t *o, const char *key, struct strv *ret, struct err *e);

/* A string value made from any bytes: NUL and what is not UTF-8 become U+FFFD, so json_parse() and
 * C strings take it back. */
json_t *json_text(const char *s, size_t len);
json_t *json_strv(const struct strv *s);

/* The value as one line without its newline, compact, keys in the order in which they were set. */
void json_line(struct buf *b, const json_t *j);

#endif
