/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "screen/screen.h"

int screen_region_parse(const char *text, struct screen_region *ret, struct err *e)
{
	struct screen_region r;
	int end = 0;

	if (sscanf(text, "%5ux%5u+%5u+%5u%n", &r.width, &r.height, &r.x, &r.y, &end) != 4 ||
		text[end] || r.width == 0 || r.height == 0)
		return err_set(
			e, -EINVAL, "\"%s\" is no region, written as WIDTHxHEIGHT+X+Y", text);
	*ret = r;
	return 0;
}

void screen_match_release(struct screen_match *m)
{
	free(m->why);
	m->why = NULL;
}

/* Which pixels are looked at, one byte each. */
static int make_mask(
	const struct screen *s, const struct screen_tolerance *t, uint8_t **ret, struct err *e)
{
	size_t n = (size_t)s->width * s->height;
	_cleanup_free_ uint8_t *mask = xcalloc(n, 1);

	if (t->n_regions == 0)
		memset(mask, 1, n);
	for (size_t i = 0; i < t->n_regions; i++) {
		const struct screen_region *r = &t->regions[i];

		if ((uint64_t)r->x + r->width > s->width || (uint64_t)r->y + r->height > s->height)
			return err_set(e, -ERANGE,
				"region %ux%u+%u+%u lies outside of a screen of %ux%u", r->width,
				r->height, r->x, r->y, s->width, s->height);
		for (uint32_t y = r->y; y < r->y + r->height; y++)
			memset(mask + (size_t)y * s->width + r->x, 1, r->width);
	}
	*ret = TAKE_PTR(mask);
	return 0;
}

static uint8_t distance(const uint8_t *a, const uint8_t *b)
{
	uint8_t worst = 0;

	for (int i = 0; i < 3; i++) {
		uint8_t d = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];

		worst = d > worst ? d : worst;
	}
	return worst;
}

static void grow(struct screen_region *box, bool first, uint32_t x, uint32_t y)
{
	uint32_t right, bottom;

	if (first) {
		*box = (struct screen_region){ x, y, 1, 1 };
		return;
	}
	right = box->x + box->width > x + 1 ? box->x + box->width : x + 1;
	bottom = box->y + box->height > y + 1 ? box->y + box->height : y + 1;
	box->x = x < box->x ? x : box->x;
	box->y = y < box->y ? y : box->y;
	box->width = right - box->x;
	box->height = bottom - box->y;
}

static void look(const struct screen *got, const struct screen *want, uint8_t channel,
	uint8_t *mask, struct screen_match *m)
{
	for (uint32_t y = 0; y < got->height; y++)
		for (uint32_t x = 0; x < got->width; x++) {
			size_t i = (size_t)y * got->width + x;
			uint8_t d;

			if (!mask[i])
				continue;
			m->looked_at++;
			d = distance(&got->rgb[3 * i], &want->rgb[3 * i]);
			m->worst = d > m->worst ? d : m->worst;
			if (d <= channel)
				continue;
			mask[i] = 2;
			grow(&m->box, m->differ++ == 0, x, y);
		}
}

static void draw(const struct screen *got, const uint8_t *mask, struct screen *ret)
{
	size_t n = (size_t)got->width * got->height;

	*ret = (struct screen){ got->width, got->height, xmalloc(3 * n) };
	for (size_t i = 0; i < n; i++) {
		const uint8_t *from = &got->rgb[3 * i];
		uint8_t pale = (uint8_t)(160 + (from[0] + from[1] + from[2]) / 8);

		memset(&ret->rgb[3 * i], mask[i] ? pale : pale - 80, 3);
		if (mask[i] == 2)
			memcpy(&ret->rgb[3 * i], (const uint8_t[]){ 255, 0, 0 }, 3);
	}
}

static char *describe(const struct screen_match *m, const struct screen_tolerance *t)
{
	return xasprintf(
		"%llu of %llu pixels differ (%.3g %%, allowed %.3g %%), all within %ux%u+%u+%u, a channel "
		"by up to %u (allowed %u)",
		(unsigned long long)m->differ, (unsigned long long)m->looked_at,
		100.0 * (double)m->differ / (double)m->looked_at, 100.0 * t->fraction, m->box.width,
		m->box.height, m->box.x, m->box.y, m->worst, t->channel);
}

int screen_compare(const struct screen *got, const struct screen *want,
	const struct screen_tolerance *t, struct screen_match *ret, struct screen *ret_diff,
	struct err *e)
{
	_cleanup_free_ uint8_t *mask = NULL;
	int r;

	*ret = (struct screen_match){ 0 };
	if (got->width != want->width || got->height != want->height) {
		ret->why = xasprintf("the screen is %ux%u, the reference %ux%u", got->width,
			got->height, want->width, want->height);
		return 0;
	}
	r = make_mask(got, t, &mask, e);
	if (r < 0)
		return r;
	look(got, want, t->channel, mask, ret);
	ret->alike = (double)ret->differ <= t->fraction * (double)ret->looked_at;
	if (ret->alike)
		return 0;
	ret->why = describe(ret, t);
	if (ret_diff)
		draw(got, mask, ret_diff);
	return 0;
}
