/* SPDX-License-Identifier: MIT */
/* The statements of Kconfig files. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "kconfig/tree.h"

#define SOURCE_DEPTH_MAX 32
#define FRAMES_MAX       128
#define FILES_MAX        20000
#define BYTES_MAX        (64u << 20)

/* An "if", "menu" or "choice" that is open. */
struct frame {
	const struct kexpr *dep, *visible; /* with those around it */
	struct kchoice *choice;
};

struct parser {
	struct ktree *tree;
	struct err *e;
	struct klex lex;
	struct frame frames[FRAMES_MAX]; /* the first is the whole */
	size_t n_frames;
	/* What the lines below a statement belong to; all NULL: to nothing that counts. */
	struct kplace *place;
	struct frame *menu;
	struct kchoice *choice;
	int source_depth;
	/* The file being read. */
	const char *file;
	size_t line;
	const char *p, *end;
};

static struct frame *top(struct parser *ps)
{
	return &ps->frames[ps->n_frames - 1];
}

static void leave_statement(struct parser *ps)
{
	ps->place = NULL;
	ps->menu = NULL;
	ps->choice = NULL;
}

static struct frame *push(struct parser *ps)
{
	if (ps->n_frames == FRAMES_MAX)
		return NULL;
	ps->frames[ps->n_frames] = *top(ps);
	return &ps->frames[ps->n_frames++];
}

static void pop(struct parser *ps)
{
	if (ps->n_frames > 1)
		ps->n_frames--;
	leave_statement(ps);
}

/* ---- lines ---- */

/* The next logical line, without its newlines. False at the end of the file. */
static bool next_line(struct parser *ps, struct buf *ret)
{
	buf_clear(ret);
	while (ps->p < ps->end) {
		const char *nl = memchr(ps->p, '\n', (size_t)(ps->end - ps->p));
		const char *stop = nl ? nl : ps->end;

		buf_add(ret, ps->p, strnlen(ps->p, (size_t)(stop - ps->p)));
		ps->p = nl ? nl + 1 : ps->end;
		ps->line++;
		if (ret->len == 0 || ret->data[ret->len - 1] != '\\')
			return true;
		ret->data[ret->len - 1] = ' ';
	}
	return ret->len > 0;
}

static size_t indent_of(const char *p, const char *end, bool *ret_blank)
{
	size_t n = 0;

	for (; p < end && (*p == ' ' || *p == '\t' || *p == '\r'); p++)
		n = *p == '\t' ? (n | 7) + 1 : n + 1;
	*ret_blank = p == end || *p == '\n';
	return n;
}

/* A help text ends before the first line that stands further left than its own first one. */
static void skip_help(struct parser *ps)
{
	size_t first = 0;

	while (ps->p < ps->end) {
		const char *nl = memchr(ps->p, '\n', (size_t)(ps->end - ps->p));
		bool blank;
		size_t indent = indent_of(ps->p, nl ? nl : ps->end, &blank);

		if (!blank && (indent == 0 || indent < first))
			return;
		if (!blank && !first)
			first = indent;
		ps->p = nl ? nl + 1 : ps->end;
		ps->line++;
	}
}

/* ---- what stands below a statement ---- */

static const struct kexpr *condition(struct parser *ps)
{
	return klex_take(&ps->lex, "if") ? kexpr_parse(&ps->lex) : NULL;
}

static void take_depends(struct parser *ps)
{
	const struct kexpr *x;

	klex_take(&ps->lex, "on");
	x = kexpr_parse(&ps->lex);
	if (ps->place)
		ps->place->dep = kexpr_and(ps->tree, ps->place->dep, x);
	if (ps->choice)
		ps->choice->dep = kexpr_and(ps->tree, ps->choice->dep, x);
	if (ps->menu)
		ps->menu->dep = kexpr_and(ps->tree, ps->menu->dep, x);
}

static void take_visible(struct parser *ps)
{
	const struct kexpr *x = condition(ps);

	if (ps->menu)
		ps->menu->visible = kexpr_and(ps->tree, ps->menu->visible, x);
}

static void take_prompt(struct parser *ps)
{
	const char *text;

	if (ps->lex.kind != KTOKEN_STRING)
		return;
	text = ktree_strndup(ps->tree, buf_str(&ps->lex.text), ps->lex.text.len);
	klex_next(&ps->lex);
	if (ps->place) {
		ps->place->prompt = text;
		ps->place->prompt_cond = condition(ps);
	} else if (ps->choice) {
		ps->choice->prompt = text;
		ps->choice->prompt_cond = condition(ps);
	}
}

static void add_prop(
	struct parser *ps, enum kprop_kind kind, const struct kexpr *value, const struct kexpr *to)
{
	struct kprop **end = &ps->place->props, *prop;

	if (!value)
		return;
	prop = ktree_alloc(ps->tree, sizeof(*prop));
	*prop = (struct kprop){ kind, value, to, condition(ps), NULL };
	while (*end)
		end = &(*end)->next;
	*end = prop;
}

static void take_default(struct parser *ps)
{
	if (ps->place)
		add_prop(ps, KPROP_DEFAULT, kexpr_parse(&ps->lex), NULL);
}

static void take_range(struct parser *ps)
{
	const struct kexpr *from, *to;

	if (!ps->place)
		return;
	from = kexpr_parse_operand(&ps->lex);
	to = from ? kexpr_parse_operand(&ps->lex) : NULL;
	if (to)
		add_prop(ps, KPROP_RANGE, from, to);
}

static void take_select(struct parser *ps, bool implies)
{
	struct ksymbol *target;
	struct kselect *select, **list;

	if (!ps->place || ps->lex.kind != KTOKEN_WORD)
		return;
	target = ktree_symbol(ps->tree, buf_str(&ps->lex.text));
	klex_next(&ps->lex);
	select = ktree_alloc(ps->tree, sizeof(*select));
	list = implies ? &target->implies : &target->selects;
	*select = (struct kselect){ ps->place, condition(ps), *list };
	*list = select;
}

static void take_type(struct parser *ps, enum ktype type)
{
	if (ps->place && ps->place->symbol->type == KTYPE_UNKNOWN)
		ps->place->symbol->type = type;
	take_prompt(ps);
}

static void take_def(struct parser *ps, enum ktype type)
{
	if (!ps->place)
		return;
	if (ps->place->symbol->type == KTYPE_UNKNOWN)
		ps->place->symbol->type = type;
	take_default(ps);
}

/* True if the line is one of these. */
static bool take_property(struct parser *ps)
{
	static const struct {
		const char *word;
		enum ktype type;
	} types[] = {
		{ "bool", KTYPE_BOOL },
		{ "tristate", KTYPE_TRISTATE },
		{ "string", KTYPE_STRING },
		{ "int", KTYPE_INT },
		{ "hex", KTYPE_HEX },
	};
	struct klex *l = &ps->lex;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (klex_take(l, types[i].word)) {
			take_type(ps, types[i].type);
			return true;
		}
	if (klex_take(l, "depends"))
		take_depends(ps);
	else if (klex_take(l, "default"))
		take_default(ps);
	else if (klex_take(l, "select"))
		take_select(ps, false);
	else if (klex_take(l, "imply"))
		take_select(ps, true);
	else if (klex_take(l, "prompt"))
		take_prompt(ps);
	else if (klex_take(l, "def_bool"))
		take_def(ps, KTYPE_BOOL);
	else if (klex_take(l, "def_tristate"))
		take_def(ps, KTYPE_TRISTATE);
	else if (klex_take(l, "range"))
		take_range(ps);
	else if (klex_take(l, "visible"))
		take_visible(ps);
	else if (klex_is(l, "help") || klex_is(l, "---help---"))
		skip_help(ps);
	else
		return false;
	return true;
}

/* ---- statements ---- */

static void begin_config(struct parser *ps)
{
	struct frame *f = top(ps);
	struct kplace *place, **end;

	leave_statement(ps);
	if (ps->lex.kind != KTOKEN_WORD)
		return;
	place = ktree_alloc(ps->tree, sizeof(*place));
	place->symbol = ktree_symbol(ps->tree, buf_str(&ps->lex.text));
	place->file = ps->file;
	place->line = ps->line;
	place->dep = f->dep;
	place->visible = f->visible;
	place->choice = f->choice;
	for (end = &place->symbol->places; *end;)
		end = &(*end)->next;
	*end = place;
	if (f->choice) {
		for (end = &f->choice->members; *end;)
			end = &(*end)->next_member;
		*end = place;
	}
	ps->place = place;
}

/* Its members depend on what it depends on; the lines about that come before them. */
static int begin_choice(struct parser *ps)
{
	struct frame *f = push(ps);

	leave_statement(ps);
	if (!f)
		return err_set(ps->e, -E2BIG, "%s:%zu: nested too deeply", ps->file, ps->line);
	f->choice = ktree_alloc(ps->tree, sizeof(*f->choice));
	f->choice->prompt = "";
	f->choice->dep = f->dep;
	ps->choice = f->choice;
	ps->menu = f;
	return 0;
}

static int begin_menu(struct parser *ps)
{
	struct frame *f = push(ps);

	leave_statement(ps);
	if (!f)
		return err_set(ps->e, -E2BIG, "%s:%zu: nested too deeply", ps->file, ps->line);
	ps->menu = f;
	return 0;
}

static int begin_if(struct parser *ps)
{
	const struct kexpr *x = kexpr_parse(&ps->lex);
	struct frame *f = push(ps);

	leave_statement(ps);
	if (!f)
		return err_set(ps->e, -E2BIG, "%s:%zu: nested too deeply", ps->file, ps->line);
	f->dep = kexpr_and(ps->tree, f->dep, x);
	return 0;
}

static int parse_file(struct parser *ps, const char *path);

/* A file that is not there, or whose name is made by a macro, is passed over. */
static int source(struct parser *ps)
{
	const char *path = ktree_strndup(ps->tree, buf_str(&ps->lex.text), ps->lex.text.len);
	struct parser saved = { .file = ps->file, .line = ps->line, .p = ps->p, .end = ps->end };
	int r;

	leave_statement(ps);
	r = parse_file(ps, path);
	leave_statement(ps);
	ps->file = saved.file;
	ps->line = saved.line;
	ps->p = saved.p;
	ps->end = saved.end;
	if (r != -ENOENT)
		return r;
	ps->tree->n_missing++;
	return 0;
}

static int take_statement(struct parser *ps)
{
	struct klex *l = &ps->lex;

	if (klex_take(l, "config") || klex_take(l, "menuconfig"))
		begin_config(ps);
	else if (klex_take(l, "if"))
		return begin_if(ps);
	else if (klex_take(l, "menu"))
		return begin_menu(ps);
	else if (klex_take(l, "choice"))
		return begin_choice(ps);
	else if (klex_is(l, "endif") || klex_is(l, "endmenu") || klex_is(l, "endchoice"))
		pop(ps);
	else if (klex_take(l, "source"))
		return source(ps);
	else if (klex_is(l, "comment") || klex_is(l, "mainmenu"))
		leave_statement(ps);
	return 0;
}

static int parse_text(struct parser *ps, const struct buf *text)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	size_t frames = ps->n_frames;
	int r = 0;

	ps->p = buf_str(text);
	ps->end = ps->p + text->len;
	ps->line = 0;
	while (r == 0 && next_line(ps, &line)) {
		klex_start(&ps->lex, buf_str(&line));
		if (ps->lex.kind == KTOKEN_WORD && !take_property(ps))
			r = take_statement(ps);
	}
	/* What a file opens ends with it. */
	if (ps->n_frames > frames)
		ps->n_frames = frames;
	return r;
}

static int parse_file(struct parser *ps, const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct ktree *t = ps->tree;
	int r;

	if (path[0] == '/' || strstr(path, "..") || strstr(path, "$("))
		return -ENOENT;
	if (ps->source_depth == SOURCE_DEPTH_MAX || ++t->n_files > FILES_MAX)
		return err_set(ps->e, -E2BIG, "%s: too many Kconfig files", path);
	if (t->read(t->read_arg, path, &text) < 0)
		return -ENOENT;
	t->n_bytes += text.len;
	if (t->n_bytes > BYTES_MAX)
		return err_set(ps->e, -E2BIG, "%s: too much of Kconfig files", path);
	ps->file = path;
	ps->source_depth++;
	r = parse_text(ps, &text);
	ps->source_depth--;
	return r;
}

int ktree_parse(struct ktree *t, const char *path, struct err *e)
{
	struct parser ps = { .tree = t, .e = e, .n_frames = 1, .lex = { .tree = t } };
	int r = parse_file(&ps, path);

	buf_release(&ps.lex.text);
	if (r == -ENOENT)
		return err_set(e, r, "no %s can be read", path);
	return r;
}
