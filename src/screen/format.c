/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <png.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "screen/screen.h"

#define FILE_MAX (256 * 1024 * 1024)

void screen_release(struct screen *s)
{
	free(s->rgb);
	*s = (struct screen){ 0 };
}

static bool size_is_fine(uint64_t width, uint64_t height)
{
	return width > 0 && height > 0 && width <= SCREEN_SIDE_MAX && height <= SCREEN_SIDE_MAX &&
	       width * height <= SCREEN_PIXELS_MAX;
}

/* ---- PPM ---- */

/* The number behind blanks at *POS; false: there is none. */
static bool ppm_number(const uint8_t *data, size_t len, size_t *pos, uint64_t *ret)
{
	size_t first;

	while (*pos < len && isspace(data[*pos]))
		(*pos)++;
	first = *pos;
	*ret = 0;
	while (*pos < len && isdigit(data[*pos]) && *pos - first < 9)
		*ret = *ret * 10 + (uint64_t)(data[(*pos)++] - '0');
	return *pos > first;
}

int screen_from_ppm(const void *data, size_t len, struct screen *ret, struct err *e)
{
	const uint8_t *p = data;
	uint64_t width, height, depth;
	size_t pos = 2;

	if (len < 2 || memcmp(p, "P6", 2) != 0)
		return err_set(e, -EBADMSG, "the engine's picture of the screen is no PPM image");
	if (!ppm_number(p, len, &pos, &width) || !ppm_number(p, len, &pos, &height) ||
		!ppm_number(p, len, &pos, &depth) || depth != 255 || !size_is_fine(width, height))
		return err_set(
			e, -EBADMSG, "the engine's picture of the screen has a header of no sense");
	pos++; /* one blank */
	if (len < pos || len - pos != width * height * 3)
		return err_set(e, -EBADMSG,
			"the engine's picture of the screen is %llux%llu, but has %zu bytes",
			(unsigned long long)width, (unsigned long long)height, len);
	*ret = (struct screen){ (uint32_t)width, (uint32_t)height, xmemdup(p + pos, len - pos) };
	return 0;
}

/* ---- PNG, by libpng's simplified interface ---- */

int screen_from_png(
	const void *data, size_t len, const char *what, struct screen *ret, struct err *e)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	const png_color black = { 0, 0, 0 };
	uint8_t *rgb;

	if (!png_image_begin_read_from_memory(&image, data, len))
		return err_set(e, -EBADMSG, "%s is no PNG image (%s)", what, image.message);
	if (!size_is_fine(image.width, image.height)) {
		png_image_free(&image);
		return err_set(e, -EBADMSG, "%s is %ux%u pixels: too many for a screen", what,
			image.width, image.height);
	}
	image.format = PNG_FORMAT_RGB;
	rgb = xmalloc(PNG_IMAGE_SIZE(image));
	if (!png_image_finish_read(&image, &black, rgb, 0, NULL)) {
		free(rgb);
		return err_set(e, -EBADMSG, "%s is a damaged PNG image (%s)", what, image.message);
	}
	*ret = (struct screen){ image.width, image.height, rgb };
	return 0;
}

int screen_read(const char *path, struct screen *ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = file_read(path, FILE_MAX, &b, e);

	return r < 0 ? r : screen_from_png(buf_str(&b), b.len, path, ret, e);
}

int screen_to_png(const struct screen *s, struct buf *ret, struct err *e)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = s->width,
		.height = s->height,
		.format = PNG_FORMAT_RGB,
	};
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);

	buf_reserve(ret, size);
	if (!png_image_write_to_memory(&image, ret->data + ret->len, &size, 0, s->rgb, 0, NULL))
		return err_set(e, -EIO, "cannot write a PNG image (%s)", image.message);
	ret->len += size;
	ret->data[ret->len] = '\0';
	return 0;
}
