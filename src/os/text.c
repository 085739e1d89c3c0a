/* SPDX-License-Identifier: MIT */
/*
 * Plain lines out of what a serial port says. ECMA-48 names the sequences: ESC [ parameters final (CSI), ESC ] text BEL
 * or ESC \ (OSC), ESC and one character. Firmware and boot loaders paint screens with them; whatever moves to another
 * line ends a line here.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/private.h"

enum { NONE, ESCAPE, CHARSET, CSI, OSC, OSC_ESCAPE };

/* A sequence that does not end is none: what follows is text again. */
#define SEQUENCE_MAX 256

void os_text_release(struct os_text *t)
{
	buf_release(&t->window);
	*t = (struct os_text){ 0 };
}

static size_t before(size_t at, size_t cut)
{
	return at > cut ? at - cut : 0;
}

/* Keeps the window bounded; what a step has not looked at by then it never will. */
static void trim(struct os_text *t)
{
	size_t cut = t->taken;

	if (t->window.len <= 2 * (size_t)OS_WINDOW_MAX)
		return;
	if (t->window.len - cut > OS_WINDOW_MAX) {
		cut = t->window.len - OS_WINDOW_MAX;
		if (cut > t->line)
			cut = t->line;
		t->dropped += before(cut, t->taken);
	}
	buf_consume(&t->window, cut);
	t->line = before(t->line, cut);
	t->taken = before(t->taken, cut);
	t->tried = before(t->tried, cut);
}

static void end_line(struct os_text *t, os_line_cb line, void *arg)
{
	size_t from = t->line, len = t->window.len - from;

	buf_addc(&t->window, '\n');
	t->line = t->window.len;
	if (line)
		line(arg, t->window.data + from, len);
	trim(t);
}

/* Of those that paint a screen. */
static bool leaves_line(char final)
{
	return final && strchr("ABEFHJLMSTdf", final);
}

/* Whether C belongs to a sequence; it may end the line. */
static bool escape(struct os_text *t, char c, os_line_cb line, void *arg)
{
	if (++t->escape_len > SEQUENCE_MAX) {
		t->escape = NONE;
		return false;
	}
	switch (t->escape) {
	case ESCAPE:
		t->escape = c == '[' ? CSI : c == ']' ? OSC : strchr("()*+#", c) ? CHARSET : NONE;
		return true;
	case CHARSET:
		t->escape = NONE;
		return true;
	case CSI:
		if (c < 0x40 || c == 0x7f)
			return true;
		t->escape = NONE;
		if (leaves_line(c) && t->window.len > t->line)
			end_line(t, line, arg);
		return true;
	case OSC:
		t->escape = c == '\a' ? NONE : c == 0x1b ? OSC_ESCAPE : OSC;
		return true;
	case OSC_ESCAPE:
		t->escape = c == '\\' ? NONE : OSC;
		return true;
	default:
		return false;
	}
}

static void take(struct os_text *t, char c, os_line_cb line, void *arg)
{
	if (c == 0x1b) {
		t->escape = t->escape == OSC ? OSC_ESCAPE : ESCAPE;
		t->escape_len = 0;
	} else if (t->escape != NONE && c != '\n' && escape(t, c, line, arg)) {
		return;
	} else if (c == '\n') {
		t->escape = NONE;
		end_line(t, line, arg);
	} else if (c == '\b' || c == 0x7f) {
		if (t->window.len > t->line && t->window.len > t->taken)
			buf_truncate(&t->window, t->window.len - 1);
	} else if ((unsigned char)c >= ' ' || c == '\t') {
		/* A line that is begun anew, as a progress bar does. */
		if (t->cr && t->window.len > t->line)
			end_line(t, line, arg);
		buf_addc(&t->window, c);
		if (t->window.len - t->line >= OS_LINE_MAX)
			end_line(t, line, arg);
	}
	t->cr = c == '\r';
}

void os_text_feed(struct os_text *t, const char *data, size_t len, os_line_cb line, void *arg)
{
	for (size_t i = 0; i < len; i++)
		take(t, data[i], line, arg);
}

void os_text_end(struct os_text *t, os_line_cb line, void *arg)
{
	if (t->window.len > t->line)
		end_line(t, line, arg);
}

const char *os_text_open_line(const struct os_text *t, size_t *ret_len)
{
	*ret_len = t->window.len - t->line;
	return buf_str(&t->window) + t->line;
}

void os_text_retry(struct os_text *t)
{
	t->tried = t->taken;
}

void os_text_skip(struct os_text *t)
{
	os_text_end(t, NULL, NULL);
	t->taken = t->tried = t->window.len;
}

/* The first of the N patterns that matches the line; -1: none. */
static int match_any(
	struct os_pattern *const *p, size_t n, const char *line, size_t len, size_t *ret_to)
{
	struct os_match m;

	for (size_t i = 0; i < n; i++) {
		if (!p[i] || !os_pattern_match(p[i], line, len, &m))
			continue;
		free(m.name);
		free(m.count);
		*ret_to = m.to;
		return (int)i;
	}
	return -1;
}

int os_text_find_any(struct os_text *t, struct os_pattern *const *p, size_t n)
{
	size_t at = t->tried > t->taken ? t->tried : t->taken;

	while (at < t->window.len) {
		const char *from = t->window.data + at;
		const char *end = memchr(from, '\n', t->window.len - at);
		size_t len = end ? (size_t)(end - from) : t->window.len - at, to;
		int found = match_any(p, n, from, len, &to);

		if (found >= 0) {
			/* An empty match must not be found for ever. */
			t->taken = to == 0 && end ? at + len + 1 : at + to;
			t->tried = t->taken;
			return found;
		}
		if (!end)
			break;
		at += len + 1;
		t->tried = at;
	}
	return -1;
}

bool os_text_find(struct os_text *t, struct os_pattern *p)
{
	return os_text_find_any(t, &p, 1) == 0;
}

char *os_text_tail(const struct os_text *t)
{
	struct buf b = BUF_INIT;
	size_t n = t->window.len - t->taken, len;
	const char *last;

	if (!n)
		return xstrdup("nothing");
	last = text_last_lines(t->window.data + t->taken, n, 3, &len);
	if (len > 300) {
		last += len - 300;
		len = 300;
	}
	buf_addc(&b, '"');
	text_clean(&b, last, len);
	while (b.len > 1 && strchr(" \n", b.data[b.len - 1]))
		buf_truncate(&b, b.len - 1);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n')
			b.data[i] = '|';
	buf_addc(&b, '"');
	return buf_detach(&b);
}
