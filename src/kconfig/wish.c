/* SPDX-License-Identifier: MIT */
/* What is asked of a configuration, gathered from fragments, files and single options: the last word counts. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "kconfig/fragments.h"
#include "kconfig/kconfig.h"
#include "kconfig/names.h"

#define FRAGMENT_MAX  (1u << 20)
#define PREFIX        "CONFIG_"
#define NOT_SET       " is not set"
#define IF_KNOWN      "# if known"
#define FRAGMENTS_MAX 32

void kconfig_wishes_release(struct kconfig_wishes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->v[i].option);
		free(w->v[i].value);
		free(w->v[i].origin);
	}
	free(w->v);
	free(w->slots);
	*w = (struct kconfig_wishes){ 0 };
}

/* Where OPTION is noted, or belongs. A whole .config may be a fragment: thousands of options. */
static uint32_t *slot_of(const struct kconfig_wishes *w, const char *option)
{
	size_t i = name_hash(option) & (w->n_slots - 1);

	while (w->slots[i] && !streq(w->v[w->slots[i] - 1].option, option))
		i = (i + 1) & (w->n_slots - 1);
	return &w->slots[i];
}

static void grow(struct kconfig_wishes *w)
{
	free(w->slots);
	w->n_slots = w->n_slots ? 2 * w->n_slots : 64;
	w->slots = xcalloc(w->n_slots, sizeof(*w->slots));
	for (size_t i = 0; i < w->n; i++)
		*slot_of(w, w->v[i].option) = (uint32_t)(i + 1);
}

/* A wish without condition stays one when the same is wished again for kernels that know it. */
static void add(struct kconfig_wishes *w, const char *option, const char *value, const char *origin,
	bool if_known)
{
	struct kconfig_wish *old;
	uint32_t *slot;

	if (2 * w->n >= w->n_slots)
		grow(w);
	slot = slot_of(w, option);
	if (*slot) {
		old = &w->v[*slot - 1];
		old->if_known = if_known && (old->if_known || !streq(old->value, value));
		str_replace(&old->value, value);
		str_replace(&old->origin, origin);
		return;
	}
	VEC_GROW(w->v, w->n, w->cap);
	w->v[w->n++] =
		(struct kconfig_wish){ xstrdup(option), xstrdup(value), xstrdup(origin), if_known };
	*slot = (uint32_t)w->n;
}

static size_t name_len(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* As a .config has them: y, m, n, a number, or a text in quotes that ends where the line does. */
static bool is_value(const char *s)
{
	char *end;

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	if (streq(s, "y") || streq(s, "m") || streq(s, "n"))
		return true;
	if (*s == '"') {
		for (s++; *s && *s != '"'; s++)
			if (*s == '\\' && !*++s)
				return false;
		return s[0] == '"' && s[1] == '\0';
	}
	if (!isdigit((unsigned char)*s) && (*s != '-' || !isdigit((unsigned char)s[1])))
		return false;
	strtoll(s, &end, 0);
	return *end == '\0';
}

static int wish(struct kconfig_wishes *w, const char *text, const char *origin, bool if_known,
	struct err *e)
{
	const char *name = str_starts(text, PREFIX) ? text + strlen(PREFIX) : text, *value;
	_cleanup_free_ char *option = NULL;
	size_t n = name_len(name);

	if (n == 0 || name[n] != '=') {
		err_set(e, -EINVAL, "'%s' is not an option with its value", text);
		err_hint(e,
			"It is written as CONFIG_NAME=y, with m, n, a number or \"text\" in place of y.");
		return -EINVAL;
	}
	value = name + n + 1;
	option = xstrndup(name, n);
	if (!is_value(value)) {
		err_set(e, -EINVAL, "'%s' cannot be the value of " PREFIX "%s", value, option);
		err_hint(e, "A value is y, m, n, a number, or a text in double quotes.");
		return -EINVAL;
	}
	add(w, option, value, origin, if_known);
	return 0;
}

int kconfig_wish_option(
	struct kconfig_wishes *w, const char *text, const char *origin, struct err *e)
{
	return wish(w, text, origin, false, e);
}

/* ---- fragments ---- */

static int read_line(
	struct kconfig_wishes *w, char *line, const char *origin, bool *if_known, struct err *e)
{
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	if (len == 0 || streq(line, IF_KNOWN)) {
		*if_known = len > 0;
		return 0;
	}
	if (str_starts(line, "# " PREFIX) && str_ends(line, NOT_SET)) {
		char *name = line + strlen("# " PREFIX);

		name[name_len(name)] = '\0';
		add(w, name, "n", origin, *if_known);
		return 0;
	}
	if (line[0] == '#')
		return 0;
	if (!str_starts(line, PREFIX))
		return err_set(e, -EBADMSG, "'%s' is not a line of a kernel configuration", line);
	return wish(w, line, origin, *if_known, e);
}

/* Origins have the line's number where NUMBERED. */
static int read_fragment(struct kconfig_wishes *w, const char *text, size_t size, const char *what,
	bool numbered, struct err *e)
{
	const char *p = text, *end = text + size;
	bool if_known = false;
	int r = 0;

	for (size_t number = 1; r == 0 && p < end; number++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		_cleanup_free_ char *line = xstrndup(p, len);
		_cleanup_free_ char *origin =
			numbered ? xasprintf("%s:%zu", what, number) : xstrdup(what);

		if (memchr(p, '\0', len))
			r = err_set(e, -EBADMSG, "holds a NUL byte");
		else
			r = read_line(w, line, origin, &if_known, e);
		if (r < 0)
			err_wrap(e, "%s:%zu", what, number);
		p = nl ? nl + 1 : end;
	}
	return r;
}

int kconfig_wish_text(
	struct kconfig_wishes *w, const struct buf *text, const char *what, struct err *e)
{
	return read_fragment(w, buf_str(text), text->len, what, true, e);
}

static int wish_file(struct kconfig_wishes *w, const char *name, const char *dir, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(name, dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, FRAGMENT_MAX, &text, e);

	return r < 0 ? r : kconfig_wish_text(w, &text, name, e);
}

static int unknown(const char *name, struct err *e)
{
	const char *const *names = kconfig_fragment_names();
	_cleanup_strv_ struct strv all = STRV_INIT;
	_cleanup_free_ char *list = NULL;
	const char *near;

	for (size_t i = 0; names[i]; i++)
		strv_add(&all, names[i]);
	list = strv_join(&all, ", ");
	near = text_nearest(name, names, all.n);
	err_set(e, -ENOENT, "no built-in fragment is called '%s'%s%s%s", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	err_hint(e, "There are %s; a file is named with a slash or a dot in it.", list);
	return -ENOENT;
}

int kconfig_wish_fragment(struct kconfig_wishes *w, const char *fragment, const char *arch,
	const char *dir, struct err *e)
{
	_cleanup_free_ char *origin = xasprintf("fragment %s", fragment);
	bool found = false;
	int r = 0;

	if (strpbrk(fragment, "/."))
		return wish_file(w, fragment, dir, e);
	for (const struct fragment_file *f = fragment_files; r == 0 && f->name; f++) {
		if (!streq(f->name, fragment))
			continue;
		found = true;
		if (!f->arch || streq(f->arch, arch))
			r = read_fragment(w, f->text, strlen(f->text), origin, false, e);
	}
	return found ? r : unknown(fragment, e);
}

const char *const *kconfig_fragment_names(void)
{
	static const char *names[FRAGMENTS_MAX + 1];
	size_t n = 0;

	if (names[0])
		return names;
	for (const struct fragment_file *f = fragment_files; f->name; f++) {
		if (n && streq(names[n - 1], f->name))
			continue;
		BUG_ON(n == FRAGMENTS_MAX);
		names[n++] = f->name;
	}
	return names;
}

int kconfig_fragment_text(const char *fragment, const char *arch, struct buf *ret, struct err *e)
{
	size_t before = ret->len;

	for (const struct fragment_file *f = fragment_files; f->name; f++) {
		if (!streq(f->name, fragment) || (f->arch && arch && !streq(f->arch, arch)))
			continue;
		if (ret->len > before)
			buf_addc(ret, '\n');
		if (f->arch && !arch)
			buf_addf(ret, "# For %s alone.\n", f->arch);
		buf_adds(ret, f->text);
	}
	return ret->len > before ? 0 : unknown(fragment, e);
}

/* ---- as text ---- */

static int by_option(const void *a, const void *b)
{
	return strcmp((*(const struct kconfig_wish *const *)a)->option,
		(*(const struct kconfig_wish *const *)b)->option);
}

void kconfig_wishes_text(const struct kconfig_wishes *w, struct buf *ret)
{
	_cleanup_free_ const struct kconfig_wish **sorted = xcalloc(w->n + 1, sizeof(*sorted));

	for (size_t i = 0; i < w->n; i++)
		sorted[i] = &w->v[i];
	qsort(sorted, w->n, sizeof(*sorted), by_option);
	for (size_t i = 0; i < w->n; i++) {
		if (streq(sorted[i]->value, "n"))
			buf_addf(ret, "# " PREFIX "%s" NOT_SET "\n", sorted[i]->option);
		else
			buf_addf(ret, PREFIX "%s=%s\n", sorted[i]->option, sorted[i]->value);
	}
}
