/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "harness.h"

/* What the callbacks of a test share. */
struct scene {
	struct loop *loop;
	struct loop_fd *fds[3];
	struct loop_timer *timers[3];
	int count, other;
	uint32_t events;
	char order[16];
};

static void count_fd(void *arg, int fd, uint32_t events)
{
	struct scene *s = arg;

	s->count++;
	s->events = events;
}

static void count_timer(void *arg)
{
	((struct scene *)arg)->count++;
}

static void a_readable_descriptor_is_reported_until_it_is_read(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	struct loop_fd *f;
	int p[2];
	char c;

	assert_int_equal(fd_socketpair(p), 0);
	f = loop_fd_add(l, p[0], EPOLLIN, count_fd, &s);
	loop_turn(l, 0);
	assert_int_equal(s.count, 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	loop_turn(l, -1);
	loop_turn(l, -1);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.events, EPOLLIN);
	assert_int_equal(read(p[0], &c, 1), 1);
	loop_turn(l, 0);
	assert_int_equal(s.count, 2);
	loop_fd_set(f, EPOLLOUT);
	loop_turn(l, -1);
	assert_int_equal(s.events, EPOLLOUT);
	fd_close(p[0]);
	fd_close(p[1]);
	loop_fd_remove(f); /* late, yet harmless */
}

static void a_muted_descriptor_reports_not_even_a_hangup(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	struct loop_fd *f;
	int p[2];

	assert_int_equal(fd_socketpair(p), 0);
	f = loop_fd_add(l, p[0], 0, count_fd, &s);
	fd_close(p[1]);
	loop_turn(l, 0);
	assert_int_equal(s.count, 0);
	loop_fd_set(f, EPOLLIN);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	assert_true(s.events & EPOLLHUP);
	loop_fd_set(f, 0);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	loop_fd_remove(f);
	fd_close(p[0]);
}

static void regular_files_are_always_ready(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	_cleanup_free_ char *path = path_join(*state, "f");
	_cleanup_close_ int fd = -1;
	struct scene s = { .loop = l };
	struct loop_fd *f;

	file_put(path, "x", 1);
	fd = file_open(path, O_RDONLY, NULL);
	f = loop_fd_add(l, fd, EPOLLIN, count_fd, &s);
	loop_turn(l, -1);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.events, EPOLLIN);
	loop_fd_set(f, 0);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	loop_fd_set(f, EPOLLIN);
	loop_turn(l, -1);
	assert_int_equal(s.count, 2);
	loop_fd_remove(f);
	loop_turn(l, 0);
	assert_int_equal(s.count, 2);
}

static void remove_all_fds(void *arg, int fd, uint32_t events)
{
	struct scene *s = arg;

	s->count++;
	for (int i = 0; i < 3; i++) {
		loop_fd_remove(s->fds[i]);
		s->fds[i] = NULL;
	}
}

static void a_source_removed_in_the_same_batch_is_not_called(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	int p[3][2];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fd_socketpair(p[i]), 0);
		assert_int_equal(write(p[i][1], "x", 1), 1);
		s.fds[i] = loop_fd_add(l, p[i][0], EPOLLIN, remove_all_fds, &s);
	}
	loop_turn(l, 0);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	for (int i = 0; i < 3; i++) {
		fd_close(p[i][0]);
		fd_close(p[i][1]);
	}
}

static void read_one_then_turn(void *arg, int fd, uint32_t events)
{
	struct scene *s = arg;
	char c;

	assert_int_equal(read(fd, &c, 1), 1); /* would hang if called for a stale event */
	s->count++;
	loop_turn(s->loop, 0);
}

static void a_turn_within_a_turn_leaves_no_stale_event(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	int p[3][2];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fd_socketpair(p[i]), 0);
		assert_int_equal(write(p[i][1], "x", 1), 1);
		s.fds[i] = loop_fd_add(l, p[i][0], EPOLLIN, read_one_then_turn, &s);
	}
	loop_turn(l, 0);
	loop_turn(l, 0);
	assert_int_equal(s.count, 3);
	for (int i = 0; i < 3; i++) {
		loop_fd_remove(s.fds[i]);
		fd_close(p[i][0]);
		fd_close(p[i][1]);
	}
}

static void note(struct scene *s, char c)
{
	size_t n = strlen(s->order);

	s->order[n] = c;
	s->order[n + 1] = '\0';
}

static void note_a(void *arg)
{
	note(arg, 'a');
}

static void note_b(void *arg)
{
	note(arg, 'b');
}

static void stop_c(void *arg)
{
	struct scene *s = arg;

	note(s, 'c');
	loop_stop(s->loop);
}

static void timers_fire_once_in_the_order_of_their_deadlines(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	int64_t now = clock_ms();

	loop_timer_add(l, now + 10, stop_c, &s);
	loop_timer_add(l, now - 1, note_b, &s);
	loop_timer_add(l, INT64_MIN, note_a, &s);
	loop_timer_add(l, CLOCK_NEVER, note_a, &s);
	loop_run(l);
	assert_string_equal(s.order, "abc");
	assert_true(clock_ms() >= now + 10);
	loop_turn(l, 0);
	assert_string_equal(s.order, "abc");
}

static void arm_again(void *arg)
{
	struct scene *s = arg;

	if (++s->count == 1000)
		loop_stop(s->loop);
	loop_timer_set(s->timers[0], 0);
	loop_timer_remove(loop_timer_add(s->loop, 0, count_timer, s));
}

static void a_timer_armed_by_itself_waits_for_the_next_turn(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };

	s.timers[0] = loop_timer_add(l, 0, arm_again, &s);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	loop_run(l);
	assert_int_equal(s.count, 1000);
}

static void remove_all_timers(void *arg)
{
	struct scene *s = arg;

	s->count++;
	for (int i = 0; i < 3; i++)
		loop_timer_remove(s->timers[i]);
}

static void a_timer_removed_by_another_does_not_fire(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };

	for (int i = 0; i < 3; i++)
		s.timers[i] = loop_timer_add(l, 0, remove_all_timers, &s);
	loop_turn(l, 0);
	loop_turn(l, 0);
	assert_int_equal(s.count, 1);
	loop_timer_remove(NULL);
	loop_fd_remove(NULL);
}

static void a_turn_waits_no_longer_than_asked(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };
	int64_t start = clock_ms();

	loop_timer_add(l, start + 1000 * 1000, count_timer, &s);
	loop_turn(l, 5);
	assert_true(clock_ms() >= start + 4);
	assert_int_equal(s.count, 0);
	loop_stop(l);
	loop_run(l); /* returns at once */
}

static void count_signal(void *arg, int signo)
{
	struct scene *s = arg;

	if (signo == SIGUSR1)
		s->count++;
	else
		s->other++;
}

static void signals_come_to_every_listener(void **state)
{
	struct loop *l = loop_new();
	struct scene s = { .loop = l };
	struct loop_signal *a = loop_signal_add(l, SIGUSR1, count_signal, &s);
	sigset_t mask;

	loop_signal_add(l, SIGUSR1, count_signal, &s);
	loop_signal_add(l, SIGUSR2, count_signal, &s);
	raise(SIGUSR1);
	raise(SIGUSR2);
	loop_turn(l, 1000);
	loop_turn(l, 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.other, 1);
	loop_signal_remove(a);
	loop_signal_remove(NULL);
	raise(SIGUSR1);
	loop_turn(l, 1000);
	assert_int_equal(s.count, 3);
	loop_free(l);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGUSR1));
	assert_false(sigismember(&mask, SIGUSR2));
}

static struct loop_signal *own;

static void remove_own(void *arg, int signo)
{
	((struct scene *)arg)->count++;
	loop_signal_remove(own);
}

static void a_signal_handler_may_remove_itself(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	struct scene s = { .loop = l };

	own = loop_signal_add(l, SIGUSR1, remove_own, &s);
	loop_signal_add(l, SIGUSR1, count_signal, &s);
	raise(SIGUSR1);
	loop_turn(l, 1000);
	assert_int_equal(s.count, 2);
	raise(SIGUSR1);
	loop_turn(l, 1000);
	assert_int_equal(s.count, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_readable_descriptor_is_reported_until_it_is_read),
		cmocka_unit_test(a_muted_descriptor_reports_not_even_a_hangup),
		in_folder(regular_files_are_always_ready),
		cmocka_unit_test(a_source_removed_in_the_same_batch_is_not_called),
		cmocka_unit_test(a_turn_within_a_turn_leaves_no_stale_event),
		cmocka_unit_test(timers_fire_once_in_the_order_of_their_deadlines),
		cmocka_unit_test(a_timer_armed_by_itself_waits_for_the_next_turn),
		cmocka_unit_test(a_timer_removed_by_another_does_not_fire),
		cmocka_unit_test(a_turn_waits_no_longer_than_asked),
		cmocka_unit_test(signals_come_to_every_listener),
		cmocka_unit_test(a_signal_handler_may_remove_itself),
	};

	return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
