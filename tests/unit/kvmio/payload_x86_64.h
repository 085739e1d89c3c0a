/* SPDX-License-Identifier: MIT */
/* Guests in assembly, and what it takes to start them in each mode. */
#ifndef TEST_KVMIO_PAYLOAD_X86_64_H
#define TEST_KVMIO_PAYLOAD_X86_64_H

#include "harness.h"

/* Code of 16, 32 or 64 bits, to be run at GPA CODE. Absolute addresses in it are for CODE. */
#define CODE 0x1000

/* Lines of assembly, up to END(name); `at(label)` is the address of a label in the guest. */
#define PAYLOAD(name, bits, text)                                        \
	extern const uint8_t name[], name##_end[];                       \
	__asm__(".pushsection .rodata\n"                                 \
		".code" #bits "\n" #name ":\n" text "\n" #name "_end:\n" \
		".code64\n.popsection\n")

#define load(rig, name) load_payload(rig, name, (size_t)(name##_end - name))

/* Skips the test on KVM with software page tables, which emulates every instruction, and some things not: WHAT. */
void pvm_cannot(const char *test, const char *what);

/* Copies the code to CODE and points the vCPU, in real mode, at it. */
void load_payload(struct rig *rig, const uint8_t *code, size_t len);

/* All that this KVM's CPU can do. */
void give_cpuid(struct rig *rig);

/* Flat 32-bit protected mode; 64-bit long mode with the first 2 MiB mapped one to one (tables from 0x10000 on), on
 * a CPU as give_cpuid() gives it. */
void enter_protected_mode(struct rig *rig);
void enter_long_mode(struct rig *rig);

/* The guest's memory at GPA. */
uint8_t *guest_at(struct rig *rig, uint64_t gpa);

/* Runs to an OUT of one byte at PORT and returns it. */
uint8_t run_to_out(struct rig *rig, uint16_t port);

#endif
