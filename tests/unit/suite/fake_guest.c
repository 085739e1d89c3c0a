/* SPDX-License-Identifier: MIT */
#include "fake_guest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "guest/guest.h"
#include "variant/variant.h"

struct fake_counts fake;
struct fake_pool fake_pool;

void fake_reset(void)
{
	fake = (struct fake_counts){ 0 };
}

/* ---- kernels: "missing" is not there, "bare" has no CONFIG_NEEDED ---- */

int variant_resolve(const char *spec, const char *arch, const char *cwd, struct strv *ret_places,
	struct kernel *ret, struct err *e)
{
	fake.resolved++;
	snprintf(fake.last_arch, sizeof(fake.last_arch), "%s", arch ? arch : "");
	if (spec && streq(spec, "missing")) {
		err_set(e, -ENOENT, "no kernel 'missing'");
		return err_hint(e, "Fetch it.");
	}
	*ret = (struct kernel){ .label = xstrdup(spec ? spec : "default"),
		.release = xstrdup("6.1"),
		.arch = xstrdup(arch ? arch : arch_host()) };
	return 0;
}

void kernel_release(struct kernel *k)
{
	free(k->label);
	free(k->release);
	free(k->arch);
	*k = (struct kernel){ 0 };
}

int kernel_config(const struct kernel *k, struct kconfig **ret, struct err *e)
{
	const char *text =
		streq(k->label, "bare") ? "CONFIG_OTHER=y\n" : "CONFIG_NEEDED=m\nCONFIG_HZ=250\n";
	int r;

	if (streq(k->label, "unknown"))
		return err_set(e, -ENODATA, "no configuration");
	r = file_write_atomic("fake.config", text, strlen(text), 0600, e);
	return r < 0 ? r : kconfig_load("fake.config", ret, e);
}

/* ---- plans ---- */

struct guest_plan {
	unsigned refs;
	struct kernel kernel;
	struct machine_spec spec;
	struct strv notes;
	bool deterministic;
};

static void note(const char *sign, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(fake.wanted);

		snprintf(fake.wanted + at, sizeof(fake.wanted) - at, " %s%s", sign,
			path_base(paths[i]));
	}
}

int guest_prepare(const struct kernel *kernel, const struct guest_wish *w, struct guest_plan **ret,
	struct err *e)
{
	struct guest_plan *p;

	fake.prepared++;
	fake.wanted[0] = '\0';
	note("", w->programs, w->n_programs);
	note("+", w->puts, w->n_puts);
	if (streq(kernel->label, "unbootable"))
		return err_set(e, -ENOTSUP, "kernel lacks CONFIG_VIRTIO");
	p = xcalloc(1, sizeof(*p));
	p->refs = 1;
	p->kernel.label = xstrdup(kernel->label);
	p->spec = (struct machine_spec){
		.accel = ACCEL_TCG,
		.type = MACHINE_MICROVM,
		.cpus = w->cpus,
		.memory_mib = w->memory_mib ? w->memory_mib : 512,
	};
	p->deterministic = w->deterministic;
	*ret = p;
	return 0;
}

struct guest_plan *guest_plan_ref(struct guest_plan *p)
{
	p->refs++;
	return p;
}

void guest_plan_unref(struct guest_plan *p)
{
	if (!p || --p->refs)
		return;
	kernel_release(&p->kernel);
	free(p);
}

int guest_plan_describe(const struct guest_plan *p, struct strv *ret, struct err *e)
{
	strv_add(ret, "fake-engine");
	return 0;
}

const struct machine_spec *guest_plan_spec(const struct guest_plan *p)
{
	return &p->spec;
}

const char *guest_plan_engine(const struct guest_plan *p)
{
	return "fake 1.0";
}

const char *guest_plan_accel_why(const struct guest_plan *p)
{
	return "tcg: it is a fake";
}

const struct strv *guest_plan_notes(const struct guest_plan *p)
{
	return &p->notes;
}

const struct kernel *guest_plan_kernel(const struct guest_plan *p)
{
	return &p->kernel;
}

const char *guest_plan_one_off(const struct guest_plan *p)
{
	return NULL;
}

const char *guest_step_name(enum guest_step s)
{
	return s == STEP_AGENT ? "agent" : "another";
}

const char *guest_isolate_name(enum guest_isolate i)
{
	return i == ISOLATE_CLONE ? "clone" : "boot";
}

const char *guest_limit_name(enum guest_limit l)
{
	return l == LIMIT_NONE ? NULL : "test";
}

/* ---- jobs ---- */

struct job {
	struct loop *loop;
	struct job_spec spec;
	struct job_handlers h;
	struct guest_plan *plan;
	struct console *console;
	struct splats *kmsg;
	struct loop_timer *timer;
	struct job_report report;
	struct console_end end;
	size_t at; /* the command that runs */
	bool running, over, stubborn, parked;
};

static const char *word(const struct job_command *c, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; c->argv[i]; i++)
		if (strncmp(c->argv[i], name, n) == 0)
			return c->argv[i] + n;
	return NULL;
}

static int64_t number(const struct job_command *c, const char *name)
{
	const char *v = word(c, name);

	return v ? strtoll(v, NULL, 10) : 0;
}

static void job_over(struct job *j)
{
	j->over = true;
	fake.running--;
	splats_end(j->kmsg);
	splats_end(console_splats(j->console));
	j->report.n_console = splats_count(console_splats(j->console));
	j->report.total_ms = 1;
	j->h.done(j->h.arg, &j->report);
}

static void say(struct job *j, int stream, const char *text)
{
	_cleanup_free_ char *line = text ? xasprintf("%s\n", text) : NULL;

	if (line)
		j->h.output(j->h.arg, j->at, stream, line, strlen(line));
}

static void flood(struct job *j, size_t n)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (size_t len; n; n -= len) {
		len = n < sizeof(block) ? n : sizeof(block);
		j->h.output(j->h.arg, j->at, 1, block, len);
	}
}

static void panic(struct job *j)
{
	static const char text[] = "[    1.000000] Kernel panic - not syncing: fake\n";

	console_feed(j->console, text, strlen(text));
	splats_feed(j->kmsg, text, strlen(text));
	j->report.end = MACHINE_PANICKED;
	job_over(j);
}

static void start_command(struct job *j)
{
	const struct job_command *c = &j->spec.commands[j->at];

	j->running = true;
	j->report.exits[j->at].started = true;
	j->h.started(j->h.arg, j->at);
	say(j, 1, word(c, "out="));
	say(j, 2, word(c, "err="));
	flood(j, (size_t)number(c, "flood="));
	if (number(c, "signal="))
		kill(getpid(), (int)number(c, "signal="));
	if (word(c, "panic")) {
		panic(j);
		return;
	}
	if (!j->stubborn && !word(c, "hang"))
		loop_timer_set(j->timer, clock_ms() + number(c, "after="));
}

static void next_command(struct job *j)
{
	struct job_exit *x = &j->report.exits[j->at];

	x->ended = true;
	x->code = (int)number(&j->spec.commands[j->at], "exit=");
	x->wall_us = 1000;
	j->running = false;
	j->at++;
	if (x->code && j->spec.always_last && j->at < j->spec.n_commands)
		j->at = j->spec.n_commands - 1;
	else if (x->code)
		j->at = j->spec.n_commands;
	if (j->at < j->spec.n_commands) {
		start_command(j);
		return;
	}
	j->report.bye = true;
	j->report.kept = j->spec.keep;
	j->report.kmsg_whole = true;
	j->report.end = MACHINE_POWERED_OFF;
	job_over(j);
}

static void park(struct job *j)
{
	j->parked = !fake_pool.park_fails;
	j->report.kept = j->parked;
	j->over = true;
	j->h.done(j->h.arg, &j->report);
}

static void on_timer(void *arg)
{
	static const char boot[] = "[    0.000000] Linux version fake\n";
	struct job *j = arg;

	if (j->spec.park) {
		park(j);
	} else if (j->report.cancelled && !j->stubborn) {
		j->report.end = MACHINE_STOPPED;
		job_over(j);
	} else if (j->report.ready && !j->running && j->at == 0) {
		start_command(j);
	} else if (!j->report.ready) {
		j->report.connected = j->report.ready = true;
		j->report.boot_ms = 1;
		j->report.release = xstrdup("6.1.0-fake");
		console_feed(j->console, boot, strlen(boot));
		j->h.ready(j->h.arg);
		start_command(j);
	} else {
		next_command(j);
	}
}

int job_start(struct loop *loop, const struct job_spec *spec, const struct job_handlers *h,
	struct job **ret, struct err *e)
{
	struct job *j;

	for (size_t i = 0; i < spec->n_commands; i++) {
		if (!word(&spec->commands[i], "nostart"))
			continue;
		fd_close(spec->console_fd);
		fd_close(spec->kmsg_fd);
		return err_set(e, -EIO, "the engine does not start");
	}
	j = xcalloc(1, sizeof(*j));
	*j = (struct job){
		.loop = loop, .spec = *spec, .h = *h, .plan = guest_plan_ref(spec->plan)
	};
	for (size_t i = 0; i < spec->n_commands; i++)
		j->stubborn = j->stubborn || word(&spec->commands[i], "stubborn");
	j->console = console_new(65536);
	console_log_to(j->console, spec->console_fd, 1 << 20);
	j->kmsg = splats_new();
	j->report.exits = xcalloc(spec->n_commands, sizeof(struct job_exit));
	j->report.n_exits = spec->n_commands;
	j->report.console = console_splats(j->console);
	j->report.kmsg = j->kmsg;
	j->report.kernel_end = &j->end;
	j->report.limit_command = -1;
	for (size_t i = 0; i < GUEST_STEPS; i++)
		j->report.steps_us[i] = i == STEP_AGENT ? 1500 : -1;
	j->timer = loop_timer_add(loop, clock_ms() + 1, on_timer, j);
	if (fake_pool.can_park && spec->isolate == ISOLATE_CLONE)
		j->report.isolate = ISOLATE_CLONE;
	j->report.deterministic = spec->plan->deterministic;
	fake.copies += spec->copy_of != NULL;
	if (spec->park) {
		fake.parks++;
		fake.parked++;
		*ret = j;
		return 0;
	}
	fake.started++;
	if (++fake.running > fake.most_running)
		fake.most_running = fake.running;
	fake.last_cpus = spec->plan->spec.cpus;
	*ret = j;
	return 0;
}

bool job_can_park(const struct guest_plan *p)
{
	return fake_pool.can_park;
}

bool job_parked(const struct job *j)
{
	return j->parked && !fake_pool.parked_died;
}

bool job_usable(const struct job *j)
{
	return j->report.kept;
}

void job_again(struct job *j, const struct job_spec *spec, const struct job_handlers *h)
{
	fake.reused++;
	fake.running++;
	fd_close(j->spec.kmsg_fd);
	console_free(j->console);
	splats_free(j->kmsg);
	free(j->report.exits);
	j->spec = *spec;
	j->h = *h;
	j->at = 0;
	j->over = false;
	j->console = console_new(65536);
	console_log_to(j->console, spec->console_fd, 1 << 20);
	j->kmsg = splats_new();
	j->report.exits = xcalloc(spec->n_commands, sizeof(struct job_exit));
	j->report.n_exits = spec->n_commands;
	j->report.console = console_splats(j->console);
	j->report.kmsg = j->kmsg;
	j->report.kept = j->report.bye = false;
	loop_timer_set(j->timer, clock_ms() + 1);
}

void job_stdin(struct job *j, const char *data, size_t len)
{
}

int job_signal(struct job *j, int signo)
{
	return -ESRCH;
}

void job_pause_output(struct job *j, bool paused)
{
}

void job_cancel(struct job *j)
{
	j->report.cancelled = true;
	if (!j->stubborn)
		loop_timer_set(j->timer, clock_ms());
}

const struct job_report *job_so_far(const struct job *j)
{
	return &j->report;
}

void job_window(struct job *j, uint16_t rows, uint16_t columns)
{
}

struct console *job_console(struct job *j)
{
	return j->console;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	if (j->spec.park)
		fake.parked--;
	else
		fake.freed++;
	if (!j->over && !j->spec.park)
		fake.running--;
	loop_timer_remove(j->timer);
	fd_close(j->spec.kmsg_fd);
	console_free(j->console);
	splats_free(j->kmsg);
	guest_plan_unref(j->plan);
	free(j->report.exits);
	free(j->report.release);
	free(j);
}
