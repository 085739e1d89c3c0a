/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: a YAML document as a tree whose every node knows its place. libfyaml parses;
 * the tree is ours, because every bound (size, depth, number of values, cycles) must be an error
 * with a place, and libfyaml's own documents know no place for block collections.
 *
 * Aliases point at the node that they name; a merge key ("<<") is already merged. So nodes can be
 * shared, but never contain themselves.
 */
#ifndef SUITE_YAML_H
#define SUITE_YAML_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
