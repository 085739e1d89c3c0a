/* SPDX-License-Identifier: MIT */
#include "wire/bytes.h"
#include "wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void dec_init(struct wire_dec *d, const struct wire_frame *f)
{
	*d = (struct wire_dec){ .data = f->payload, .len = f->len };
}

/* The next LEN bytes, or NULL, and `bad` from now on, where the payload ends before. */
static const uint8_t *take(struct wire_dec *d, size_t len)
{
	const uint8_t *p;

	if (d->bad || len > d->len - d->pos) {
		d->bad = true;
		return NULL;
	}
	p = d->data + d->pos;
	d->pos += len;
	return p;
}

uint8_t dec_u8(struct wire_dec *d)
{
	const uint8_t *p = take(d, 1);

	return p ? *p : 0;
}

uint16_t dec_u16(struct wire_dec *d)
{
	const uint8_t *p = take(d, 2);

	return p ? get_le16(p) : 0;
}

uint32_t dec_u32(struct wire_dec *d)
{
	const uint8_t *p = take(d, 4);

	return p ? get_le32(p) : 0;
}

uint64_t dec_u64(struct wire_dec *d)
{
	const uint8_t *p = take(d, 8);

	return p ? get_le64(p) : 0;
}

static const uint8_t *slice(struct wire_dec *d, size_t len, size_t *ret_len)
{
	static const uint8_t nothing[1];
	const uint8_t *p = take(d, len);

	*ret_len = p ? len : 0;
	return p ? p : nothing;
}

const uint8_t *dec_bytes(struct wire_dec *d, size_t *ret_len)
{
	return slice(d, dec_u32(d), ret_len);
}

const uint8_t *dec_rest(struct wire_dec *d, size_t *ret_len)
{
	return slice(d, d->len - d->pos, ret_len);
}

char *dec_str(struct wire_dec *d)
{
	size_t len;
	const uint8_t *p = dec_bytes(d, &len);
	char *s;

	if (memchr(p, '\0', len)) {
		d->bad = true;
		len = 0;
	}
	s = malloc(len + 1);
	if (!s)
		return NULL;
	memcpy(s, p, len);
	s[len] = '\0';
	return s;
}

char **dec_strv(struct wire_dec *d, size_t *ret_n)
{
	uint32_t n = dec_u32(d);
	char **v;

	*ret_n = 0;
	/* Each string takes four bytes at least: a count that lies allocates nothing. */
	if (n > (d->len - d->pos) / 4) {
		d->bad = true;
		n = 0;
	}
	v = calloc((size_t)n + 1, sizeof(*v));
	if (!v)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		v[i] = dec_str(d);
		if (!v[i]) {
			while (i > 0)
				free(v[--i]);
			free(v);
			return NULL;
		}
	}
	*ret_n = n;
	return v;
}

int dec_end(const struct wire_dec *d)
{
	return d->bad || d->pos != d->len ? -EPROTO : 0;
}
