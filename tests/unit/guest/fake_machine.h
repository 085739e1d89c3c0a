/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the room `machine`, put in its place when the test is linked: a machine is a socket pair, whose
 * other end the test holds, and counters of what was asked of it. And a clock that stands still unless it is
 * moved, so that limits run out when a test says so and not before.
 */
#ifndef TEST_GUEST_FAKE_MACHINE_H
#define TEST_GUEST_FAKE_MACHINE_H

#include "machine/machine.h"

/* Of the machine started last, since fake_reset(). */
struct fake_machine {
	/* What the test chooses. */
	bool refuse; /* machine_start() fails */
	bool stubborn; /* machine_stop() is counted and does nothing */
	const char *on_sysrq, *on_nmi; /* printed on the console then; NULL: nothing */
	bool no_templates; /* machine_template_key() fails */
	bool cannot_save; /* machine_save() fails */
	bool template_there; /* machine_template_open() finds one; set by a commit */
	bool template_damaged; /* the next machine_template_open() removes it */
	unsigned template_taken; /* so many times somebody else makes it */
	bool no_copies; /* machine_copy() fails */
	bool cannot_pause; /* machine_pause() fails */
	bool loses_copy; /* the next copy's engine ends before the guest ran */
	bool refuses_state; /* the next clone's engine ends before the guest ran */
	enum machine_accel accel; /* that machine_pick_accel() gives; AUTO: it fails */

	/* What happened. */
	unsigned started, ended, freed, sysrqs, nmis, stops;
	unsigned saves, conts, commits, removes, pauses, copies;
	struct machine_spec last; /* of the machine started last */
	char key; /* of the SysRq */
	bool nmi_before_sysrq;
	int fd, fs_fd; /* the guest's ends; -1: closed */
	const struct machine_spec *spec; /* borrowed from the plan */
};
extern struct fake_machine machine;

void fake_reset(void); /* but for a template that is there */
void fake_forget_template(void);
void fake_console(const char *text);
void fake_console_bytes(const char *data, size_t len);
/* The machine ends by itself, in the loop's next turn. */
void fake_end(enum machine_end end, const char *why);

/* The clock, in milliseconds. */
extern int64_t fake_now;

#endif
