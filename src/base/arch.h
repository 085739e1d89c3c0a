/* SPDX-License-Identifier: MIT */
/* Machines by the name that uname(2) gives them, "x86_64" or "aarch64", and what others call them. */
#ifndef BASE_ARCH_H
#define BASE_ARCH_H

#include <stdint.h>

/* That of the programs of this machine. */
const char *arch_host(void);

/* The name for one that is written as uname(2) or dpkg has it ("arm64"); NULL: unknown. */
const char *arch_parse(const char *s);

/* As dpkg calls it; NULL: unknown. */
const char *arch_dpkg(const char *arch);

/* For ELF's e_machine; NULL: unknown. */
const char *arch_of_elf(uint16_t machine);

#endif
