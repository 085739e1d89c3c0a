/* SPDX-License-Identifier: MIT */
#include "suite/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

struct running {
	size_t index;
	char *id; /* owned, cleaned */
	const char *phase; /* borrowed: a literal */
	int64_t since_ms;
};

struct progress {
	int fd;
	enum progress_mode mode;
	bool color;
	size_t total, done, failed;
	unsigned jobs;
	struct running *v; /* owned */
	size_t n, cap;
	int64_t finished_ms; /* time that the finished cases took, all together */
	size_t n_timed;
	struct buf drawn; /* the table as it stands on the terminal */
	int64_t last_ms; /* of the last drawing */
};

static bool env_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

static bool is_capable(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && !streq(term, "dumb");
}

enum progress_mode progress_mode_for(int fd)
{
	return is_capable(fd) && !env_set("CI") ? PROGRESS_LIVE : PROGRESS_LINES;
}

bool progress_color_for(int fd)
{
	return is_capable(fd) && !env_set("NO_COLOR");
}

struct progress *progress_new(int fd, enum progress_mode mode, bool color, size_t total,
	size_t done, size_t failed, unsigned jobs)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	*p = (struct progress){
		.fd = fd,
		.mode = mode,
		.color = color,
		.total = total,
		.done = done,
		.failed = failed,
		.jobs = jobs,
	};
	return p;
}

/* ---- what is drawn ---- */

/* Columns that a character takes at most: without a locale only ASCII is known to take one. */
static size_t columns(unsigned char first)
{
	if (first < 0x80)
		return 1;
	return first >= 0xc0 ? 2 : 0;
}

/* Adds as much of S as fits in WIDTH columns. */
static void add_cut(struct buf *b, const char *s, size_t width)
{
	size_t used = 0;

	for (; *s; s++) {
		used += columns((unsigned char)*s);
		if (used > width)
			return;
		buf_addc(b, *s);
	}
}

static const char *label(const struct record *rec)
{
	static const char *const bad[] = {
		[VERDICT_NONE] = "LOST",
		[VERDICT_PASS] = "FAIL",
		[VERDICT_FAIL] = "FAIL",
		[VERDICT_SKIP] = "FAIL",
		[VERDICT_XFAIL] = "FAIL",
		[VERDICT_XPASS] = "XPASS",
		[VERDICT_CRASH] = "CRASH",
		[VERDICT_LOST] = "LOST",
		[VERDICT_TIMEOUT] = "TIMEOUT",
		[VERDICT_INFRA] = "INFRA",
	};

	if (!rec->ok)
		return bad[rec->verdict];
	if (rec->verdict == VERDICT_SKIP || rec->verdict == VERDICT_XFAIL)
		return verdict_name(rec->verdict);
	return "ok";
}

void progress_line(const struct progress *p, const struct record *rec, struct buf *ret)
{
	const char *color = !p->color ? "" : rec->ok ? "\033[32m" : "\033[31m";
	bool tell = rec->reason && (!rec->ok || rec->verdict != VERDICT_PASS);

	buf_addf(ret, "%s%-5s%s %zu/%zu ", color, label(rec), p->color ? "\033[m" : "", p->done,
		p->total);
	text_clean(ret, rec->id, strlen(rec->id));
	if (tell) {
		buf_adds(ret, ": ");
		text_clean(ret, rec->reason, strcspn(rec->reason, "\n"));
	}
	if (rec->duration_ms > 0) {
		buf_adds(ret, " (");
		duration_format(ret, rec->duration_ms);
		buf_addc(ret, ')');
	}
	buf_addc(ret, '\n');
}

/* What is left, by the mean of what was; a guess until every slot finished something. */
static int64_t time_left(const struct progress *p, int64_t now_ms)
{
	int64_t mean, left;
	unsigned side = p->jobs;

	if (!p->n_timed || p->done >= p->total)
		return -1;
	mean = p->finished_ms / (int64_t)p->n_timed;
	left = mean * (int64_t)(p->total - p->done);
	for (size_t i = 0; i < p->n; i++) {
		int64_t spent = now_ms - p->v[i].since_ms;

		left -= spent < mean ? spent : mean;
	}
	if (side > p->total - p->done)
		side = (unsigned)(p->total - p->done);
	return side ? left / side : left;
}

static void add_head(const struct progress *p, int64_t now_ms, struct buf *ret)
{
	int64_t left = time_left(p, now_ms);

	buf_addf(ret, "%zu/%zu done, %zu failed, %zu running", p->done, p->total, p->failed, p->n);
	if (left < 0)
		return;
	buf_adds(ret, ", about ");
	if (left < 60000) /* tenths would pretend to a precision that is not there */
		buf_addf(ret, "%lld s", (long long)(left + 999) / 1000);
	else
		duration_format(ret, left);
	buf_adds(ret, " left");
}

size_t progress_table(
	const struct progress *p, int64_t now_ms, size_t width, size_t height, struct buf *ret)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	size_t rows = p->n, lines = 1;
	size_t room = width > 1 ? width - 1 : 1;

	if (!height)
		return 0;
	add_head(p, now_ms, &line);
	add_cut(ret, buf_str(&line), room);
	buf_addc(ret, '\n');
	if (rows + 1 > height)
		rows = height > 2 ? height - 2 : 0;
	for (size_t i = 0; i < rows; i++) {
		buf_clear(&line);
		buf_addf(&line, "  %5lld s  %-8s ", (long long)(now_ms - p->v[i].since_ms) / 1000,
			p->v[i].phase);
		buf_adds(&line, p->v[i].id);
		add_cut(ret, buf_str(&line), room);
		buf_addc(ret, '\n');
		lines++;
	}
	if (rows < p->n && height > 1) {
		buf_clear(&line);
		buf_addf(&line, "  and %zu more", p->n - rows);
		add_cut(ret, buf_str(&line), room);
		buf_addc(ret, '\n');
		lines++;
	}
	return lines;
}

/* ---- the terminal ---- */

static void terminal_size(int fd, size_t *width, size_t *height)
{
	struct winsize ws = { 0 };

	*width = 80;
	*height = 24;
	if (ioctl(fd, TIOCGWINSZ, &ws) < 0)
		return;
	if (ws.ws_col)
		*width = ws.ws_col;
	if (ws.ws_row)
		*height = ws.ws_row;
}

/* Rows that the text takes on a terminal of WIDTH columns, which may have become narrower since. */
static size_t rows_of(const struct buf *text, size_t width)
{
	size_t rows = 0, used = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] != '\n') {
			used += columns((unsigned char)text->data[i]);
			continue;
		}
		rows += used ? (used + width - 1) / width : 1;
		used = 0;
	}
	return rows;
}

/* Goes back over the table, in one write with what takes its place, so that nothing flickers. */
static void erase(struct progress *p, struct buf *b)
{
	size_t width, height;

	terminal_size(p->fd, &width, &height);
	if (p->drawn.len)
		buf_addf(b, "\033[%zuA\r\033[J", rows_of(&p->drawn, width));
	buf_clear(&p->drawn);
}

static void make_table(const struct progress *p, int64_t now_ms, struct buf *ret)
{
	size_t width, height;

	terminal_size(p->fd, &width, &height);
	progress_table(p, now_ms, width, height > 1 ? height - 1 : 1, ret);
}

/* A terminal that went away is no reason to stop. */
static void put(const struct progress *p, const struct buf *b)
{
	fd_write_all(p->fd, buf_str(b), b->len);
}

/* GitHub's runner takes "##[error]" in the midst of any line for a command, and names and reasons come from
 * guests. */
static void add_without_commands(struct buf *b, const struct buf *text)
{
	const char *p = buf_str(text);

	for (const char *at; (at = strstr(p, "##[")); p = at + 2) {
		buf_add(b, p, (size_t)(at - p));
		buf_adds(b, "# #");
	}
	buf_adds(b, p);
}

/* TEXT stays, above the table. */
static void put_above(struct progress *p, const struct buf *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	erase(p, &b);
	add_without_commands(&b, text);
	if (p->mode == PROGRESS_LIVE) {
		p->last_ms = clock_ms();
		make_table(p, p->last_ms, &p->drawn);
		buf_add(&b, p->drawn.data, p->drawn.len);
	}
	put(p, &b);
}

void progress_draw(struct progress *p, int64_t now_ms)
{
	_cleanup_buf_ struct buf b = BUF_INIT, table = BUF_INIT;

	if (p->mode != PROGRESS_LIVE || now_ms - p->last_ms < PROGRESS_INTERVAL_MS)
		return;
	p->last_ms = now_ms;
	make_table(p, now_ms, &table);
	if (table.len == p->drawn.len && memcmp(table.data, p->drawn.data, table.len) == 0)
		return;
	erase(p, &b);
	buf_add(&b, table.data, table.len);
	buf_add(&p->drawn, table.data, table.len);
	put(p, &b);
}

int64_t progress_next(const struct progress *p)
{
	return p->mode == PROGRESS_LIVE ? p->last_ms + 2 * PROGRESS_INTERVAL_MS : CLOCK_NEVER;
}

void progress_free(struct progress *p)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!p)
		return;
	erase(p, &b);
	put(p, &b);
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].id);
	buf_release(&p->drawn);
	free(p->v);
	free(p);
}

/* ---- what happens ---- */

void progress_start(struct progress *p, size_t index, const char *id, int64_t now_ms)
{
	struct buf clean = BUF_INIT;

	text_clean(&clean, id, strlen(id));
	VEC_GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct running){
		.index = index,
		.id = buf_detach(&clean),
		.phase = "booting",
		.since_ms = now_ms,
	};
}

static struct running *find(struct progress *p, size_t index)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].index == index)
			return &p->v[i];
	return NULL;
}

void progress_phase(struct progress *p, size_t index, const char *phase)
{
	struct running *r = find(p, index);

	if (r)
		r->phase = phase;
}

void progress_drop(struct progress *p, size_t index)
{
	struct running *r = find(p, index);

	if (!r)
		return;
	free(r->id);
	memmove(r, r + 1, (size_t)(&p->v[--p->n] - r) * sizeof(*r));
}

void progress_finish(struct progress *p, size_t index, const struct record *rec)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	progress_drop(p, index);
	p->done++;
	p->failed += !rec->ok;
	if (rec->duration_ms >= 0 && rec->verdict != VERDICT_SKIP) {
		p->finished_ms += rec->duration_ms;
		p->n_timed++;
	}
	/* On a terminal the table counts those that are well; what is not scrolls above it. */
	if (p->mode == PROGRESS_LIVE && rec->ok)
		return;
	progress_line(p, rec, &line);
	put_above(p, &line);
}

void progress_note(struct progress *p, const char *text)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	text_clean(&line, text, strlen(text));
	buf_addc(&line, '\n');
	put_above(p, &line);
}
