/* SPDX-License-Identifier: MIT */
/*
 * Private to src/results: the tree of tests that TAP lines describe, and the rules that they keep.
 *
 * A level is one list of results: the document's own or a nested one. Levels stand on a stack, each at
 * its place (columns and "# " prefixes). A result closes the level below it and becomes its parent. Every
 * rule that is broken is a problem; the tree goes on reading as well as it can.
 */
#ifndef RESULTS_TAP_TREE_H
#define RESULTS_TAP_TREE_H

#include "base/buf.h"
#include "results/results.h"
#include "results/tap_line.h"

#define TAP_MAX_DEPTH    32
#define TAP_MAX_PROBLEMS 64
#define TAP_MAX_NAME     512 /* bytes kept of one name */
#define TAP_MAX_PATH     1024 /* of the names of nested tests, joined */
#define TAP_MAX_REASON   512
#define TAP_MAX_TEXT     (128 << 20) /* of all names and reasons; a document in good faith has less */
#define TAP_NO_NODE      UINT32_MAX

struct tap_text {
	size_t at, len; /* in tap_tree.text */
};

struct tap_node {
	struct tap_text name, reason;
	int64_t duration_ms;
	uint32_t parent; /* TAP_NO_NODE: of the document */
	uint32_t number;
	uint32_t line; /* 0: never seen */
	enum verdict verdict;
	bool has_children;
	bool leaf_too; /* has children, but its own result says what they do not */
	bool forgives; /* failed as expected, and so did what failed inside */
};

/* The last diagnostics before a result, of which failures take their reason. */
#define TAP_DIAG_LINES 4
#define TAP_DIAG_BYTES 160
struct tap_diag {
	char text[TAP_DIAG_LINES][TAP_DIAG_BYTES];
	uint8_t len[TAP_DIAG_LINES];
	unsigned n; /* lines that came; the ring holds the last ones */
};

struct tap_level {
	struct tap_place at;
	uint32_t node; /* the nested test whose list this is; TAP_NO_NODE for the document's */
	uint32_t line; /* where it began */
	enum tap_dialect dialect;
	bool runner; /* kselftest's runner prints here: what it prefixes is its test's output */
	bool planned, plan_last, skip_all, bad;
	uint32_t plan, plan_line;
	uint32_t count, last, max; /* results; the number of the last and the greatest */
	uint32_t distinct; /* numbers in `seen` */
	struct tap_text skip_reason;
	struct buf seen; /* bitmap of numbers */
	struct tap_diag diag;
	uint32_t awaiting; /* a failure that still lacks its reason */
	enum { DIAG_UNKNOWN, DIAG_BEFORE, DIAG_AFTER } diag_style;
};

struct tap_tree {
	uint32_t line; /* the one being read */
	bool seen, bailed, ending;
	bool empty_skip; /* a document said "1..0 # SKIP" */
	struct tap_level levels[TAP_MAX_DEPTH];
	unsigned depth; /* levels open */
	char header[TAP_MAX_NAME]; /* of "# Subtest:", until a result takes its place */
	size_t header_len;
	struct tap_node *nodes; /* owned */
	size_t n_nodes, cap_nodes;
	size_t dropped; /* results past TAP_MAX_CASES */
	struct buf text;
	struct strv problems;
	size_t n_problems;
	uint32_t last_node;
};

void tap_tree_release(struct tap_tree *t);

/* Each returns whether the line was taken as what it says; otherwise it is plain output. */
void tap_tree_version(struct tap_tree *t, struct tap_place at, enum tap_dialect dialect);
bool tap_tree_plan(struct tap_tree *t, struct tap_place at, const struct tap_plan *p);
bool tap_tree_result(struct tap_tree *t, struct tap_place at, const struct tap_result *r);
bool tap_tree_bail(struct tap_tree *t, struct tap_place at, struct slice reason);

/* The text behind the '#' that stands at AT. */
void tap_tree_diagnostic(struct tap_tree *t, struct tap_place at, struct slice text);
/* A time told below the last result. */
void tap_tree_duration(struct tap_tree *t, int64_t ms);
bool tap_tree_has_level(const struct tap_tree *t, struct tap_place at);

/* Closes all that is open. */
void tap_tree_end(struct tap_tree *t);

void tap_tree_problem(struct tap_tree *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Copies text from outside into the tree's store: one line, cleaned, at most MAX bytes. */
struct tap_text tap_tree_text(struct tap_tree *t, struct slice s, size_t max);
/* As tap_tree_text(), for a name or a reason: "\#" is "#", and in TAP 14 two backslashes are one. */
struct tap_text tap_tree_words(struct tap_tree *t, enum tap_dialect d, struct slice s, size_t max);
/* A new node, or TAP_NO_NODE when TAP_MAX_CASES is reached (which is counted). */
uint32_t tap_tree_node(struct tap_tree *t, uint32_t parent, enum verdict v);
/* A name to be shown in a problem; valid until the next call. */
const char *tap_tree_name(struct tap_tree *t, uint32_t node);

/* ---- levels (tap_level.c) ---- */

enum tap_opener { BY_VERSION, BY_PLAN, BY_RESULT, BY_BARE_RESULT };

/*
 * The level that a line at AT belongs to, opened if need be; NULL if the line is plain output. Levels
 * above an existing one stay for the caller to close.
 */
struct tap_level *tap_tree_level(struct tap_tree *t, struct tap_place at, enum tap_opener by);
/* A new level on the stack, or NULL (with a problem) when it is full. */
struct tap_level *tap_tree_push(struct tap_tree *t, struct tap_place at);
/* Closes the levels above DEPTH, none of which was given a result by its parent. */
void tap_tree_orphan(struct tap_tree *t, unsigned depth);
/* Checks a level that gets no more results. What its parent says is not its business. */
void tap_level_finish(struct tap_tree *t, struct tap_level *l);
bool tap_level_has(const struct tap_level *l, uint32_t number);
void tap_level_mark(struct tap_level *l, uint32_t number);

/* Diagnostics (tap_diag.c). */
void tap_diag_add(struct tap_level *l, struct slice text);
void tap_diag_result(struct tap_tree *t, struct tap_level *l, uint32_t node);
void tap_diag_close(struct tap_tree *t, struct tap_level *l);

/* The leaves, in order, with paths for names (tap_flatten.c). The caller owns the vector. */
void tap_flatten(struct tap_tree *t, struct subtest **ret, size_t *ret_n);

#endif
