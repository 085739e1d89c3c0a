/* SPDX-License-Identifier: MIT */
/*
 * Private to src/pipeline: templates, which are the platforms' own files with holes.
 *
 *	@{NAME}			the value of NAME
 *	%if NAME / %else / %end	lines that are there where NAME has a value; with !NAME where it has none
 *	%for LIST / %end	lines for each entry of LIST, whose values go before the others
 *	%include FILE		another template, indented as the directive is
 *
 * A directive stands in a line of its own. An unknown name is empty.
 */
#ifndef PIPELINE_TEMPLATE_H
#define PIPELINE_TEMPLATE_H

#include "base/buf.h"
#include "base/strv.h"

struct template_file {
	const char *name, *text;
};
extern const struct template_file template_files[]; /* ended by one without a name */

struct template_list {
	const char *name; /* static */
	struct strv *entries; /* owned: each is a set of values, NAME=VALUE */
	size_t n;
};

struct template_values {
	struct strv values; /* NAME=VALUE; an empty value is none */
	struct template_list lists[4];
	size_t n_lists;
};
void template_values_release(struct template_values *v);

/* A new entry of the list NAME, which is made where there is none. Valid until the next call. */
struct strv *template_entry(struct template_values *v, const char *name);

/* The template FILE filled in, to the end of RET. */
void template_fill(const char *file, const struct template_values *v, struct buf *ret);

#endif
