/* SPDX-License-Identifier: MIT */
/*
 * The QEMU process. It has ended when it was reaped and its console, monitor, log and stderr were read to
 * their ends: only then is the last word of the guest known. A descendant that keeps one of them open is
 * killed with QEMU's process group, and GRACE_MS bounds the rest.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "qemu/private.h"

#define GRACE_MS         1000
#define STDERR_TAIL_SIZE 8192
#define CONT_AGAIN_MS    5
#define CONT_TRIES       400

/* QEMU writes the console byte by byte. Without a pause between reads each few bytes cost a wakeup, two thirds
 * of our CPU time for a run; longer pauses fill the socket and slow the guest down (docs/performance.md). */
#define CONSOLE_GAP_MS 2

struct qemu {
	struct loop *loop; /* borrowed */
	struct qemu_handlers h;
	struct proc proc;
	struct loop_fd *exit_watch; /* owned */
	struct loop_timer *grace; /* owned */
	struct qemu_reader *console, *monitor, *log, *errors; /* owned; log may be NULL */
	struct buf console_out;
	struct qmp *qmp; /* owned */
	struct qemu_sysrq *sysrq; /* owned */
	struct qemu_typing *typing; /* owned */
	struct qemu_dump *dumps; /* owned */
	struct qemu_migration migration;
	struct loop_timer *cont_again; /* owned */
	unsigned cont_tries;
	struct qemu_fds fds; /* the numbers of the channels in QEMU */
	int fork_fd; /* owned: to the fork server; -1: none */
	bool alone; /* it leads no process group, or one that its copies are in */
	qemu_saved_cb paused;
	void *paused_arg; /* borrowed */
	int ports[QEMU_CHANNELS_MAX]; /* owned */
	size_t n_ports;

	struct qemu_log seen;
	struct buf stderr_tail;
	char *shutdown, *fault; /* owned: see struct qemu_evidence */
	bool stop_asked, panicked, ran, exit_port;
	bool holds, stopped; /* as qemu_config says */
	bool reaped;
	int status;
	int64_t cpu_us, maxrss_kib; /* once reaped */
	bool ended; /* the handler was called */

	int depth; /* of handlers that are running: none may find its qemu freed */
	bool freed;
};

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

static void enter(struct qemu *q)
{
	q->depth++;
}

static void leave(struct qemu *q)
{
	if (--q->depth == 0 && q->freed)
		dispose(q);
}

/* The whole group: whatever QEMU started goes with it. Until it is reaped its pid cannot be another's. */
static void kill_group(struct qemu *q)
{
	if (q->proc.pid > 0)
		kill(q->alone ? q->proc.pid : -q->proc.pid, SIGKILL);
}

static void fail(struct qemu *q, const char *why)
{
	if (!q->fault && !q->shutdown && !q->stop_asked)
		q->fault = xstrdup(why);
	kill_group(q);
}

/* ---- channels ---- */

static void flush_qmp(struct qemu *q)
{
	qemu_reader_send(q->monitor, qmp_output(q->qmp));
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	enter(q);
	if (q->h.console)
		q->h.console(q->h.arg, data, len);
	leave(q);
}

static void on_monitor(void *arg, const char *data, size_t len)
{
	struct qemu *q = arg;

	enter(q);
	qmp_feed(q->qmp, data, len);
	if (!q->freed) {
		if (qmp_broken(q->qmp))
			fail(q, qmp_broken(q->qmp));
		flush_qmp(q);
	}
	leave(q);
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

	enter(q);
	if (qemu_reader_done(q->monitor))
		qmp_end(q->qmp, "QEMU closed its monitor");
	if (!q->freed)
		end_if_complete(q, false);
	leave(q);
}

/* ---- events ---- */

/* KVM that cannot go on stops the machine and leaves QEMU running for a debugger; nobody is here. */
static void on_status(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu *q = arg;
	const char *status = json_string_value(json_object_get(ret, "status"));

	if (status && streq(status, "internal-error"))
		fail(q, "QEMU stopped the guest with an internal error");
	else if (status && streq(status, "io-error"))
		fail(q, "QEMU stopped the guest after an I/O error");
}

static void on_cont(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu *q = arg;
	_cleanup_free_ char *why = NULL;

	if (ret) {
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
	fail(q, why);
}

static void on_cont_again(void *arg)
{
	qemu_cont(arg);
}

static void on_event(void *arg, const char *name, const json_t *data)
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

static void on_loaded(void *arg, const char *error)
{
	struct qemu *q = arg;
	_cleanup_free_ char *why = NULL;

	if (!error) {
		enter(q);
		if (q->h.loaded)
			q->h.loaded(q->h.arg);
		if (!q->freed && !q->stopped)
			qemu_cont(q);
		if (!q->freed && q->stopped)
			q->ran = true; /* what comes now is the debugger's doing */
		leave(q);
	} else if (!qmp_over(q->qmp)) {
		why = xasprintf("QEMU could not load the guest's state (%s)", error);
		fail(q, why);
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

	enter(q);
	qmp_end(q->qmp, "QEMU has ended");
	if (!q->freed && q->h.ended)
		q->h.ended(q->h.arg, qemu_end_classify(&v), buf_str(&why));
	leave(q);
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

	kill_group(q);
	take_usage(q);
	loop_fd_remove(q->exit_watch);
	q->exit_watch = NULL;
	if (proc_reap(&q->proc, &q->status) == -EAGAIN)
		proc_kill(&q->proc); /* a pidfd does not lie; but never wait for ever */
	q->reaped = true;
	loop_timer_set(q->grace, clock_ms() + GRACE_MS);
	end_if_complete(q, false);
}

/* ---- the start ---- */

/* Our ends and QEMU's of every channel, until the process owns its own. */
struct channels {
	int ours[4 + QEMU_CHANNELS_MAX];
	struct proc_fd fds[4 + QEMU_CHANNELS_MAX];
	size_t n;
};

static void channels_release(struct channels *c)
{
	for (size_t i = 0; i < c->n; i++) {
		fd_close(c->ours[i]);
		fd_close(c->fds[i].fd);
	}
}

/* PAIR[0] is ours. */
static void add_channel(struct channels *c, const int pair[2], int child)
{
	fd_set_nonblock(pair[0], true);
	c->ours[c->n] = pair[0];
	c->fds[c->n++] = (struct proc_fd){ pair[1], child };
}

static int add_socket(struct channels *c, int child)
{
	int pair[2], r = fd_socketpair(pair);

	if (r == 0)
		add_channel(c, pair, child);
	return r;
}

/* QEMU opens its log by name (/dev/fd/N), which works for a pipe but not for a socket. */
static int add_pipe(struct channels *c, int child)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	add_channel(c, pair, child);
	return 0;
}

static int make_channels(struct channels *c, const struct qemu_fds *n, size_t n_ports)
{
	int r = add_socket(c, n->console);

	if (r == 0)
		r = add_socket(c, n->qmp);
	if (r == 0)
		r = add_pipe(c, STDERR_FILENO);
	for (size_t i = 0; r == 0 && i < n_ports; i++)
		r = add_socket(c, n->ports[i]);
	if (r == 0 && n->log >= 0)
		r = add_pipe(c, n->log);
	return r;
}

static int spawn(const struct qemu_config *c, const struct qemu_fds *n, struct channels *ch,
	const struct qemu_fork_server *s, struct proc *ret, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT, env = STRV_INIT;
	_cleanup_free_ struct proc_fd *fds = NULL;
	struct proc_spec spec = { .new_session = true };
	size_t n_fds = ch->n;

	qemu_argv_fds(c, n, &argv);
	fds = xcalloc(ch->n + 3 + c->n_keep_fds, sizeof(*fds));
	memcpy(fds, ch->fds, ch->n * sizeof(*fds));
	fds[n_fds++] = (struct proc_fd){ ch->fds[2].fd, STDOUT_FILENO };
	for (size_t i = 0; i < c->n_keep_fds; i++)
		fds[n_fds++] = (struct proc_fd){ c->keep_fds[i], c->keep_fds[i] };
	if (c->fork_library) {
		fds[n_fds++] = (struct proc_fd){ s->theirs, n->fork };
		fds[n_fds++] = (struct proc_fd){ s->library, n->fork_library };
		qemu_fork_environment(s, n, &env);
		spec.envp = (const char *const *)env.v;
	}
	spec.argv = (const char *const *)argv.v;
	spec.fds = fds;
	spec.n_fds = n_fds;
	return proc_spawn(&spec, ret, e);
}

/* Whether the caller wants the guest stopped at its first instruction, as QEMU's own -S does. */
static bool stays_stopped(const struct qemu_config *c)
{
	for (size_t i = 0; i < c->n_extra; i++)
		if (streq(c->extra[i], "-S"))
			return true;
	return false;
}

static void attach(struct qemu *q, struct channels *ch)
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

/* Takes over PROC and what is ours of CH. */
static struct qemu *qemu_new(struct loop *loop, const struct qemu_handlers *h,
	const struct qemu_fds *n, size_t n_ports, struct proc proc, struct channels *ch)
{
	struct qemu *q = xcalloc(1, sizeof(*q));

	q->loop = loop;
	q->h = *h;
	q->proc = proc;
	q->fds = *n;
	q->n_ports = n_ports;
	q->fork_fd = -1;
	attach(q, ch);
	channels_release(ch);
	return q;
}

int qemu_start(struct loop *loop, const struct qemu_config *c, const struct qemu_handlers *h,
	struct qemu **ret, struct err *e)
{
	__attribute__((cleanup(qemu_fork_release))) struct qemu_fork_server s =
		QEMU_FORK_SERVER_INIT;
	struct channels ch = { .n = 0 };
	struct proc proc = PROC_INIT;
	struct qemu_fds n;
	struct qemu *q;
	int r = c->fork_library ? qemu_fork_prepare(c, &s, e) : 0;

	if (r < 0)
		return r;
	qemu_fds_choose(c, &n);
	r = make_channels(&ch, &n, qemu_n_ports(c));
	if (r < 0)
		err_sys(e, -r, "cannot make QEMU's channels");
	else
		r = spawn(c, &n, &ch, &s, &proc, e);
	if (r < 0) {
		channels_release(&ch);
		return r;
	}
	q = qemu_new(loop, h, &n, qemu_n_ports(c), proc, &ch);
	q->exit_port = c->os && c->os->exit_port;
	q->holds = c->holds;
	q->stopped = c->stopped;
	q->qmp = qmp_new(on_event, q);
	q->fork_fd = TAKE_FD(s.ours);
	q->alone = q->fork_fd >= 0;
	if (c->state_fd)
		qemu_migrate_in(&q->migration, q, c->state_fd, on_loaded, q);
	else if (!stays_stopped(c))
		qemu_cont(q);
	*ret = q;
	return 0;
}

int qemu_fork(struct qemu *from, const struct qemu_handlers *h, struct qemu **ret, struct err *e)
{
	struct channels ch = { .n = 0 };
	struct proc proc = PROC_INIT;
	struct qemu *q;
	int r;

	if (from->fork_fd < 0 || from->reaped)
		return err_set(e, -EPIPE, "this QEMU cannot be copied, or has ended");
	r = make_channels(&ch, &from->fds, from->n_ports);
	if (r < 0)
		err_sys(e, -r, "cannot make QEMU's channels");
	else
		r = qemu_fork_ask(from->fork_fd, ch.fds, ch.n, &proc, e);
	if (r < 0) {
		channels_release(&ch);
		return r;
	}
	q = qemu_new(from->loop, h, &from->fds, from->n_ports, proc, &ch);
	q->qmp = qmp_new_greeted(on_event, q, qmp_greeting(from->qmp));
	q->holds = from->holds;
	q->alone = true;
	qemu_cont(q);
	*ret = q;
	return 0;
}

/* ---- what callers do with it ---- */

int qemu_port(struct qemu *q, size_t i)
{
	BUG_ON(i >= q->n_ports);
	return q->ports[i];
}

void qemu_command(
	struct qemu *q, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	enter(q);
	qmp_command(q->qmp, execute, arguments, cb, arg);
	if (!q->freed)
		flush_qmp(q);
	leave(q);
}

void qemu_command_fd(
	struct qemu *q, const char *execute, json_t *arguments, int fd, qmp_reply_cb cb, void *arg)
{
	enter(q);
	qmp_command(q->qmp, execute, arguments, cb, arg);
	/* Where it cannot go along, QEMU misses it and says so. */
	if (!q->freed && !qmp_over(q->qmp) &&
		qemu_reader_send_fd(q->monitor, qmp_output(q->qmp), fd) < 0)
		flush_qmp(q);
	leave(q);
}

void qemu_press(struct qemu *q, json_t *commands, qmp_reply_cb cb, void *arg)
{
	enter(q);
	qemu_typing_add(q->typing, commands, cb, arg);
	leave(q);
}

void qemu_screen(struct qemu *q, qemu_screen_cb cb, void *arg)
{
	enter(q);
	qemu_dump(&q->dumps, q, cb, arg);
	leave(q);
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

	enter(q);
	qmp_command(q->qmp, "stop", NULL, NULL, NULL);
	qmp_command(q->qmp, "getfd", json_pack("{s:s}", "fdname", "state"), NULL, NULL);
	r = qmp_over(q->qmp) ? 0 : qemu_reader_send_fd(q->monitor, qmp_output(q->qmp), fd);
	if (r < 0)
		cb(arg, strerror(-r));
	else
		qemu_migrate_out(&q->migration, q, "state", cb, arg);
	leave(q);
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
	kill_group(q);
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

void qemu_free(struct qemu *q)
{
	if (!q || q->freed)
		return;
	qmp_mute(q->qmp);
	kill_group(q);
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
