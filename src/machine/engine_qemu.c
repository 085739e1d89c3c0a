/* SPDX-License-Identifier: MIT */
/* The engine "qemu": a QEMU that runs, and its ends as a machine's. */
#include "machine/engine_qemu.h"
#include "base/alloc.h"
#include "machine/engine.h"

struct state {
	struct qemu *qemu; /* owned */
	struct machine_handlers h;
	engine_event_cb event;
	bool uart;
	unsigned fs_ports;
	bool watches_timer; /* see timer_lost() */
	size_t matched;
	bool timer_lost;
};

/*
 * Linux measures the APIC timer against the TSC, and a host that holds the vCPU back for 100 ms at that
 * moment makes it come out as nothing. On q35 the ACPI timer corrects it; microvm has no other clock, so the
 * kernel gives the timer up, says so, and stands still for ever. That is the rig's failure, not the
 * kernel's. The marker's first letter comes but once, so one counter matches it.
 */
static bool timer_lost(struct state *s, const char *data, size_t len)
{
	static const char marker[] = "APIC frequency too slow, disabling";

	for (size_t i = 0; i < len; i++) {
		if (data[i] == marker[s->matched])
			s->matched++;
		else
			s->matched = data[i] == marker[0];
		if (s->matched == sizeof(marker) - 1)
			return true;
	}
	return false;
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct state *s = arg;

	if (s->watches_timer && !s->timer_lost && timer_lost(s, data, len)) {
		s->timer_lost = true;
		qemu_stop(s->qemu);
	}
	if (s->h.console)
		s->h.console(s->h.arg, data, len);
}

static enum machine_end end_of(enum qemu_end end)
{
	switch (end) {
	case QEMU_RUNNING:
		return MACHINE_RUNNING;
	case QEMU_GUEST_SHUTDOWN:
		return MACHINE_POWERED_OFF;
	case QEMU_GUEST_RESET:
		return MACHINE_RESET;
	case QEMU_TRIPLE_FAULT:
		return MACHINE_TRIPLE_FAULT;
	case QEMU_GUEST_PANIC:
		return MACHINE_PANICKED;
	case QEMU_GUEST_EXIT:
		return MACHINE_EXITED;
	case QEMU_STOPPED:
		return MACHINE_STOPPED;
	case QEMU_DIED:
		break;
	}
	return MACHINE_DIED;
}

static void on_ended(void *arg, enum qemu_end end, const char *why)
{
	struct state *s = arg;

	if (s->timer_lost && end == QEMU_STOPPED) {
		end = QEMU_DIED;
		why = "the host was too busy for the guest's kernel to calibrate its timer; "
		      "--machine q35 does not depend on it";
	}
	if (s->h.ended)
		s->h.ended(s->h.arg, end_of(end), why);
}

static void on_loaded(void *arg)
{
	struct state *s = arg;

	if (s->h.loaded)
		s->h.loaded(s->h.arg);
}

static void on_event(void *arg, const char *name, const json_t *data)
{
	struct state *s = arg;

	s->event(s->h.arg, name, data);
}

static void on_held(void *arg)
{
	struct state *s = arg;

	if (s->h.held)
		s->h.held(s->h.arg);
	else
		qemu_stop(s->qemu);
}

static struct state *state_new(const struct machine_handlers *h, engine_event_cb event, bool uart,
	unsigned fs_ports, struct qemu_handlers *ret)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->h = *h;
	s->event = event;
	s->uart = uart;
	s->fs_ports = fs_ports;
	*ret = (struct qemu_handlers){ on_console, on_ended, s, on_loaded, on_event, on_held };
	return s;
}

static int start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, engine_event_cb event, struct machine *m, struct err *e)
{
	__attribute__((cleanup(engine_config_release))) struct engine_config c = { 0 };
	struct state *s;
	struct qemu_handlers qh;
	int r = engine_configure(spec, &c, e);

	if (r < 0)
		return r;
	s = state_new(h, event, spec->channel == CHANNEL_UART, spec->fs_ports, &qh);
	s->watches_timer = spec->type == MACHINE_MICROVM && spec->accel != ACCEL_KVM && !spec->os;
	r = qemu_start(loop, &c.q, &qh, &s->qemu, e);
	if (r < 0) {
		free(s);
		return r;
	}
	m->state = s;
	return 0;
}

/* The ports in qemu_config's order: the agent's, the one for FUSE; the second UART comes behind them. */
static int channel_fd(void *state)
{
	struct state *s = state;

	return qemu_port(s->qemu, s->uart ? s->fs_ports : 0);
}

static int fs_fd(void *state, unsigned i)
{
	struct state *s = state;

	return i < s->fs_ports ? qemu_port(s->qemu, i + (s->uart ? 0 : 1)) : -1;
}

static void save(void *state, int fd, machine_saved_cb cb, void *arg)
{
	qemu_save(((struct state *)state)->qemu, fd, cb, arg);
}

static void cont(void *state)
{
	qemu_cont(((struct state *)state)->qemu);
}

static bool ran(void *state)
{
	return qemu_ran(((struct state *)state)->qemu);
}

static void times(void *state, struct machine_times *ret)
{
	struct qemu_times t = qemu_times(((struct state *)state)->qemu);

	*ret = (struct machine_times){ t.started_us, t.answered_us, t.loaded_us, t.runs_us };
}

static int serial_fd(void *state, unsigned i)
{
	return qemu_port(((struct state *)state)->qemu, i - 1);
}

static void write_console(void *state, const char *data, size_t len)
{
	qemu_console_write(((struct state *)state)->qemu, data, len);
}

static int exit_value(void *state)
{
	return qemu_exit_value(((struct state *)state)->qemu);
}

static void command(void *state, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	qemu_command(((struct state *)state)->qemu, execute, arguments, cb, arg);
}

static bool talks(void *state)
{
	return qemu_talks(((struct state *)state)->qemu);
}

static void ask(void *state, enum machine_ask how)
{
	static const enum qemu_ask map[] = {
		[MACHINE_ASK_BUTTON] = QEMU_ASK_BUTTON,
		[MACHINE_ASK_QUIT] = QEMU_ASK_QUIT,
		[MACHINE_ASK_TERM] = QEMU_ASK_TERM,
	};

	qemu_ask(((struct state *)state)->qemu, map[how]);
}

static void pause_guest(void *state, machine_saved_cb cb, void *arg)
{
	qemu_pause(((struct state *)state)->qemu, cb, arg);
}

static int copy(void *state, const struct machine_handlers *h, engine_event_cb event,
	struct machine *m, struct err *e)
{
	struct state *from = state, *s;
	struct qemu_handlers qh;
	int r;

	s = state_new(h, event, from->uart, from->fs_ports, &qh);
	r = qemu_fork(from->qemu, &qh, &s->qemu, e);
	if (r < 0) {
		free(s);
		return r;
	}
	m->state = s;
	return 0;
}

static void inject_nmi(void *state)
{
	qemu_inject_nmi(((struct state *)state)->qemu);
}

static void sysrq(void *state, char key)
{
	qemu_sysrq(((struct state *)state)->qemu, key);
}

static json_t *greeting(void *state)
{
	return qemu_greeting(((struct state *)state)->qemu);
}

static size_t console_unsent(void *state)
{
	return qemu_console_unsent(((struct state *)state)->qemu);
}

static void press(void *state, json_t *commands, qmp_reply_cb cb, void *arg)
{
	qemu_press(((struct state *)state)->qemu, commands, cb, arg);
}

static void screen(void *state, qemu_screen_cb cb, void *arg)
{
	qemu_screen(((struct state *)state)->qemu, cb, arg);
}

static void stop(void *state)
{
	qemu_stop(((struct state *)state)->qemu);
}

static void usage(void *state, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib)
{
	qemu_usage(((struct state *)state)->qemu, ret_cpu_us, ret_maxrss_kib);
}

static void release(void *state)
{
	struct state *s = state;

	qemu_free(s->qemu);
	free(s);
}

const struct engine_ops engine_qemu = {
	.name = "qemu",
	.describe = engine_qemu_describe,
	.version = engine_qemu_version,
	.start = start,
	.channel_fd = channel_fd,
	.fs_fd = fs_fd,
	.save = save,
	.cont = cont,
	.ran = ran,
	.times = times,
	.can_save = engine_qemu_can_save,
	.serial_fd = serial_fd,
	.write = write_console,
	.exit_value = exit_value,
	.command = command,
	.talks = talks,
	.ask = ask,
	.can_copy = engine_qemu_can_copy,
	.pause = pause_guest,
	.copy = copy,
	.inject_nmi = inject_nmi,
	.sysrq = sysrq,
	.greeting = greeting,
	.console_unsent = console_unsent,
	.press = press,
	.screen = screen,
	.stop = stop,
	.usage = usage,
	.free = release,
};
