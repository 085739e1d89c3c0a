/* SPDX-License-Identifier: MIT */
/* A vCPU of aarch64 ready to run, its registers, and a vGIC. */
#ifndef TEST_KVMIO_HARNESS_AARCH64_H
#define TEST_KVMIO_HARNESS_AARCH64_H

#include "harness.h"

#define CORE(name) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define PC   CORE(regs.pc)
#define X(n) CORE(regs.regs[n])

/* Where the vGIC has its distributor and, from ITS on, room for one ITS. */
#define GICD 0x08000000U
#define GICR 0x080a0000U
#define ITS  0x08080000U

/* Initialises the rig's vCPU for the preferred target, with PSCI and FEATURE (or -1). */
int rig_init_feature(struct rig *rig, int feature);

/* A vCPU, initialised. */
void rig_init(struct rig *rig);

void set_reg(struct rig *rig, uint64_t id, uint64_t value);
uint64_t get_reg(struct rig *rig, uint64_t id);

/* Memory at CODE that holds the code, and an initialised vCPU about to run it. */
#define CODE                 0x10000
#define rig_code(rig, words) rig_load(rig, words, sizeof(words))
void rig_load(struct rig *rig, const uint32_t *code, size_t size);

/* The rig's device becomes a vGICv3 with 64 SPIs, placed; rig_gic_ready initialises it. Skips where there is none. */
#define rig_gic(rig) rig_make_gic(rig, __func__)
void rig_make_gic(struct rig *rig, const char *test);
void rig_gic_ready(struct rig *rig);

#endif
