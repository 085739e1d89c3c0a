/* SPDX-License-Identifier: MIT */
/*
 * Files that people write (vmrig.yaml): the document, and reading it by a schema.
 *
 * A document is a tree whose every node knows its place. libfyaml parses;
 * the tree is ours, because every bound (size, depth, number of values, cycles) must be an error
 * with a place, and libfyaml's own documents know no place for block collections.
 *
 * Aliases point at the node that they name; a merge key ("<<") is already merged. So nodes can be
 * shared, but never contain themselves.
 */
#ifndef YAML_YAML_H
#define YAML_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define YAML_SIZE_MAX   (16u << 20)
#define YAML_LINE_MAX   65536
#define YAML_DEPTH_MAX  32
#define YAML_NODES_MAX  1000000
#define YAML_ANCHOR_MAX 1000

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line, column; /* from 1 */
	bool plain; /* a scalar without quotes */
	bool open; /* its end was not read yet */
	char *text; /* owned: of a scalar */
	struct yaml_node **v; /* the array is owned, the nodes are the document's; a map's keys and
				 values take turns */
	size_t n, cap;
};

struct yaml {
	char *path; /* owned: for messages */
	struct yaml_node *root; /* borrowed from `nodes`; NULL: an empty document */
	struct yaml_node **nodes; /* owned */
	size_t n, cap;
};

/* Reads one document. Errors are -EINVAL with FILE:LINE:COLUMN, or what reading the file gave. */
int yaml_load(const char *path, struct yaml *ret, struct err *e);
/* The same from memory; PATH is for messages. */
int yaml_parse(const char *path, const char *text, size_t len, struct yaml *ret, struct err *e);
void yaml_release(struct yaml *y);

/* "FILE:LINE:COLUMN: " and the text; returns -EINVAL. */
int yaml_error(const struct yaml *y, const struct yaml_node *at, struct err *e, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* A plain scalar that says nothing: an empty value, "~" or "null". */
bool yaml_is_null(const struct yaml_node *n);

/* What stands there, for messages: "a list", "nothing", "'abc'" (shortened). The text stays valid until the
 * next call but one. */
const char *yaml_describe(const struct yaml_node *n);

/* ---- a schema ---- */

/*
 * Each mapping of the file is a table of keys; each key has a reader, which checks one value and stores it
 * in a field of the object that the mapping describes. A reader's errors have their place.
 */
struct yaml_reader {
	struct yaml y;
	struct err *e; /* borrowed */
	const char *dir; /* borrowed: relative paths in the file are against it */
	size_t visited; /* values read: aliases must not multiply them without bound */
};

struct yaml_key;
typedef int (*yaml_key_reader)(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field);

struct yaml_key {
	const char *name;
	yaml_key_reader read;
	size_t offset; /* of the field in the object */
	bool required;
	int (*parse)(const char *text); /* for yaml_read_enum: the value, or -EINVAL */
	const char *expected; /* for yaml_read_enum: the names allowed */
	int64_t min, max; /* for yaml_read_number */
};

/* Reads the mapping N, called WHAT in messages, into OBJECT. */
int yaml_read_map(struct yaml_reader *l, const struct yaml_node *n, const char *what,
	const struct yaml_key *keys, size_t n_keys, void *object);
/* Calls ITEM for each value of a list. */
int yaml_read_list(struct yaml_reader *l, const struct yaml_node *n, const char *what,
	int (*item)(struct yaml_reader *l, const struct yaml_node *n));
/* "expected WHAT, found …", with the key where there is one. */
int yaml_expected(struct yaml_reader *l, const struct yaml_node *n, const struct yaml_key *k,
	const char *what);

/* Readers: the field's type is said behind each. All but yaml_read_env replace what stood there;
 * yaml_read_later keeps the node itself, for a second pass. */
int yaml_read_text(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* char * */
int yaml_read_name(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* char * */
int yaml_read_duration(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* int64_t */
int yaml_read_number(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* uint32_t */
int yaml_read_memory(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* uint32_t, MiB */
int yaml_read_enum(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* an enum */
int yaml_read_bool(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* bool */
int yaml_read_strv(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct strv */
int yaml_read_command(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct strv */
int yaml_read_path(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* char *: made absolute against the file's folder */
int yaml_read_paths(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct strv */
int yaml_read_env(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* struct strv */
int yaml_read_later(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* const struct yaml_node * */

#endif
