/* SPDX-License-Identifier: MIT */
/* Private to src/source: what git knows of a tree in place, and trees of its commits. */
#ifndef SOURCE_GIT_H
#define SOURCE_GIT_H

#include "source/source.h"

struct git_state {
	char *commit; /* owned: HEAD */
	char *prefix; /* owned: where the folder lies in its repository: "" at its top */
	char *dirty; /* owned: why the folder's content is not the commit's; NULL: it is */
	char *git_dir; /* owned */
};

/* What git knows of the folder DIR. -ENOENT: git is not here; -ENODATA: DIR is in no repository. */
int git_state(const char *dir, struct git_state *ret, struct err *e);
void git_state_release(struct git_state *s);

/* Stands for the content; the caller owns the string. */
char *git_identity(const char *commit, const char *prefix);

/* The commit of URL#REF (a branch, tag, ref or commit), fetched without its history into a repository of our own in
 * the cache unless it is there; OFFLINE: as it was fetched last. */
int git_fetch(const char *url, const char *ref, const struct source_options *o, char **ret_git_dir,
	char **ret_commit, struct err *e);

/* Writes the files of TREEISH to ASIDE/tree. */
int git_export(const char *git_dir, const char *treeish, const char *aside, struct err *e);

#endif
