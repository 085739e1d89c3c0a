/* SPDX-License-Identifier: MIT */
/* Private to src/build. */
#ifndef BUILD_PRIVATE_H
#define BUILD_PRIVATE_H

#include "base/hash.h"
#include "build/build.h"
#include "kconfig/kconfig.h"
#include "kernel/cache.h"

/* ---- toolchain.c ---- */

/* What make is told of an architecture and its compilers. */
struct toolchain {
	const char *arch; /* static: "x86_64" */
	const char *make_arch; /* static: ARCH= */
	const char *target; /* static: what to make: "bzImage" */
	const char *image; /* static: where it is then */
	bool llvm;
	char *cc, *objcopy; /* owned */
	struct strv args; /* of make: ARCH=, CROSS_COMPILE=, LLVM= */
	char *text; /* owned: the versions, a line each: part of the key */
};

/* Finds the programs and asks for their versions. -ENOENT names what is missing, with its package. */
int toolchain_find(const struct build_spec *s, bool btf, struct toolchain *ret, struct err *e);
void toolchain_release(struct toolchain *t);

/* ---- recipe.c ---- */

/* The wishes of S, fragments first, then options. */
int recipe_wishes(const struct build_spec *s, struct kconfig_wishes *ret, struct err *e);
/* The base as lines of a .config; RET empty: S's base is a target of make. */
int recipe_base(const struct build_spec *s, struct buf *ret, struct err *e);
/* What we ask for before anybody's wishes, for the sake of builds that come out the same. */
extern const char recipe_first[];
/* Whether a wish or the base asks for BTF, which pahole makes. */
bool recipe_wants_btf(const struct build_spec *s, const struct kconfig_wishes *w);

/* ---- steps.c ---- */

/* How many steps compiling RECIPE, configured to CONFIG, may take, by what the cache's kernels of ARCH took; 0: nobody
 * knows. RET_ESTIMATED: those had other recipes. */
int64_t steps_expected(
	const char *recipe, const char *arch, const struct kconfig *config, bool *ret_estimated);

/* ---- one build ---- */

struct job {
	const struct build_spec *spec; /* borrowed */
	const struct build_how *how; /* borrowed */
	struct source source;
	struct toolchain tools;
	struct kconfig_wishes wishes;
	char recipe[HASH_HEX_LEN + 1];
	char key[HASH_HEX_LEN + 1]; /* "": the source has no identity */
	char *label; /* owned */
	char *out; /* owned: the build folder */
	char *log; /* owned: in it */
	bool own; /* the caller configured OUT: built as make would by hand, nothing is set, nothing stored */
	int lock; /* owned: on OUT; make inherits it, so it is held until the last compiler is gone */
	int64_t steps; /* before compiling: what it may take, 0 unknown; then what it took from nothing, or 0 */
	bool estimated; /* STEPS is no count of this recipe's */
	struct strv unmet;
	bool replace; /* what the remote cache has of the key was found bad */
};

#define JOB_INIT           \
	{                  \
		.lock = -1 \
	}

void job_say(const struct job *j, enum build_stage stage, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* plan.c: source, wishes, toolchain, key and folder; nothing is written but what source_get() writes. */
int job_plan(struct job *j, const struct build_spec *s, const struct build_how *how, struct err *e);
void job_release(struct job *j);
/* Makes the build folder and takes its lock; says whom it waits for. */
int job_lock(struct job *j, struct err *e);

/* needs.c: -ENOENT names every program and header that is missing, with their packages. CONFIG NULL: what
 * configuring takes. */
int needs_check(const struct job *j, const struct kconfig *config, struct err *e);

/* configure.c: makes OUT/.config; RET_UNMET may be NULL: job's own. */
int configure(struct job *j, struct err *e);

/* make.c: runs make on TARGETS (and NAME=VALUE). COUNT: it is the compilation: progress is told. -EINTR after a
 * signal; -EIO with the first errors. */
int make_run(struct job *j, const char *const *targets, bool count, struct err *e);
/* Before the first of a build, under its lock: its log begins anew, unless it goes on where a signal ended one. */
void make_forget_log(const struct job *j);
/* With the terminal, for menuconfig. */
int make_on_terminal(struct job *j, const char *target, struct err *e);

/* errors.c: the errors in the output of a compilation. */
struct errors {
	struct strv found; /* the first ones: "drivers/x.c:12: text" */
	size_t n; /* all */
	struct strv last; /* the last lines, whatever they say */
};

/* Looks at a line without newline. SRC and OUT are cut off paths. */
void errors_line(struct errors *x, const char *line, const char *src, const char *out);
void errors_release(struct errors *x);
/* -EIO: "… failed: ERRORS", with LOG's path. */
int errors_report(const struct errors *x, const char *what, const char *log, struct err *e);

/* shared.c: the entry B from the remote cache, where there is one that has it. Warns, and never fails. */
bool shared_get(struct job *j, struct cache_build *b);
/* Puts the entry in the folder DIR there. */
void shared_put(const struct job *j, const char *dir);

/* store.c: what was built goes into the cache as the entry B. */
int store(struct job *j, struct cache_build *b, struct err *e);

#endif
