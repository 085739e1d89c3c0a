/* SPDX-License-Identifier: MIT */
/* The words for verdicts and protocols, in records and on the command line. */
#include "results/results.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/text.h"

static const char *const verdict_names[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_PASS] = "pass",
	[VERDICT_FAIL] = "fail",
	[VERDICT_SKIP] = "skip",
	[VERDICT_XFAIL] = "xfail",
	[VERDICT_XPASS] = "xpass",
	[VERDICT_CRASH] = "crash",
	[VERDICT_LOST] = "lost",
	[VERDICT_TIMEOUT] = "timeout",
	[VERDICT_INFRA] = "infra",
};

static const char *const protocol_names[] = {
	[PROTOCOL_EXIT] = "exit",
	[PROTOCOL_TAP] = "tap",
	[PROTOCOL_KTAP] = "ktap",
	[PROTOCOL_KSELFTEST] = "kselftest",
	[PROTOCOL_AUTOMAKE] = "automake",
};

const char *verdict_name(enum verdict v)
{
	BUG_ON((size_t)v >= ARRAY_SIZE(verdict_names));
	return verdict_names[v];
}

enum verdict verdict_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdict_names); i++)
		if (streq(name, verdict_names[i]))
			return (enum verdict)i;
	return VERDICT_NONE;
}

const char *protocol_name(enum protocol p)
{
	BUG_ON((size_t)p >= ARRAY_SIZE(protocol_names));
	return protocol_names[p];
}

int protocol_parse(const char *name, enum protocol *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocol_names); i++) {
		if (streq(name, protocol_names[i])) {
			*ret = (enum protocol)i;
			return 0;
		}
	}
	return -EINVAL;
}
