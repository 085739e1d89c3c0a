/* SPDX-License-Identifier: MIT */
/*
 * The console's readers: what they say must not depend on how the stream was cut into pieces, and
 * must keep to its bounds. The first byte seeds the cuts, the rest is the stream.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "console/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEEP 512

static void feed_in_pieces(struct console *c, const char *data, size_t len, unsigned seed)
{
	while (len > 0) {
		size_t n = 1 + (seed >> 8) % 61;

		if (n > len)
			n = len;
		console_feed(c, data, n);
		data += n;
		len -= n;
		seed = seed * 1103515245 + 12345;
	}
	splats_end(console_splats(c));
}

static void check_same(const struct splats *a, const struct splats *b)
{
	BUG_ON(splats_count(a) != splats_count(b) || splats_lost(a) != splats_lost(b));
	BUG_ON(splats_count(a) > SPLATS_MAX);
	BUG_ON(memcmp(splats_kernel_end(a), splats_kernel_end(b), sizeof(struct console_end)) != 0);
	for (size_t i = 0; i < splats_count(a); i++) {
		const struct splat *x = splats_at(a, i), *y = splats_at(b, i);

		BUG_ON(x->kind != y->kind || strcmp(x->title, y->title) != 0);
		BUG_ON(strcmp(x->signature, y->signature) != 0 || strlen(x->signature) != 16);
		BUG_ON(strcmp(x->text, y->text) != 0 || strlen(x->text) > 16 * 1024);
		BUG_ON(strlen(x->title) > 1024);
	}
}

static void check_slices(const struct console *a, const struct console *b)
{
	_cleanup_buf_ struct buf x = BUF_INIT, y = BUF_INIT;

	console_slice(a, 0, SIZE_MAX, &x);
	console_slice(b, 0, SIZE_MAX, &y);
	BUG_ON(strcmp(buf_str(&x), buf_str(&y)) != 0);
}

static struct symbols *small_kernel(void)
{
	static const char map[] = "ffffffff81000000 T _text\nffffffff81000100 t foo\n"
				  "ffffffff81000200 T bar\nffffffff81000300 T bar\n";
	static struct symbols *symbols;
	char path[64];
	int fd;

	if (symbols)
		return symbols;
	fd = fd_memfd("map", map, sizeof(map) - 1);
	BUG_ON(fd < 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	symbols = symbols_new(NULL, path);
	return symbols;
}

/* Decoding only adds, so what comes out without what was added is what went in. */
static void check_decoding(const char *data, size_t len)
{
	_cleanup_free_ char *text = xstrndup(data, len);
	_cleanup_buf_ struct buf once = BUF_INIT;
	const char *in = text, *out;

	symbols_decode(small_kernel(), text, &once);
	for (out = buf_str(&once); *out && *in; out++)
		if (*out == *in)
			in++;
	BUG_ON(*in != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console *whole, *pieces;
	const char *text;

	if (size == 0)
		return 0;
	text = (const char *)data + 1;
	whole = console_new(KEEP);
	pieces = console_new(KEEP);
	console_feed(whole, text, size - 1);
	splats_end(console_splats(whole));
	feed_in_pieces(pieces, text, size - 1, data[0]);
	check_same(console_splats(whole), console_splats(pieces));
	check_slices(whole, pieces);
	check_decoding(text, size - 1);
	console_free(whole);
	console_free(pieces);
	return 0;
}
