/* SPDX-License-Identifier: MIT */
/* A QEMU process begins: its channels, its command line, or a copy of one that waits. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "qemu/process.h"

/* ---- channels ---- */

void qemu_channels_release(struct qemu_channels *c)
{
	for (size_t i = 0; i < c->n; i++) {
		fd_close(c->ours[i]);
		fd_close(c->fds[i].fd);
	}
}

/* PAIR[0] is ours. */
static void add_channel(struct qemu_channels *c, const int pair[2], int child)
{
	fd_set_nonblock(pair[0], true);
	c->ours[c->n] = pair[0];
	c->fds[c->n++] = (struct proc_fd){ pair[1], child };
}

static int add_socket(struct qemu_channels *c, int child)
{
	int pair[2], r = fd_socketpair(pair);

	if (r == 0)
		add_channel(c, pair, child);
	return r;
}

/* QEMU opens its log by name (/dev/fd/N), which works for a pipe but not for a socket. */
static int add_pipe(struct qemu_channels *c, int child)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	add_channel(c, pair, child);
	return 0;
}

static int make_channels(struct qemu_channels *c, const struct qemu_fds *n, size_t n_ports)
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

/* ---- the process ---- */

static int spawn(const struct qemu_config *c, const struct qemu_fds *n, struct qemu_channels *ch,
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

int qemu_start(struct loop *loop, const struct qemu_config *c, const struct qemu_handlers *h,
	struct qemu **ret, struct err *e)
{
	__attribute__((cleanup(qemu_fork_release))) struct qemu_fork_server s =
		QEMU_FORK_SERVER_INIT;
	struct qemu_channels ch = { .n = 0 };
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
		qemu_channels_release(&ch);
		return r;
	}
	q = qemu_process_new(loop, h, &n, qemu_n_ports(c), proc, &ch);
	q->exit_port = c->os && c->os->exit_port;
	q->holds = c->holds;
	q->stopped = c->stopped;
	q->nested = c->nested && c->machine != QEMU_VIRT;
	q->qmp = qmp_new(qemu_process_event, q);
	q->fork_fd = TAKE_FD(s.ours);
	q->alone = q->fork_fd >= 0;
	if (c->state_fd)
		qemu_migrate_in(&q->migration, q, c->state_fd, qemu_process_loaded, q);
	else if (!stays_stopped(c))
		qemu_cont(q);
	*ret = q;
	return 0;
}

int qemu_fork(struct qemu *from, const struct qemu_handlers *h, struct qemu **ret, struct err *e)
{
	struct qemu_channels ch = { .n = 0 };
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
		qemu_channels_release(&ch);
		return r;
	}
	q = qemu_process_new(from->loop, h, &from->fds, from->n_ports, proc, &ch);
	q->qmp = qmp_new_greeted(qemu_process_event, q, qmp_greeting(from->qmp));
	q->holds = from->holds;
	q->nested = from->nested;
	q->alone = true;
	qemu_cont(q);
	*ret = q;
	return 0;
}
