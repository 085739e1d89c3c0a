/* SPDX-License-Identifier: MIT */
#include "pack/squeeze.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define OUT_SIZE     (256 * 1024)
#define GZIP_WINDOW  (15 + 16) /* with gzip's header, whose time and name stay empty */
#define GZIP_OS_UNIX 3

struct squeeze {
	enum pack_compression compression;
	int fd; /* borrowed */
	ZSTD_CCtx *zstd; /* owned; NULL: gzip */
	z_stream gzip;
	gz_header header;
	struct hash *content, *written; /* owned */
	uint64_t size;
	char *out; /* owned: OUT_SIZE bytes */
};

struct squeeze *squeeze_new(enum pack_compression c, int level, int fd)
{
	struct squeeze *s = xcalloc(1, sizeof(*s));

	s->compression = c;
	s->fd = fd;
	s->content = hash_new();
	s->written = hash_new();
	s->out = xmalloc(OUT_SIZE);
	if (c == PACKED_ZSTD) {
		s->zstd = ZSTD_createCCtx();
		BUG_ON(!s->zstd);
		ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, level);
		ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1);
		return s;
	}
	BUG_ON(deflateInit2(&s->gzip, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK);
	s->header.os = GZIP_OS_UNIX;
	deflateSetHeader(&s->gzip, &s->header);
	return s;
}

static int emit(struct squeeze *s, size_t len)
{
	hash_add(s->written, s->out, len);
	s->size += len;
	return fd_write_all(s->fd, s->out, len);
}

static int add_zstd(struct squeeze *s, const void *data, size_t len, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;
	int r;

	do {
		ZSTD_outBuffer out = { s->out, OUT_SIZE, 0 };

		left = ZSTD_compressStream2(s->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return -ENOMEM; /* the only cause that is left */
		r = emit(s, out.pos);
	} while (r == 0 && (end == ZSTD_e_end ? left > 0 : in.pos < in.size));
	return r;
}

static int add_gzip(struct squeeze *s, const void *data, size_t len, int flush)
{
	int r;

	s->gzip.next_in = (Bytef *)(uintptr_t)data;
	s->gzip.avail_in = (uInt)len;
	do {
		s->gzip.next_out = (Bytef *)s->out;
		s->gzip.avail_out = OUT_SIZE;
		deflate(&s->gzip, flush);
		r = emit(s, OUT_SIZE - s->gzip.avail_out);
	} while (r == 0 && s->gzip.avail_out == 0);
	return r;
}

int squeeze_add(struct squeeze *s, const void *data, size_t len)
{
	BUG_ON(len > INT32_MAX);
	hash_add(s->content, data, len);
	return s->zstd ? add_zstd(s, data, len, ZSTD_e_continue)
		       : add_gzip(s, data, len, Z_NO_FLUSH);
}

int squeeze_finish(struct squeeze *s, struct pack_result *ret)
{
	int r = s->zstd ? add_zstd(s, NULL, 0, ZSTD_e_end) : add_gzip(s, NULL, 0, Z_FINISH);

	if (r < 0)
		return r;
	ret->size = s->size;
	hash_final(TAKE_PTR(s->written), ret->sha256);
	hash_final(TAKE_PTR(s->content), ret->content_sha256);
	return 0;
}

void squeeze_free(struct squeeze *s)
{
	if (!s)
		return;
	if (s->zstd)
		ZSTD_freeCCtx(s->zstd);
	else
		deflateEnd(&s->gzip);
	free(s->content);
	free(s->written);
	free(s->out);
	free(s);
}
