/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_PRIVATE_H
#define MACHINE_PRIVATE_H

#include <stdint.h>

#include "machine/machine.h"
#include "machine/probe_payload.h"

/* What the payload's end says; WHAT_KVM is put behind the finding ("" or ": software-paged …"). */
void kvm_probe_judge(const struct payload_result *r, bool timed_out, const char *what_kvm,
	struct kvm_probe *ret);

/* The host's TSC in kHz, where a guest under TCG may trust it as its clock; 0 otherwise. */
uint32_t machine_host_tsc_khz(void);

/* What the host's CPU is and can. */
struct hash;
void machine_hash_cpu(struct hash *h);

/* The path of a cached answer NAME that holds for this boot, this user, and, unless DEVICE is NULL, this
 * device node. NULL where there is no cache. The caller owns it. */
char *machine_boot_cache(const char *name, const char *device);

/* As machine_cmdline(), with the host's TSC given. */
void machine_cmdline_tsc(const struct machine_spec *spec, uint32_t tsc_khz, struct buf *ret);

#endif
