/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "remote/private.h"

#define SCHEMA 1

int entry_describe(const char *key, struct pack *p, struct err *e)
{
	_cleanup_json_ json_t *m = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT;
	json_t *files = json_object();
	int r = pack_sort(p, e);

	if (r == 0 && pack_find(p, ENTRY_JSON))
		r = err_set(e, -EINVAL, "it holds a file called " ENTRY_JSON);
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	json_object_set_new(m, "key", json_string(key));
	json_object_set_new(m, "files", files);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (json_object_set_new(files, p->files[i].path, json_string(p->files[i].sha256)) <
			0)
			r = err_set(e, -EILSEQ, "the name of %s is not UTF-8", p->files[i].path);
	if (r < 0)
		return r;
	json_line(&text, m);
	pack_add_data(p, ENTRY_JSON, text.data, text.len);
	return pack_sort(p, e);
}

static int check_header(const json_t *m, const char *key, struct err *e)
{
	_cleanup_free_ char *own = NULL;
	int64_t schema = 0;
	int r = json_field_i64(m, "schema", 0, &schema, e);

	if (r == 0)
		r = json_field_str(m, "key", &own, e);
	if (r < 0)
		return r;
	if (schema != SCHEMA)
		return err_set(
			e, -EBADMSG, "it is of schema %lld, not %d", (long long)schema, SCHEMA);
	if (!own || !streq(own, key))
		return err_set(
			e, -EBADMSG, "it is the entry of another key: %s", own ? own : "none");
	return 0;
}

static int check_file(const struct pack_file *f, const json_t *want, struct err *e)
{
	const char *sha256 = json_string_value(json_object_get(want, f->path));

	if (!sha256)
		return err_set(e, -EBADMSG, "it holds a file that it does not name: %s", f->path);
	if (!streq(sha256, f->sha256))
		return err_set(e, -EBADMSG, "its %s has the SHA-256 %s instead of %s", f->path,
			f->sha256, sha256);
	return 0;
}

int entry_check(const char *key, const char *dir, const struct pack *files, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, ENTRY_JSON);
	_cleanup_json_ json_t *m = NULL;
	struct err why = ERR_INIT;
	const json_t *want;
	int r;

	if (!pack_find(files, ENTRY_JSON))
		return err_set(e, -EBADMSG, "it has no " ENTRY_JSON);
	r = json_read_file(path, &m, &why);
	if (r == 0)
		r = check_header(m, key, &why);
	if (r < 0) {
		r = err_set(e, -EBADMSG, "%s", err_text(&why));
		err_release(&why);
		return r;
	}
	want = json_object_get(m, "files");
	for (size_t i = 0; r == 0 && i < files->n; i++)
		if (!streq(files->files[i].path, ENTRY_JSON))
			r = check_file(&files->files[i], want, e);
	if (r == 0 && json_object_size(want) != files->n - 1)
		r = err_set(e, -EBADMSG, "it lacks %zu of its files",
			json_object_size(want) - (files->n - 1));
	return r;
}
