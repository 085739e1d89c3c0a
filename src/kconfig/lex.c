/* SPDX-License-Identifier: MIT */
/* The words of a Kconfig line. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "kconfig/tree.h"

/* "$(…)" with what stands in it, to the end of the line if it is not closed. */
static size_t macro_len(const char *p)
{
	size_t n = 1, open = 0;

	do {
		open += p[n] == '(';
		open -= p[n] == ')';
		n++;
	} while (open && p[n]);
	return n;
}

/* Those variables that the Makefile sets and that shape the tree; others stay as they are. */
static size_t add_macro(struct klex *l, const char *p)
{
	static const struct {
		const char *text;
		size_t offset;
	} known[] = {
		{ "$(SRCARCH)", offsetof(struct ktree, srcarch) },
		{ "$(ARCH)", offsetof(struct ktree, arch) },
	};
	size_t n = macro_len(p);

	if (str_starts(p, "$(srctree)"))
		buf_addc(&l->text, '.');
	else
		buf_add(&l->text, p, n);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (n != strlen(known[i].text) || memcmp(p, known[i].text, n) != 0)
			continue;
		buf_truncate(&l->text, l->text.len - n);
		buf_adds(&l->text, *(const char *const *)((const char *)l->tree + known[i].offset));
	}
	return n;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-./", c));
}

static const char *read_word(struct klex *l, const char *p)
{
	for (;;) {
		if (p[0] == '$' && p[1] == '(')
			p += add_macro(l, p);
		else if (is_word(*p))
			buf_addc(&l->text, *p++);
		else
			return p;
	}
}

static const char *read_string(struct klex *l, const char *p)
{
	char quote = *p++;

	while (*p && *p != quote) {
		if (p[0] == '$' && p[1] == '(') {
			p += add_macro(l, p);
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		buf_addc(&l->text, *p++);
	}
	return *p ? p + 1 : p;
}

static const struct {
	const char *text;
	enum ktoken_kind kind;
} signs[] = {
	{ "&&", KTOKEN_AND },
	{ "||", KTOKEN_OR },
	{ "!=", KTOKEN_NE },
	{ "<=", KTOKEN_LE },
	{ ">=", KTOKEN_GE },
	{ "<", KTOKEN_LT },
	{ ">", KTOKEN_GT },
	{ "=", KTOKEN_EQ },
	{ "!", KTOKEN_NOT },
	{ "(", KTOKEN_OPEN },
	{ ")", KTOKEN_CLOSE },
};

static const char *read_sign(struct klex *l, const char *p)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (!str_starts(p, signs[i].text))
			continue;
		l->kind = signs[i].kind;
		return p + strlen(signs[i].text);
	}
	l->kind = KTOKEN_OTHER;
	return p + 1;
}

void klex_next(struct klex *l)
{
	const char *p = l->p;

	buf_clear(&l->text);
	while (isspace((unsigned char)*p))
		p++;
	if (*p == '\0' || *p == '#') {
		l->kind = KTOKEN_END;
		p += strlen(p);
	} else if (is_word(*p) || (p[0] == '$' && p[1] == '(')) {
		l->kind = KTOKEN_WORD;
		p = read_word(l, p);
	} else if (*p == '"' || *p == '\'') {
		l->kind = KTOKEN_STRING;
		p = read_string(l, p);
	} else {
		p = read_sign(l, p);
	}
	l->p = p;
}

void klex_start(struct klex *l, const char *line)
{
	l->p = line;
	klex_next(l);
}

bool klex_is(const struct klex *l, const char *word)
{
	return l->kind == KTOKEN_WORD && streq(buf_str(&l->text), word);
}

bool klex_take(struct klex *l, const char *word)
{
	if (!klex_is(l, word))
		return false;
	klex_next(l);
	return true;
}
