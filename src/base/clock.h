/* SPDX-License-Identifier: MIT */
/* Clocks and durations. Deadlines are absolute, in milliseconds of CLOCK_MONOTONIC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CLOCK_NEVER INT64_MAX

int64_t clock_ms(void); /* CLOCK_MONOTONIC */
int64_t clock_us(void);
int64_t clock_wall_ns(void); /* CLOCK_REALTIME, since 1970 */

/*
 * Reads a duration: a decimal number with an optional unit ms, s, m, h or d (seconds without one),
 * or several joined ("1m30s"). "0", "none" and "off" give 0, which callers take for "no limit".
 * Parts of several all have a unit. Numbers may have a fraction ("1.5s"); what is not nothing is at
 * least 1 ms. -EINVAL with a message that names the forms allowed; at most 365 days.
 */
int duration_parse(const char *s, int64_t *ret_ms, struct err *e);

/* "740 ms", "2.31 s", "1 m 05 s", "2 h 03 m": for people. */
void duration_format(struct buf *b, int64_t ms);

/* Reads a size: a number with an optional K, M, G or T (powers of 1024; "MiB", "MB" likewise) to
 * MiB, rounded down. A bare number is MiB, and 1.5G is allowed. -EINVAL below 1 MiB, for trailing
 * text, or above 16 TiB. */
int size_parse_mib(const char *s, uint32_t *ret_mib, struct err *e);

/* RFC 3339 in UTC with milliseconds: 2026-11-21T00:06:04.123Z. */
void time_format(struct buf *b, int64_t wall_ns);

#endif
