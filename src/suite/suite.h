/* SPDX-License-Identifier: MIT */
/*
 * Suites: the file vmrig.yaml, the plan (tests × kernels × machines), selection, the scheduler that
 * runs guests side by side, and the verdicts. docs/suite.md describes the file.
 */
#ifndef SUITE_SUITE_H
#define SUITE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "guest/guest.h"
#include "os/os.h"
#include "results/results.h"
#include "suite/verdict.h"

/* What keeps a test apart from the others. */
enum suite_isolate {
	SUITE_ISOLATE_AUTO, /* a clone, where one pays */
	SUITE_ISOLATE_CLONE, /* a guest of its own, copied from a template */
	SUITE_ISOLATE_BOOT, /* a guest of its own, powered on */
	SUITE_ISOLATE_SHARED, /* one guest for tests of one kernel and machine, one after another */
};
const char *suite_isolate_name(enum suite_isolate i);
int suite_isolate_parse(const char *name, enum suite_isolate *ret); /* -EINVAL; "auto" is none */

/* What a machine has whose system is its own. */
struct suite_system {
	enum machine_firmware firmware;
	char *cpu; /* owned; NULL */
	char *image,
		*iso; /* owned: paths, or names in the cache of images; NULL: in `disks`, or none */
	char *kernel, *initrd; /* owned: paths, absolute; NULL */
	struct os_disk *disks; /* owned: `iso`, `image`, and what the file lists */
	size_t n_disks;
	struct os_nic *nics; /* owned */
	size_t n_nics;
	uint32_t serials;
	bool resets;
	struct os_shutdown shutdown;
	struct os_seed seed;
	struct os_ssh ssh;
	struct os_steps prepare; /* what makes it ready for tests; empty: nothing */
};

struct suite_machine {
	char *name; /* owned */
	char *base; /* owned: the name in the file, where lists there made several of one; else NULL */
	bool optional; /* where its accelerator cannot be had its cases are skipped */
	bool has_system; /* it boots a system of its own, and no kernel of `kernels` */
	struct suite_system system;
	char *arch; /* owned: as arch_parse() reads it; NULL: the kernel's */
	enum machine_engine engine;
	enum machine_accel accel;
	enum machine_type type;
	uint32_t cpus, memory_mib; /* 0: default */
	char *cmdline; /* owned; NULL */
	struct strv qemu_args;
};

struct suite_kernel {
	char *name; /* owned: its label in results */
	char *spec; /* owned; NULL: the default kernel */
};

struct suite_test {
	char *name; /* owned; unique in the suite */
	char *description; /* owned; NULL */
	struct strv run; /* argv; a string in the file is sh -c */
	struct strv setup, teardown; /* argv likewise; empty: none */
	enum protocol protocol;
	enum expect expect;
	int64_t timeout_ms;
	struct strv env; /* NAME=VALUE */
	char *cwd; /* owned: absolute; the suite file's folder unless told */
	char *user; /* owned; NULL: root */
	struct strv tags;
	struct strv needs_config; /* "CONFIG_X" (y or m) or "CONFIG_X=y" */
	struct strv needs_files; /* must exist on the host (in the root used) */
	uint32_t needs_cpus; /* the machine gets at least so many */
	struct strv artifacts; /* globs */
	struct strv machines, kernels; /* names that it is restricted to; empty: all */
	struct strv rw; /* folders writable for this test: absolute */
	struct strv put; /* files that a guest without a root gets: absolute, and so in the guest */
	enum splat_kind fail_on;
	enum suite_isolate isolate;
	bool deterministic; /* clones of one template begin alike */
	/* On a machine with a system of its own there is no `run`, but: */
	struct os_steps steps; /* not copied */
	struct os_grammar grammar;
	struct os_exit_port exit_port;
	int line; /* in the file */
};

struct suite {
	char *path; /* owned: the file, absolute */
	char *dir; /* owned: its folder */
	char *name; /* owned: from the file, else the folder's name */
	struct suite_kernel *kernels;
	size_t n_kernels; /* at least one */
	struct suite_machine *machines;
	size_t n_machines; /* at least one */
	struct suite_test *tests;
	size_t n_tests, cap_tests;
	struct strv template_setup; /* argv: run once, before a template is kept; empty: none */
	char *root; /* owned; NULL: the host's */
	int64_t boot_ms, idle_ms, total_ms;
};

/* Finds the suite file: PATH itself, PATH/vmrig.yaml, or with PATH NULL upwards from CWD. Owned. */
int suite_find(const char *path, const char *cwd, char **ret, struct err *e);

/* Reads and checks the file: errors say FILE:LINE:COLUMN, what stands there and what was expected; unknown
 * keys suggest the nearest. At most 16 MiB. */
int suite_load(const char *path, struct suite **ret, struct err *e);
void suite_free(struct suite *s);

struct run_options;
/* What T is to be kept apart by: as the run says, else the suite, else a clone. */
enum suite_isolate suite_isolate_of(const struct run_options *o, const struct suite_test *t);

/* Whether T is about a machine whose system is its own. */
bool suite_test_has_no_command(const struct suite_test *t);

/* ---- plan ---- */

struct plan_case {
	char *id; /* owned */
	const struct suite_test *test; /* borrowed from the suite, like the next two */
	const struct suite_kernel *kernel; /* NULL: the machine's system is its own */
	const struct suite_machine *machine;
};
struct plan {
	struct plan_case *v; /* owned */
	size_t n, cap;
};

struct selection {
	const char *const *filters; /* globs on id or test name; "!" in front excludes; none: all */
	size_t n_filters;
	const char *const *tags; /* any of them */
	size_t n_tags;
	const char *const *kernels; /* specs that replace the suite's kernels */
	size_t n_kernels;
};
/* A filter that matches nothing is -ENOENT and names it, with the nearest name. */
int plan_make(struct suite *s, const struct selection *sel, struct plan *ret, struct err *e);
void plan_release(struct plan *p);

/* What `vmrig list` prints: each case with its kernel, machine, protocol, expectation and limit, and what
 * can be told without booting: why it would be skipped, or that its kernel cannot be had. ARCH is that of all
 * guests, over the suite's; NULL: the suite's. */
int suite_list(struct suite *s, const struct selection *sel, const char *arch, bool json,
	struct buf *ret, struct err *e);

/* ---- running ---- */

struct run_options {
	const struct selection *selection;
	const char *output; /* folder; NULL: ./vmrig-results/TIMESTAMP under CWD */
	const char *resume; /* folder of an earlier run to go on with; NULL */
	const char *junit, *tap_file; /* further places for these reports; NULL */
	bool tap; /* TAP to stdout, at the end, and nothing else there */
	bool json; /* records to stdout as they come, and nothing else there */
	unsigned jobs; /* 0: as many as CPUs */
	enum machine_accel accel; /* over the suite's when not AUTO */
	enum suite_isolate isolate; /* likewise */
	const char *arch; /* of all guests, over the suite's; NULL: the suite's */
	int64_t total_ms; /* of the whole run; 0: none */
	bool no_pool; /* no clone is a copy of a guest that waits (pool.c) */
	bool without_kvm; /* nested guests boot kernels that have no KVM, too */
	bool fail_fast, verbose;
	unsigned keep_failed; /* guests of failed cases that are saved, at most; 0: none */
	const char *program; /* argv[0], for rerun lines; NULL: "vmrig" */
	const char *suite_arg; /* the suite as typed, for rerun lines; NULL: it was found upwards */
};

/* The suite file of the run in folder DIR, for run_options.resume. The caller owns the path. */
int run_resume_suite(const char *dir, char **ret_path, struct err *e);

/* Runs the suite to its end: progress on stderr, reports on disk. Returns the exit code of `vmrig test`:
 * 0, 1, 2 (usage: an error in E), 125 (infra), or 128+n when a signal stopped it (after the reports). */
int suite_run(struct suite *s, const struct run_options *o, struct err *e);

/* The folder with the saved guest of case ID (or of the only case whose id has it as its test) of the run in DIR (NULL: the latest
 * of here, unless ID itself is such a folder); the caller owns it. -ENOENT names what there is. */
int run_snapshot_dir(const char *dir, const char *id, char **ret, struct err *e);

/* ---- one command, for `vmrig run` ---- */

struct once_options {
	const char *kernel; /* spec; NULL: default */
	bool explain; /* each place where the kernel was looked for, to stderr */
	const char *arch; /* of the guest; NULL: the kernel's */
	struct guest_wish wish;
	enum suite_isolate isolate;
	struct job_command command; /* has_stdin: our own stdin is passed on */
	int64_t boot_ms, idle_ms, total_ms; /* 0: none */
	bool verbose; /* console to stderr */
	bool json; /* the record to stderr as one line of JSON at the end */
	bool keep_failed; /* the guest is saved when the command fails, in a new folder below `keep_dir` */
	const char *keep_dir; /* NULL: below the folder of results */
	const char *
		snapshot; /* a guest that was saved there, and goes on in the place of one of `kernel`; NULL */
	bool debug; /* it stands still for a debugger */
	bool dry_run; /* print the engine's command line and stop */
	enum splat_kind fail_on;
};
/* Streams through, returns the exit code. */
int once_run(const struct once_options *o, struct err *e);

#endif
