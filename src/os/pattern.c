/* SPDX-License-Identifier: MIT */
/*
 * Patterns. PCRE2 counts its steps and ends a match that takes too many, so neither a guest's line nor a careless
 * pattern can hold the rig up. Just-in-time compilation is off: its code does not count so.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string.h>

#include "base/alloc.h"
#include "os/private.h"

#define STEPS_MAX    100000
#define HEAP_MAX_KIB 1024

struct os_pattern {
	char *text; /* owned */
	pcre2_code *code; /* owned */
	pcre2_match_data *data; /* owned */
	pcre2_match_context *limits; /* owned */
	bool gave_up;
};

static pcre2_code *compile(const char *text, struct err *e)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at = 0;
	int code = 0;
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
		PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);

	if (c)
		return c;
	pcre2_get_error_message(code, why, sizeof(why));
	err_set(e, -EINVAL, "pattern '%s' is wrong at character %zu: %s", text, at + 1,
		(char *)why);
	return NULL;
}

int os_pattern_check(const char *text, struct err *e)
{
	pcre2_code *c = compile(text, e);

	if (!c)
		return -EINVAL;
	pcre2_code_free(c);
	return 0;
}

int os_pattern_new(const char *text, struct os_pattern **ret, struct err *e)
{
	pcre2_code *code = compile(text, e);
	struct os_pattern *p;

	if (!code)
		return -EINVAL;
	p = xcalloc(1, sizeof(*p));
	p->text = xstrdup(text);
	p->code = code;
	p->data = pcre2_match_data_create_from_pattern(code, NULL);
	p->limits = pcre2_match_context_create(NULL);
	BUG_ON(!p->data || !p->limits);
	pcre2_set_match_limit(p->limits, STEPS_MAX);
	pcre2_set_heap_limit(p->limits, HEAP_MAX_KIB);
	*ret = p;
	return 0;
}

void os_pattern_free(struct os_pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->data);
	pcre2_code_free(p->code);
	free(p->text);
	free(p);
}

static char *group(
	const struct os_pattern *p, const char *line, const char *name, int fallback, int n)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->data);
	int i = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)name);

	if (i < 0)
		i = fallback;
	if (i <= 0 || i >= n || at[2 * i] == PCRE2_UNSET)
		return NULL;
	return xstrndup(line + at[2 * i], at[2 * i + 1] - at[2 * i]);
}

bool os_pattern_match(struct os_pattern *p, const char *line, size_t len, struct os_match *ret)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->data);
	int n = pcre2_match(p->code, (PCRE2_SPTR)line, len, 0, 0, p->data, p->limits);

	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		p->gave_up = true;
	if (n < 0)
		return false;
	if (ret)
		*ret = (struct os_match){
			.from = at[0],
			.to = at[1],
			.name = group(p, line, "name", 1, n),
			.count = group(p, line, "count", 0, n),
		};
	return true;
}

bool os_pattern_gave_up(const struct os_pattern *p)
{
	return p->gave_up;
}

const char *os_pattern_text(const struct os_pattern *p)
{
	return p->text;
}
