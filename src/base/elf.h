/* SPDX-License-Identifier: MIT */
/*
 * What a program needs: the interpreter and the shared libraries that the loader would map. For
 * 64-bit programs of this machine's byte order.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/err.h"
#include "base/strv.h"

/*
 * Appends to RET the absolute paths of PROGRAM's ELF interpreter and of its DT_NEEDED closure,
 * searched as ld.so(8) does without environment (RPATH/RUNPATH with $ORIGIN, ld.so.conf's
 * folders, /lib, /usr/lib). A static program gives nothing; a script gives its interpreter and
 * that one's closure (of "#!/usr/bin/env X", X too, looked up in our PATH). -ENOEXEC if it is
 * neither; -ENOENT names the library not found.
 */
int elf_closure(const char *program, struct strv *ret, struct err *e);

/* The machine that PROGRAM, an ELF file, is for, by its name of base/arch.h; NULL where it is no 64-bit ELF
 * file, or for one that is not known. */
const char *elf_arch(const char *program);

#endif
