/* SPDX-License-Identifier: MIT */
/*
 * One command in a guest, as if it ran here: our stdin goes to it, its stdout and stderr come to ours, signals
 * are passed on, and we exit as it did. Everything the rig has to say goes to stderr, after the command.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/once.h"
#include "suite/sink.h"
#include "suite/terminal.h"
#include "suite/waiting.h"
#include "variant/variant.h"

#define STDIN_CHUNK        32768
#define HEARTBEAT_LIMIT_MS 60000

/* ---- output ---- */

static void on_sink(void *arg)
{
	struct once *c = arg;
	size_t pending = sink_pending(c->out[0]) + sink_pending(c->out[1]);

	for (int i = 0; i < 2; i++) {
		if (!sink_error(c->out[i]) || c->error_told[i] || !c->job || c->report)
			continue;
		c->error_told[i] = true;
		if (sink_error(c->out[i]) == -EPIPE)
			job_signal(c->job, SIGPIPE);
		else
			job_cancel(c->job);
	}
	if (c->job && !c->report)
		job_pause_output(c->job, pending > SINK_HIGH);
	if (c->report && pending == 0)
		loop_stop(c->loop);
}

static void on_output(void *arg, size_t i, int stream, const char *data, size_t len)
{
	struct once *c = arg;

	sink_write(c->out[stream - 1], data, len);
	if (sink_pending(c->out[stream - 1]) > SINK_HIGH)
		job_pause_output(c->job, true);
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct once *c = arg;

	if (c->o->verbose)
		sink_write(c->out[1], data, len);
}

/* ---- input ---- */

static void on_stdin(void *arg, int fd, uint32_t events)
{
	struct once *c = arg;
	char data[STDIN_CHUNK];
	ssize_t n = read(fd, data, c->room < sizeof(data) ? c->room : sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->in_ended = true;
		job_stdin(c->job, NULL, 0);
	} else {
		c->room -= (size_t)n;
		job_stdin(c->job, data, (size_t)n);
		if (c->o->command.terminal && terminal_escaped(&c->escapes, data, (size_t)n)) {
			c->signal = SIGTERM;
			job_cancel(c->job);
			return;
		}
	}
	if (c->in_ended || c->room == 0) {
		loop_fd_remove(c->in);
		c->in = NULL;
	}
}

static void on_stdin_room(void *arg, size_t bytes)
{
	struct once *c = arg;

	c->room = bytes;
	if (!c->in && !c->in_ended && c->room)
		c->in = loop_fd_add(c->loop, STDIN_FILENO, EPOLLIN, on_stdin, c);
}

/* ---- signals ---- */

/* The first is the command's to handle; the second ends the guest. */
static void on_signal(void *arg, int signo)
{
	struct once *c = arg;

	if (!c->job || c->report)
		return;
	if (c->interrupts++ == 0 && job_signal(c->job, signo) == 0)
		return;
	c->signal = signo;
	job_cancel(c->job);
}

static void tell_window(struct once *c)
{
	uint16_t rows, columns;

	terminal_window(&rows, &columns);
	job_window(c->job, rows, columns);
}

static void on_window(void *arg, int signo)
{
	struct once *c = arg;

	if (c->job && !c->report)
		tell_window(c);
}

static void stop_waiting(struct once *c)
{
	waiting_end(c->waiting);
	c->waiting = NULL;
}

static void on_started(void *arg, size_t i)
{
	struct once *c = arg;

	stop_waiting(c);
	if (!c->o->command.terminal)
		return;
	loop_signal_add(c->loop, SIGWINCH, on_window, c);
	if (terminal_take() == 0)
		tell_window(c);
}

static void on_done(void *arg, const struct job_report *r)
{
	struct once *c = arg;

	c->report = r;
	stop_waiting(c);
	terminal_give_back();
	loop_fd_remove(c->in);
	c->in = NULL;
	if (sink_pending(c->out[0]) + sink_pending(c->out[1]) == 0)
		loop_stop(c->loop);
}

/* Who ends it by a signal has seen enough. */
static bool on_keep(void *arg, enum guest_moment moment)
{
	struct once *c = arg;
	const struct verdict_input in = {
		.report = c->job ? job_so_far(c->job) : NULL,
		.protocol = PROTOCOL_EXIT,
		.expect = EXPECT_PASS,
		.fail_on = c->o->fail_on,
	};

	return in.report && !c->interrupts && verdict_is_failing(&in, moment) &&
	       keep_one_begin(&c->keep);
}

/* ---- the way ---- */

/* nohup(1): what we were told to ignore stays ignored. A shell ignores SIGINT for what it puts in the
 * background; who sends it all the same means it. */
static bool is_nohup(int signo)
{
	struct sigaction sa;

	return signo == SIGHUP && sigaction(signo, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static int prepare_snapshot(struct once *c, struct err *e)
{
	const char *silent;
	int r = guest_snapshot_open(c->o->snapshot, &c->snapshot, e);

	if (r < 0)
		return r;
	c->plan = guest_plan_ref(guest_snapshot_plan(c->snapshot));
	silent = guest_snapshot_silent(c->snapshot);
	if (silent && !c->o->debug) {
		err_set(e, -ENOTCONN, "no shell can be had in %s: %s", c->o->snapshot, silent);
		return err_hint(e,
			"Look at it by a debugger: add --gdb. What it said is in the case's console.log.");
	}
	return c->o->debug ? debug_socket_open(c->o->snapshot, &c->debug, e) : 0;
}

static int prepare(struct once *c, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT, places = STRV_INIT;
	_cleanup_free_ char *line = NULL;
	int r;

	if (c->o->snapshot)
		return prepare_snapshot(c, e);
	r = variant_resolve(
		c->o->kernel, c->o->arch, NULL, c->o->explain ? &places : NULL, &c->kernel, e);
	for (size_t i = 0; i < places.n; i++)
		fprintf(stderr, "%s\n", places.v[i]);
	if (r == 0)
		r = guest_prepare(&c->kernel, &c->o->wish, &c->plan, e);
	if (r < 0 || !c->o->dry_run)
		return r;
	r = guest_plan_describe(c->plan, &argv, e);
	if (r < 0)
		return r;
	line = strv_shell(&argv);
	printf("%s\n", line);
	return 0;
}

/* A template that nobody will want again costs more than it saves. */
static enum guest_isolate isolate_of(const struct once *c)
{
	const char *why = guest_plan_one_off(c->plan);

	if (c->o->isolate != SUITE_ISOLATE_AUTO)
		return c->o->isolate == SUITE_ISOLATE_BOOT ? ISOLATE_BOOT : ISOLATE_CLONE;
	if (why && c->o->verbose)
		fprintf(stderr, "vmrig: booted, not cloned: %s\n", why);
	return why ? ISOLATE_BOOT : ISOLATE_CLONE;
}

static void tell_debugger(const struct once *c)
{
	const struct kernel *k = guest_plan_kernel(c->plan);

	fprintf(stderr,
		"vmrig: the guest stands still, and waits for a debugger; Ctrl-C ends it. In another terminal:\n"
		"  gdb %s -ex 'target remote %s'\n",
		k->vmlinux ? k->vmlinux : "", c->debug.path);
}

/* It ends when we are told to, which is no failure. */
static int conclude_debug(const struct once *c)
{
	const struct job_report *r = c->report;

	if (!r->infra && (r->cancelled || r->end != MACHINE_DIED))
		return 0;
	fprintf(stderr, "vmrig: the guest ended: %s\n",
		r->infra     ? r->infra
		: r->end_why ? r->end_why
			     : "no reason told");
	return EXIT_INFRA;
}

/* With the console or a debugger on stderr there is something else to look at. */
static void start_waiting(struct once *c)
{
	const struct machine_spec *spec = guest_plan_spec(c->plan);
	_cleanup_free_ char *text = xasprintf("waiting for the guest: kernel %s, %s by %s",
		guest_plan_kernel(c->plan)->label, machine_type_name(spec->type),
		machine_accel_name(spec->accel));

	if (!c->o->verbose && !c->o->debug)
		c->waiting = waiting_new(c->loop, text);
}

static int run(struct once *c, struct err *e)
{
	const struct job_spec spec = {
		.plan = c->plan,
		.name = path_base(c->o->command.argv[0]),
		.isolate = isolate_of(c),
		.commands = &c->o->command,
		.n_commands = c->o->debug ? 0 : 1,
		.resume = c->snapshot,
		.snapshot_dir = c->keep.dir,
		.debug_fd = c->o->debug ? c->debug.fd : 0,
		.boot_ms = c->o->boot_ms,
		.idle_ms = c->o->idle_ms,
		.total_ms = c->o->total_ms,
		.heartbeat_ms = HEARTBEAT_LIMIT_MS,
		.console_fd = -1,
		.kmsg_fd = -1,
	};
	const struct job_handlers h = {
		.started = on_started,
		.output = on_output,
		.console = on_console,
		.stdin_room = on_stdin_room,
		.done = on_done,
		.arg = c,
		.keep = on_keep,
	};
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int r;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!is_nohup(signals[i]))
			loop_signal_add(c->loop, signals[i], on_signal, c);
	c->out[0] = sink_new(c->loop, STDOUT_FILENO, on_sink, c);
	c->out[1] = sink_new(c->loop, STDERR_FILENO, on_sink, c);
	for (size_t i = 0; i < guest_plan_notes(c->plan)->n; i++)
		fprintf(stderr, "vmrig: %s\n", guest_plan_notes(c->plan)->v[i]);
	c->asked_us = clock_us();
	r = job_start(c->loop, &spec, &h, &c->job, e);
	if (r < 0)
		return r;
	start_waiting(c);
	if (c->o->debug)
		tell_debugger(c);
	loop_run(c->loop);
	return c->o->debug ? conclude_debug(c) : once_conclude(c);
}

int once_run(const struct once_options *o, struct err *e)
{
	struct once c = { .o = o, .began_us = clock_us(), .debug = DEBUG_SOCKET_INIT };
	int r;

	c.loop = loop_new();
	if (o->keep_failed)
		keep_one_init(&c.keep, o->keep_dir);
	r = prepare(&c, e);
	if (r == 0 && !o->dry_run)
		r = run(&c, e);
	terminal_give_back();
	stop_waiting(&c);
	job_free(c.job);
	sink_free(c.out[0]);
	sink_free(c.out[1]);
	guest_plan_unref(c.plan);
	guest_snapshot_free(c.snapshot);
	debug_socket_close(&c.debug);
	keep_one_release(&c.keep);
	kernel_release(&c.kernel);
	loop_free(c.loop);
	return r < 0 ? EXIT_INFRA : r;
}
