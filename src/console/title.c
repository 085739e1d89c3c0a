/* SPDX-License-Identifier: MIT */
/* A report's name, for people and for grouping: no address, no PID, no CPU. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"
#include "console/report.h"

#define TITLE_MAX 200

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdefABCDEF");
}

/* The length of an address at S ("0xffff888012345678", "ffffffff81000000"), 0 if there is none. */
static size_t address_at(const char *s, const char *text)
{
	size_t skip = s[0] == '0' && s[1] == 'x' ? 2 : 0, n = hex_run(s + skip);

	if (s > text && (isalnum((unsigned char)s[-1]) || s[-1] == '_'))
		return 0;
	if (isalnum((unsigned char)s[skip + n]) || s[skip + n] == '_')
		return 0;
	return n >= (skip ? 9 : 12) ? skip + n : 0;
}

/* Adds N bytes of S with offsets into functions dropped and addresses named as such. */
static void add_text(struct buf *b, const char *s, size_t n)
{
	_cleanup_free_ char *text = xstrndup(s, n < 2 * TITLE_MAX ? n : 2 * TITLE_MAX);
	struct symref ref;
	const char *p = text;

	while (*p) {
		size_t skip = address_at(p, text);

		if (skip) {
			buf_adds(b, "ADDR");
			p += skip;
		} else if (*p == '+' && symref_find(text, &ref) && p == ref.name + ref.name_len) {
			p = ref.end;
		} else {
			buf_addc(b, *p++);
		}
	}
}

/* Ends the title at the last of its words: no blank, no full stop. */
static void trim(struct buf *b, size_t from)
{
	if (b->len > from + TITLE_MAX)
		buf_truncate(b, from + TITLE_MAX);
	while (b->len > from && strchr(" .:,\t", b->data[b->len - 1]))
		buf_truncate(b, b->len - 1);
}

/* "mm/slub.c:435" with what a build put before the path dropped. */
static void add_place(struct buf *b, const char *s, size_t n)
{
	_cleanup_free_ char *place = xstrndup(s, n);
	const char *p = place;

	if (*p == '/' || str_starts(p, "./") || str_starts(p, "../"))
		p = path_base(p);
	buf_adds(b, p);
}

static const char *behind(const char *s, const char *prefix)
{
	return str_starts(s, prefix) ? s + strlen(prefix) : s;
}

void title_fixed(const struct report *r, struct buf *b)
{
	buf_adds(b, r->pattern->title);
}

void title_line(const struct report *r, struct buf *b)
{
	const char *at = strstr(r->head, " at virtual address");

	add_text(b, r->head, at ? (size_t)(at - r->head) : strlen(r->head));
}

void title_panic(const struct report *r, struct buf *b)
{
	const char *what = behind(r->head, r->pattern->start), *stop = strstr(what, ". ");

	buf_adds(b, "kernel panic: ");
	add_text(b, what, stop ? (size_t)(stop - what) : strlen(what));
}

/* "BUG: KASAN: use-after-free in f+0x1/0x2" is "KASAN: use-after-free Read"; f follows. */
void title_kasan(const struct report *r, struct buf *b)
{
	const char *what = behind(r->head, "BUG: "), *in = strstr(what, " in ");

	add_text(b, what, in ? (size_t)(in - what) : strlen(what));
	if (r->access[0])
		buf_addf(b, " %s", r->access);
}

/* KCSAN names two functions, so its line is the title; of the others' line the first half. */
void title_tool(const struct report *r, struct buf *b)
{
	const char *what = behind(r->head, "BUG: "), *in = strstr(what, " in ");

	if (!(r->pattern->flags & PAT_FUNC))
		in = NULL;
	add_text(b, what, in ? (size_t)(in - what) : strlen(what));
}

void title_ubsan(const struct report *r, struct buf *b)
{
	char func[FUNC_MAX];
	const char *in = strstr(r->head, " in ");

	if (!in || *report_function(r, func)) {
		add_text(b, r->head, in ? (size_t)(in - r->head) : strlen(r->head));
		return;
	}
	add_text(b, r->head, (size_t)(in - r->head) + 4);
	add_place(b, in + 4, strlen(in + 4));
}

/* "WARNING: CPU: 0 PID: 1 at lib/x.c:12 f+0x1/0x2", or "WARNING: lib/x.c:12 at f+0x1/0x2, CPU#0: …". */
void title_warn(const struct report *r, struct buf *b)
{
	const char *p = behind(r->head, "WARNING: ");

	if (str_starts(p, "CPU: "))
		p = strstr(p, " at ") + 4;
	buf_adds(b, "WARNING at ");
	add_place(b, p, strcspn(p, " "));
}

void title_bug_at(const struct report *r, struct buf *b)
{
	const char *place = behind(r->head, r->pattern->start);

	buf_adds(b, "kernel BUG at ");
	add_place(b, place, strcspn(place, "!"));
}

/* "invalid opcode: 0000 [#1] SMP" without its code; "Oops: general protection fault, probably for …". */
void title_die(const struct report *r, struct buf *b)
{
	const char *what = behind(behind(r->head, "Internal error: "), "Oops: ");
	const char *end = strstr(what, " [#"), *colon = end,
		   *comma = strstr(what, ", probably for");

	if (!end || hex_run(what) == (size_t)(end - what)) {
		buf_adds(b, "Oops");
		return;
	}
	while (colon > what && isxdigit((unsigned char)colon[-1]))
		colon--;
	if (colon > what + 1 && colon[-1] == ' ' && colon[-2] == ':')
		end = colon - 2;
	if (comma && comma < end)
		end = comma;
	add_text(b, what, (size_t)(end - what));
}

/* "BUG kmalloc-64 (Tainted: G W): Poison overwritten". */
void title_slub(const struct report *r, struct buf *b)
{
	const char *open = strstr(r->head, " ("), *what = strstr(r->head, "): ");

	if (!open || !what || open > what) {
		title_line(r, b);
		return;
	}
	add_text(b, r->head, (size_t)(open - r->head));
	add_text(b, what + 1, strlen(what + 1));
}

enum splat_kind report_kind(const struct report *r)
{
	return r->pattern ? r->pattern->kind : SPLAT_WARN;
}

/* What panic() says where another report holds the reason. */
static const char *const consequences[] = { "Fatal exception", "panic_on_warn", "Fatal error",
	"Attempted to kill init", "Aiee, killing interrupt handler", "softlockup: hung tasks",
	"hung_task: blocked tasks", "RCU Stall", "Hard LOCKUP", "Machine halted",
	"kernel stack overflow", "Oops - ",
	"UBSAN: ", "KFENCE: ", "Attempted to kill the idle task", "panic_on_oops" };

bool report_is_consequence(const struct report *r)
{
	if (!r->pattern || r->pattern->kind != SPLAT_PANIC)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(consequences); i++)
		if (strstr(r->head, consequences[i]))
			return true;
	return false;
}

char *report_title(const struct report *r)
{
	struct buf b = BUF_INIT;
	char func[FUNC_MAX];
	const char *f;

	if (!r->pattern) {
		buf_adds(&b, "WARNING: ");
		add_text(&b, r->first ? r->first : "", r->first ? strlen(r->first) : 0);
		trim(&b, 0);
		return buf_detach(&b);
	}
	r->pattern->make(r, &b);
	trim(&b, 0);
	f = report_function(r, func);
	if ((r->pattern->flags & PAT_FUNC) && *f)
		buf_addf(&b, " in %s", f);
	if (r->cause)
		buf_addf(&b, " (%s)", r->cause);
	return buf_detach(&b);
}

/* TITLE without the numbers in it that stand alone: lines, exit codes, devices; the digits of a
 * name stay. */
static void add_without_numbers(struct hash *h, const char *title)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	bool word = false;

	for (const char *p = title; *p;) {
		if (!word && isdigit((unsigned char)*p)) {
			p += p[0] == '0' && p[1] == 'x' ? 2 : 0;
			p += hex_run(p);
			word = true;
			continue;
		}
		word = isalnum((unsigned char)*p) || *p == '_';
		buf_addc(&b, *p++);
	}
	hash_adds(h, buf_str(&b));
}

char *report_signature(const struct report *r, const char *title)
{
	struct hash *h = hash_new();
	char hex[HASH_HEX_LEN + 1], func[FUNC_MAX];

	hash_adds(h, splat_kind_name(report_kind(r)));
	add_without_numbers(h, title);
	hash_adds(h, report_function(r, func));
	for (size_t i = 0; i < r->n_frames && i < 3; i++)
		hash_adds(h, r->frames[i]);
	hash_final(h, hex);
	return xstrndup(hex, 16);
}
