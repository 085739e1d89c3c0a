/* SPDX-License-Identifier: MIT */
/* The payload of the KVM probe, for x86_64: run by probe_payload_run() in a child that may be killed. */
#ifndef MACHINE_PROBE_PAYLOAD_H
#define MACHINE_PROBE_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* How far the payload came: it reports each step before it takes the next. */
enum payload_step {
	STEP_NONE, /* not one instruction that could be seen */
	STEP_STARTED,
	STEP_XSETBV,
	STEP_XSAVE,
	STEP_XRSTOR,
	STEP_INT3,
	STEP_LOOP,
	STEP_TRAP = 255, /* an exception that should not be */
};

/* Plain data: it comes through a pipe. */
struct payload_result {
	char call[32]; /* the ioctl that failed; "" when all went through */
	int call_errno;
	int step; /* the last one done */
	bool trapped;
	bool done;
	uint32_t exit_reason; /* of the KVM_RUN that ended it, unless done */
	uint32_t suberror; /* of KVM_EXIT_INTERNAL_ERROR */
	int64_t loop_ns;
	bool arch_capabilities; /* its MSR can be set, as QEMU's -cpu host does */
};

/* Instructions in the timed loop: half a second on a KVM that emulates them one by one, and still a tenth
 * of a millisecond, many times an exit's cost, on a fast one. */
#define PAYLOAD_LOOP_INSTRUCTIONS 1000000

bool probe_payload_supported(void);
/* KVM: an open /dev/kvm. STEP (shared with the parent) follows the steps as they come. */
void probe_payload_run(int kvm, volatile int *step, struct payload_result *ret);

#endif
