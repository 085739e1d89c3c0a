/* SPDX-License-Identifier: MIT */
/* What the tests of qemu share: cmocka, a loop with a time limit, and a record of what handlers were told. */
#ifndef TEST_QEMU_HARNESS_H
#define TEST_QEMU_HARNESS_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/text.h"
#include "qemu/qemu.h"

/* Far above what a loaded machine needs; a test that comes here has failed. */
#define LIMIT_MS 30000

static inline int folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/qemu-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

static inline size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct record {
	struct loop *loop;
	struct qemu *qemu;
	struct buf console;
	int ends;
	enum qemu_end end;
	char *why;
	bool free_on_console, free_on_end, timed_out;
};

static inline void record_console(void *arg, const char *data, size_t len)
{
	struct record *r = arg;

	assert_int_equal(r->ends, 0);
	buf_add(&r->console, data, len);
	if (r->free_on_console) {
		qemu_free(TAKE_PTR(r->qemu));
		loop_stop(r->loop);
	}
}

static inline void record_end(void *arg, enum qemu_end end, const char *why)
{
	struct record *r = arg;

	r->ends++;
	r->end = end;
	str_replace(&r->why, why);
	if (r->free_on_end)
		qemu_free(TAKE_PTR(r->qemu));
	loop_stop(r->loop);
}

static inline void record_limit(void *arg)
{
	struct record *r = arg;

	r->timed_out = true;
	loop_stop(r->loop);
}

static inline void record_start(struct record *r, const struct qemu_config *c)
{
	struct qemu_handlers h = { record_console, record_end, r };
	struct err e = ERR_INIT;

	r->loop = loop_new();
	if (qemu_start(r->loop, c, &h, &r->qemu, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_int_equal(r->ends, 0);
}

/* Turns the loop until the end, or a handler that stops it. */
static inline void record_run(struct record *r)
{
	struct loop_timer *t = loop_timer_add(r->loop, clock_ms() + LIMIT_MS, record_limit, r);

	loop_run(r->loop);
	loop_timer_remove(t);
	assert_false(r->timed_out);
}

static inline void record_release(struct record *r)
{
	qemu_free(r->qemu);
	loop_free(r->loop);
	buf_release(&r->console);
	free(r->why);
	*r = (struct record){ 0 };
}

#endif
