/* SPDX-License-Identifier: MIT */
/* The head of a pipeline: the command that made it, and what it was made of. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pipeline/private.h"

#define HEAD_COMMAND "# Made by: vmrig "
#define HEAD_FACT    "#   - "

void head_write(const struct units *u, const struct strv *command, struct buf *ret)
{
	_cleanup_free_ char *line = strv_shell(command);

	buf_addf(ret, HEAD_COMMAND "%s\n", line);
	buf_adds(ret,
		"#\n# `vmrig ci check` says whether this is still what that makes. It was made of\n");
	for (size_t i = 0; i < u->n; i++) {
		const struct unit *x = &u->v[i];

		if (x->kernel)
			buf_addf(ret, HEAD_FACT "kernel %s for %s, %s\n", x->kernel, x->arch,
				x->tested ? "tested" : "made, but no test is meant for it");
		else
			buf_adds(ret, HEAD_FACT "machines with systems of their own\n");
	}
	if (u->needs_kvm)
		buf_adds(ret, HEAD_FACT "the demand for KVM\n");
	else if (u->may_kvm)
		buf_adds(ret, HEAD_FACT "machines that use KVM where it works\n");
	if (u->needs_nested)
		buf_adds(ret, HEAD_FACT "machines that have a KVM of their own\n");
	if (u->bench)
		buf_adds(ret, HEAD_FACT "tests with the tag bench\n");
	buf_truncate(ret, ret->len - 1);
}

/* One word as buf_add_shell_word() writes it; what a person may have written besides is taken as it stands. */
static const char *read_word(const char *p, struct buf *ret)
{
	bool quoted = false;

	for (; *p && *p != '\n' && (quoted || *p != ' '); p++) {
		if (*p == '\'')
			quoted = !quoted;
		else if (*p == '\\' && !quoted && p[1] && p[1] != '\n')
			buf_addc(ret, *++p);
		else
			buf_addc(ret, *p);
	}
	return p;
}

int pipeline_command(const char *text, struct strv *ret, struct err *e)
{
	const char *p = text;

	while (p && *p == '#' && !str_starts(p, HEAD_COMMAND)) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (!p || !str_starts(p, HEAD_COMMAND))
		return err_set(e, -EINVAL, "its first lines do not say that vmrig made it");
	for (p += strlen(HEAD_COMMAND); *p && *p != '\n'; p += strspn(p, " ")) {
		_cleanup_buf_ struct buf word = BUF_INIT;

		p = read_word(p, &word);
		strv_add(ret, buf_str(&word));
	}
	return 0;
}

static void read_facts(const char *text, struct strv *ret)
{
	for (const char *p = text; p && *p == '#'; p = strchr(p, '\n'), p += p ? 1 : 0) {
		size_t len = strcspn(p, "\n");

		if (str_starts(p, HEAD_FACT))
			strv_addf(
				ret, "%.*s", (int)(len - strlen(HEAD_FACT)), p + strlen(HEAD_FACT));
	}
}

static void missing(
	const struct strv *of, const struct strv *in, const char *what, struct strv *ret)
{
	for (size_t i = 0; i < of->n; i++)
		if (!strv_has(in, of->v[i]))
			strv_addf(ret, "%s: %s", what, of->v[i]);
}

void pipeline_reasons(const char *old, const char *new, struct strv *ret)
{
	_cleanup_strv_ struct strv before = STRV_INIT, after = STRV_INIT;

	read_facts(old, &before);
	read_facts(new, &after);
	missing(&after, &before, "the suite now has", ret);
	missing(&before, &after, "the suite no longer has", ret);
	if (!ret->n)
		strv_add(ret,
			"the suite is what it was: the file was changed by hand, or by another vmrig, "
			"or limits, filters and names of tests changed");
}
