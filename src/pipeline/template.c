/* SPDX-License-Identifier: MIT */
#include "pipeline/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#define DEPTH_MAX 8

struct filler {
	const struct template_values *all;
	const struct strv *entry; /* of the loop; NULL: in none */
	struct buf *out;
	int depth;
};

/* One line without its newline. */
struct line {
	const char *p;
	size_t len, indent;
};

void template_values_release(struct template_values *v)
{
	strv_release(&v->values);
	for (size_t i = 0; i < v->n_lists; i++) {
		for (size_t k = 0; k < v->lists[i].n; k++)
			strv_release(&v->lists[i].entries[k]);
		free(v->lists[i].entries);
	}
	*v = (struct template_values){ 0 };
}

struct strv *template_entry(struct template_values *v, const char *name)
{
	struct template_list *l = v->lists;

	while (l < v->lists + v->n_lists && !streq(l->name, name))
		l++;
	if (l == v->lists + v->n_lists) {
		BUG_ON(v->n_lists == ARRAY_SIZE(v->lists));
		v->n_lists++;
		l->name = name;
	}
	l->entries = xrealloc(l->entries, (l->n + 1) * sizeof(*l->entries));
	l->entries[l->n] = (struct strv)STRV_INIT;
	return &l->entries[l->n++];
}

/* ---- values ---- */

static const char *find(const struct strv *values, const char *name, size_t len)
{
	for (size_t i = 0; values && i < values->n; i++)
		if (strncmp(values->v[i], name, len) == 0 && values->v[i][len] == '=')
			return values->v[i] + len + 1;
	return NULL;
}

static const char *value(const struct filler *f, const char *name, size_t len)
{
	const char *v = find(f->entry, name, len);

	v = v ? v : find(&f->all->values, name, len);
	return v ? v : "";
}

static const struct template_list *list(const struct filler *f, const char *name, size_t len)
{
	for (size_t i = 0; i < f->all->n_lists; i++)
		if (strlen(f->all->lists[i].name) == len &&
			memcmp(f->all->lists[i].name, name, len) == 0)
			return &f->all->lists[i];
	return NULL;
}

/* ---- lines ---- */

static bool next_line(const char **at, const char *end, struct line *ret)
{
	if (*at >= end)
		return false;
	ret->p = *at;
	ret->len = strcspn(*at, "\n");
	ret->indent = strspn(*at, " ");
	*at += ret->len + 1;
	return true;
}

/* Whether the line is the directive WORD; then its argument. */
static bool directive(const struct line *l, const char *word, const char **ret, size_t *ret_len)
{
	const char *p = l->p + l->indent, *end = l->p + l->len;
	size_t n = strlen(word);

	if (p + n > end || *p != '%' || strncmp(p, word, n) != 0 || (p + n < end && p[n] != ' '))
		return false;
	p += n + (p + n < end);
	*ret = p;
	*ret_len = (size_t)(end - p);
	return true;
}

static bool is(const struct line *l, const char *word)
{
	const char *arg;
	size_t len;

	return directive(l, word, &arg, &len);
}

/* The end of the block whose first line is behind *AT; RET_ELSE: behind its %else (NULL: it has none), RET_STOP: before
 * whichever comes first of both. *AT is then behind its %end. */
static void find_end(const char **at, const char *end, const char **ret_stop, const char **ret_else,
	const char **ret_end)
{
	int depth = 1;
	struct line l;

	*ret_stop = *ret_else = NULL;
	while (next_line(at, end, &l)) {
		if (is(&l, "%if") || is(&l, "%for"))
			depth++;
		if (depth == 1 && is(&l, "%else")) {
			*ret_stop = l.p;
			*ret_else = *at;
		}
		if (is(&l, "%end") && --depth == 0) {
			*ret_end = l.p;
			*ret_stop = *ret_stop ? *ret_stop : l.p;
			return;
		}
	}
	BUG_ON(true);
}

static void add_line(struct filler *f, const struct line *l, size_t indent)
{
	const char *p = l->p, *end = l->p + l->len;

	if (l->len)
		buf_addf(f->out, "%*s", (int)indent, "");
	while (p < end) {
		const char *hole = memmem(p, (size_t)(end - p), "@{", 2);
		size_t len = hole ? strcspn(hole + 2, "}") : 0;

		buf_add(f->out, p, (size_t)((hole ? hole : end) - p));
		if (hole)
			buf_adds(f->out, value(f, hole + 2, len));
		p = hole ? hole + len + 3 : end;
	}
	buf_addc(f->out, '\n');
}

static void fill(struct filler *f, const char *at, const char *end, size_t indent);

static void include(struct filler *f, const char *name, size_t len, size_t indent)
{
	const struct template_file *t = template_files;

	while (t->name && (strlen(t->name) != len || memcmp(t->name, name, len) != 0))
		t++;
	BUG_ON(!t->name || f->depth == DEPTH_MAX);
	f->depth++;
	fill(f, t->text, t->text + strlen(t->text), indent);
	f->depth--;
}

static void fill(struct filler *f, const char *at, const char *end, size_t indent)
{
	const char *arg, *stop, *other, *last;
	size_t len;
	struct line l;

	while (next_line(&at, end, &l)) {
		const char *body = at;

		if (directive(&l, "%if", &arg, &len)) {
			bool negated = *arg == '!';
			bool there = *value(f, arg + negated, len - negated) != '\0';

			find_end(&at, end, &stop, &other, &last);
			if (there != negated)
				fill(f, body, stop, indent);
			else if (other)
				fill(f, other, last, indent);
		} else if (directive(&l, "%for", &arg, &len)) {
			const struct template_list *each = list(f, arg, len);
			const struct strv *outer = f->entry;

			find_end(&at, end, &stop, &other, &last);
			for (size_t i = 0; each && i < each->n; i++) {
				f->entry = &each->entries[i];
				fill(f, body, stop, indent);
			}
			f->entry = outer;
		} else if (directive(&l, "%include", &arg, &len)) {
			include(f, arg, len, indent + l.indent);
		} else
			add_line(f, &l, indent);
	}
}

void template_fill(const char *file, const struct template_values *v, struct buf *ret)
{
	struct filler f = { .all = v, .out = ret };

	include(&f, file, strlen(file), 0);
}
