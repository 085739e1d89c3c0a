/* SPDX-License-Identifier: MIT */
/*
 * Pipelines of CI platforms for a suite, made from its vmrig.yaml: kernels and images are made once and handed on, and each
 * kernel of each architecture is tested in a job of its own. The text of each platform lies in templates/. What a file
 * was made with stands at its head, so that it can be made again and compared.
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum pipeline_platform {
	PIPELINE_GITHUB,
	PIPELINE_ACTUATED,
	PIPELINE_SELF_HOSTED,
	PIPELINE_GITLAB,
	PIPELINE_BUILDKITE,
	PIPELINE_DRONE,
	PIPELINE_PLATFORMS
};
const char *pipeline_platform_name(enum pipeline_platform p); /* "self-hosted" */
int pipeline_platform_parse(const char *name, enum pipeline_platform *ret); /* -EINVAL */

/* Where the platform looks for it, against the repository. */
const char *pipeline_path(enum pipeline_platform p);

/* Borrowed, all of it. */
struct pipeline_options {
	enum pipeline_platform platform;
	const char *repository; /* its folder, absolute */
	const char *suite; /* its vmrig.yaml, absolute, below the repository */
	/* How vmrig comes to the runner: "URL@REF" to build, a folder of the repository that holds its source, or "installed". NULL:
	 * "installed" where runners are one's own, else an error. */
	const char *vmrig;
	const char
		*image; /* of containers; "none": the runner itself; NULL: as the platform has it */
	const char *
		runner; /* label, tag, queue or node of the runners; NULL: as the platform has it */
	const struct strv *kernels; /* specs, over the suite's */
	const struct strv *packages; /* Debian's, that the tests need */
	const char *prepare; /* a shell command that makes what the machines boot; NULL */
	bool kvm; /* KVM must work, whatever the suite says */
};

/* The folder of the repository that PATH lies in (the nearest with .git), or -ENOENT. The caller owns it. */
int pipeline_repository(const char *path, char **ret, struct err *e);

/*
 * Makes the pipeline, to the end of RET. COMMAND (words, without "vmrig") is what makes it again, for its head. A line for
 * each thing that a person should see to is added to RET_NOTES. -EINVAL: the suite has what no runner can get, such as a
 * kernel of this machine's cache, or options that do not go together; the message says which.
 */
int pipeline_make(const struct pipeline_options *o, const struct strv *command, struct buf *ret,
	struct strv *ret_notes, struct err *e);

/* The words of the command that made a pipeline, from its text. -EINVAL: it was not made by vmrig. */
int pipeline_command(const char *text, struct strv *ret, struct err *e);

/* Why the text OLD is not NEW: a sentence each, of what is said at their heads. */
void pipeline_reasons(const char *old, const char *new, struct strv *ret);

#endif
