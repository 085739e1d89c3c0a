/* SPDX-License-Identifier: MIT */
/*
 * An event loop over epoll: descriptors, timers, signals, and work deferred to the next turn.
 * Single-threaded; callbacks may add and remove any source, their own included, at any time.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_signal;

struct loop *loop_new(void); /* never NULL; a failure of epoll_create is fatal */
void loop_free(struct loop *l); /* removes what is left; closes no descriptor of the callers */
#define _cleanup_loop_ __attribute__((cleanup(loop_freep)))
void loop_freep(struct loop **l);

/* Runs until loop_stop(); one called before it counts. */
void loop_run(struct loop *l);
/* Waits at most TIMEOUT_MS (-1: for ever) for one batch of events and runs their callbacks. */
void loop_turn(struct loop *l, int timeout_ms);
void loop_stop(struct loop *l);

/* EVENTS: EPOLLIN, EPOLLOUT or both, or 0 to wait for nothing for now (level-triggered; EPOLLHUP and
 * EPOLLERR come always, unless EVENTS is 0). Regular files, which epoll refuses, count as ready.
 * The source is freed by loop_fd_remove(); remove before close(2). */
typedef void (*loop_fd_cb)(void *arg, int fd, uint32_t events);
struct loop_fd *loop_fd_add(struct loop *l, int fd, uint32_t events, loop_fd_cb cb, void *arg);
void loop_fd_set(struct loop_fd *f, uint32_t events);
void loop_fd_remove(struct loop_fd *f); /* NULL is fine */

/* DEADLINE_MS as clock_ms(); CLOCK_NEVER: not armed. One shot; arm again from the callback. */
typedef void (*loop_timer_cb)(void *arg);
struct loop_timer *loop_timer_add(struct loop *l, int64_t deadline_ms, loop_timer_cb cb, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t deadline_ms);
void loop_timer_remove(struct loop_timer *t); /* NULL is fine */

/* Blocks SIGNO for the process and calls CB for each that arrives; children made by proc_spawn()
 * start with the mask that the process began with. Removing the last for SIGNO unblocks it again. */
typedef void (*loop_signal_cb)(void *arg, int signo);
struct loop_signal *loop_signal_add(struct loop *l, int signo, loop_signal_cb cb, void *arg);
void loop_signal_remove(struct loop_signal *s);

#endif
