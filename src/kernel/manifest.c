/* SPDX-License-Identifier: MIT */
/*
 * The manifest of an entry: what it is, where it came from, and the sums of its files. Schema 1 knew packages
 * alone, with the sum of the image; it is still read.
 */
#include "kernel/manifest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/folder.h"

#define SCHEMA     2
#define SCHEMA_OLD 1

/* The files of an entry, each with its size and sum in the manifest. */
struct part {
	const char *name; /* of the field; NAME_size and NAME_sha256 stand beside it */
	size_t offset; /* of the path in struct kernel */
};

#define PART(name, field)                            \
	{                                            \
		name, offsetof(struct kernel, field) \
	}
static const struct part parts[] = {
	PART("image", image),
	PART("config", config),
	PART("vmlinux", vmlinux),
	PART("system_map", system_map),
};

/* Texts of what was built, in the order in which they are written. */
struct text {
	const char *name;
	size_t offset; /* in struct cache_built */
};

#define TEXT(name)                                        \
	{                                                 \
#name, offsetof(struct cache_built, name) \
	}
static const struct text texts[] = {
	TEXT(asked),
	TEXT(source),
	TEXT(source_dir),
	TEXT(identity),
	TEXT(commit),
	TEXT(version),
	TEXT(recipe),
	TEXT(toolchain),
	TEXT(base),
	TEXT(llvm),
	TEXT(cross_compile),
};
static const struct text lists[] = { TEXT(options), TEXT(patches), TEXT(unmet) };

static char **part_path(const struct kernel *k, const struct part *p)
{
	return (char **)((uintptr_t)k + p->offset);
}

static void *built_field(const struct cache_built *b, const struct text *t)
{
	return (void *)((uintptr_t)b + t->offset);
}

void cache_built_release(struct cache_built *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*(char **)built_field(b, &texts[i]));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_release(built_field(b, &lists[i]));
	*b = (struct cache_built){ 0 };
}

/* ---- sums ---- */

/* One sum for all modules: their names and contents, in the order of names. */
static int hash_modules_content(const char *dir, char ret[static HASH_HEX_LEN + 1], struct err *e)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct hash *h = hash_new();
	int r = modules_files(dir, &paths, e);

	for (size_t i = 0; r == 0 && i < paths.n; i++) {
		char one[HASH_HEX_LEN + 1];

		r = hash_file(paths.v[i], one, e);
		if (r == 0) {
			hash_adds(h, paths.v[i] + strlen(dir));
			hash_adds(h, one);
		}
	}
	hash_final(h, ret);
	return r;
}

static int check_size(const json_t *m, const struct part *p, const char *path, struct err *e)
{
	_cleanup_free_ char *key = xasprintf("%s_size", p->name);
	int64_t size = -1;
	struct stat st;
	int r = json_field_i64(m, key, -1, &size, e);

	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", path);
	if (size >= 0 && (!S_ISREG(st.st_mode) || st.st_size != size))
		return err_set(e, -EBADMSG, "%s has %lld bytes instead of %lld", path,
			(long long)st.st_size, (long long)size);
	return 0;
}

static int check_sum(const json_t *m, const char *name, const char *path,
	int (*sum)(const char *path, char ret[static HASH_HEX_LEN + 1], struct err *e),
	struct err *e)
{
	_cleanup_free_ char *key = xasprintf("%s_sha256", name), *want = NULL;
	char got[HASH_HEX_LEN + 1];
	int r = json_field_str(m, key, &want, e);

	if (r < 0 || !want)
		return r;
	r = sum(path, got, e);
	if (r < 0)
		return r;
	if (!streq(got, want))
		return err_set(e, -EBADMSG, "%s was changed: its SHA-256 is %s instead of %s", path,
			got, want);
	return 0;
}

static int check_content(const json_t *m, const struct kernel *k, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		if (*part_path(k, &parts[i]))
			r = check_sum(m, parts[i].name, *part_path(k, &parts[i]), hash_file, e);
	if (r == 0 && k->modules_dir)
		r = check_sum(m, "modules", k->modules_dir, hash_modules_content, e);
	return r;
}

/* ---- reading ---- */

/* A path of the manifest, below the entry's folder; NULL where the field is not there. */
static int field_path(const json_t *m, const char *key, const char *dir, char **ret, struct err *e)
{
	_cleanup_free_ char *relative = NULL, *path = NULL;
	int r = json_field_str(m, key, &relative, e);

	if (r < 0 || !relative)
		return r;
	path = path_absolute(relative, dir);
	if (relative[0] == '/' || !path_below(path, dir))
		return err_set(e, -EBADMSG, "\"%s\" leads out of the entry", key);
	free(*ret);
	*ret = TAKE_PTR(path);
	return 0;
}

static int check_files(const json_t *m, const struct cache_entry *c, struct err *e)
{
	const struct kernel *k = &c->kernel;
	int r = 0;

	if (!k->label || !k->release || !k->arch || !k->image ||
		(!c->is_built && (!c->package || !c->version)))
		return err_set(e, -EBADMSG, "the manifest lacks a field");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		if (*part_path(k, &parts[i]))
			r = check_size(m, &parts[i], *part_path(k, &parts[i]), e);
	if (r == 0 && k->modules_dir && !dir_exists(k->modules_dir))
		return err_set(e, -EBADMSG, "%s is missing", k->modules_dir);
	return r;
}

static int read_built(const json_t *m, struct cache_entry *c, struct err *e)
{
	const json_t *b = json_object_get(m, "built");
	int r = 0;

	if (!b)
		return 0;
	c->is_built = true;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = json_field_str(b, texts[i].name, built_field(&c->built, &texts[i]), e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++)
		r = json_field_strv(b, lists[i].name, built_field(&c->built, &lists[i]), e);
	if (r == 0)
		r = json_field_i64(b, "steps", 0, &c->built.steps, e);
	if (r == 0)
		r = json_field_bool(b, "aside", false, &c->built.aside, e);
	return r;
}

static int read_fields(const json_t *m, const char *dir, struct cache_entry *c, struct err *e)
{
	struct kernel *k = &c->kernel;
	int64_t schema = 0, kind = 0;
	int r = json_field_i64(m, "schema", 0, &schema, e);

	if (r == 0 && schema != SCHEMA && schema != SCHEMA_OLD)
		return err_set(e, -EBADMSG, "its manifest is of schema %lld, not %d",
			(long long)schema, SCHEMA);
	if (r == 0)
		r = json_field_str(m, "label", &k->label, e);
	if (r == 0)
		r = json_field_str(m, "release", &k->release, e);
	if (r == 0)
		r = json_field_str(m, "arch", &k->arch, e);
	if (r == 0)
		r = json_field_i64(m, "image_kind", IMAGE_UNKNOWN, &kind, e);
	if (r == 0)
		r = json_field_str(m, "package", &c->package, e);
	if (r == 0)
		r = json_field_str(m, "package_version", &c->version, e);
	if (r == 0)
		r = json_field_str(m, schema == SCHEMA_OLD ? "fetched" : "made", &c->made, e);
	if (r == 0)
		r = json_field_i64(m, "bytes", -1, &c->bytes, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = field_path(m, parts[i].name, dir, part_path(k, &parts[i]), e);
	if (r == 0)
		r = field_path(m, "modules", dir, &k->modules_dir, e);
	if (r == 0)
		r = read_built(m, c, e);
	k->kind = (enum image_kind)kind;
	return r;
}

/* ---- further labels: the only file of an entry that changes ---- */

#define LABELS "labels"

static void read_labels(const char *dir, struct strv *ret)
{
	_cleanup_free_ char *path = path_join(dir, LABELS);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *rest, *line;

	if (!file_exists(path) || file_read(path, 1 << 20, &text, NULL) < 0 || !text.len)
		return;
	for (line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		strv_add(ret, line);
}

bool cache_has_label(const struct cache_entry *c, const char *label)
{
	return (c->kernel.label && streq(c->kernel.label, label)) || strv_has(&c->labels, label);
}

int cache_add_label(const struct cache_entry *c, const char *label, struct err *e)
{
	_cleanup_free_ char *path = path_join(c->dir, LABELS), *all = NULL;
	_cleanup_strv_ struct strv labels = STRV_INIT;

	if (cache_has_label(c, label))
		return 0;
	strv_copy(&labels, &c->labels);
	strv_add(&labels, label);
	all = strv_join(&labels, "\n");
	return file_write_atomic(path, all, strlen(all), 0644, e);
}

int manifest_read(const char *dir, bool verify, struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json");
	_cleanup_json_ json_t *m = NULL;
	int r = json_read_file(path, &m, e);

	if (r == 0)
		r = read_fields(m, dir, c, e);
	if (r == 0)
		r = check_files(m, c, e);
	read_labels(dir, &c->labels);
	if (r == 0 && verify)
		r = check_content(m, &c->kernel, e);
	return r;
}

/* ---- writing ---- */

static void set_text(json_t *m, const char *key, const char *value)
{
	if (value)
		json_object_set_new(m, key, json_text(value, strlen(value)));
}

static int add_part(
	json_t *m, const struct part *p, const char *path, const char *aside, struct err *e)
{
	_cleanup_free_ char *size = xasprintf("%s_size", p->name);
	_cleanup_free_ char *sum = xasprintf("%s_sha256", p->name);
	char hex[HASH_HEX_LEN + 1];
	struct stat st;
	int r;

	/* Symbols may lie elsewhere: in the folders of a debug package. */
	if (!path || !path_below(path, aside))
		return 0;
	r = hash_file(path, hex, e);
	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", path);
	set_text(m, p->name, path + strlen(aside) + 1);
	json_object_set_new(m, size, json_integer(st.st_size));
	set_text(m, sum, hex);
	return 0;
}

static int add_modules(json_t *m, const char *dir, const char *aside, struct err *e)
{
	char hex[HASH_HEX_LEN + 1];
	int r;

	if (!dir)
		return 0;
	r = hash_modules_content(dir, hex, e);
	if (r < 0)
		return r;
	set_text(m, "modules", dir + strlen(aside) + 1);
	set_text(m, "modules_sha256", hex);
	return 0;
}

static json_t *built_json(const struct cache_built *b)
{
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		set_text(j, texts[i].name, *(char **)built_field(b, &texts[i]));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_object_set_new(j, lists[i].name, json_strv(built_field(b, &lists[i])));
	json_object_set_new(j, "steps", json_integer(b->steps));
	json_object_set_new(j, "aside", json_boolean(b->aside));
	return j;
}

int manifest_write(const char *aside, const struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *path = path_join(aside, "manifest.json");
	_cleanup_json_ json_t *m = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT, now = BUF_INIT;
	const struct kernel *k = &c->kernel;
	int r = 0;

	time_format(&now, clock_wall_ns());
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	set_text(m, "label", k->label);
	set_text(m, "release", k->release);
	set_text(m, "arch", k->arch);
	set_text(m, "package", c->package);
	set_text(m, "package_version", c->version);
	json_object_set_new(m, "image_kind", json_integer(k->kind));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = add_part(m, &parts[i], *part_path(k, &parts[i]), aside, e);
	if (r == 0)
		r = add_modules(m, k->modules_dir, aside, e);
	if (r < 0)
		return r;
	if (c->is_built)
		json_object_set_new(m, "built", built_json(&c->built));
	json_object_set_new(m, "bytes", json_integer(entry_bytes(aside)));
	set_text(m, "made", c->made ? c->made : buf_str(&now));
	json_line(&text, m);
	buf_addc(&text, '\n');
	return file_write_atomic(path, text.data, text.len, 0644, e);
}
