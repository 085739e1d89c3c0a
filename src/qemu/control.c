/* SPDX-License-Identifier: MIT */
/* What callers ask of a QEMU process that runs. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "qemu/process.h"

#define CONT_AGAIN_MS 5
#define CONT_TRIES    400

int qemu_port(struct qemu *q, size_t i)
{
	BUG_ON(i >= q->n_ports);
	return q->ports[i];
}

void qemu_command(
	struct qemu *q, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	qemu_process_enter(q);
	qmp_command(q->qmp, execute, arguments, cb, arg);
	if (!q->freed)
		qemu_process_flush(q);
	qemu_process_leave(q);
}

bool qemu_talks(const struct qemu *q)
{
	return !qmp_over(q->qmp);
}

void qemu_command_fd(
	struct qemu *q, const char *execute, json_t *arguments, int fd, qmp_reply_cb cb, void *arg)
{
	qemu_process_enter(q);
	qmp_command(q->qmp, execute, arguments, cb, arg);
	/* Where it cannot go along, QEMU misses it and says so. */
	if (!q->freed && !qmp_over(q->qmp) &&
		qemu_reader_send_fd(q->monitor, qmp_output(q->qmp), fd) < 0)
		qemu_process_flush(q);
	qemu_process_leave(q);
}

void qemu_press(struct qemu *q, json_t *commands, qmp_reply_cb cb, void *arg)
{
	qemu_process_enter(q);
	qemu_typing_add(q->typing, commands, cb, arg);
	qemu_process_leave(q);
}

void qemu_screen(struct qemu *q, qemu_screen_cb cb, void *arg)
{
	qemu_process_enter(q);
	qemu_dump(&q->dumps, q, cb, arg);
	qemu_process_leave(q);
}

void qemu_inject_nmi(struct qemu *q)
{
	qemu_command(q, "inject-nmi", NULL, NULL, NULL);
}

void qemu_sysrq(struct qemu *q, char key)
{
	qemu_sysrq_key(q->sysrq, key);
}

void qemu_console_write(struct qemu *q, const char *data, size_t len)
{
	buf_add(&q->console_out, data, len);
	qemu_reader_send(q->console, &q->console_out);
}

size_t qemu_console_unsent(const struct qemu *q)
{
	return q->console_out.len;
}

json_t *qemu_greeting(const struct qemu *q)
{
	return qmp_greeting(q->qmp);
}

static void on_cont(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu *q = arg;
	_cleanup_free_ char *why = NULL;

	if (ret) {
		if (!q->ran)
			q->times.runs_us = clock_us();
		q->ran = true;
		q->cont_tries = 0;
	}
	if (ret || qmp_over(q->qmp))
		return; /* what ended the stream tells the reason */
	/* A migration that it told to be completed is not "finalized" until a moment later, which no event tells. */
	if (q->migration.qemu && q->cont_tries++ < CONT_TRIES) {
		loop_timer_set(q->cont_again, clock_ms() + CONT_AGAIN_MS);
		return;
	}
	why = xasprintf("QEMU did not start the guest (%s)", error->desc);
	qemu_process_fail(q, why);
}

void qemu_cont(struct qemu *q)
{
	qemu_command(q, "cont", NULL, on_cont, q);
}

static void on_paused(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu *q = arg;

	q->paused(q->paused_arg, error ? error->desc : NULL);
}

/* The event STOP has led to a command of ours, too. Behind the answer to one more nothing is under way in the
 * monitor that a copy would inherit. */
static void on_stopped(void *arg, json_t *ret, const struct qmp_error *error)
{
	qemu_command(arg, "query-status", NULL, on_paused, arg);
}

void qemu_pause(struct qemu *q, qemu_saved_cb cb, void *arg)
{
	q->paused = cb;
	q->paused_arg = arg;
	qemu_command(q, "stop", NULL, on_stopped, q);
}

void qemu_save(struct qemu *q, int fd, qemu_saved_cb cb, void *arg)
{
	int r;

	qemu_process_enter(q);
	qmp_command(q->qmp, "stop", NULL, NULL, NULL);
	qmp_command(q->qmp, "getfd", json_pack("{s:s}", "fdname", "state"), NULL, NULL);
	r = qmp_over(q->qmp) ? 0 : qemu_reader_send_fd(q->monitor, qmp_output(q->qmp), fd);
	if (r < 0)
		cb(arg, strerror(-r));
	else
		qemu_migrate_out(&q->migration, q, "state", q->nested ? fd : 0, cb, arg);
	qemu_process_leave(q);
}

struct qemu_times qemu_times(const struct qemu *q)
{
	return q->times;
}

bool qemu_ran(const struct qemu *q)
{
	return q->ran;
}

void qemu_ask(struct qemu *q, enum qemu_ask how)
{
	if (q->reaped)
		return;
	if (how == QEMU_ASK_BUTTON) {
		qemu_command(q, "system_powerdown", NULL, NULL, NULL);
		return;
	}
	/* One whose monitor is gone is ending already, for a reason of its own. */
	if (!q->shutdown && !q->fault && !qmp_over(q->qmp))
		q->stop_asked = true;
	if (how == QEMU_ASK_QUIT)
		qemu_command(q, "quit", NULL, NULL, NULL);
	else
		kill(q->proc.pid, SIGTERM);
}

int qemu_exit_value(const struct qemu *q)
{
	return q->exit_port && q->reaped ? qemu_exit_port_value(q->status) : 0;
}

void qemu_stop(struct qemu *q)
{
	if (!q->shutdown && !q->fault && !q->reaped)
		q->stop_asked = true;
	qemu_process_kill(q);
}

bool qemu_alive(const struct qemu *q)
{
	return !q->reaped;
}

void qemu_usage(struct qemu *q, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib)
{
	if (!q->reaped)
		qemu_usage_read(q->proc.pid, &q->cpu_us, &q->maxrss_kib);
	*ret_cpu_us = q->cpu_us;
	*ret_maxrss_kib = q->maxrss_kib;
}
