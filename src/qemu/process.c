/* SPDX-License-Identifier: MIT */
/*
 * The QEMU process. It has ended when it was reaped and its console, monitor, log and stderr were read to
 * their ends: only then is the last word of the guest known. A descendant that keeps one of them open is
 * killed with QEMU's process group, and GRACE_MS bounds the rest.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"
#include "qemu/process.h"

#define GRACE_MS         1000
#define STDERR_TAIL_SIZE 8192

/* QEMU writes the console byte by byte. Without a pause between reads each few bytes cost a wakeup, two thirds
 * of our CPU time for a run; longer pauses fill the socket and slow the guest down (docs/performance.md). */
#define CONSOLE_GAP_MS 2

static void end_if_complete(struct qemu *q, bool anyway);

static void dispose(struct qemu *q)
{
	qmp_free(q->qmp);
	qemu_sysrq_free(q->sysrq);
	qemu_typing_free(q->typing);
	qemu_dumps_free(&q->dumps);
	buf_release(&q->console_out);
	buf_release(&q->stderr_tail);
	free(q->shutdown);
	free(q->fault);
	free(q);
}

void qemu_process_enter(struct qemu *q)
{
	q->depth++;
}

void qemu_process_leave(struct qemu *q)
{
	if (--q->depth == 0 && q->freed)
		dispose(q);
}

void qemu_process_kill(struct qemu *q)
{
	if (q->proc.pid > 0)
		kill(q->alone ? q->proc.pid : -q->proc.pid, SIGKILL);
}

void qemu_process_fail(struct qemu *q, const char *why)
{
	if (!q->fault && !q->shutdown && !q->stop_asked)
		q->fault = xstrdup(why);
	qemu_process_kill(q);
}

/* ---- channels ---- */

void qemu_process_flush(struct qemu *q)
{
	qemu_reader_send(q->monitor, qmp_output(q->qmp));
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	qemu_process_enter(q);
	if (q->h.console)
		q->h.console(q->h.arg, data, len);
	qemu_process_leave(q);
}

static void on_monitor(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	qemu_process_enter(q);
	if (!q->times.answered_us)
		q->times.answered_us = clock_us();
	qmp_feed(q->qmp, data, len);
	if (!q->freed) {
		if (qmp_broken(q->qmp))
			qemu_process_fail(q, qmp_broken(q->qmp));
		qemu_process_flush(q);
	}
	qemu_process_leave(q);
}

static void on_log(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	qemu_log_feed(&q->seen, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	buf_add(&q->stderr_tail, data, len);
	if (q->stderr_tail.len > STDERR_TAIL_SIZE)
		buf_consume(&q->stderr_tail, q->stderr_tail.len - STDERR_TAIL_SIZE);
}

static void on_eof(void *arg)
{
	struct qemu *q = arg;

	qemu_process_enter(q);
	if (qemu_reader_done(q->monitor))
		qmp_end(q->qmp, "QEMU closed its monitor");
	if (!q->freed)
		end_if_complete(q, false);
	qemu_process_leave(q);
}

/* ---- events ---- */

/* KVM that cannot go on stops the machine and leaves QEMU running for a debugger; nobody is here. */
static void on_status(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu *q = arg;
	const char *status = json_string_value(json_object_get(ret, "status"));

	if (status && streq(status, "internal-error"))
		qemu_process_fail(q, "QEMU stopped the guest with an internal error");
	else if (status && streq(status, "io-error"))
		qemu_process_fail(q, "QEMU stopped the guest after an I/O error");
}

static void on_cont_again(void *arg)
{
	qemu_cont(arg);
}

void qemu_process_event(void *arg, const char *name, const json_t *data)
{
	struct qemu *q = arg;

	if (q->h.event)
		q->h.event(q->h.arg, name, data);
	if (streq(name, "SHUTDOWN")) {
		const char *reason = json_string_value(json_object_get(data, "reason"));

		if (!q->shutdown)
			q->shutdown = xstrdup(reason ? reason : "no reason");
		if (q->holds && q->h.held)
			q->h.held(q->h.arg);
	} else if (streq(name, "GUEST_PANICKED")) {
		q->panicked = true;
	} else if (streq(name, "MIGRATION")) {
		qemu_migrate_event(&q->migration, data);
	} else if (streq(name, "STOP")) {
		qmp_command(q->qmp, "query-status", NULL, on_status, q);
	}
}

void qemu_process_loaded(void *arg, const char *error)
{
	struct qemu *q = arg;
	_cleanup_free_ char *why = NULL;

	if (!error) {
		qemu_process_enter(q);
		q->times.loaded_us = clock_us();
		if (q->h.loaded)
			q->h.loaded(q->h.arg);
		if (!q->freed && !q->stopped)
			qemu_cont(q);
		if (!q->freed && q->stopped)
			q->ran = true; /* what comes now is the debugger's doing */
		qemu_process_leave(q);
	} else if (!qmp_over(q->qmp)) {
		why = xasprintf("QEMU could not load the guest's state (%s)", error);
		qemu_process_fail(q, why);
	}
}

/* ---- the end ---- */

static void end_if_complete(struct qemu *q, bool anyway)
{
	_cleanup_buf_ struct buf why = BUF_INIT;
	struct qemu_evidence v = { 0 };

	if (q->ended || !q->reaped)
		return;
	if (!anyway &&
		(!qemu_reader_done(q->console) || !qemu_reader_done(q->monitor) ||
			!qemu_reader_done(q->errors) || (q->log && !qemu_reader_done(q->log))))
		return;

	q->ended = true;
	loop_timer_set(q->grace, CLOCK_NEVER);
	v.shutdown = q->shutdown;
	v.stop_asked = q->stop_asked;
	v.panicked = q->panicked;
	v.triple_fault = q->seen.triple_fault;
	v.fault = q->fault;
	v.exit_port = q->exit_port;
	v.status = q->status;
	v.stderr_text = buf_str(&q->stderr_tail);
	v.stderr_len = q->stderr_tail.len;
	qemu_end_describe(&v, &why);

	qemu_process_enter(q);
	qmp_end(q->qmp, "QEMU has ended");
	if (!q->freed && q->h.ended)
		q->h.ended(q->h.arg, qemu_end_classify(&v), buf_str(&why));
	qemu_process_leave(q);
}

static void on_grace(void *arg)
{
	end_if_complete(arg, true);
}

/* Usage must be taken before the reaping; the system call tells it, libc's wrapper does not. */
static void take_usage(struct qemu *q)
{
	struct rusage ru = { 0 };
	siginfo_t si = { 0 };

	if (syscall(SYS_waitid, P_PIDFD, q->proc.pidfd, &si, WEXITED | WNOHANG | WNOWAIT, &ru) < 0)
		return;
	q->cpu_us = (int64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
		    ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
	q->maxrss_kib = ru.ru_maxrss;
}

static void on_exit_ready(void *arg, int fd, uint32_t events)
{
	struct qemu *q = arg;

	qemu_process_kill(q);
	take_usage(q);
	loop_fd_remove(q->exit_watch);
	q->exit_watch = NULL;
	if (proc_reap(&q->proc, &q->status) == -EAGAIN)
		proc_kill(&q->proc); /* a pidfd does not lie; but never wait for ever */
	q->reaped = true;
	loop_timer_set(q->grace, clock_ms() + GRACE_MS);
	end_if_complete(q, false);
}

/* ---- its beginning and its last ---- */

static void attach(struct qemu *q, struct qemu_channels *ch)
{
	q->console = qemu_reader_new(q->loop, TAKE_FD(ch->ours[0]), on_console, on_eof, q);
	qemu_reader_pause(q->console, CONSOLE_GAP_MS);
	q->monitor = qemu_reader_new(q->loop, TAKE_FD(ch->ours[1]), on_monitor, on_eof, q);
	q->errors = qemu_reader_new(q->loop, TAKE_FD(ch->ours[2]), on_stderr, on_eof, q);
	for (size_t i = 0; i < q->n_ports; i++)
		q->ports[i] = TAKE_FD(ch->ours[3 + i]);
	if (q->fds.log >= 0)
		q->log = qemu_reader_new(
			q->loop, TAKE_FD(ch->ours[3 + q->n_ports]), on_log, on_eof, q);
	q->exit_watch = loop_fd_add(q->loop, q->proc.pidfd, EPOLLIN, on_exit_ready, q);
	q->grace = loop_timer_add(q->loop, CLOCK_NEVER, on_grace, q);
	q->cont_again = loop_timer_add(q->loop, CLOCK_NEVER, on_cont_again, q);
	q->sysrq = qemu_sysrq_new(q->loop, q);
	q->typing = qemu_typing_new(q->loop, q);
}

struct qemu *qemu_process_new(struct loop *loop, const struct qemu_handlers *h,
	const struct qemu_fds *n, size_t n_ports, struct proc proc, struct qemu_channels *ch)
{
	struct qemu *q = xcalloc(1, sizeof(*q));

	q->loop = loop;
	q->h = *h;
	q->proc = proc;
	q->times.started_us = clock_us();
	q->fds = *n;
	q->n_ports = n_ports;
	q->fork_fd = -1;
	attach(q, ch);
	qemu_channels_release(ch);
	return q;
}

void qemu_free(struct qemu *q)
{
	if (!q || q->freed)
		return;
	qmp_mute(q->qmp);
	qemu_process_kill(q);
	loop_fd_remove(q->exit_watch);
	loop_timer_remove(q->grace);
	loop_timer_remove(q->cont_again);
	qemu_reader_free(q->console);
	qemu_reader_free(q->monitor);
	qemu_reader_free(q->errors);
	qemu_reader_free(q->log);
	for (size_t i = 0; i < q->n_ports; i++)
		fd_close(q->ports[i]);
	fd_close(q->fork_fd);
	proc_kill(&q->proc);
	q->freed = true;
	if (q->depth == 0)
		dispose(q);
}
