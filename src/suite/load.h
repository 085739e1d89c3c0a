/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: the suite file's schema, as tables for yaml_read_map(). docs/suite.md is the same tables for people.
 */
#ifndef SUITE_LOAD_H
#define SUITE_LOAD_H

#include "suite/suite.h"
#include "yaml/yaml.h"

/* What a test takes over from `defaults`, and what is not a test's at all. */
struct defaults {
	struct suite_test test;
	uint32_t cpus, memory_mib;
	int64_t boot_ms, idle_ms, total_ms;
	char *root; /* owned; NULL: the host's */
};

struct loader {
	struct yaml_reader reader; /* first: loader_of() */
	struct suite *s;
	struct defaults defaults;
	/* Which of a machine's lists of CPUs, memory and accelerators is being read: see load_machine.c. */
	size_t pick[3], sizes[3];
};

/* Every reader of the suite's tables works for a loader. */
static inline struct loader *loader_of(struct yaml_reader *l)
{
	return (struct loader *)l;
}

/* load_test.c */
int load_defaults(struct yaml_reader *l, const struct yaml_node *n);
int load_test(struct yaml_reader *l, const struct yaml_node *n);
void load_test_defaults(struct suite_test *t);

/* load_system.c: the keys of a machine whose system is its own */
#define SYSTEM_KEYS_MAX 16
size_t load_system_keys(struct yaml_key *ret); /* for the table of a struct suite_machine */
int load_system(struct yaml_reader *l, const struct yaml_node *n,
	struct suite_machine *m); /* the keys were read */

/* load_machine.c */
int load_machine(struct yaml_reader *l, const struct yaml_node *n);
int load_kernel(struct yaml_reader *l, const struct yaml_node *n);

/* model.c */
void suite_test_release(struct suite_test *t);
void suite_test_copy(
	struct suite_test *dst, const struct suite_test *src); /* DST is initialised here */

#endif
