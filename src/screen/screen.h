/* SPDX-License-Identifier: MIT */
/*
 * Pictures of a guest's screen: what the engine dumps, as PNG, and whether two are alike. Images are read from
 * outside: sizes are bounded, and a file that is none is an error that says so.
 */
#ifndef SCREEN_SCREEN_H
#define SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SCREEN_SIDE_MAX   16384 /* pixels; and at most SCREEN_PIXELS_MAX in all */
#define SCREEN_PIXELS_MAX (32u * 1024 * 1024)

struct screen {
	uint32_t width, height; /* pixels */
	uint8_t *rgb; /* owned: three bytes a pixel, row by row from the top */
};
void screen_release(struct screen *s);

/* A binary PPM (P6) of 8 bits a channel. -EBADMSG. */
int screen_from_ppm(const void *data, size_t len, struct screen *ret, struct err *e);
/* Any PNG, made RGB; what is transparent shows black. -EBADMSG names WHAT. */
int screen_from_png(
	const void *data, size_t len, const char *what, struct screen *ret, struct err *e);
int screen_read(const char *path, struct screen *ret, struct err *e);
/* Appends it to RET as PNG. */
int screen_to_png(const struct screen *s, struct buf *ret, struct err *e);

/* A part of a screen, in pixels from its top left corner. */
struct screen_region {
	uint32_t x, y, width, height;
};
/* "WIDTHxHEIGHT+X+Y". -EINVAL. */
int screen_region_parse(const char *text, struct screen_region *ret, struct err *e);

struct screen_tolerance {
	uint8_t channel; /* a pixel differs where a channel does by more than this */
	double fraction; /* of the pixels looked at that may differ: 0 to 1 */
	const struct screen_region *regions; /* borrowed: only these are looked at; none: all */
	size_t n_regions;
};

struct screen_match {
	bool alike;
	uint64_t looked_at, differ; /* pixels */
	uint8_t worst; /* greatest difference of a channel */
	struct screen_region box; /* that holds all that differ */
	char *why; /* owned: for people, where they are not alike */
};
/*
 * Compares GOT with what is WANTed. Sizes that differ make them unlike; a region outside of the picture is -ERANGE.
 * DIFF (may be NULL), where they are unlike and of one size, becomes a picture of GOT, paled, with what differs in
 * red.
 */
int screen_compare(const struct screen *got, const struct screen *want,
	const struct screen_tolerance *t, struct screen_match *ret, struct screen *ret_diff,
	struct err *e);
void screen_match_release(struct screen_match *m);

#endif
