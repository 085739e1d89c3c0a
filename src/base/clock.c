/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"

int64_t clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A decimal number as WHOLE + FRAC / SCALE; digits beyond the sixth behind the point only round up. */
struct decimal {
	int64_t whole, frac, scale;
	bool rest;
};

/* Moves *S behind the number. False where there is none, or more than 12 digits before the point. */
static bool decimal_parse(const char **s, struct decimal *ret)
{
	struct decimal d = { .scale = 1 };
	const char *p = *s;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		d.whole = 10 * d.whole + (*p - '0');
		if (d.whole > 999999999999)
			return false;
	}
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			return false;
		for (; isdigit((unsigned char)*p); p++) {
			if (d.scale < 1000000) {
				d.frac = 10 * d.frac + (*p - '0');
				d.scale *= 10;
			} else if (*p != '0') {
				d.rest = true;
			}
		}
	}
	*ret = d;
	*s = p;
	return true;
}

/* Rounded up, so that only a true zero is 0 ("no limit"). False above LIMIT. FRAC is below 10^6 and
 * UNIT at most 2^40, so nothing overflows. */
static bool decimal_times(const struct decimal *d, int64_t unit, int64_t limit, int64_t *ret)
{
	int64_t v;

	if (d->whole > limit / unit)
		return false;
	v = d->whole * unit + (d->frac * unit + d->scale - 1) / d->scale;
	if (d->rest && (d->frac * unit) % d->scale == 0)
		v++;
	if (v > limit)
		return false;
	*ret = v;
	return true;
}

static int duration_invalid(const char *s, struct err *e)
{
	return err_set(e, -EINVAL,
		"\"%s\" is not a duration: use a number with ms, s, m, h or d (30s, 1.5h, 1m30s), "
		"at most 365d, or none",
		s);
}

int duration_parse(const char *s, int64_t *ret_ms, struct err *e)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 3600 * 1000 },
		{ "d", 24 * 3600 * 1000 },
	};
	const int64_t limit = (int64_t)365 * 24 * 3600 * 1000;
	const char *p = s;
	int64_t total = 0;

	if (strcmp(s, "none") == 0 || strcmp(s, "off") == 0) {
		*ret_ms = 0;
		return 0;
	}
	do {
		struct decimal d;
		int64_t unit = 0, ms;
		size_t len;

		if (!decimal_parse(&p, &d))
			return duration_invalid(s, e);
		len = strspn(p, "mshd");
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (len == strlen(units[i].name) && strncmp(p, units[i].name, len) == 0)
				unit = units[i].ms;
		/* A number alone is seconds; "1h30" says too little to guess at. */
		if (len == 0 && *p == '\0' && total == 0 && strspn(s, "0123456789.") == strlen(s))
			unit = 1000;
		if (unit == 0 || !decimal_times(&d, unit, limit - total, &ms))
			return duration_invalid(s, e);
		total += ms;
		p += len;
	} while (*p);
	*ret_ms = total;
	return 0;
}

void duration_format(struct buf *b, int64_t ms)
{
	uint64_t t = (uint64_t)ms;
	unsigned long long s;

	if (ms < 0) {
		buf_addc(b, '-');
		t = -(uint64_t)ms;
	}
	s = t / 1000;
	if (t < 1000)
		buf_addf(b, "%u ms", (unsigned)t);
	else if (s < 60)
		buf_addf(b, "%llu.%02u s", s, (unsigned)(t % 1000 / 10));
	else if (s < 3600)
		buf_addf(b, "%llu m %02llu s", s / 60, s % 60);
	else
		buf_addf(b, "%llu h %02llu m", s / 3600, s % 3600 / 60);
}

int size_parse_mib(const char *s, uint32_t *ret_mib, struct err *e)
{
	static const char letters[] = "KMGT";
	const int64_t mib = 1024 * 1024, limit = (int64_t)16 * 1024 * 1024 * mib;
	int64_t unit = mib, bytes;
	struct decimal d;
	const char *p = s;

	if (!decimal_parse(&p, &d))
		goto invalid;
	if (*p) {
		const char *l = strchr(letters, toupper((unsigned char)*p));

		if (!l)
			goto invalid;
		unit = (int64_t)1024 << (10 * (l - letters));
		p++;
		if (*p && strcasecmp(p, "B") != 0 && strcasecmp(p, "iB") != 0)
			goto invalid;
	}
	if (!decimal_times(&d, unit, limit, &bytes) || bytes < mib)
		goto invalid;
	*ret_mib = (uint32_t)(bytes / mib);
	return 0;
invalid:
	return err_set(e, -EINVAL,
		"\"%s\" is not a size: use a number with K, M, G or T (512M, 1.5G), MiB without "
		"one, between 1M and 16T",
		s);
}

void time_format(struct buf *b, int64_t wall_ns)
{
	int64_t s = wall_ns / 1000000000, ns = wall_ns % 1000000000;
	struct tm tm;
	time_t t;

	if (ns < 0) {
		ns += 1000000000;
		s--;
	}
	t = s;
	gmtime_r(&t, &tm);
	buf_addf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ns / 1000000));
}
