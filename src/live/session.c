/* SPDX-License-Identifier: MIT */
/* What a peer asks for, and QMP as a server speaks it: one line a command, answers in any order. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "live/private.h"

#define UNDER_WAY_MAX 64

static void refuse(struct peer *p, const json_t *id, const char *class, const char *desc)
{
	_cleanup_json_ json_t *j = json_pack("{s:{s:s, s:o}, s:O*}", "error", "class", class,
		"desc", json_text(desc, strlen(desc)), "id", id);

	BUG_ON(!j);
	peer_send_json(p, j);
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct request *r = arg;

	for (struct request **q = &r->live->requests; *q; q = &(*q)->next)
		if (*q == r) {
			*q = r->next;
			break;
		}
	if (r->peer)
		r->peer->under_way--;
	if (r->peer && ret) {
		_cleanup_json_ json_t *j = json_pack("{s:O, s:O*}", "return", ret, "id", r->id);

		BUG_ON(!j);
		peer_send_json(r->peer, j);
	} else if (r->peer) {
		refuse(r->peer, r->id, error->class ? error->class : "GenericError", error->desc);
	}
	json_decref(r->id);
	free(r);
}

static void command(struct peer *p, const char *execute, json_t *m)
{
	struct live *l = p->live;
	json_t *id = json_object_get(m, "id");
	struct request *r;

	if (p->under_way >= UNDER_WAY_MAX) {
		refuse(p, id, "GenericError", "too many commands under way");
		return;
	}
	r = xcalloc(1, sizeof(*r));
	*r = (struct request){ l, p, json_incref(id), l->requests };
	l->requests = r;
	p->under_way++;
	l->ops.command(
		l->ops.arg, execute, json_incref(json_object_get(m, "arguments")), on_reply, r);
}

static void qmp_message(struct peer *p, json_t *m)
{
	const char *execute = json_string_value(json_object_get(m, "execute"));
	const json_t *arguments = json_object_get(m, "arguments");
	json_t *id = json_object_get(m, "id");

	if (!execute || (arguments && !json_is_object(arguments))) {
		refuse(p, id, "GenericError",
			"a command is an object with \"execute\" and, where it takes any, \"arguments\"");
	} else if (streq(execute, "qmp_capabilities")) {
		_cleanup_json_ json_t *j = json_pack("{s:{}, s:O*}", "return", "id", id);

		peer_send_json(p, j);
	} else {
		command(p, execute, m);
	}
}

static void open_console(struct peer *p, const json_t *m)
{
	const struct buf *h = &p->live->history;

	p->mode = PEER_CONSOLE;
	p->writes = json_is_true(json_object_get(m, "write"));
	if (json_is_true(json_object_get(m, "history")))
		peer_console(p, buf_str(h), h->len);
}

static int open_qmp(struct peer *p)
{
	const struct live_ops *ops = &p->live->ops;
	json_t *greeting = ops->greeting(ops->arg);
	_cleanup_json_ json_t *j =
		greeting ? json_pack("{s:O}", "QMP", greeting) : json_pack("{s:{}}", "QMP");

	BUG_ON(!j);
	p->mode = PEER_QMP;
	peer_send_json(p, j);
	return 0;
}

int session_line(struct peer *p, const char *line, size_t len)
{
	_cleanup_json_ json_t *m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(m, "open"));

	if (p->mode == PEER_QMP) {
		if (json_is_object(m))
			qmp_message(p, m);
		else
			refuse(p, NULL, "GenericError", "not a JSON object");
		return 0;
	}
	if (what && streq(what, "qmp"))
		return open_qmp(p);
	if (!what || !streq(what, "console"))
		return -1;
	open_console(p, m);
	return 0;
}

void session_forget(struct peer *p)
{
	for (struct request *r = p->live->requests; r; r = r->next)
		if (r->peer == p)
			r->peer = NULL;
}
