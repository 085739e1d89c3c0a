/* SPDX-License-Identifier: MIT */
/*
 * A kernel's Kconfig files as a tree, read to explain a configuration that exists (Documentation/kbuild/
 * kconfig-language.rst). No value is computed here: those of the .config are the kernel's own. Macros, which ask
 * compilers and shells, are kept as text: what they would say is not known, only what came of it.
 *
 * A line that is not understood is passed over, since a reason less is better than none at all.
 */
#ifndef KCONFIG_TREE_H
#define KCONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kconfig/kconfig.h"

enum ktype { KTYPE_UNKNOWN, KTYPE_BOOL, KTYPE_TRISTATE, KTYPE_STRING, KTYPE_INT, KTYPE_HEX };

enum kop {
	KOP_SYMBOL,
	KOP_TEXT, /* y, m, n, a number, a string */
	KOP_MACRO, /* a text with "$(" */
	KOP_NOT,
	KOP_AND,
	KOP_OR,
	KOP_EQ,
	KOP_NE,
	KOP_LT,
	KOP_LE,
	KOP_GT,
	KOP_GE
};

/* NULL stands for "y": what has no condition. */
struct kexpr {
	enum kop op;
	unsigned depth; /* of the tree below; bounded, so that walks may recurse */
	const struct kexpr *a, *b; /* KOP_NOT: a */
	struct ksymbol *symbol;
	const char *text;
};

enum kprop_kind { KPROP_DEFAULT, KPROP_RANGE };

struct kprop {
	enum kprop_kind kind;
	const struct kexpr *value, *to; /* to: the end of a range */
	const struct kexpr *cond;
	struct kprop *next;
};

struct kchoice {
	const char *prompt; /* "" while it has none */
	const struct kexpr *dep, *prompt_cond;
	struct kplace *members; /* by next_member */
};

/* One "config" or "menuconfig" of a symbol, which may have several. */
struct kplace {
	struct ksymbol *symbol;
	const char *file;
	size_t line;
	const struct kexpr *dep; /* its own and those of what stands around it */
	const struct kexpr *visible; /* "visible if" of the menus around it */
	const char *prompt; /* NULL: none */
	const struct kexpr *prompt_cond;
	struct kprop *props; /* in their order */
	struct kchoice *choice; /* NULL: in none */
	struct kplace *next, *next_member;
};

struct kselect {
	const struct kplace *by;
	const struct kexpr *cond;
	struct kselect *next;
};

struct ksymbol {
	const char *name;
	enum ktype type;
	struct kplace *places; /* NULL: no file declares it */
	struct kselect *selects; /* who selects it */
	struct kselect *implies; /* who implies it: a default that its own dependencies bound */
	/* What explain.c and cost.c note down. */
	int cost; /* 0: not known yet */
	bool busy;
	unsigned told; /* the serial number of the last explanation that it stood in */
};

struct ktree {
	struct karena *arena; /* owned: everything below */
	const char *srctree, *arch, *srcarch; /* borrowed */
	/* Reads a file by its path in the tree. */
	int (*read)(void *arg, const char *path, struct buf *ret);
	void *read_arg;
	struct ksymbol **slots; /* owned: a hash table */
	size_t n_symbols, n_slots;
	const char **declared; /* owned: their names by the alphabet; made when one is looked for */
	size_t n_declared;
	size_t n_files, n_bytes, n_missing;
	unsigned n_explained;
};

/* Reads SRCTREE/Kconfig and all that it sources, as ARCH ("x86_64", "aarch64") has it. */
int ktree_load(const char *srctree, const char *arch, struct ktree **ret, struct err *e);
/* The same from READ; for tests. */
int ktree_read(int (*read)(void *arg, const char *path, struct buf *ret), void *arg,
	const char *arch, struct ktree **ret, struct err *e);
void ktree_free(struct ktree *t);
static inline void ktree_freep(struct ktree **t)
{
	ktree_free(*t);
}

void *ktree_alloc(struct ktree *t, size_t size); /* zeroed, of the tree's life */
char *ktree_strndup(struct ktree *t, const char *s, size_t n);
/* Made when it is not there. */
struct ksymbol *ktree_symbol(struct ktree *t, const char *name);
struct ksymbol *ktree_find(const struct ktree *t, const char *name); /* NULL: never mentioned */
/* The declared name nearest to NAME; NULL: none is near. */
const char *ktree_nearest(struct ktree *t, const char *name);

/* ---- lex.c ---- */

enum ktoken_kind {
	KTOKEN_END,
	KTOKEN_WORD,
	KTOKEN_STRING,
	KTOKEN_OPEN,
	KTOKEN_CLOSE,
	KTOKEN_NOT,
	KTOKEN_AND,
	KTOKEN_OR,
	KTOKEN_EQ,
	KTOKEN_NE,
	KTOKEN_LT,
	KTOKEN_LE,
	KTOKEN_GT,
	KTOKEN_GE,
	KTOKEN_OTHER
};

/* A logical line, and the token that is looked at. */
struct klex {
	struct ktree *tree;
	const char *p; /* behind the token; ends with NUL */
	enum ktoken_kind kind;
	struct buf text; /* owned: of a word, or a string without its quotes */
};

void klex_start(struct klex *l, const char *line);
void klex_next(struct klex *l);
bool klex_is(const struct klex *l, const char *word);
bool klex_take(struct klex *l, const char *word); /* goes on if it is WORD */

/* ---- parse.c ---- */

int ktree_parse(struct ktree *t, const char *path, struct err *e);

/* ---- expr.c ---- */

/* The expression at the token; NULL when there is none that is understood. */
const struct kexpr *kexpr_parse(struct klex *l);
/* The name or value at the token. */
const struct kexpr *kexpr_parse_operand(struct klex *l);
const struct kexpr *kexpr_and(struct ktree *t, const struct kexpr *a, const struct kexpr *b);

/* n, m, y are 0, 1, 2. What macros leave open lies between low and high. */
struct kvalue {
	int low, high;
};
struct kvalue kexpr_eval(const struct kexpr *x, const struct kconfig *got);
int ksymbol_value(const struct ksymbol *s, const struct kconfig *got);
/* As it is compared: the text without quotes, "n" of what is not set; borrowed or in TMP. */
const char *ksymbol_text(const struct ksymbol *s, const struct kconfig *got, struct buf *tmp);
void kexpr_print(const struct kexpr *x, struct buf *ret);

/* ---- explain.c ---- */

/* Why VALUE was not granted to OPTION: a text to stand behind "X is n: ", never empty. */
void kexplain(struct ktree *t, const struct kconfig *got, const char *option, const char *value,
	struct buf *ret);

#endif
