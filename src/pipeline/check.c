/* SPDX-License-Identifier: MIT */
/* The head of a pipeline: the command that made it, and what it was made of. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pipeline/private.h"

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
