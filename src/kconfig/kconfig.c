/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "kconfig/kconfig.h"

#define CONFIG_MAX (16u << 20)
#define PREFIX     "CONFIG_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define NOT_SET    " is not set"

struct option {
	char *name; /* owned: without "CONFIG_" */
	char *value; /* owned; NULL: "is not set" */
	size_t line; /* the later of two lines counts */
};

struct kconfig {
	struct option *options; /* owned; sorted by name */
	size_t n, cap;
};

void kconfig_free(struct kconfig *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		free(k->options[i].name);
		free(k->options[i].value);
	}
	free(k->options);
	free(k);
}

static void kconfig_freep(struct kconfig **k)
{
	kconfig_free(*k);
}

static int by_name(const void *a, const void *b)
{
	const struct option *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->line > y->line) - (x->line < y->line);
}

/* By name, one entry for each: the last. */
static void sort(struct kconfig *k)
{
	size_t n = 0;

	qsort(k->options, k->n, sizeof(*k->options), by_name);
	for (size_t i = 0; i < k->n; i++) {
		if (n && streq(k->options[n - 1].name, k->options[i].name)) {
			free(k->options[n - 1].name);
			free(k->options[n - 1].value);
			n--;
		}
		k->options[n++] = k->options[i];
	}
	k->n = n;
}

static void add(struct kconfig *k, const char *name, size_t name_len, char *value, size_t line)
{
	VEC_GROW(k->options, k->n, k->cap);
	k->options[k->n++] = (struct option){ xstrndup(name, name_len), value, line };
}

/* "CONFIG_X=value" or "# CONFIG_X is not set"; other comments and blank lines say nothing. */
static int read_line(struct kconfig *k, const char *s, size_t len, size_t line, struct err *e)
{
	const char *eq;

	while (len && strchr(" \t\r", s[len - 1]) && s[len - 1])
		len--;
	if (len > PREFIX_LEN && memcmp(s, PREFIX, PREFIX_LEN) == 0 && (eq = memchr(s, '=', len))) {
		s += PREFIX_LEN;
		len -= PREFIX_LEN;
		add(k, s, (size_t)(eq - s), xstrndup(eq + 1, len - (size_t)(eq + 1 - s)), line);
		return 0;
	}
	if (len == 0 || s[0] == '#') {
		size_t end = strlen(NOT_SET), start = strlen("# " PREFIX);

		if (len > start + end && memcmp(s, "# " PREFIX, start) == 0 &&
			memcmp(s + len - end, NOT_SET, end) == 0)
			add(k, s + start, len - start - end, NULL, line);
		return 0;
	}
	return err_set(e, -EBADMSG, "line %zu is not a line of a kernel configuration", line);
}

int kconfig_parse(const struct buf *text, struct kconfig **ret, struct err *e)
{
	__attribute__((cleanup(kconfig_freep))) struct kconfig *k = xcalloc(1, sizeof(*k));
	const char *p = buf_str(text), *end = p + text->len;

	for (size_t line = 1; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		int r = read_line(k, p, (size_t)((nl ? nl : end) - p), line, e);

		if (r < 0)
			return r;
		p = nl ? nl + 1 : end;
	}
	if (k->n == 0)
		return err_set(e, -EBADMSG, "holds no option of a kernel configuration");
	sort(k);
	*ret = TAKE_PTR(k);
	return 0;
}

int kconfig_load(const char *path, struct kconfig **ret, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, CONFIG_MAX, &text, e);

	if (r < 0)
		return r;
	r = kconfig_parse(&text, ret, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}

static int by_key(const void *key, const void *option)
{
	return strcmp(key, ((const struct option *)option)->name);
}

static const struct option *find(const struct kconfig *k, const char *name)
{
	if (str_starts(name, PREFIX))
		name += PREFIX_LEN;
	return bsearch(name, k->options, k->n, sizeof(*k->options), by_key);
}

const char *kconfig_value(const struct kconfig *k, const char *option)
{
	const struct option *o = find(k, option);

	return o ? o->value : NULL;
}

bool kconfig_mentions(const struct kconfig *k, const char *option)
{
	return find(k, option) != NULL;
}

char kconfig_tristate(const struct kconfig *k, const char *option)
{
	const char *v = kconfig_value(k, option);

	return v && (streq(v, "y") || streq(v, "m")) ? v[0] : 'n';
}

bool kconfig_at(const struct kconfig *k, size_t i, const char **ret_option, const char **ret_value)
{
	if (i >= k->n)
		return false;
	*ret_option = k->options[i].name;
	*ret_value = k->options[i].value;
	return true;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

/* "n" and "is not set" and nothing at all are the same. */
static const char *set_value(const struct option *o)
{
	return o->value && !streq(o->value, "n") ? o->value : NULL;
}

static void add_difference(struct strv *ret, char sign, const struct option *o)
{
	if (set_value(o))
		strv_addf(ret, "%c" PREFIX "%s=%s", sign, o->name, o->value);
}

void kconfig_diff(const struct kconfig *a, const struct kconfig *b, struct strv *ret)
{
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		const struct option *x = i < a->n ? &a->options[i] : NULL;
		const struct option *y = j < b->n ? &b->options[j] : NULL;
		int c = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);

		i += c <= 0;
		j += c >= 0;
		if (c == 0 && same(set_value(x), set_value(y)))
			continue;
		if (c <= 0)
			add_difference(ret, '-', x);
		if (c >= 0)
			add_difference(ret, '+', y);
	}
}
