/* SPDX-License-Identifier: MIT */
/* The tree's store: texts, nodes, problems, each with its bound. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "results/tap_tree.h"

void tap_tree_release(struct tap_tree *t)
{
	for (size_t i = 0; i < TAP_MAX_DEPTH; i++)
		buf_release(&t->levels[i].seen);
	free(t->nodes);
	buf_release(&t->text);
	strv_release(&t->problems);
}

void tap_tree_problem(struct tap_tree *t, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	va_list ap;

	if (t->n_problems++ >= TAP_MAX_PROBLEMS)
		return;
	buf_addf(&b, "line %u: ", t->line);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	strv_add(&t->problems, buf_str(&b));
}

struct tap_text tap_tree_text(struct tap_tree *t, struct slice s, size_t max)
{
	struct tap_text r = { .at = t->text.len };
	char *p;

	if (s.len > max)
		s.len = max;
	if (t->text.len > TAP_MAX_TEXT) {
		t->dropped++;
		return r;
	}
	text_clean(&t->text, s.s, s.len);
	/* Cleaning may have made it longer; it left no byte above 0x7f that is not UTF-8. */
	r.len = t->text.len - r.at;
	if (r.len > max) {
		r.len = max;
		while (r.len && ((unsigned char)t->text.data[r.at + r.len] & 0xc0) == 0x80)
			r.len--;
		buf_truncate(&t->text, r.at + r.len);
	}
	if (!r.len)
		return r;
	p = t->text.data + r.at;
	for (size_t i = 0; i < r.len; i++)
		if (p[i] == '\t' || p[i] == '\n')
			p[i] = ' ';
	return r;
}

struct tap_text tap_tree_words(struct tap_tree *t, enum tap_dialect d, struct slice s, size_t max)
{
	char plain[TAP_MAX_NAME];
	size_t n = 0;

	if (max > sizeof(plain))
		max = sizeof(plain);
	if (!s.len || !memchr(s.s, '\\', s.len))
		return tap_tree_text(t, s, max);
	for (size_t i = 0; i < s.len && n < max; i++) {
		bool next = s.s[i] == '\\' && i + 1 < s.len;

		if (next && (s.s[i + 1] == '#' || (d == TAP_14 && s.s[i + 1] == '\\')))
			i++;
		plain[n++] = s.s[i];
	}
	return tap_tree_text(t, (struct slice){ plain, n }, max);
}

uint32_t tap_tree_node(struct tap_tree *t, uint32_t parent, enum verdict v)
{
	if (t->n_nodes >= TAP_MAX_CASES) {
		t->dropped++;
		return TAP_NO_NODE;
	}
	VEC_GROW(t->nodes, t->n_nodes, t->cap_nodes);
	t->nodes[t->n_nodes] =
		(struct tap_node){ .parent = parent, .verdict = v, .duration_ms = -1 };
	if (parent != TAP_NO_NODE)
		t->nodes[parent].has_children = true;
	return (uint32_t)t->n_nodes++;
}

const char *tap_tree_name(struct tap_tree *t, uint32_t node)
{
	static __thread char shown[80];
	const struct tap_node *n = node == TAP_NO_NODE ? NULL : &t->nodes[node];

	if (n && n->name.len)
		snprintf(shown, sizeof(shown), "\"%.*s\"", (int)n->name.len,
			t->text.data + n->name.at);
	else if (n && n->number)
		snprintf(shown, sizeof(shown), "number %u", n->number);
	else
		snprintf(shown, sizeof(shown), "a nested test");
	return shown;
}
