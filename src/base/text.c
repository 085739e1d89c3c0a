/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = *s == '-' || *s == '+' ? s + 1 : s;
	long long v;

	/* strtoll() would also take leading blanks and stop at the first foreign byte. */
	if (!*digits || digits[strspn(digits, "0123456789")])
		return -EINVAL;
	errno = 0;
	v = strtoll(s, NULL, 10);
	if (errno == ERANGE || v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

size_t utf8_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/*
 * The length of the whole escape sequence at S, which begins with ESC, or 0 where it is cut short
 * or malformed (ECMA-48, sections 5.3 to 5.6; OSC may end in BEL, as xterm has it). A scan stops at
 * the next control byte, so cleaning stays linear and an unfinished sequence swallows no line.
 */
static size_t escape_sequence(const unsigned char *s, size_t len)
{
	size_t i = 1;

	if (len < 2)
		return 0;
	switch (s[1]) {
	case '[':
		for (i = 2; i < len && s[i] >= 0x30 && s[i] <= 0x3f;)
			i++;
		for (; i < len && s[i] >= 0x20 && s[i] <= 0x2f;)
			i++;
		return i < len && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 0;
	case ']':
	case 'P':
	case 'X':
	case '^':
	case '_':
		for (i = 2; i < len && s[i] >= 0x20;)
			i++;
		if (i < len && s[i] == 0x07)
			return i + 1;
		return i + 1 < len && s[i] == 0x1b && s[i + 1] == '\\' ? i + 2 : 0;
	default:
		for (; i < len && s[i] >= 0x20 && s[i] <= 0x2f;)
			i++;
		return i < len && s[i] >= 0x30 && s[i] <= 0x7e ? i + 1 : 0;
	}
}

static void add_hex(struct buf *b, const unsigned char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		const char shown[] = { '\\', 'x', digits[s[i] >> 4], digits[s[i] & 15] };

		buf_add(b, shown, sizeof(shown));
	}
}

void text_clean(struct buf *b, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, n;

	while (i < len) {
		size_t plain = i;

		while (i < len && ((p[i] >= 0x20 && p[i] < 0x7f) || p[i] == '\n' || p[i] == '\t'))
			i++;
		buf_add(b, s + plain, i - plain);
		if (i == len)
			break;
		if (p[i] == 0x1b && (n = escape_sequence(p + i, len - i)) > 0) {
			i += n;
			continue;
		}
		if (p[i] == '\r') {
			for (n = 1; i + n < len && p[i + n] == '\r';)
				n++;
			if (i + n == len || p[i + n] != '\n')
				add_hex(b, p + i, n);
			i += n;
			continue;
		}
		n = utf8_sequence(s + i, len - i);
		if (n > 1 && !(p[i] == 0xc2 && p[i + 1] < 0xa0)) /* U+0080 to U+009F: controls */
			buf_add(b, s + i, n);
		else
			add_hex(b, p + i, n ? n : 1);
		i += n ? n : 1;
	}
}

void text_file_name(struct buf *b, const char *name)
{
	enum { MAX = 120 };
	size_t start = b->len;

	for (; *name && b->len - start < MAX; name++)
		buf_addc(b, isalnum((unsigned char)*name) || strchr("._+-", *name) ? *name : '_');
	if (b->len == start)
		buf_addc(b, '_');
	else if (streq(b->data + start, ".") || streq(b->data + start, ".."))
		b->data[start] = '_';
}

const char *text_last_lines(const char *s, size_t len, size_t n, size_t *ret_len)
{
	size_t i = len;

	if (n && i && s[i - 1] == '\n')
		i--;
	for (; n && i; i--)
		if (s[i - 1] == '\n' && --n == 0)
			break;
	*ret_len = len - i;
	return s + i;
}

#define NEAR_MAX 64

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Levenshtein's distance, case folded, where two letters that changed places count as one mistake (the optimal string
 * alignment). B has at most NEAR_MAX characters.
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_MAX + 1], n = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t *last = before;

		before = above;
		above = row;
		row = last;
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = above[j] + !same_letter(a[i], b[j]);

			if (above[j + 1] + 1 < best)
				best = above[j + 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (i && j && same_letter(a[i], b[j - 1]) && same_letter(a[i - 1], b[j]) &&
				before[j - 1] + 1 < best)
				best = before[j - 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best = (len + 2) / 3;
	const char *nearest = NULL;

	/* A third of the word may be wrong; longer words than NEAR_MAX are no typing errors. */
	if (len == 0 || len > NEAR_MAX)
		return NULL;
	if (best > 4)
		best = 4;
	for (size_t i = 0; i < n; i++) {
		size_t m = strlen(candidates[i]), d;

		if (m > NEAR_MAX || (m > len ? m - len : len - m) > best)
			continue;
		d = distance(word, candidates[i]);
		if (d < len && (nearest ? d < best : d <= best)) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}
