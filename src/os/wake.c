/* SPDX-License-Identifier: MIT */
/*
 * A machine that goes on from where it was saved: its clock stood still since then, and its siblings draw their random
 * numbers from the same state. Over SSH both can be told; what else may be done is in docs/systems.md.
 */
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/saved.h"

#define LATE_MIN_MS 1000
#define WORDS       8 /* of random bits */

/* Bytes that anybody may mix in, and a clock that root may set. */
#define MIX "echo %s >/dev/urandom; "
#define SET_CLOCK                                                                      \
	"if [ \"$(id -u)\" = 0 ]; then date -s @%lld; else sudo -n date -s @%lld; fi " \
	">/dev/null 2>&1"

static int64_t late_ms(const struct os *o)
{
	if (!o->saved_ns)
		return 0;
	return (clock_wall_ns() - o->saved_ns) / 1000000 - os_elapsed_ms(o);
}

bool os_wake_due(const struct os *o)
{
	return !o->woken && late_ms(o) >= LATE_MIN_MS;
}

struct ssh_job *os_wake(struct os *o, const struct ssh_handlers *h)
{
	long long now = clock_wall_ns() / 1000000000;
	_cleanup_buf_ struct buf bits = BUF_INIT;
	_cleanup_free_ char *command = NULL;
	uint32_t words[WORDS];

	o->woken = true;
	if (getrandom(words, sizeof(words), 0) == sizeof(words))
		for (size_t i = 0; i < WORDS; i++)
			buf_addf(&bits, "%08x", words[i]);
	command = xasprintf(MIX SET_CLOCK, buf_str(&bits), now, now);
	return ssh_run(o->ssh, command, h);
}

void os_woken(struct os *o, const struct ssh_result *r)
{
	if (r->code)
		strv_addf(&o->report.trouble,
			"the clone's clock is %lld s late: the user of SSH may not set it",
			(long long)(late_ms(o) / 1000));
}
