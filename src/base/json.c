/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/utf8.h"

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *e)
{
	_cleanup_buf_ struct buf why = BUF_INIT;
	json_error_t je;
	json_t *j = json_loadb(text, len, 0, &je);

	if (j) {
		*ret = j;
		return 0;
	}
	/* jansson quotes the text near the error, which may hold anything. */
	text_clean(&why, je.text, strnlen(je.text, sizeof(je.text)));
	return err_set(
		e, -EINVAL, "%s: line %d, column %d: %s", what, je.line, je.column, buf_str(&why));
}

int json_read_file(const char *path, json_t **ret, struct err *e)
{
	enum { MAX = 256 * 1024 * 1024 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = file_read(path, MAX, &b, e);

	if (r < 0)
		return r;
	return json_parse(buf_str(&b), b.len, path, ret, e);
}

static const char *type_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a real number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "of no type";
}

static int wrong_type(const json_t *v, const char *key, const char *expected, struct err *e)
{
	return err_set(e, -EINVAL, "field \"%s\" is %s, not %s", key, type_name(v), expected);
}

/* The field, or NULL with 0 where it is missing; -EINVAL if O is no object at all. */
static int find(const json_t *o, const char *key, json_t **ret, struct err *e)
{
	if (!json_is_object(o))
		return err_set(e, -EINVAL, "an object with the field \"%s\" was expected, not %s",
			key, o ? type_name(o) : "nothing");
	*ret = json_object_get(o, key);
	return 0;
}

int json_field_str(const json_t *o, const char *key, char **ret_owned, struct err *e)
{
	json_t *v = NULL;
	int r = find(o, key, &v, e);

	if (r < 0)
		return r;
	if (v && !json_is_string(v))
		return wrong_type(v, key, "a string", e);
	*ret_owned = v ? xstrdup(json_string_value(v)) : NULL;
	return 0;
}

int json_field_i64(const json_t *o, const char *key, int64_t dflt, int64_t *ret, struct err *e)
{
	json_t *v = NULL;
	int r = find(o, key, &v, e);

	if (r < 0)
		return r;
	if (v && !json_is_integer(v))
		return wrong_type(v, key, "an integer", e);
	*ret = v ? json_integer_value(v) : dflt;
	return 0;
}

int json_field_bool(const json_t *o, const char *key, bool dflt, bool *ret, struct err *e)
{
	json_t *v = NULL;
	int r = find(o, key, &v, e);

	if (r < 0)
		return r;
	if (v && !json_is_boolean(v))
		return wrong_type(v, key, "a boolean", e);
	*ret = v ? json_is_true(v) : dflt;
	return 0;
}

int json_field_strv(const json_t *o, const char *key, struct strv *ret, struct err *e)
{
	json_t *v = NULL, *item;
	size_t i;
	int r = find(o, key, &v, e);

	if (r < 0)
		return r;
	if (v && !json_is_array(v))
		return wrong_type(v, key, "an array of strings", e);
	json_array_foreach (v, i, item)
		if (!json_is_string(item))
			return err_set(e, -EINVAL, "field \"%s\"[%zu] is %s, not a string", key, i,
				type_name(item));
	json_array_foreach (v, i, item)
		strv_add(ret, json_string_value(item));
	return 0;
}

/* How many of the LEN bytes are UTF-8 without a zero. */
static size_t text_prefix(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = s[i] ? utf8_sequence(s + i, len - i) : 0;

		if (!n)
			break;
		i += n;
	}
	return i;
}

json_t *json_text(const char *s, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t i = text_prefix(s, len);
	json_t *j;

	if (i == len) {
		j = json_stringn_nocheck(s, len);
		BUG_ON(!j);
		return j;
	}
	buf_add(&b, s, i);
	while (i < len) {
		size_t n = s[i] ? utf8_sequence(s + i, len - i) : 0;

		if (n)
			buf_add(&b, s + i, n);
		else
			buf_adds(&b, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	j = json_stringn_nocheck(buf_str(&b), b.len);
	BUG_ON(!j);
	return j;
}

json_t *json_strv(const struct strv *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(a, json_text(s->v[i], strlen(s->v[i])));
	return a;
}

static int add_chunk(const char *data, size_t len, void *b)
{
	buf_add(b, data, len);
	return 0;
}

void json_line(struct buf *b, const json_t *j)
{
	int r = json_dump_callback(j, add_chunk, b, JSON_COMPACT | JSON_ENCODE_ANY);

	BUG_ON(r < 0);
}
