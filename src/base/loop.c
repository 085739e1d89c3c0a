/* SPDX-License-Identifier: MIT */
/*
 * Sources live in lists. One removed while a turn runs is only marked dead, because the turn's
 * batch, or an outer turn's, may still point at it; the outermost turn frees it at its end.
 */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop_signal.h"

struct loop_fd {
	struct loop *loop; /* borrowed */
	struct loop_fd *next;
	int fd;
	uint32_t events;
	bool in_epoll, always_ready, dead;
	uint64_t last_turn; /* in which its callback ran */
	loop_fd_cb cb;
	void *arg;
};

struct loop_timer {
	struct loop *loop; /* borrowed */
	struct loop_timer *next;
	int64_t deadline_ms;
	bool dead;
	uint64_t armed_turn; /* in which it was armed: it fires in a later one */
	loop_timer_cb cb;
	void *arg;
};

struct loop {
	int epoll; /* owned */
	struct loop_fd *fds; /* owned */
	struct loop_timer *timers; /* owned */
	struct loop_signals *signals; /* owned */
	uint64_t turn; /* the number of the turn begun last */
	unsigned depth; /* turns running, one within the other */
	bool stop, dead_sources;
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		fprintf(stderr, "vmrig: cannot make an epoll descriptor: %s\n", strerror(errno));
		exit(125);
	}
	return l;
}

/* Frees the dead sources, or ALL. */
static void sweep(struct loop *l, bool all)
{
	for (struct loop_fd **p = &l->fds, *f; (f = *p);) {
		if (f->dead || all) {
			*p = f->next;
			free(f);
		} else {
			p = &f->next;
		}
	}
	for (struct loop_timer **p = &l->timers, *t; (t = *p);) {
		if (t->dead || all) {
			*p = t->next;
			free(t);
		} else {
			p = &t->next;
		}
	}
	l->dead_sources = false;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	BUG_ON(l->depth);
	loop_signals_free(l->signals);
	sweep(l, true);
	fd_close(l->epoll);
	free(l);
}

void loop_freep(struct loop **l)
{
	loop_free(*l);
}

struct loop_signals **loop_signals_of(struct loop *l)
{
	return &l->signals;
}

struct loop_fd *loop_fd_add(struct loop *l, int fd, uint32_t events, loop_fd_cb cb, void *arg)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));

	*f = (struct loop_fd){ .loop = l, .next = l->fds, .fd = fd, .cb = cb, .arg = arg };
	l->fds = f;
	loop_fd_set(f, events);
	return f;
}

void loop_fd_set(struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };
	bool want = events != 0;
	int op = !want ? EPOLL_CTL_DEL : f->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	BUG_ON(f->dead);
	if (f->events == events)
		return;
	f->events = events;
	if (f->always_ready || (!want && !f->in_epoll))
		return;
	/* DEL fails where the descriptor was closed too early; epoll forgot it then. */
	if (epoll_ctl(f->loop->epoll, op, f->fd, &ev) == 0 || op == EPOLL_CTL_DEL) {
		f->in_epoll = want;
		return;
	}
	if (errno == EPERM && op == EPOLL_CTL_ADD) {
		f->always_ready = true;
		return;
	}
	fprintf(stderr, "vmrig: cannot wait for descriptor %d: %s\n", f->fd, strerror(errno));
	BUG_ON(true);
}

void loop_fd_remove(struct loop_fd *f)
{
	if (!f)
		return;
	loop_fd_set(f, 0);
	f->dead = true;
	f->loop->dead_sources = true;
	if (f->loop->depth == 0)
		sweep(f->loop, false);
}

struct loop_timer *loop_timer_add(struct loop *l, int64_t deadline_ms, loop_timer_cb cb, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	*t = (struct loop_timer){ .loop = l, .next = l->timers, .cb = cb, .arg = arg };
	l->timers = t;
	loop_timer_set(t, deadline_ms);
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t deadline_ms)
{
	BUG_ON(t->dead);
	t->deadline_ms = deadline_ms;
	t->armed_turn = t->loop->depth ? t->loop->turn : 0;
}

void loop_timer_remove(struct loop_timer *t)
{
	if (!t)
		return;
	t->dead = true;
	t->loop->dead_sources = true;
	if (t->loop->depth == 0)
		sweep(t->loop, false);
}

/* How long epoll may wait: until the caller's limit or the next timer, not at all if work waits. */
static int wait_ms(const struct loop *l, int timeout_ms)
{
	int64_t next = CLOCK_NEVER, left;

	for (const struct loop_fd *f = l->fds; f; f = f->next)
		if (f->always_ready && f->events && !f->dead)
			return 0;
	for (const struct loop_timer *t = l->timers; t; t = t->next)
		if (!t->dead && t->deadline_ms < next)
			next = t->deadline_ms;
	if (next == CLOCK_NEVER)
		return timeout_ms;
	left = next < 0 ? 0 : next - clock_ms();
	if (left < 0)
		left = 0;
	if (left > INT_MAX)
		left = INT_MAX;
	return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

static void dispatch(struct loop_fd *f, uint32_t events, uint64_t turn)
{
	/* Gone, muted, or served by a turn within this one: then the event is stale. */
	if (f->dead || f->last_turn >= turn)
		return;
	events &= f->events ? f->events | EPOLLHUP | EPOLLERR : 0;
	if (!events)
		return;
	f->last_turn = turn;
	f->cb(f->arg, f->fd, events);
}

/* The timer that was due first, NULL if none is. Those armed in this turn wait for the next. */
static struct loop_timer *due(struct loop *l, int64_t now_ms, uint64_t turn)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *t = l->timers; t; t = t->next)
		if (!t->dead && t->deadline_ms != CLOCK_NEVER && t->deadline_ms <= now_ms &&
			t->armed_turn < turn && (!first || t->deadline_ms < first->deadline_ms))
			first = t;
	return first;
}

void loop_turn(struct loop *l, int timeout_ms)
{
	struct epoll_event batch[64];
	struct loop_timer *t;
	uint64_t turn;
	int64_t now_ms;
	int n;

	n = epoll_wait(l->epoll, batch, ARRAY_SIZE(batch), wait_ms(l, timeout_ms));
	BUG_ON(n < 0 && errno != EINTR);

	turn = ++l->turn;
	l->depth++;
	for (int i = 0; i < n; i++)
		dispatch(batch[i].data.ptr, batch[i].events, turn);
	for (struct loop_fd *f = l->fds; f; f = f->next)
		if (f->always_ready)
			dispatch(f, EPOLLIN | EPOLLOUT, turn);
	now_ms = clock_ms();
	while ((t = due(l, now_ms, turn))) {
		t->deadline_ms = CLOCK_NEVER;
		t->cb(t->arg);
	}
	if (--l->depth == 0 && l->dead_sources)
		sweep(l, false);
}

void loop_run(struct loop *l)
{
	while (!l->stop)
		loop_turn(l, -1);
	l->stop = false;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
