/* SPDX-License-Identifier: MIT */
#include "qmp/qmp.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

struct pending {
	json_int_t id;
	qmp_reply_cb cb;
	void *arg;
};

struct qmp {
	qmp_event_cb event;
	void *arg; /* borrowed */
	struct buf in; /* at most one message without its end */
	struct buf out;
	struct buf held; /* what out stays empty for until the greeting */
	struct pending *pending; /* owned: commands under way, oldest first */
	size_t n_pending, cap_pending;
	json_int_t next_id;
	json_t *greeting; /* owned; NULL until it came */
	bool muted;
	char *broken; /* owned */
	char *ended; /* owned: why no reply can come any more */
};

static void add_command(struct buf *b, json_int_t id, const char *execute, json_t *arguments)
{
	_cleanup_json_ json_t *j =
		json_pack("{s:s, s:o*, s:I}", "execute", execute, "arguments", arguments, "id", id);

	BUG_ON(!j);
	json_line(b, j);
	if (b->len == 0 || b->data[b->len - 1] != '\n')
		buf_addc(b, '\n');
}

static void ignore_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
}

struct qmp *qmp_new(qmp_event_cb event, void *arg)
{
	struct qmp *q = xcalloc(1, sizeof(*q));

	q->event = event;
	q->arg = arg;
	qmp_command(q, "qmp_capabilities", NULL, ignore_reply, NULL);
	return q;
}

struct qmp *qmp_new_greeted(qmp_event_cb event, void *arg, json_t *greeting)
{
	struct qmp *q = xcalloc(1, sizeof(*q));

	q->event = event;
	q->arg = arg;
	q->greeting = json_incref(greeting);
	return q;
}

void qmp_free(struct qmp *q)
{
	if (!q)
		return;
	buf_release(&q->in);
	buf_release(&q->out);
	buf_release(&q->held);
	free(q->pending);
	json_decref(q->greeting);
	free(q->broken);
	free(q->ended);
	free(q);
}

void qmp_mute(struct qmp *q)
{
	q->muted = true;
}

bool qmp_over(const struct qmp *q)
{
	return q->ended;
}

const char *qmp_broken(const struct qmp *q)
{
	return q->broken;
}

json_t *qmp_greeting(const struct qmp *q)
{
	return q->greeting;
}

struct buf *qmp_output(struct qmp *q)
{
	return &q->out;
}

void qmp_command(struct qmp *q, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	struct pending *p;

	if (q->ended) {
		const struct qmp_error error = { NULL, q->ended };

		json_decref(arguments);
		if (cb && !q->muted)
			cb(arg, NULL, &error);
		return;
	}
	VEC_GROW(q->pending, q->n_pending, q->cap_pending);
	p = &q->pending[q->n_pending++];
	*p = (struct pending){ ++q->next_id, cb, arg };
	add_command(q->greeting ? &q->out : &q->held, p->id, execute, arguments);
}

void qmp_end(struct qmp *q, const char *why)
{
	struct qmp_error error = { 0 };

	if (q->ended)
		return;
	q->ended = xstrdup(why);
	error.desc = q->ended;
	buf_clear(&q->in);
	buf_clear(&q->out);
	buf_clear(&q->held);
	/* A callback may send another command: that one is answered by itself. */
	for (size_t i = 0; i < q->n_pending && !q->muted; i++)
		if (q->pending[i].cb)
			q->pending[i].cb(q->pending[i].arg, NULL, &error);
	q->n_pending = 0;
}

static void break_off(struct qmp *q, const char *why, const char *data, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_addf(&b, "QMP: %s", why);
	if (len > 0) {
		buf_adds(&b, ": ");
		text_clean(&b, data, len < 60 ? len : 60);
	}
	q->broken = buf_detach(&b);
	qmp_end(q, q->broken);
}

static bool take_pending(struct qmp *q, json_int_t id, struct pending *ret)
{
	for (size_t i = 0; i < q->n_pending; i++) {
		if (q->pending[i].id != id)
			continue;
		*ret = q->pending[i];
		memmove(&q->pending[i], &q->pending[i + 1],
			(q->n_pending - i - 1) * sizeof(*q->pending));
		q->n_pending--;
		return true;
	}
	return false;
}

static void answer(const struct pending *p, json_t *ret, const json_t *error)
{
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *desc = json_string_value(json_object_get(error, "desc"));
	const struct qmp_error err = { class ? class : "GenericError",
		desc ? desc : "an error without a description" };

	if (p->cb)
		p->cb(p->arg, ret, ret ? NULL : &err);
}

static const char *take_greeting(struct qmp *q, json_t *m)
{
	json_t *greeting = json_object_get(m, "QMP");

	if (!json_is_object(greeting))
		return "no greeting";
	q->greeting = json_incref(greeting);
	buf_add(&q->out, buf_str(&q->held), q->held.len);
	buf_clear(&q->held);
	return NULL;
}

/* The reason why the message is none of ours, or NULL. */
static const char *take_message(struct qmp *q, json_t *m)
{
	json_t *ret = json_object_get(m, "return"), *error = json_object_get(m, "error");
	const char *event = json_string_value(json_object_get(m, "event"));
	const json_t *id = json_object_get(m, "id");
	struct pending p;

	if (!q->greeting)
		return take_greeting(q, m);
	if (event) {
		q->event(q->arg, event, json_object_get(m, "data"));
		return NULL;
	}
	if (!ret && !json_is_object(error))
		return "neither event nor reply";
	if (!json_is_integer(id) || !take_pending(q, json_integer_value(id), &p))
		return "a reply to no command";
	answer(&p, ret, error);
	return NULL;
}

static void take_line(struct qmp *q, const char *line, size_t len)
{
	_cleanup_json_ json_t *m = NULL;
	const char *why;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (len == 0)
		return;
	m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	why = json_is_object(m) ? take_message(q, m) : "not a JSON object";
	if (why && !q->muted)
		break_off(q, why, line, len);
}

void qmp_feed(struct qmp *q, const char *data, size_t len)
{
	while (len > 0 && !q->ended && !q->muted) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) : len;

		if (q->in.len + n > QMP_MESSAGE_MAX) {
			break_off(q, "a message without end", q->in.len ? q->in.data : data,
				q->in.len ? q->in.len : n);
			return;
		}
		buf_add(&q->in, data, n);
		if (!nl)
			return;
		data += n + 1;
		len -= n + 1;
		/* The line leaves the client first: a callback may end the stream, which clears it. */
		struct buf line = q->in;

		q->in = (struct buf)BUF_INIT;
		take_line(q, buf_str(&line), line.len);
		buf_release(&line);
	}
}
