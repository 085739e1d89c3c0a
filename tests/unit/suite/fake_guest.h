/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the rooms `guest` and `kernel`, put in their place when the test is linked. Commands are
 * lists of words that say what happens in the guest:
 *
 *	out=TEXT err=TEXT	printed, with a newline
 *	flood=N			N bytes printed
 *	after=MS		time until it ends
 *	exit=N			how it ends (0)
 *	signal=N		a signal that our own process gets when the command starts
 *	panic			the kernel dies
 *	hang			nothing more happens until the job is cancelled
 *	stubborn		like hang, and cancelling does not help
 *	nostart			the guest cannot be started
 */
#ifndef TEST_SUITE_FAKE_GUEST_H
#define TEST_SUITE_FAKE_GUEST_H

#include <stdbool.h>
#include <stddef.h>

/* What was asked of the fakes, since the last fake_reset(). */
struct fake_counts {
	size_t resolved, prepared, started, freed;
	size_t running, most_running, reused;
	size_t parks, parked, copies; /* guests that were to be copied, and are there; copies */
	unsigned last_cpus;
	char last_arch[16]; /* that a kernel was asked for; "": the kernel's own */
	char wanted
		[400]; /* what the guest last prepared is to hold: " program" and " +file" each, by their last name */
};
extern struct fake_counts fake;

/* What a test chooses before a run, and takes back: clones can be copied, but those to copy do not come to be, or die. */
struct fake_pool {
	bool can_park, park_fails, parked_died;
};
extern struct fake_pool fake_pool;
void fake_reset(void);

#endif
