/* SPDX-License-Identifier: MIT */
#include "base/version.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int weight(char c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || isdigit((unsigned char)c))
		return 0;
	return isalpha((unsigned char)c) ? (unsigned char)c : (unsigned char)c + 256;
}

static int compare_part(const char *a, const char *b)
{
	while (*a || *b) {
		size_t x, y;
		int c;

		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			if (weight(*a) != weight(*b))
				return weight(*a) - weight(*b);
			a++; /* equal weights that are not 0: both have a character here */
			b++;
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		x = strspn(a, "0123456789");
		y = strspn(b, "0123456789");
		if (x != y)
			return x < y ? -1 : 1;
		c = memcmp(a, b, x);
		if (c)
			return c;
		a += x;
		b += y;
	}
	return 0;
}

/* The version without its epoch, which is given back apart. */
static const char *split_epoch(const char *v, long *ret)
{
	size_t digits = strspn(v, "0123456789");

	*ret = digits && v[digits] == ':' ? strtol(v, NULL, 10) : 0;
	return digits && v[digits] == ':' ? v + digits + 1 : v;
}

int version_compare(const char *a, const char *b)
{
	_cleanup_free_ char *upstream_a = NULL, *upstream_b = NULL;
	const char *revision_a, *revision_b;
	long x, y;
	int c;

	a = split_epoch(a, &x);
	b = split_epoch(b, &y);
	if (x != y)
		return x < y ? -1 : 1;
	revision_a = strrchr(a, '-');
	revision_b = strrchr(b, '-');
	upstream_a = revision_a ? xstrndup(a, (size_t)(revision_a - a)) : xstrdup(a);
	upstream_b = revision_b ? xstrndup(b, (size_t)(revision_b - b)) : xstrdup(b);
	c = compare_part(upstream_a, upstream_b);
	return c ? c
		 : compare_part(revision_a ? revision_a + 1 : "", revision_b ? revision_b + 1 : "");
}

/* "6.1.0-50-cloud-amd64": up to the first '-' that no digit follows. */
static char *numbers(const char *release)
{
	size_t n = 0;

	while (release[n] && !(release[n] == '-' && !isdigit((unsigned char)release[n + 1])))
		n++;
	return xstrndup(release, n);
}

int release_compare(const char *a, const char *b)
{
	_cleanup_free_ char *x = numbers(a), *y = numbers(b);

	return version_compare(x, y);
}
