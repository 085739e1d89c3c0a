/* SPDX-License-Identifier: MIT */
#include "wire/bytes.h"
#include "wire/wire.h"

#include <string.h>

/* Where LEN more bytes go; NULL, and the payload is spoilt for good, where they do not fit. */
static uint8_t *room(struct wire_enc *e, size_t len)
{
	uint8_t *p;

	if (e->overflow || len > e->cap - e->len) {
		e->overflow = true;
		return NULL;
	}
	p = e->data + e->len;
	e->len += len;
	return p;
}

void enc_u8(struct wire_enc *e, uint8_t v)
{
	uint8_t *p = room(e, sizeof(v));

	if (p)
		*p = v;
}

void enc_u16(struct wire_enc *e, uint16_t v)
{
	uint8_t *p = room(e, sizeof(v));

	if (p)
		put_le16(p, v);
}

void enc_u32(struct wire_enc *e, uint32_t v)
{
	uint8_t *p = room(e, sizeof(v));

	if (p)
		put_le32(p, v);
}

void enc_u64(struct wire_enc *e, uint64_t v)
{
	uint8_t *p = room(e, sizeof(v));

	if (p)
		put_le64(p, v);
}

void enc_rest(struct wire_enc *e, const void *data, size_t len)
{
	uint8_t *p = room(e, len);

	if (p && len > 0)
		memcpy(p, data, len);
}

void enc_bytes(struct wire_enc *e, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		e->overflow = true;
		return;
	}
	enc_u32(e, (uint32_t)len);
	enc_rest(e, data, len);
}

void enc_str(struct wire_enc *e, const char *s)
{
	enc_bytes(e, s, strlen(s));
}

void enc_strv(struct wire_enc *e, char *const *v, size_t n)
{
	if (n > UINT32_MAX) {
		e->overflow = true;
		return;
	}
	enc_u32(e, (uint32_t)n);
	for (size_t i = 0; i < n && !e->overflow; i++)
		enc_str(e, v[i]);
}
