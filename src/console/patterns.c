/* SPDX-License-Identifier: MIT */
/*
 * How kernels begin to complain, on x86, arm64 and riscv: the words are those of lib/bug.c,
 * kernel/panic.c, arch/x86/mm/fault.c, arch/arm64/mm/fault.c, arch/riscv/mm/fault.c,
 * mm/kasan/report.c, kernel/locking/lockdep.c, kernel/rcu/tree_stall.h and their kind, from 4.x on.
 */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "console/report.h"

/* "NAME: 0000 [#1] SMP", "Oops - BUG: 0 [#1]", "Oops [#1]": what die() prints on every machine. */
static bool is_die(const char *line)
{
	const char *p = strstr(line, " [#");
	size_t n;

	if (!p || p == line || p - line > 200)
		return false;
	n = strspn(p + 3, "0123456789");
	if (n == 0 || p[3 + n] != ']')
		return false;
	if (str_starts(line, "Oops") || str_starts(line, "Internal error: ") ||
		str_starts(line, "Kernel BUG"))
		return true;
	/* An error code, and a name of words before it. */
	n = 0;
	while (p > line && isxdigit((unsigned char)p[-1]))
		p--, n++;
	return n >= 4 && p - line > 2 && p[-1] == ' ' && p[-2] == ':' &&
	       islower((unsigned char)*line);
}

static bool is_rcu_stall(const char *line)
{
	return strstr(line, "detected stall") || strstr(line, "detected expedited stall");
}

/* "BUG kmalloc-64 (Not tainted): Poison overwritten", mm/slub.c. */
static bool is_slub(const char *line)
{
	const char *p = strstr(line, "ainted");

	return p && (p = strstr(p, "): "));
}

static bool is_soft_lockup(const char *line)
{
	return strstr(line, "soft lockup - CPU#") != NULL;
}

static bool is_hard_lockup(const char *line)
{
	return strstr(line, "detected hard LOCKUP") != NULL;
}

static bool is_hung_task(const char *line)
{
	return strstr(line, " blocked for more than ") ||
	       strstr(line, " blocked on an RCU tasks for more than ");
}

static bool is_nmi_end(const char *line)
{
	return strstr(line, "NMI: Not continuing") != NULL;
}

/* "WARNING: CPU: 0 PID: 1 at", and from 6.18 on "WARNING: lib/x.c:12 at func+0x1/0x2, CPU#0:". */
static bool is_warn(const char *line)
{
	return strstr(line, " at ") &&
	       (str_starts(line, "WARNING: CPU: ") || strstr(line, ", CPU#"));
}

static bool is_rcu_usage(const char *line)
{
	return strstr(line, "suspicious RCU usage") != NULL;
}

static bool has_unreferenced_size(const char *line)
{
	return strstr(line, " (size ") != NULL;
}

/* "PANIC: double fault" comes with the prefix "traps: "; so do the rest of these words. */
static const char *const subsystems[] = { "watchdog: ", "NMI watchdog: ", "rcu: ", "traps: ",
	"INFO: ", "[ INFO: ", "[ BUG: ", "WARNING: ", "BUG: " };

#define LOCK (PAT_FUNC | PAT_LONG | PAT_TRACE_FIRST)

/* Matched against the line as it is. The first that fits is taken. */
static const struct pattern whole[] = {
	{ "Kernel panic - not syncing: ", SPLAT_PANIC, 0, NULL, title_panic },
	{ "BUG: KASAN: ", SPLAT_SANITIZER, PAT_HEAD_FUNC | PAT_FUNC | PAT_RULER, NULL,
		title_kasan },
	{ "BUG: KMSAN: ", SPLAT_SANITIZER, PAT_HEAD_FUNC | PAT_FUNC | PAT_RULER, NULL, title_tool },
	{ "BUG: KCSAN: ", SPLAT_SANITIZER, PAT_HEAD_FUNC | PAT_RULER, NULL, title_tool },
	{ "BUG: KFENCE: ", SPLAT_SANITIZER, PAT_HEAD_FUNC | PAT_FUNC | PAT_RULER, NULL,
		title_tool },
	{ "UBSAN: ", SPLAT_UBSAN, PAT_FUNC | PAT_RULER | PAT_END, NULL, title_ubsan },
	{ "unreferenced object 0x", SPLAT_SANITIZER, PAT_FUNC, "memory leak", title_fixed,
		has_unreferenced_size },

	{ "BUG: kernel NULL pointer dereference", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: kernel NULL pointer dereference", title_fixed },
	{ "BUG: unable to handle kernel NULL pointer dereference", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: kernel NULL pointer dereference", title_fixed },
	{ "BUG: unable to handle ", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: unable to handle page fault", title_fixed },
	{ "Unable to handle kernel NULL pointer dereference", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: kernel NULL pointer dereference", title_fixed },
	{ "Unable to handle kernel paging request", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: unable to handle page fault", title_fixed },
	{ "Unable to handle kernel access to user memory", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: unable to handle access to user memory", title_fixed },
	{ "Unable to handle kernel ", SPLAT_OOPS, PAT_FUNC | PAT_END, NULL, title_line },
	{ "general protection fault", SPLAT_OOPS, PAT_FUNC | PAT_END, "general protection fault",
		title_fixed, is_die },
	{ "kernel BUG at ", SPLAT_BUG, PAT_FUNC | PAT_END, NULL, title_bug_at },
	{ "BUG: stack guard page was hit", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: stack guard page was hit", title_fixed },
	{ "BUG: TASK stack guard page was hit", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: stack guard page was hit", title_fixed },
	{ "BUG: IRQ stack guard page was hit", SPLAT_OOPS, PAT_FUNC | PAT_END,
		"BUG: stack guard page was hit", title_fixed },
	{ "Kernel stack overflow", SPLAT_OOPS, PAT_FUNC, "kernel stack overflow", title_fixed },
	{ "Insufficient stack space to handle exception", SPLAT_OOPS, PAT_FUNC,
		"kernel stack overflow", title_fixed },
	{ "traps: PANIC: double fault", SPLAT_OOPS, PAT_FUNC, "double fault", title_fixed },
	{ "PANIC: double fault", SPLAT_OOPS, PAT_FUNC, "double fault", title_fixed },
	{ NULL, SPLAT_OOPS, PAT_FUNC | PAT_FOLLOW | PAT_END, NULL, title_die, is_die },
	{ NULL, SPLAT_PANIC, 0, "kernel panic: NMI: Not continuing", title_fixed, is_nmi_end },

	{ "list_add corruption", SPLAT_BUG, PAT_FUNC | PAT_PRELUDE, "list_add corruption",
		title_fixed },
	{ "list_del corruption", SPLAT_BUG, PAT_FUNC | PAT_PRELUDE, "list_del corruption",
		title_fixed },
	{ "list_add double add", SPLAT_BUG, PAT_FUNC | PAT_PRELUDE, "list_add double add",
		title_fixed },
	{ "refcount_t: ", SPLAT_BUG, PAT_FUNC | PAT_PRELUDE, NULL, title_line },
	{ "usercopy: Kernel memory ", SPLAT_BUG, PAT_FUNC | PAT_PRELUDE, "bad usercopy",
		title_fixed },
	{ "BUG: Bad page state", SPLAT_BUG, PAT_FUNC, "BUG: Bad page state", title_fixed },
	{ "BUG: Bad page map", SPLAT_BUG, PAT_FUNC, "BUG: Bad page map", title_fixed },
	{ "BUG: Bad page cache", SPLAT_BUG, PAT_FUNC, "BUG: Bad page cache", title_fixed },
	{ "BUG: Bad rss-counter", SPLAT_BUG, PAT_LINE, "BUG: Bad rss-counter state", title_fixed },
	{ "BUG: non-zero ", SPLAT_BUG, PAT_LINE, "BUG: non-zero pgtables_bytes on freeing mm",
		title_fixed },
	{ "BUG: sleeping function called from invalid context", SPLAT_LOCKDEP,
		PAT_FUNC | PAT_TRACE_FIRST, "BUG: sleeping function called from invalid context",
		title_fixed },
	{ "BUG: scheduling while atomic", SPLAT_LOCKDEP, PAT_FUNC | PAT_TRACE_FIRST,
		"BUG: scheduling while atomic", title_fixed },
	{ "BUG: using ", SPLAT_LOCKDEP, PAT_FUNC | PAT_TRACE_FIRST,
		"BUG: using a per-CPU value in preemptible code", title_fixed },
	{ "BUG: workqueue leaked", SPLAT_LOCKDEP, PAT_FUNC | PAT_TRACE_FIRST,
		"BUG: workqueue leaked lock or atomic", title_fixed },
	{ "BUG: workqueue lockup", SPLAT_STALL, PAT_LONG, "BUG: workqueue lockup", title_fixed },
	{ "BUG: MAX_LOCK", SPLAT_WARN, 0, "lockdep ran out of room", title_fixed },
	{ "BUG: MAX_STACK_TRACE_ENTRIES", SPLAT_WARN, 0, "lockdep ran out of room", title_fixed },
	{ "BUG ", SPLAT_BUG, PAT_FUNC | PAT_LONG, NULL, title_slub, is_slub },
	{ "WARNING: ", SPLAT_WARN, PAT_FUNC | PAT_END | PAT_WARN, NULL, title_warn, is_warn },
};

/* Matched behind the words of `subsystems`, of which there must be at least one. */
static const struct pattern behind_subsystem[] = {
	{ NULL, SPLAT_STALL, PAT_FUNC, "BUG: soft lockup", title_fixed, is_soft_lockup },
	{ NULL, SPLAT_STALL, PAT_FUNC, "hard LOCKUP", title_fixed, is_hard_lockup },
	{ "rcu", SPLAT_STALL, PAT_FUNC | PAT_LONG, "RCU stall", title_fixed, is_rcu_stall },
	{ "task ", SPLAT_STALL, PAT_FUNC | PAT_TRACE_FIRST, "task hung", title_fixed,
		is_hung_task },
	{ "possible circular locking dependency", SPLAT_LOCKDEP, LOCK,
		"possible circular locking dependency", title_fixed },
	{ "possible recursive locking", SPLAT_LOCKDEP, LOCK, "possible recursive locking",
		title_fixed },
	{ "possible irq lock inversion", SPLAT_LOCKDEP, LOCK, "possible irq lock inversion",
		title_fixed },
	{ "inconsistent lock state", SPLAT_LOCKDEP, LOCK, "inconsistent lock state", title_fixed },
	{ "suspicious RCU usage", SPLAT_LOCKDEP, LOCK, "suspicious RCU usage", title_fixed },
	{ "held lock freed", SPLAT_LOCKDEP, LOCK, "held lock freed", title_fixed },
	{ "lock held when returning to user space", SPLAT_LOCKDEP, LOCK,
		"lock held when returning to user space", title_fixed },
	{ "lock held at task exit time", SPLAT_LOCKDEP, LOCK, "lock held at task exit time",
		title_fixed },
	{ "bad unlock balance", SPLAT_LOCKDEP, LOCK, "bad unlock balance", title_fixed },
	{ "bad contention detected", SPLAT_LOCKDEP, LOCK, "bad contention", title_fixed },
	{ "Nested lock was not taken", SPLAT_LOCKDEP, LOCK, "nested lock was not taken",
		title_fixed },
	{ "Invalid wait context", SPLAT_LOCKDEP, LOCK, "invalid wait context", title_fixed },
	{ "trying to register non-static key", SPLAT_LOCKDEP, LOCK, "non-static lock key",
		title_fixed },
	{ "SOFTIRQ-", SPLAT_LOCKDEP, LOCK, "possible interrupt deadlock", title_fixed },
	{ "HARDIRQ-", SPLAT_LOCKDEP, LOCK, "possible interrupt deadlock", title_fixed },
	{ "RECLAIM_FS-", SPLAT_LOCKDEP, LOCK, "possible reclaim deadlock", title_fixed },
	{ NULL, SPLAT_LOCKDEP, LOCK, "suspicious RCU usage", title_fixed, is_rcu_usage },
};

/* What begins with "BUG:" and is in no table. */
static const struct pattern unknown_bug = { "BUG: ", SPLAT_BUG, 0, NULL, title_line };

static const struct pattern *find_in(const struct pattern *p, size_t n, const char *line)
{
	for (; n > 0; n--, p++)
		if ((!p->start || (*line == *p->start && str_starts(line, p->start))) &&
			(!p->test || p->test(line)))
			return p;
	return NULL;
}

static const char *skip_subsystems(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(subsystems);) {
		if (str_starts(line, subsystems[i])) {
			line += strlen(subsystems[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return line;
}

const struct pattern *pattern_find(const char *line)
{
	const struct pattern *p;
	const char *rest;

	if (*line == '\0')
		return NULL;
	p = find_in(whole, ARRAY_SIZE(whole), line);
	if (p)
		return p;
	rest = skip_subsystems(line);
	if (rest != line)
		p = find_in(behind_subsystem, ARRAY_SIZE(behind_subsystem), rest);
	if (p)
		return p;
	return str_starts(line, unknown_bug.start) ? &unknown_bug : NULL;
}
