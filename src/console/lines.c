/* SPDX-License-Identifier: MIT */
#include "console/lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The longest stamp that is looked for inside a line: "[%5lu.%06lu]" with ten digits of seconds. */
#define STAMP_MAX 32

/* The length of the stamp that ends with the ']' at P[LEN - 1], 0 if none does. As printk's
 * "[%5lu.%06lu]" to the letter, for brackets are common in what programs print. */
static size_t stamp_before(const char *p, size_t len)
{
	size_t i = len - 1, digits = 0, width = 0;

	while (i > 0 && isdigit((unsigned char)p[i - 1]) && digits < 7)
		i--, digits++;
	if (digits != 6 || i == 0 || p[i - 1] != '.')
		return 0;
	i--;
	for (digits = 0; i > 0 && isdigit((unsigned char)p[i - 1]) && digits < 12; width++)
		i--, digits++;
	if (digits == 0)
		return 0;
	for (; i > 0 && p[i - 1] == ' ' && width < 5; width++)
		i--;
	return width >= 5 && i > 0 && p[i - 1] == '[' ? len - (i - 1) : 0;
}

static void hand_out(struct line_reader *r, size_t len, line_fn fn, void *arg)
{
	if (!r->cut)
		fn(arg, r->data, len);
}

static void keep_tail(struct line_reader *r, size_t n)
{
	memmove(r->data, r->data + r->len - n, n);
	r->len = n;
}

static void add_byte(struct line_reader *r, char c, line_fn fn, void *arg)
{
	size_t n;

	if (c == '\n') {
		hand_out(r, r->len, fn, arg);
		r->len = 0;
		r->cut = false;
		return;
	}
	if (r->len == sizeof(r->data)) {
		hand_out(r, r->len, fn, arg);
		r->cut = true;
		keep_tail(r, STAMP_MAX);
	}
	r->data[r->len++] = c;
	if (c != ']')
		return;
	n = stamp_before(r->data, r->len);
	if (n > 0 && (n < r->len || r->cut)) {
		hand_out(r, r->len - n, fn, arg);
		keep_tail(r, n);
		r->cut = false;
	}
}

void line_reader_feed(struct line_reader *r, const char *data, size_t len, line_fn fn, void *arg)
{
	for (size_t i = 0; i < len; i++)
		add_byte(r, data[i], fn, arg);
}

void line_reader_end(struct line_reader *r, line_fn fn, void *arg)
{
	if (r->len > 0)
		hand_out(r, r->len, fn, arg);
	r->len = 0;
	r->cut = false;
}

/* "[   12.345678]", with any number of digits: behind it, or NULL. */
static const char *skip_stamp(const char *s)
{
	if (*s++ != '[')
		return NULL;
	while (*s == ' ')
		s++;
	if (!isdigit((unsigned char)*s))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	if (*s++ != '.' || !isdigit((unsigned char)*s))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	return *s == ']' ? s + 1 : NULL;
}

/* "[ T123]" or "[    C0]": behind it, or S. */
static const char *skip_caller(const char *s, char ret[static CALLER_MAX])
{
	const char *p = s;
	size_t n;

	if (*p++ != '[')
		return s;
	while (*p == ' ')
		p++;
	if (*p != 'T' && *p != 'C')
		return s;
	n = 1 + strspn(p + 1, "0123456789");
	if (n < 2 || n >= CALLER_MAX || p[n] != ']')
		return s;
	memcpy(ret, p, n);
	ret[n] = '\0';
	return p + n + 1;
}

static const char *skip_level(const char *s)
{
	size_t n;

	if (*s != '<')
		return s;
	n = strspn(s + 1, "0123456789");
	return n >= 1 && n <= 3 && s[n + 1] == '>' ? s + n + 2 : s;
}

/* "PRIO,SEQ,TIME_US,FLAGS[,KEY=VALUE]...;TEXT" (Documentation/ABI/testing/dev-kmsg). */
static bool parse_kmsg(const char *s, struct kline *ret)
{
	unsigned long long prio, t;
	char *end;
	const char *semicolon, *caller;

	if (!isdigit((unsigned char)*s))
		return false;
	prio = strtoull(s, &end, 10);
	if (*end != ',' || !isdigit((unsigned char)end[1]))
		return false;
	strtoull(end + 1, &end, 10);
	if (*end != ',' || !isdigit((unsigned char)end[1]))
		return false;
	t = strtoull(end + 1, &end, 10);
	if (*end != ',' || !(semicolon = strchr(end, ';')))
		return false;
	ret->origin = prio >> 3 ? LINE_KMSG_USER : LINE_KMSG;
	ret->time_us = t;
	caller = strstr(end, ",caller=");
	if (caller && caller < semicolon) {
		size_t n = strcspn(caller + 8, ",;");

		if (n < CALLER_MAX) {
			memcpy(ret->caller, caller + 8, n);
			ret->caller[n] = '\0';
		}
	}
	ret->text = ret->shown = semicolon + 1;
	return true;
}

void kline_parse(const char *line, struct kline *ret)
{
	const char *s = skip_level(line), *behind;

	memset(ret, 0, sizeof(*ret));
	if (parse_kmsg(line, ret))
		return;
	behind = skip_stamp(s);
	if (!behind) {
		ret->origin = LINE_BARE;
		ret->shown = ret->text = s;
		return;
	}
	ret->origin = LINE_STAMPED;
	ret->shown = s;
	behind = skip_caller(behind, ret->caller);
	ret->text = *behind == ' ' ? behind + 1 : behind;
}
