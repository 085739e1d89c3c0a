/* SPDX-License-Identifier: MIT */
/*
 * A QMP client that is fed any bytes. The first byte chooses how the rest is chopped up; what it tells must not
 * depend on it, and each command is answered exactly once.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "qmp/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS 3

struct seen {
	struct buf log;
	unsigned replies;
};

static void on_event(void *arg, const char *name, const json_t *data)
{
	struct seen *s = arg;

	buf_addf(&s->log, "event %s;", name);
	if (data)
		json_line(&s->log, data);
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct seen *s = arg;

	BUG_ON(!ret == !error);
	s->replies++;
	if (ret)
		json_line(&s->log, ret);
	else
		buf_addf(&s->log, "error %s %s;", error->class ? error->class : "-", error->desc);
}

/* Each piece lies in memory of its own, so that reading past its end is seen. */
static void feed(struct qmp *q, const char *text, size_t len, unsigned state, bool whole)
{
	while (len) {
		size_t n = whole ? len : 1 + state % 61;
		char *piece;

		n = n < len ? n : len;
		piece = xmemdup(text, n);
		qmp_feed(q, piece, n);
		free(piece);
		text += n;
		len -= n;
		state = state * 1103515245u + 12345u;
	}
}

static void converse(const char *text, size_t len, unsigned state, bool whole, struct seen *s)
{
	struct qmp *q = qmp_new(on_event, s);

	for (unsigned i = 0; i < COMMANDS; i++)
		qmp_command(q, "query-status", NULL, on_reply, s);
	feed(q, text, len, state, whole);
	BUG_ON(!qmp_greeting(q) && !qmp_broken(q) && qmp_output(q)->len);
	BUG_ON(qmp_broken(q) && !qmp_over(q));
	qmp_end(q, "the end");
	BUG_ON(s->replies != COMMANDS);
	qmp_free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct seen whole = { 0 }, pieces = { 0 };

	if (size == 0)
		return 0;
	converse(text, size - 1, 0, true, &whole);
	converse(text, size - 1, data[0], false, &pieces);
	BUG_ON(strcmp(buf_str(&whole.log), buf_str(&pieces.log)) != 0);
	buf_release(&whole.log);
	buf_release(&pieces.log);
	return 0;
}
