/* SPDX-License-Identifier: MIT */
#include "image/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define LZ4_LEGACY_CHUNK (8u << 20) /* lz4's lz4_Frame_format.md, "Legacy frame" */
#define LZMA_MEMORY      (512u << 20) /* the kernel's xz dictionary is 32 MiB at most */
#define STEP             (1u << 20)

static const struct {
	enum compression c;
	const char *name;
	unsigned char magic[6];
	size_t len;
} formats[] = {
	{ COMPRESSION_GZIP, "gzip", { 0x1f, 0x8b }, 2 },
	{ COMPRESSION_XZ, "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 },
	{ COMPRESSION_LZMA, "lzma", { 0x5d, 0, 0 }, 3 },
	{ COMPRESSION_ZSTD, "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
	{ COMPRESSION_LZ4, "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4 },
	{ COMPRESSION_BZIP2, "bzip2", { 'B', 'Z', 'h' }, 3 },
	{ COMPRESSION_LZO, "lzo", { 0x89, 'L', 'Z', 'O' }, 4 },
};

enum compression compression_detect(const void *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (len >= formats[i].len && memcmp(data, formats[i].magic, formats[i].len) == 0)
			return formats[i].c;
	return COMPRESSION_NONE;
}

const char *compression_name(enum compression c)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].c == c)
			return formats[i].name;
	return "uncompressed";
}

static int damaged(struct err *e, enum compression c, const char *why)
{
	return err_set(e, -EBADMSG, "the %s data are damaged: %s", compression_name(c), why);
}

static int truncated(struct err *e, enum compression c)
{
	return err_set(e, -EBADMSG, "the %s data are truncated", compression_name(c));
}

/* Where output goes. One byte more than `max` may come, which is how too much is noticed. */
struct sink {
	struct buf *out;
	size_t start, max;
};

static size_t sink_room(struct sink *s, char **ret)
{
	size_t have = s->out->len - s->start, left = s->max + 1 - have;
	size_t step = have < STEP ? STEP : have;

	buf_reserve(s->out, step < left ? step : left);
	*ret = s->out->data + s->out->len;
	return step < left ? step : left;
}

static int sink_took(struct sink *s, size_t n, struct err *e)
{
	s->out->len += n;
	s->out->data[s->out->len] = '\0';
	if (s->out->len - s->start > s->max)
		return err_set(e, -EFBIG, "unpacks to more than %zu bytes", s->max);
	return 0;
}

static int unpack_gzip(const void *data, size_t len, struct sink *s, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };
	int zr, r = 0;

	if (len > UINT32_MAX)
		return err_set(e, -EFBIG, "more than 4 GiB of gzip data");
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(e, -ENOMEM, "zlib has no memory");
	do {
		char *to;
		size_t room = sink_room(s, &to);

		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)room;
		zr = inflate(&z, Z_NO_FLUSH);
		r = sink_took(s, room - z.avail_out, e);
	} while (r == 0 && zr == Z_OK);
	if (r == 0 && zr == Z_BUF_ERROR)
		r = truncated(e, COMPRESSION_GZIP);
	else if (r == 0 && zr != Z_STREAM_END)
		r = damaged(e, COMPRESSION_GZIP, z.msg ? z.msg : "not a stream that zlib knows");
	inflateEnd(&z);
	return r;
}

static const char *lzma_why(lzma_ret lr)
{
	switch (lr) {
	case LZMA_FORMAT_ERROR:
		return "the header is not valid";
	case LZMA_OPTIONS_ERROR:
		return "it uses options that liblzma does not know";
	case LZMA_MEMLIMIT_ERROR:
		return "its dictionary is too large";
	case LZMA_MEM_ERROR:
		return "liblzma has no memory";
	default:
		return "its content is not valid";
	}
}

static int unpack_lzma(
	enum compression c, const void *data, size_t len, struct sink *s, struct err *e)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_ret lr = c == COMPRESSION_XZ ? lzma_stream_decoder(&l, LZMA_MEMORY, 0)
					  : lzma_alone_decoder(&l, LZMA_MEMORY);
	int r = 0;

	l.next_in = data;
	l.avail_in = len;
	while (lr == LZMA_OK && r == 0) {
		char *to;
		size_t room = sink_room(s, &to);

		l.next_out = (uint8_t *)to;
		l.avail_out = room;
		lr = lzma_code(&l, LZMA_FINISH);
		r = sink_took(s, room - l.avail_out, e);
	}
	if (r == 0 && lr == LZMA_BUF_ERROR)
		r = truncated(e, c);
	else if (r == 0 && lr != LZMA_STREAM_END)
		r = damaged(e, c, lzma_why(lr));
	lzma_end(&l);
	return r;
}

static int unpack_zstd(const void *data, size_t len, struct sink *s, struct err *e)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	ZSTD_inBuffer in = { data, len, 0 };
	size_t zr;
	int r = 0;

	if (!d)
		return err_set(e, -ENOMEM, "libzstd has no memory");
	do {
		char *to;
		size_t room = sink_room(s, &to), before = in.pos;
		ZSTD_outBuffer out = { to, room, 0 };

		zr = ZSTD_decompressStream(d, &out, &in);
		if (ZSTD_isError(zr)) {
			r = damaged(e, COMPRESSION_ZSTD, ZSTD_getErrorName(zr));
			break;
		}
		r = sink_took(s, out.pos, e);
		if (r == 0 && zr != 0 && out.pos == 0 && in.pos == before)
			r = truncated(e, COMPRESSION_ZSTD);
	} while (r == 0 && zr != 0);
	ZSTD_freeDStream(d);
	return r;
}

/* A magic, then chunks: the packed size (little-endian), the packed bytes of at most 8 MiB. The
 * last four bytes of a kernel's payload are its unpacked size, not a chunk. */
static int unpack_lz4(const void *data, size_t len, struct sink *s, struct err *e)
{
	_cleanup_free_ char *chunk = xmalloc(LZ4_LEGACY_CHUNK);
	const unsigned char *p = data;
	size_t at = 4;

	while (len - at > 4) {
		uint32_t packed;
		char *to;
		int n, r;

		memcpy(&packed, p + at, 4);
		at += 4;
		if (packed == 0 || packed > (uint32_t)LZ4_COMPRESSBOUND(LZ4_LEGACY_CHUNK))
			return damaged(e, COMPRESSION_LZ4, "a chunk has an impossible size");
		if (packed > len - at)
			return truncated(e, COMPRESSION_LZ4);
		n = LZ4_decompress_safe((const char *)p + at, chunk, (int)packed, LZ4_LEGACY_CHUNK);
		if (n < 0)
			return damaged(e, COMPRESSION_LZ4, "a chunk does not unpack");
		at += packed;
		for (size_t done = 0; done < (size_t)n;) {
			size_t room = sink_room(s, &to), left = (size_t)n - done;

			room = room < left ? room : left;
			memcpy(to, chunk + done, room);
			done += room;
			r = sink_took(s, room, e);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int decompress(enum compression c, const void *data, size_t len, size_t max, struct buf *ret,
	struct err *e)
{
	struct sink s = { ret, ret->len, max };

	switch (c) {
	case COMPRESSION_GZIP:
		return unpack_gzip(data, len, &s, e);
	case COMPRESSION_XZ:
	case COMPRESSION_LZMA:
		return unpack_lzma(c, data, len, &s, e);
	case COMPRESSION_ZSTD:
		return unpack_zstd(data, len, &s, e);
	case COMPRESSION_LZ4:
		return unpack_lz4(data, len, &s, e);
	default:
		return err_set(e, -ENOTSUP, "%s data are not supported", compression_name(c));
	}
}

int decompress_file(const char *path, size_t max, struct buf *ret, struct err *e)
{
	_cleanup_buf_ struct buf raw = BUF_INIT;
	enum compression c;
	int r = file_read(path, max, &raw, e);

	if (r < 0)
		return r;
	c = compression_detect(raw.data, raw.len);
	if (c == COMPRESSION_NONE) {
		buf_add(ret, raw.data, raw.len);
		return 0;
	}
	r = decompress(c, raw.data, raw.len, max, ret, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}
