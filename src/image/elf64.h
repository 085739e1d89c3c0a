/* SPDX-License-Identifier: MIT */
/*
 * The headers of a 64-bit little-endian ELF file, every offset checked against its size before it
 * is used. Kernels and modules only; programs are base/elf.h's.
 */
#ifndef IMAGE_ELF64_H
#define IMAGE_ELF64_H

#include <elf.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/blob.h"

struct elf64 {
	const struct blob *blob; /* borrowed */
	Elf64_Ehdr ehdr;
	Elf64_Phdr *phdrs; /* owned: ehdr.e_phnum of them */
	Elf64_Shdr *shdrs; /* owned: ehdr.e_shnum of them */
	struct buf names; /* owned: the section names */
};

#define _cleanup_elf64_ __attribute__((cleanup(elf64_release)))

/* -ENOEXEC when it is not such a file; -EBADMSG when its tables do not lie inside it. RET is to be
 * released only after success. The messages do not name the file: the caller knows it. */
int elf64_open(const struct blob *b, struct elf64 *ret, struct err *e);
void elf64_release(struct elf64 *elf);

/* The section NAME, or NULL. */
const Elf64_Shdr *elf64_section(const struct elf64 *elf, const char *name);

/* Appends the section's bytes to RET; -EBADMSG when they do not lie inside, -EFBIG above MAX. */
int elf64_read(
	const struct elf64 *elf, const Elf64_Shdr *sh, size_t max, struct buf *ret, struct err *e);

/* Whether every loaded byte is there: a kernel that was cut off at its end says -EBADMSG. */
int elf64_check_whole(const struct elf64 *elf, struct err *e);

/* "x86_64" for EM_X86_64 and so on; NULL where unknown. */
const char *elf64_arch(uint16_t machine);

/* Whether it carries the note by which a PVH loader finds the 32-bit entry. */
bool elf64_has_pvh_note(const struct elf64 *elf);

#endif
