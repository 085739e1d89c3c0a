/* SPDX-License-Identifier: MIT */
/*
 * A kernel tree that "builds" in no time: a Makefile that honours what build/ tells make, in a git
 * repository. Its steps are "compiled" once each, and every one is a line in DIR/steps.log.
 */
#ifndef TEST_BUILD_TREE_H
#define TEST_BUILD_TREE_H

#include "build/build.h"
#include "fixture.h"

#define TREE_STEPS 40

/*
 * A setup and a teardown: *STATE is a new folder that holds the tree linux/, committed; VMRIG_CACHE_DIR is its
 * cache/, and PATH begins with its bin/, where stand-ins for flex and bison are.
 */
int tree_make(void **state);
int tree_remove(void **state);
#define in_tree(f) cmocka_unit_test_setup_teardown(f, tree_make, tree_remove)

/* A program in DIR/bin. */
void put_program(const char *dir, const char *name, const char *script);

/* Commits whatever the tree has now. */
void tree_commit(const char *dir);

/* Each step takes so long: a sleep(1) word. */
void tree_slow(const char *dir, const char *seconds);

/* How many lines steps.log has. */
size_t tree_steps(const char *dir);

/* The spec of DIR/linux with tinyconfig. */
struct build_spec tree_spec(const char *dir, char **keep);

/* build_kernel() without a watch. */
int tree_build(const char *dir, const struct build_spec *s, struct kernel *ret, struct err *e);

/* The build of DIR/linux with tinyconfig, in a child process. */
pid_t tree_build_apart(const char *dir);

bool exists(const char *dir, const char *name);
/* How many names in DIR/NAME end with SUFFIX ("": all). */
size_t count_names(const char *dir, const char *name, const char *suffix);

#endif
