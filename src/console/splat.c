/* SPDX-License-Identifier: MIT */
/*
 * Gathers reports from lines. A report begins with a line that a pattern knows, or with "cut here",
 * and takes what follows until its end mark, a line of another form behind its trace, the
 * beginning of another report, or a bound. Where printk names the caller of each line, reports of
 * two callers that interleave are kept apart.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "console/console.h"
#include "console/lines.h"
#include "console/report.h"

enum {
	OPEN_MAX = 4, /* reports in progress */
	REPORT_LINES = 200,
	REPORT_BYTES = 16 * 1024,
	FOREIGN_MAX = 12, /* lines of another form before the trace */
	FOREIGN_TRACE_MAX = 3, /* … within the trace */
	FOREIGN_LONG_MAX = 60, /* … of lockdep */
	PRELUDE_LINES = 4, /* between "list_add corruption" and "cut here" */
	CAUSE_LINES = 150, /* between the end of a report and the panic that it caused */
};

/* Which lines of the stream are the kernel's. */
enum trust {
	TRUST_ANY, /* nothing seen yet that tells */
	TRUST_STAMPED, /* it stamps its lines: one without a stamp is userspace's */
	TRUST_ALWAYS, /* printk.time is off: no line can be told from the kernel's */
};

struct splats {
	struct line_reader reader;
	enum trust trust;
	struct report open[OPEN_MAX];
	bool used[OPEN_MAX];
	struct splat kept[SPLATS_MAX];
	size_t n_kept;
	struct console_end end;
	struct buf line, ruler; /* the line in work; a line of '=' that may begin a report */
	char *last_title; /* owned: of the report that ended last */
	unsigned long long n_lines, last_line;
	size_t n_lost;
	bool after_record;
};

static const char *const kind_names[] = {
	[SPLAT_NONE] = "none",
	[SPLAT_WARN] = "warning",
	[SPLAT_STALL] = "stall",
	[SPLAT_LOCKDEP] = "lockdep",
	[SPLAT_UBSAN] = "ubsan",
	[SPLAT_SANITIZER] = "sanitizer",
	[SPLAT_BUG] = "bug",
	[SPLAT_OOPS] = "oops",
	[SPLAT_PANIC] = "panic",
};

const char *splat_kind_name(enum splat_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : "none";
}

enum splat_kind splat_kind_parse(const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(kind_names); i++)
		if (streq(name, kind_names[i]))
			return (enum splat_kind)i;
	return SPLAT_NONE;
}

static void splat_release(struct splat *p)
{
	free(p->title);
	free(p->signature);
	free(p->text);
}

static void report_release(struct report *r)
{
	free(r->head);
	free(r->first);
	free(r->warn);
	free(r->cause);
	buf_release(&r->text);
	memset(r, 0, sizeof(*r));
}

struct splats *splats_new(void)
{
	return xcalloc(1, sizeof(struct splats));
}

void splats_free(struct splats *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_kept; i++)
		splat_release(&s->kept[i]);
	for (size_t i = 0; i < OPEN_MAX; i++)
		report_release(&s->open[i]);
	buf_release(&s->line);
	buf_release(&s->ruler);
	free(s->last_title);
	free(s);
}

/* Takes P over. When there is no room, the last of the mildest kind makes way for a graver one. */
static void keep(struct splats *s, struct splat *p)
{
	size_t victim = 0;

	if (s->n_kept == SPLATS_MAX) {
		for (size_t i = 1; i < s->n_kept; i++)
			if (s->kept[i].kind <= s->kept[victim].kind)
				victim = i;
		s->n_lost++;
		if (s->kept[victim].kind >= p->kind) {
			splat_release(p);
			return;
		}
		splat_release(&s->kept[victim]);
		memmove(s->kept + victim, s->kept + victim + 1,
			(s->n_kept - victim - 1) * sizeof(*s->kept));
		s->n_kept--;
	}
	s->kept[s->n_kept++] = *p;
}

static void close_report(struct splats *s, struct report *r)
{
	struct splat p = { .kind = report_kind(r) };

	s->used[r - s->open] = false;
	if (!r->pattern && !r->first) { /* "cut here" and nothing behind it */
		report_release(r);
		return;
	}
	p.title = report_title(r);
	p.signature = report_signature(r, p.title);
	buf_truncate(&r->text, r->text_own);
	p.text = buf_detach(&r->text);
	if (p.kind != SPLAT_PANIC) { /* which is nothing's cause: it is the end */
		str_replace(&s->last_title, p.title);
		s->last_line = s->n_lines;
	}
	report_release(r);
	keep(s, &p);
}

static void close_all(struct splats *s)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (s->used[i])
			close_report(s, &s->open[i]);
}

/* The report in progress that a line of CALLER belongs to. What other CPUs say when they are asked
 * for their backtrace belongs to the stall that asked. */
static struct report *find_open(struct splats *s, const char *caller)
{
	struct report *stall = NULL;

	for (size_t i = 0; i < OPEN_MAX; i++) {
		if (!s->used[i])
			continue;
		if (streq(s->open[i].caller, caller))
			return &s->open[i];
		if (report_kind(&s->open[i]) == SPLAT_STALL)
			stall = &s->open[i];
	}
	return stall;
}

static struct report *open_report(struct splats *s, const char *caller)
{
	size_t i;

	for (i = 0; i < OPEN_MAX && s->used[i]; i++)
		;
	if (i == OPEN_MAX)
		close_report(s, &s->open[i = 0]);
	s->used[i] = true;
	strcpy(s->open[i].caller, caller);
	return &s->open[i];
}

static void append(struct report *r, const char *shown, bool own)
{
	size_t room = REPORT_BYTES - r->text.len, n = strlen(shown);

	if (room > 0) {
		buf_add(&r->text, shown, n < room ? n : room - 1);
		buf_addc(&r->text, '\n');
	}
	r->n_lines++;
	if (own)
		r->text_own = r->text.len;
}

static bool is_cut_here(const char *text)
{
	return str_starts(text, "------------[ cut here ]------------");
}

static bool is_ruler(const char *text)
{
	size_t n = strspn(text, "=");

	return n >= 20 && text[n + strspn(text + n, " ")] == '\0';
}

static bool is_end_mark(const struct report *r, const char *text)
{
	if (is_ruler(text))
		return r->pattern && (r->pattern->flags & PAT_RULER) && r->n_lines > 3;
	return str_starts(text, "---[ end ") || str_starts(text, "Rebooting in ");
}

/* Whether R's own end can be waited for. */
static bool has_end_mark(const struct report *r)
{
	return r->cut_here || (r->pattern && r->pattern->flags & (PAT_END | PAT_RULER));
}

/* Whether the line of pattern P, in the midst of R, is part of R. */
static bool goes_on(const struct report *r, const struct pattern *p)
{
	if (!r->pattern)
		return true;
	if (r->trace_begun || r->framed)
		return false;
	if (p->flags & PAT_WARN)
		return r->cut_here && !r->warn;
	if (p->flags & PAT_FOLLOW)
		return r->pattern->kind == SPLAT_BUG || r->pattern->kind == SPLAT_OOPS;
	return str_starts(p->start ? p->start : "", "kernel BUG at") &&
	       (r->pattern->flags & PAT_PRELUDE);
}

static void take_head(struct report *r, const struct pattern *p, const char *text)
{
	if (p->flags & PAT_WARN)
		str_replace(&r->warn, text);
	if (r->pattern)
		return;
	r->pattern = p;
	str_replace(&r->head, text);
}

/* Whether a line of no own form ends R. Another CPU may have put a few of its own into the midst of
 * a trace; behind the mark of its end there are none. */
static bool foreign_ends(struct report *r)
{
	const struct pattern *p = r->pattern;
	size_t max = p && p->flags & PAT_LONG ? FOREIGN_LONG_MAX : FOREIGN_MAX;

	if (has_end_mark(r))
		return false;
	if (r->framed)
		max = r->in_trace ? FOREIGN_TRACE_MAX : 0;
	return ++r->n_foreign > max;
}

static void add_line(struct splats *s, struct report *r, const char *shown, const char *text)
{
	const struct pattern *p = r->pattern;
	bool marked = is_end_mark(r, text), own = report_note(r, text) || marked;

	if (!own && foreign_ends(r)) {
		close_report(s, r);
		return;
	}
	if (own)
		r->n_foreign = 0;
	if (r->cut_here && !r->first && !is_cut_here(text))
		r->first = xstrdup(text);
	/* Before its trace a report says what it has to say in any form. */
	append(r, shown, own || !r->framed || has_end_mark(r));
	if (marked || r->n_lines >= REPORT_LINES || r->text.len >= REPORT_BYTES ||
		(p && p->flags & PAT_LINE))
		close_report(s, r);
}

static void begin(
	struct splats *s, struct report *r, const struct kline *k, const struct pattern *p)
{
	if (p && p->kind == SPLAT_PANIC)
		close_all(s); /* the panic is the last of them, and one of them may be its cause */
	else if (r)
		close_report(s, r);
	r = open_report(s, k->caller);
	if (s->ruler.len > 0)
		append(r, buf_str(&s->ruler), true);
	if (p)
		take_head(r, p, k->text);
	else
		r->cut_here = true;
	if (report_is_consequence(r) && s->last_title && s->n_lines - s->last_line < CAUSE_LINES)
		r->cause = xstrdup(s->last_title);
	add_line(s, r, k->shown, k->text);
}

static void note_end(struct splats *s, const char *text)
{
	static const char reboot[] = "reboot: ";

	if (str_starts(text, reboot)) {
		text += sizeof(reboot) - 1;
		s->end.restarting |= str_starts(text, "Restarting system");
		s->end.powering_down |= str_starts(text, "Power down");
		s->end.halted |= str_starts(text, "System halted");
	}
	if (str_starts(text, "Kernel panic - not syncing: "))
		s->end.no_init |= strstr(text, "No working init found") ||
				  strstr(text, "Attempted to kill init");
	s->end.out_of_memory |= str_starts(text, "Out of memory: Kill");
}

static bool printk_time_off(const char *text)
{
	const char *p = strstr(text, "ommand line: ");

	p = p ? strstr(p, "printk.time=") : NULL;
	return p && strchr("0nN", p[12]);
}

/* Whether the line may be the kernel's; learns from it how the kernel's lines look. */
static bool is_kernels(struct splats *s, const struct kline *k)
{
	bool after_record = s->after_record;

	s->after_record = k->origin == LINE_KMSG || k->origin == LINE_KMSG_USER;
	if (k->origin == LINE_KMSG_USER)
		return false;
	if (after_record && k->origin == LINE_BARE && *k->text == ' ') {
		s->after_record = true; /* " SUBSYSTEM=…": a record's dictionary */
		return false;
	}
	if (k->origin == LINE_STAMPED) {
		if (s->trust == TRUST_ANY)
			s->trust = TRUST_STAMPED;
		if (printk_time_off(k->text))
			s->trust = TRUST_ALWAYS;
		return true;
	}
	if (s->trust == TRUST_ANY && str_starts(k->text, "Linux version "))
		s->trust = TRUST_ALWAYS;
	return s->trust != TRUST_STAMPED;
}

static void kernel_line(struct splats *s, const struct kline *k)
{
	struct report *r = find_open(s, k->caller);
	const struct pattern *p = pattern_find(k->text);

	s->n_lines++;
	note_end(s, k->text);
	if (p && r && goes_on(r, p)) {
		take_head(r, p, k->text);
		add_line(s, r, k->shown, k->text);
	} else if (p) {
		begin(s, r, k, p);
	} else if (is_cut_here(k->text)) {
		if (r && r->pattern && (r->pattern->flags & PAT_PRELUDE) && !r->trace_begun &&
			r->n_lines <= PRELUDE_LINES) {
			r->cut_here = true;
			add_line(s, r, k->shown, k->text);
		} else {
			begin(s, r, k, NULL);
		}
	} else if (str_starts(k->text, "Linux version ")) {
		close_all(s);
	} else if (r) {
		add_line(s, r, k->shown, k->text);
	}
	buf_clear(&s->ruler);
	if (is_ruler(k->text))
		buf_adds(&s->ruler, k->shown);
}

/* Undoes, in place, what records of /dev/kmsg write for newline, tab and backslash. */
static void unescape(char *s)
{
	static const struct {
		const char *code;
		char is;
	} codes[] = { { "\\x0a", '\n' }, { "\\x09", '\t' }, { "\\x5c", '\\' } };
	char *to = s;

	while (*s) {
		size_t i;

		for (i = 0; i < ARRAY_SIZE(codes) && !str_starts(s, codes[i].code); i++)
			;
		*to++ = i < ARRAY_SIZE(codes) ? codes[i].is : *s;
		s += i < ARRAY_SIZE(codes) ? 4 : 1;
	}
	*to = '\0';
}

/* A record of several lines, each shown as a console shows it. */
static void kmsg_record(struct splats *s, struct kline *k)
{
	_cleanup_free_ char *text = xstrdup(k->text);
	_cleanup_buf_ struct buf shown = BUF_INIT;
	char *rest = text, *line;

	unescape(text);
	while ((line = strsep(&rest, "\n"))) {
		buf_clear(&shown);
		buf_addf(&shown, "[%5llu.%06llu] %s", k->time_us / 1000000, k->time_us % 1000000,
			line);
		k->text = line;
		k->shown = shown.data;
		kernel_line(s, k);
	}
}

static void on_line(void *arg, const char *line, size_t len)
{
	struct splats *s = arg;
	struct kline k;

	while (len > 0 && line[len - 1] == '\r')
		len--;
	buf_clear(&s->line);
	text_clean(&s->line, line, len);
	kline_parse(buf_str(&s->line), &k);
	if (!is_kernels(s, &k))
		return;
	if (k.origin == LINE_KMSG)
		kmsg_record(s, &k);
	else
		kernel_line(s, &k);
}

void splats_feed(struct splats *s, const char *data, size_t len)
{
	line_reader_feed(&s->reader, data, len, on_line, s);
}

void splats_end(struct splats *s)
{
	line_reader_end(&s->reader, on_line, s);
	close_all(s);
}

size_t splats_count(const struct splats *s)
{
	return s->n_kept;
}

size_t splats_lost(const struct splats *s)
{
	return s->n_lost;
}

const struct splat *splats_at(const struct splats *s, size_t i)
{
	return i < s->n_kept ? &s->kept[i] : NULL;
}

const struct splat *splats_worst(const struct splats *s, enum splat_kind min)
{
	const struct splat *worst = NULL;

	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].kind >= min && (!worst || s->kept[i].kind > worst->kind))
			worst = &s->kept[i];
	return worst;
}

const struct console_end *splats_kernel_end(const struct splats *s)
{
	return &s->end;
}
