/* SPDX-License-Identifier: MIT */
/* How a run ends: a moment for last words, a look at the CPUs where something went wrong, and the ladder. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "os/private.h"

#define COLLECT_MS     2000
#define REGISTERS_FILE "registers.txt"
#define LAST_SCREEN    "end"
#define REGISTERS_MAX  (1u << 20)

const char *os_rung_name(enum os_rung r)
{
	static const char *const names[] = {
		[OS_RUNG_SSH] = "ssh",
		[OS_RUNG_BUTTON] = "acpi",
		[OS_RUNG_QUIT] = "quit",
		[OS_RUNG_TERM] = "term",
		[OS_RUNG_KILL] = "kill",
	};

	return names[r];
}

/* ---- the ladder ---- */

static int64_t time_of(const struct os *o, enum os_rung r)
{
	const struct os_shutdown *s = &o->spec.shutdown;

	switch (r) {
	case OS_RUNG_SSH:
		return o->ssh_answered ? s->ssh_ms : 0;
	case OS_RUNG_BUTTON:
		return s->button_ms;
	case OS_RUNG_QUIT:
		return s->quit_ms;
	case OS_RUNG_TERM:
		return s->term_ms;
	default:
		return 0;
	}
}

static void take_rung(struct os *o, enum os_rung r)
{
	static const enum machine_ask asks[] = {
		[OS_RUNG_BUTTON] = MACHINE_ASK_BUTTON,
		[OS_RUNG_QUIT] = MACHINE_ASK_QUIT,
		[OS_RUNG_TERM] = MACHINE_ASK_TERM,
	};

	while (r < OS_RUNG_KILL && !time_of(o, r))
		r++;
	o->report.rung = r;
	if (r == OS_RUNG_KILL) {
		loop_timer_set(o->linger, CLOCK_NEVER);
		machine_stop(o->machine);
		return;
	}
	loop_timer_set(o->linger, clock_ms() + time_of(o, r));
	if (r == OS_RUNG_SSH)
		os_farewell(o);
	else
		machine_ask(o->machine, asks[r]);
}

static void next_rung(struct os *o)
{
	if (o->report.rung == OS_RUNG_SSH)
		strv_addf(&o->report.trouble,
			"the system did not power off within %lld ms of being told over SSH",
			(long long)o->spec.shutdown.ssh_ms);
	if (o->report.rung == OS_RUNG_BUTTON)
		strv_addf(&o->report.trouble,
			"the system did not power off within %lld ms of the power button",
			(long long)o->spec.shutdown.button_ms);
	take_rung(o, o->report.rung + 1);
}

void os_end(struct os *o, bool in_order)
{
	if (o->state >= OS_ENDING)
		return;
	o->state = OS_ENDING;
	os_limits_stop(o);
	/* Nobody wants to know whether each copy of a machine can be shut down. */
	take_rung(o, in_order && !o->report.cloned ? OS_RUNG_SSH : OS_RUNG_QUIT);
}

void os_rung_refused(struct os *o)
{
	if (o->state != OS_ENDING || o->report.rung != OS_RUNG_SSH)
		return;
	strv_add(&o->report.trouble, "the user of SSH may not power the system off");
	take_rung(o, OS_RUNG_BUTTON);
}

/* ---- what the CPUs do ---- */

static void on_registers(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct os *o = arg;
	const char *text = json_string_value(ret);
	_cleanup_free_ char *path = path_join(o->spec.dir, REGISTERS_FILE);
	size_t len = text ? strlen(text) : 0;

	if (o->state != OS_COLLECTING)
		return;
	if (len && file_write_atomic(
			   path, text, len < REGISTERS_MAX ? len : REGISTERS_MAX, 0644, NULL) == 0)
		strv_add(&o->report.artifacts, REGISTERS_FILE);
	os_end(o, false);
}

/* A machine without a display has none. */
static void on_last_screen(void *arg, const struct machine_screenshot *s, const char *error)
{
	struct os *o = arg;

	if (o->state != OS_COLLECTING)
		return;
	if (!error)
		os_keep_screen(o, LAST_SCREEN, "", s->png, s->len);
	machine_command(o->machine, "human-monitor-command",
		json_pack("{s:s}", "command-line", "info registers -a"), on_registers, o);
}

void os_collect(struct os *o)
{
	if (o->state >= OS_COLLECTING)
		return;
	o->state = OS_COLLECTING;
	os_limits_stop(o);
	loop_timer_set(o->linger, clock_ms() + COLLECT_MS);
	machine_screenshot(o->machine, on_last_screen, o);
}

void os_on_linger(void *arg)
{
	struct os *o = arg;

	switch (o->state) {
	case OS_LINGERING:
		os_collect(o);
		break;
	case OS_COLLECTING:
		os_end(o, false);
		break;
	case OS_ENDING:
		next_rung(o);
		break;
	default:
		break;
	}
}
