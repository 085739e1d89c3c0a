/* SPDX-License-Identifier: MIT */
/* When a guest had come how far, from the moment it was asked for. */
#include "base/alloc.h"
#include "base/clock.h"
#include "guest/job.h"

const char *guest_step_name(enum guest_step s)
{
	static const char *const names[GUEST_STEPS] = {
		[STEP_ENGINE] = "engine",
		[STEP_MONITOR] = "monitor",
		[STEP_STATE] = "state",
		[STEP_RUNS] = "runs",
		[STEP_AGENT] = "agent",
		[STEP_ROOT] = "root",
		[STEP_COMMAND] = "command",
		[STEP_OUTPUT] = "output",
		[STEP_EXIT] = "exit",
		[STEP_END] = "end",
	};

	return names[s];
}

void job_steps_begin(struct job *j)
{
	for (size_t i = 0; i < GUEST_STEPS; i++)
		j->report.steps_us[i] = -1;
}

static void set(struct job *j, enum guest_step s, int64_t at_us)
{
	j->report.steps_us[s] = at_us ? at_us - j->start_us : -1;
}

void job_step(struct job *j, enum guest_step s)
{
	if (j->report.steps_us[s] < 0 || s == STEP_EXIT)
		set(j, s, clock_us());
}

void job_steps_of_machine(struct job *j)
{
	struct machine_times t;

	machine_times(j->machine, &t);
	set(j, STEP_ENGINE, t.started_us);
	set(j, STEP_MONITOR, t.answered_us);
	set(j, STEP_STATE, t.loaded_us);
	set(j, STEP_RUNS, t.runs_us);
}
