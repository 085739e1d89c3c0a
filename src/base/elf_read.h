/* SPDX-License-Identifier: MIT */
/* Private to src/base: what one ELF file asks of the loader. */
#ifndef BASE_ELF_READ_H
#define BASE_ELF_READ_H

#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct elf_file {
	uint16_t machine; /* e_machine */
	char *interpreter; /* owned; NULL: none */
	char *rpath, *runpath; /* owned; NULL: none */
	struct strv needed;
};

#define ELF_FILE_INIT                          \
	{                                      \
		0, NULL, NULL, NULL, STRV_INIT \
	}

void elf_file_release(struct elf_file *f);

/*
 * Reads the 64-bit ELF file of this machine's byte order behind FD. Every offset and length in it
 * is checked; -ENOEXEC with the reason for anything else. PATH is for messages.
 */
int elf_file_read(int fd, const char *path, struct elf_file *ret, struct err *e);

#endif
