/* SPDX-License-Identifier: MIT */
/*
 * The life of a guest: boot, mount, run, fetch, leave. The state only moves forward; whatever happens, the
 * way ends in the machine's `ended` event, after which the report is complete and `done` is called from
 * the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "guest/job.h"

#define CONSOLE_KEEP     (256 * 1024)
#define FILE_MAX_DEFAULT (64ull << 20)
#define REQUEST_MAX      WIRE_PAYLOAD_MAX
#define TROUBLE_MAX      64

const char *guest_limit_name(enum guest_limit l)
{
	static const char *const names[] = {
		[LIMIT_BOOT] = "boot",
		[LIMIT_TEST] = "test",
		[LIMIT_IDLE] = "idle",
		[LIMIT_HEARTBEAT] = "heartbeat",
		[LIMIT_TOTAL] = "total",
	};

	return l < ARRAY_SIZE(names) ? names[l] : NULL;
}

void job_request(struct job *j, uint8_t type, const struct wire_enc *e)
{
	if (j->channel)
		channel_send_enc(j->channel, type, e);
}

/* The rig itself failed: the first reason is kept. */
void job_fail(struct job *j, const char *fmt, ...)
{
	va_list ap;

	if (!j->report.infra) {
		va_start(ap, fmt);
		j->report.infra = xvasprintf(fmt, ap);
		va_end(ap);
	}
	job_end(j);
}

void job_end(struct job *j)
{
	if (j->state >= JOB_ENDING)
		return;
	j->state = JOB_ENDING;
	job_limits_stop(j);
	if (j->machine)
		machine_stop(j->machine);
	else
		job_over(j, MACHINE_STOPPED, NULL);
}

void job_trouble(struct job *j, const char *text)
{
	if (j->report.trouble.n < TROUBLE_MAX)
		strv_add(&j->report.trouble, text);
}

/* ---- the row of commands ---- */

static void send_exec(struct job *j, size_t i)
{
	const struct job_command *c = &j->spec.commands[i];
	_cleanup_free_ uint8_t *data = xmalloc(REQUEST_MAX);
	_cleanup_free_ char *program = job_program(j, i);
	struct wire_enc e = { .data = data, .cap = REQUEST_MAX };
	size_t n_argv = 0, n_env = 0;

	while (c->argv[n_argv])
		n_argv++;
	while (c->env[n_env])
		n_env++;
	enc_u32(&e, j->first_id + (uint32_t)i);
	enc_strv(&e, (char *const *)(uintptr_t)c->argv, n_argv);
	enc_strv(&e, (char *const *)(uintptr_t)c->env, n_env);
	enc_str(&e, c->cwd);
	enc_str(&e, c->user ? c->user : "");
	enc_u8(&e, c->terminal    ? WIRE_INPUT_TERMINAL
		   : c->has_stdin ? WIRE_INPUT_PIPE
				  : WIRE_INPUT_NONE);
	enc_str(&e, program ? program : "");
	if (e.overflow) {
		job_fail(j, "%s: command line and environment are larger than %d bytes", c->name,
			REQUEST_MAX);
		return;
	}
	j->current = i;
	j->stdin_room = 0;
	job_limits_exec(j);
	job_request(j, WIRE_EXEC, &e);
}

static bool command_ok(const struct job_exit *x)
{
	return x->ended && !x->signalled && x->code == 0;
}

/* Which command comes after I; n_commands when the row is at its end. */
static size_t command_after(const struct job *j, size_t i)
{
	size_t n = j->spec.n_commands;

	if (command_ok(&j->report.exits[i]))
		return i + 1;
	return j->spec.always_last && i + 1 < n ? n - 1 : n;
}

static void leave(struct job *j)
{
	struct wire_enc none = { 0 };

	j->state = JOB_LEAVING;
	j->leaving = true;
	job_request(j, WIRE_SHUTDOWN, &none);
}

static size_t first_command(struct job *j)
{
	if (!j->has_prepared)
		return 0;
	j->report.exits[0].started = j->report.exits[0].ended = true;
	return 1;
}

/* Artifacts are fetched once, before the teardown could remove them. */
void job_next(struct job *j)
{
	size_t n = j->spec.n_commands;
	size_t next = j->state == JOB_MOUNTING ? first_command(j) : command_after(j, j->current);
	bool tests_over = next >= (j->spec.always_last ? n - 1 : n);

	if (j->state >= JOB_LEAVING)
		return;
	if (j->state != JOB_MOUNTING && tests_over && !j->pulled) {
		j->pulled = true;
		j->state = JOB_PULLING;
		if (job_pull_start(j))
			return;
	}
	j->state = JOB_RUNNING;
	if (next < n)
		send_exec(j, next);
	else if (!job_park(j) && !job_keep(j))
		leave(j);
}

/* ---- events ---- */

static void on_console(void *arg, const char *data, size_t len)
{
	struct job *j = arg;

	console_feed(j->console, data, len);
	job_limits_alive(j);
	if (j->h.console)
		j->h.console(j->h.arg, data, len);
	/* A halted machine never ends by itself. */
	if (j->state < JOB_ENDING && splats_kernel_end(console_splats(j->console))->halted &&
		!j->saving && !job_save(j, MOMENT_ENDED, job_end))
		job_end(j);
}

static void on_frame(void *arg, const struct wire_frame *f)
{
	job_frame(arg, f);
}

static void on_closed(void *arg, const char *why)
{
	struct job *j = arg;

	if (why && !j->report.broken)
		j->report.broken = xstrdup(why);
	channel_free(j->channel);
	j->channel = NULL;
	if (why && j->state != JOB_DIAGNOSING)
		job_end(j);
}

/* Who was told forgets the handlers: a guest that was kept may end when nobody listens any more. */
static void finish(void *arg)
{
	struct job *j = arg;
	struct job_handlers h = j->h;

	memset(&j->h, 0, sizeof(j->h));
	if (h.done)
		h.done(h.arg, &j->report);
}

void job_finish(struct job *j)
{
	loop_timer_remove(j->finish);
	j->finish = loop_timer_add(j->loop, clock_ms(), finish, j);
}

void job_over(struct job *j, enum machine_end end, const char *why)
{
	struct job_report *r = &j->report;

	job_pull_end(j);
	job_limits_stop(j);
	j->state = JOB_OVER;
	r->end = end;
	r->end_why = xstrdup(why);
	r->total_ms = clock_ms() - j->start_ms;
	job_step(j, STEP_END);
	splats_end(console_splats(j->console));
	splats_end(j->kmsg);
	if (r->limit == LIMIT_NONE)
		r->n_console = splats_count(console_splats(j->console));
	r->kmsg_whole = (r->bye || r->lived_on) && j->kmsg_next > 0 && !j->kmsg_cut;
	if (console_error(j->console) < 0 && !r->infra)
		r->infra = xasprintf(
			"cannot write the console log: %s", strerror(-console_error(j->console)));
	job_finish(j);
}

static void count_usage(struct job *j)
{
	struct job_report *r = &j->report;
	int64_t cpu_us, maxrss_kib;

	machine_usage(j->machine, &cpu_us, &maxrss_kib);
	r->engine_cpu_us += cpu_us;
	if (maxrss_kib > r->engine_maxrss_kib)
		r->engine_maxrss_kib = maxrss_kib;
}

static void on_ended(void *arg, enum machine_end end, const char *why)
{
	struct job *j = arg;

	job_save_release(j);
	if (j->channel)
		channel_drain(j->channel);
	count_usage(j);
	job_steps_of_machine(j);
	if (!job_next_machine(j, end, why))
		job_over(j, end, why);
}

static void stop(struct job *j)
{
	machine_stop(j->machine);
}

static void on_held(void *arg)
{
	struct job *j = arg;

	if (!job_save(j, MOMENT_ENDED, stop))
		stop(j);
}

const struct machine_handlers job_machine_handlers = {
	.console = on_console,
	.ended = on_ended,
	.held = on_held,
};

/* ---- the caller's side ---- */

void job_listen(struct job *j, const struct job_spec *spec)
{
	j->spec = *spec;
	j->spec.file_max = spec->file_max ? spec->file_max : FILE_MAX_DEFAULT;
	j->kmsg_fd = spec->kmsg_fd;
	j->kmsg_bytes = 0;
	j->console = console_new(CONSOLE_KEEP);
	if (spec->console_fd >= 0)
		console_log_to(j->console, spec->console_fd, j->spec.file_max);
	j->kmsg = splats_new();
	j->start_ms = clock_ms();
	j->start_us = clock_us();
	j->report = (struct job_report){
		.boot_ms = -1,
		.ready_ms = -1,
		.limit_command = -1,
		.console = console_splats(j->console),
		.kmsg = j->kmsg,
		.kernel_end = splats_kernel_end(console_splats(j->console)),
		.exits = xcalloc(spec->n_commands + 1, sizeof(struct job_exit)),
		.n_exits = spec->n_commands,
	};
	job_steps_begin(j);
}

static struct job *job_new(
	struct loop *loop, const struct job_spec *spec, const struct job_handlers *h)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->loop = loop;
	j->plan = guest_plan_ref(spec->plan);
	j->h = *h;
	j->template = (struct machine_template)MACHINE_TEMPLATE_INIT;
	j->first_id = ID_COMMAND;
	job_listen(j, spec);
	return j;
}

/* A closed stream is the machine's end, which tells of itself; a broken one is the guest's doing. */
static void on_share_ended(void *arg, const char *why)
{
	struct job *j = arg;

	if (!why)
		return;
	if (!j->report.broken)
		j->report.broken = xasprintf("the stream of the guest's root: %s", why);
	job_end(j);
}

static int serve_folders(struct job *j, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < j->plan->spec.fs_ports; i++) {
		r = share_new(i ? j->plan->mounts[0].host : j->plan->root_dir, &j->share[i], e);
		if (r == 0)
			j->share_stream[i] = share_stream_new(j->loop, j->share[i],
				machine_fs_fd(j->machine, i), on_share_ended, j);
	}
	return r;
}

int job_attach(struct job *j, struct err *e)
{
	struct channel_handlers ch = { .frame = on_frame, .closed = on_closed, .arg = j };
	int r = serve_folders(j, e);

	if (r == 0)
		j->channel = channel_new(j->loop, machine_channel_fd(j->machine), &ch);
	return r;
}

int job_start(struct loop *loop, const struct job_spec *spec, const struct job_handlers *h,
	struct job **ret, struct err *e)
{
	struct job *j = job_new(loop, spec, h);
	int r;

	job_limits_start(j);
	r = job_begin(j, e);
	if (r < 0) {
		job_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

bool job_takes_stdin(const struct job *j)
{
	return j->state == JOB_RUNNING && j->spec.commands[j->current].has_stdin &&
	       j->report.exits[j->current].started;
}

void job_stdin(struct job *j, const char *data, size_t len)
{
	_cleanup_free_ uint8_t *p = NULL;

	if (!j->channel || !job_takes_stdin(j))
		return; /* the command has ended, which the caller is not told */
	BUG_ON(len > j->stdin_room);
	p = xmalloc(WIRE_PAYLOAD_MAX);
	do {
		size_t n = len < WIRE_PAYLOAD_MAX - 4 ? len : WIRE_PAYLOAD_MAX - 4;
		struct wire_enc e = { .data = p, .cap = WIRE_PAYLOAD_MAX };

		enc_u32(&e, j->first_id + (uint32_t)j->current);
		enc_rest(&e, data, n);
		job_request(j, WIRE_STDIN, &e);
		j->stdin_room -= n;
		data = n ? data + n : data;
		len -= n;
	} while (len);
}

int job_signal(struct job *j, int signo)
{
	uint8_t data[8];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };
	const struct job_exit *x = &j->report.exits[j->current];

	if (!j->channel || j->state != JOB_RUNNING || !x->started || x->ended)
		return -ESRCH;
	enc_u32(&e, j->first_id + (uint32_t)j->current);
	enc_u32(&e, (uint32_t)signo);
	job_request(j, WIRE_SIGNAL, &e);
	return 0;
}

void job_window(struct job *j, uint16_t rows, uint16_t columns)
{
	uint8_t data[8];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };

	if (j->state != JOB_RUNNING)
		return;
	enc_u32(&e, j->first_id + (uint32_t)j->current);
	enc_u16(&e, rows);
	enc_u16(&e, columns);
	job_request(j, WIRE_WINDOW, &e);
}

void job_pause_output(struct job *j, bool paused)
{
	if (j->paused == paused)
		return;
	j->paused = paused;
	if (j->channel)
		channel_pause(j->channel, paused);
	job_limits_pause(j, paused);
}

void job_cancel(struct job *j)
{
	j->report.cancelled = true;
	job_end(j);
}

struct console *job_console(struct job *j)
{
	return j->console;
}

const struct job_report *job_so_far(const struct job *j)
{
	return &j->report;
}

void job_report_release(struct job_report *r)
{
	for (size_t i = 0; i < r->n_exits; i++)
		free(r->exits[i].exec_text);
	free(r->exits);
	free(r->release);
	free(r->agent);
	free(r->end_why);
	free(r->broken);
	free(r->isolate_why);
	free(r->snapshot_why);
	free(r->infra);
	strv_release(&r->trouble);
	strv_release(&r->artifacts);
}

void job_detach(struct job *j)
{
	channel_free(j->channel);
	j->channel = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(j->share); i++) {
		share_stream_free(j->share_stream[i]);
		share_free(j->share[i]);
		j->share_stream[i] = NULL;
		j->share[i] = NULL;
	}
	machine_free(j->machine);
	j->machine = NULL;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	job_limits_stop(j);
	job_save_release(j);
	job_pull_end(j);
	loop_timer_remove(j->finish);
	job_detach(j);
	job_start_release(j);
	console_free(j->console);
	splats_free(j->kmsg);
	fd_close(j->kmsg_fd);
	guest_plan_unref(j->plan);
	job_report_release(&j->report);
	free(j);
}
