/* SPDX-License-Identifier: MIT */
/*
 * The QEMU Machine Protocol, without any descriptor: bytes from QEMU go in by qmp_feed(), bytes for
 * QEMU wait in qmp_output(). One JSON object is one line. Replies are matched by id; events may
 * come between and before them (QEMU: docs/interop/qmp-spec.txt).
 *
 * Replies and events may come in any pieces, several in one read or one in several.
 *
 * A stream that is not QMP breaks the client for good: qmp_broken() says why, commands under way and
 * later ones are answered with that text, and nothing more is read.
 */
#ifndef QMP_QMP_H
#define QMP_QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* A longer message breaks the stream; query-qmp-schema, the longest reply, has 250 KiB. */
#define QMP_MESSAGE_MAX (4 * 1024 * 1024)

/* Why a command failed. Strings are valid during the callback. */
struct qmp_error {
	const char *class
		; /* as QEMU names it ("CommandNotFound"); NULL: no reply came, the stream is over */
	const char *desc;
};

/* RET is the reply's "return", borrowed; or it is NULL, and ERROR says why. */
typedef void (*qmp_reply_cb)(void *arg, json_t *ret, const struct qmp_error *error);
typedef void (*qmp_event_cb)(void *arg, const char *name, const json_t *data /* may be NULL */);

struct qmp;
struct qmp *qmp_new(qmp_event_cb event, void *arg);
/* Of a monitor that was greeted and set up before, by another client. */
struct qmp *qmp_new_greeted(qmp_event_cb event, void *arg, json_t *greeting);
/* Forgets commands under way without calling anyone. Not from inside a callback: qmp_mute() there. */
void qmp_free(struct qmp *q);

/* Takes bytes from QEMU and calls back for each whole message in them. */
void qmp_feed(struct qmp *q, const char *data, size_t len);

/* Sends nothing by itself. CB may be NULL. On a client that has ended or is broken it is called at
 * once. */
void qmp_command(struct qmp *q, const char *execute, json_t *arguments /* stolen; may be NULL */,
	qmp_reply_cb cb, void *arg);

/* What QEMU said of itself in its greeting ({"version": …, "capabilities": …}); NULL before. Borrowed. */
json_t *qmp_greeting(const struct qmp *q);

/* What QEMU should be sent now, to be taken off with buf_consume(). Empty until its greeting came;
 * the first command is always qmp_capabilities. */
struct buf *qmp_output(struct qmp *q);

/* The stream has ended: answers commands under way with WHY. */
void qmp_end(struct qmp *q, const char *why);
/* No callback is made any more, not even by a qmp_feed() that is running. */
void qmp_mute(struct qmp *q);

/* Whether no reply can come any more: the stream has ended or broke. */
bool qmp_over(const struct qmp *q);

/* Why the stream cannot be read any further; NULL while it is well. */
const char *qmp_broken(const struct qmp *q);

/* ---- keys, for the command send-key ---- */

/*
 * Keys pressed together, as "esc", "ctrl-alt-f2" or "shift-a": names of QEMU's QKeyCode, some common other
 * names ("enter", "space", "win") and single characters. The command's arguments, each key held for HOLD_MS;
 * the caller owns them. -EINVAL names the key that there is not, and the nearest one.
 */
int qmp_keys(const char *keys, int hold_ms, json_t **ret, struct err *e);

/* As a person with a US keyboard types TEXT: appends the arguments of one command a character to the array RET.
 * Tabs and newlines are keys; -EINVAL for what is on no such keyboard, with nothing appended. */
int qmp_type(const char *text, int hold_ms, json_t *ret, struct err *e);

#endif
