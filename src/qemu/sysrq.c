/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/clock.h"
#include "qemu/private.h"

/* Linux forgets a break after 5 s, and needs one interrupt to take the key: a pause in which a busy
 * guest can do so. */
#define PAUSE_MS 200

struct qemu_sysrq {
	struct qemu *qemu; /* borrowed */
	struct loop_timer *pause; /* owned */
	struct buf keys; /* not yet sent, the first one perhaps on its way */
	bool busy;
};

static void next(struct qemu_sysrq *s);

static void after_pause(void *arg)
{
	struct qemu_sysrq *s = arg;

	s->busy = false;
	next(s);
}

static void after_break(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu_sysrq *s = arg;

	if (!error)
		qemu_console_write(s->qemu, s->keys.data, 1);
	buf_consume(&s->keys, 1);
	loop_timer_set(s->pause, clock_ms() + PAUSE_MS);
}

static void next(struct qemu_sysrq *s)
{
	if (s->busy || s->keys.len == 0)
		return;
	s->busy = true;
	qemu_command(s->qemu, "chardev-send-break", json_pack("{s:s}", "id", QEMU_CONSOLE_ID),
		after_break, s);
}

struct qemu_sysrq *qemu_sysrq_new(struct loop *loop, struct qemu *q)
{
	struct qemu_sysrq *s = xcalloc(1, sizeof(*s));

	s->qemu = q;
	s->pause = loop_timer_add(loop, CLOCK_NEVER, after_pause, s);
	return s;
}

void qemu_sysrq_free(struct qemu_sysrq *s)
{
	if (!s)
		return;
	loop_timer_remove(s->pause);
	buf_release(&s->keys);
	free(s);
}

void qemu_sysrq_key(struct qemu_sysrq *s, char key)
{
	buf_addc(&s->keys, key);
	next(s);
}
