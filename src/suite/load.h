/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: the suite file's schema. Each mapping of the file is a table of keys; each key
 * has a reader, which checks one value and stores it in a field of the object that the mapping
 * describes. docs/suite.md is the same tables for people.
 */
#ifndef SUITE_LOAD_H
#define SUITE_LOAD_H

#include "suite/suite.h"
#include "suite/yaml.h"

/* What a test takes over from `defaults`, and what is not a test's at all. */
struct defaults {
	struct suite_test test;
	uint32_t cpus, memory_mib;
	int64_t boot_ms, idle_ms, total_ms;
	char *root; /* owned; NULL: the host's */
};

struct loader {
	struct yaml y;
	struct err *e; /* borrowed */
	size_t visited; /* values read: aliases must not multiply them without bound */
	struct suite *s;
	struct defaults defaults;
};

struct key;
typedef int (*key_reader)(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field);

struct key {
	const char *name;
	key_reader read;
	size_t offset; /* of the field in the object */
	bool required;
	int (*parse)(const char *text); /* for read_enum: the value, or -EINVAL */
	const char *expected; /* for read_enum: the names allowed */
	int64_t min, max; /* for read_number */
};

/* Reads the mapping N, called WHAT in messages, into OBJECT. */
int load_mapping(struct loader *l, const struct yaml_node *n, const char *what,
	const struct key *keys, size_t n_keys, void *object);
/* Calls ITEM for each value of a list. */
int load_list(struct loader *l, const struct yaml_node *n, const char *what,
	int (*item)(struct loader *l, const struct yaml_node *n));
/* "expected WHAT, found …", with the key where there is one. */
int load_expected(
	struct loader *l, const struct yaml_node *n, const struct key *k, const char *what);

/* Readers: the field's type is said behind each. All but read_env replace what stood there. */
int read_text(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* char * */
int read_name(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* char * */
int read_duration(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* i64 */
int read_number(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* u32 */
int read_memory(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* u32 */
int read_enum(struct loader *l, const struct key *k, const struct yaml_node *n,
	void *field); /* an enum */
int read_strv(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* strv */
int read_command(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* strv */
int read_paths(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* strv */
int read_env(
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field); /* strv */

/* load_test.c */
int load_defaults(struct loader *l, const struct yaml_node *n);
int load_test(struct loader *l, const struct yaml_node *n);
void load_test_defaults(struct suite_test *t);

/* load_machine.c */
int load_machine(struct loader *l, const struct yaml_node *n);
int load_kernel(struct loader *l, const struct yaml_node *n);

/* model.c */
void suite_test_release(struct suite_test *t);
void suite_test_copy(
	struct suite_test *dst, const struct suite_test *src); /* DST is initialised here */

#endif
