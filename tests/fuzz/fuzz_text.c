/* SPDX-License-Identifier: MIT */
/*
 * The text of a serial port over any bytes. The first byte chooses how the rest is chopped up: the lines must not depend
 * on it, and hold nothing that a terminal would obey.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "os/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_line(void *arg, const char *line, size_t len)
{
	BUG_ON(len > OS_LINE_MAX);
	for (size_t i = 0; i < len; i++)
		BUG_ON(((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f);
	buf_add(arg, line, len);
	buf_addc(arg, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf whole = BUF_INIT, pieces = BUF_INIT;
	struct os_text a = { 0 }, b = { 0 };
	struct os_pattern *p = NULL;
	unsigned state = size ? data[0] : 0;

	os_text_feed(&a, (const char *)data, size, on_line, &whole);
	os_text_end(&a, on_line, &whole);
	for (size_t at = 0; at < size;) {
		size_t n = 1 + state % 61;
		char *piece;

		n = n < size - at ? n : size - at;
		piece = xmemdup(data + at, n);
		os_text_feed(&b, piece, n, on_line, &pieces);
		free(piece);
		at += n;
		state = state * 1103515245u + 12345u;
	}
	os_text_end(&b, on_line, &pieces);
	BUG_ON(whole.len != pieces.len ||
		(whole.len && memcmp(whole.data, pieces.data, whole.len)));
	BUG_ON(os_pattern_new("(a|b)*login: ?$", &p, NULL) < 0);
	while (os_text_find(&b, p))
		BUG_ON(b.taken > b.window.len);
	os_pattern_free(p);
	os_text_release(&a);
	os_text_release(&b);
	return 0;
}
