/* SPDX-License-Identifier: MIT */
/* Signals as events: blocked, and read from one signalfd(2) a loop. */
#include "base/loop_signal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/fd.h"

struct loop_signal {
	struct loop_signals *all; /* borrowed */
	struct loop_signal *next;
	int signo;
	bool dead;
	loop_signal_cb cb;
	void *arg;
};

struct loop_signals {
	int fd; /* owned: the signalfd */
	struct loop_fd *source; /* owned */
	struct loop_signal *list; /* owned */
	unsigned busy; /* callbacks running: the dead are freed after the last */
};

/* The mask is the process's, so this is too. */
static struct {
	bool known;
	sigset_t original;
	unsigned users[NSIG];
} mask;

void loop_original_mask(sigset_t *ret)
{
	if (mask.known)
		*ret = mask.original;
	else
		pthread_sigmask(SIG_SETMASK, NULL, ret);
}

static void block(int signo)
{
	sigset_t set;

	if (!mask.known) {
		pthread_sigmask(SIG_SETMASK, NULL, &mask.original);
		mask.known = true;
	}
	mask.users[signo]++;
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void unblock(int signo)
{
	sigset_t set;

	if (--mask.users[signo] || sigismember(&mask.original, signo))
		return;
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Makes the signalfd listen to what the list has; returns it. */
static int update(struct loop_signals *all)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (const struct loop_signal *s = all->list; s; s = s->next)
		if (!s->dead)
			sigaddset(&set, s->signo);
	fd = signalfd(all->fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	BUG_ON(fd < 0);
	return fd;
}

static void sweep(struct loop_signals *all)
{
	for (struct loop_signal **p = &all->list, *s; (s = *p);) {
		if (s->dead) {
			*p = s->next;
			free(s);
		} else {
			p = &s->next;
		}
	}
}

static void deliver(void *arg, int fd, uint32_t events)
{
	struct loop_signals *all = arg;
	struct signalfd_siginfo info;

	all->busy++;
	while (read(fd, &info, sizeof(info)) == sizeof(info))
		for (struct loop_signal *s = all->list; s; s = s->next)
			if (!s->dead && s->signo == (int)info.ssi_signo)
				s->cb(s->arg, s->signo);
	if (--all->busy == 0)
		sweep(all);
}

struct loop_signal *loop_signal_add(struct loop *l, int signo, loop_signal_cb cb, void *arg)
{
	struct loop_signals **place = loop_signals_of(l), *all = *place;
	struct loop_signal *s;

	BUG_ON(signo < 1 || signo >= NSIG);
	if (!all) {
		all = *place = xcalloc(1, sizeof(*all));
		all->fd = -1;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct loop_signal){
		.all = all, .next = all->list, .signo = signo, .cb = cb, .arg = arg
	};
	all->list = s;
	block(signo);
	all->fd = update(all);
	if (!all->source)
		all->source = loop_fd_add(l, all->fd, EPOLLIN, deliver, all);
	return s;
}

void loop_signal_remove(struct loop_signal *s)
{
	struct loop_signals *all;

	if (!s)
		return;
	all = s->all;
	s->dead = true;
	update(all);
	unblock(s->signo);
	if (!all->busy)
		sweep(all);
}

void loop_signals_free(struct loop_signals *all)
{
	if (!all)
		return;
	while (all->list)
		loop_signal_remove(all->list);
	loop_fd_remove(all->source);
	fd_close(all->fd);
	free(all);
}
