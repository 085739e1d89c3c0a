/* SPDX-License-Identifier: MIT */
/* Paths: joining, the project's folders, programs on PATH. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/err.h"

/* A/B with one slash between; an absolute B is B alone. The caller owns the string. */
char *path_join(const char *a, const char *b);

/* The path made absolute against CWD's folder (NULL: the process's), with ".", ".." and double
 * slashes folded as text. The caller owns the string. */
char *path_absolute(const char *path, const char *cwd);

const char *path_base(const char *path); /* behind the last slash */
char *path_dir(const char *path); /* before it; "." where there is none; caller owns */

/* Whether PATH is DIR or lies below it, compared as text. Both absolute and folded. */
int path_below(const char *path, const char *dir);

/* The nearest of the folder DIR (absolute) and those above it that has NAME in it, of any kind; NULL: none. The caller owns the
 * string. */
char *path_upwards(const char *dir, const char *name);

/*
 * The cache folder: $VMRIG_CACHE_DIR (an error when it cannot be written: no other takes the place of
 * one that was named), else the first of $XDG_CACHE_HOME/vmrig and $HOME/.cache/vmrig that can be
 * written; made, with mode 0700, unless it is there. Where none can (a read-only HOME) it is vmrig-UID in
 * $TMPDIR or /tmp, which must be ours and 0700. The caller owns the string.
 */
int path_cache(char **ret, struct err *e);

/* The cache folder's subfolder NAME, made. The caller owns the string. */
int path_cache_sub(const char *name, char **ret, struct err *e);

/* The same to read from: one that is there below $VMRIG_CACHE_DIR need not be writable. */
int path_cache_sub_read(const char *name, char **ret, struct err *e);

/* PATH is a file that we may execute. */
bool path_is_program(const char *path);

/* The full path of PROGRAM (looked up in PATH unless it has a slash), or -ENOENT. Empty parts of
 * PATH, the working folder by POSIX, are passed over. Caller owns. */
int path_program(const char *program, char **ret);

/* The path of NAME, a part of the program (the guest agent, the fork server): in $VMRIG_LIBEXEC_DIR, in its
 * folder of the build when run from there, in ../libexec/vmrig beside it, or in the installed libexec
 * folder. -ENOENT names all these. The caller owns the string. */
int path_libexec(const char *name, char **ret, struct err *e);

#endif
