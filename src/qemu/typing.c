/* SPDX-License-Identifier: MIT */
/* Keys one after the other. QEMU answers a send-key at once and holds the keys afterwards, and beyond a thousand
 * events that wait it drops them in silence: so the next one is sent when this one is released. */
#include "base/alloc.h"
#include "base/clock.h"
#include "qemu/private.h"

/* One row of commands, as asked for. */
struct row {
	json_t *commands; /* owned: an array of arguments */
	size_t next;
	qmp_reply_cb cb;
	void *arg; /* borrowed */
};

struct qemu_typing {
	struct qemu *qemu; /* borrowed */
	struct loop_timer *released; /* owned */
	struct row *rows; /* owned: oldest first */
	size_t n, cap;
};

static void next(struct qemu_typing *t);

static void end_row(struct qemu_typing *t, json_t *ret, const struct qmp_error *error)
{
	struct row r = t->rows[0];

	t->n--;
	for (size_t i = 0; i < t->n; i++)
		t->rows[i] = t->rows[i + 1];
	json_decref(r.commands);
	if (t->n)
		next(t);
	if (r.cb)
		r.cb(r.arg, ret, error);
}

static void on_released(void *arg)
{
	struct qemu_typing *t = arg;

	next(t);
}

/* Each of its keys is held before the next is pressed, and again before it is released. */
static int64_t length_ms(const json_t *command)
{
	return 2 * (int64_t)json_array_size(json_object_get(command, "keys")) *
	       json_integer_value(json_object_get(command, "hold-time"));
}

static void on_sent(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu_typing *t = arg;
	struct row *r = &t->rows[0];

	if (error) {
		end_row(t, NULL, error);
		return;
	}
	loop_timer_set(t->released, clock_ms() + length_ms(json_array_get(r->commands, r->next++)));
}

static void next(struct qemu_typing *t)
{
	struct row *r = &t->rows[0];

	if (r->next < json_array_size(r->commands)) {
		qemu_command(t->qemu, "send-key", json_incref(json_array_get(r->commands, r->next)),
			on_sent, t);
	} else {
		json_t *nothing = json_object();

		end_row(t, nothing, NULL);
		json_decref(nothing);
	}
}

struct qemu_typing *qemu_typing_new(struct loop *loop, struct qemu *q)
{
	struct qemu_typing *t = xcalloc(1, sizeof(*t));

	t->qemu = q;
	t->released = loop_timer_add(loop, CLOCK_NEVER, on_released, t);
	return t;
}

void qemu_typing_free(struct qemu_typing *t)
{
	if (!t)
		return;
	loop_timer_remove(t->released);
	for (size_t i = 0; i < t->n; i++)
		json_decref(t->rows[i].commands);
	free(t->rows);
	free(t);
}

void qemu_typing_add(struct qemu_typing *t, json_t *commands, qmp_reply_cb cb, void *arg)
{
	VEC_GROW(t->rows, t->n, t->cap);
	t->rows[t->n++] = (struct row){ commands, 0, cb, arg };
	if (t->n == 1)
		next(t);
}
