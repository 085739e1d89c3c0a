/* SPDX-License-Identifier: MIT */
/* From libfyaml's events to a tree; see yaml.h. */
#include "yaml/yaml.h"

#include <fcntl.h>
#include <jansson.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "yaml/yaml_merge.h"

struct anchor {
	char *name; /* owned */
	struct yaml_node *node;
};

struct builder {
	struct yaml *y;
	struct err *e;
	struct fy_parser *parser; /* owned */
	struct yaml_node *stack[YAML_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[YAML_ANCHOR_MAX];
	size_t n_anchors;
	bool second; /* a second document begins */
	int line, column; /* of the last event that knew its place */
};

void yaml_release(struct yaml *y)
{
	for (size_t i = 0; i < y->n; i++) {
		free(y->nodes[i]->text);
		free(y->nodes[i]->v);
		free(y->nodes[i]);
	}
	free(y->nodes);
	free(y->path);
	*y = (struct yaml){ 0 };
}

int yaml_error(
	const struct yaml *y, const struct yaml_node *at, struct err *e, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s:%d:%d: %s", y->path, at->line, at->column, text);
}

bool yaml_is_null(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && n->plain &&
	       (!*n->text || streq(n->text, "~") || streq(n->text, "null"));
}

const char *yaml_describe(const struct yaml_node *n)
{
	static char texts[2][64];
	static unsigned turn;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *ret = texts[turn++ % 2];
	size_t len;

	if (n->kind == YAML_LIST)
		return "a list";
	if (n->kind == YAML_MAP)
		return "a mapping";
	if (yaml_is_null(n))
		return "nothing";
	len = strcspn(n->text, "\n");
	len = len > 40 ? 40 : len;
	text_clean(&b, n->text, len);
	snprintf(ret, sizeof(texts[0]), "'%.50s%s'", buf_str(&b), n->text[len] ? "..." : "");
	return ret;
}

static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind)
{
	struct yaml_node *n = xcalloc(1, sizeof(*n));

	*n = (struct yaml_node){ .kind = kind, .line = b->line, .column = b->column };
	VEC_GROW(b->y->nodes, b->y->n, b->y->cap);
	b->y->nodes[b->y->n++] = n;
	return n;
}

/* Puts N where the document stands: into the innermost open collection, or at the root. */
static void attach(struct builder *b, struct yaml_node *n)
{
	struct yaml_node *into;

	if (!b->depth) {
		b->y->root = n;
		return;
	}
	into = b->stack[b->depth - 1];
	VEC_GROW(into->v, into->n, into->cap);
	into->v[into->n++] = n;
}

static int here(struct builder *b, const char *what)
{
	struct yaml_node at = { .line = b->line, .column = b->column };

	return yaml_error(b->y, &at, b->e, "%s", what);
}

static char *token_text(struct fy_token *t)
{
	size_t len = 0;
	const char *s = t ? fy_token_get_text(t, &len) : NULL;

	return xstrndup(s ? s : "", s ? len : 0);
}

static int add_anchor(struct builder *b, struct fy_event *ev, struct yaml_node *n)
{
	struct fy_token *t = fy_event_get_anchor_token(ev);

	if (!t)
		return 0;
	if (b->n_anchors == YAML_ANCHOR_MAX)
		return here(b, "too many anchors: at most 1000 are allowed");
	b->anchors[b->n_anchors++] = (struct anchor){ .name = token_text(t), .node = n };
	return 0;
}

static int on_alias(struct builder *b, struct fy_event *ev)
{
	_cleanup_free_ char *name = token_text(ev->alias.anchor);
	/* libfyaml's place is behind the star. */
	struct yaml_node at = { .line = b->line, .column = b->column - 1 };

	/* An anchor may be given anew: the last one counts. */
	for (size_t i = b->n_anchors; i-- > 0;) {
		if (!streq(b->anchors[i].name, name))
			continue;
		if (b->anchors[i].node->open)
			return yaml_error(b->y, &at, b->e,
				"cycle: alias *%s stands inside what it names (line %d)", name,
				b->anchors[i].node->line);
		attach(b, b->anchors[i].node);
		return 0;
	}
	return yaml_error(b->y, &at, b->e, "alias *%s has no anchor &%s before it", name, name);
}

static int on_scalar(struct builder *b, struct fy_event *ev)
{
	struct yaml_node *n = node_new(b, YAML_SCALAR);
	size_t len = 0;
	const char *s = ev->scalar.value ? fy_token_get_text(ev->scalar.value, &len) : NULL;
	enum fy_scalar_style style =
		ev->scalar.value ? fy_token_scalar_style(ev->scalar.value) : FYSS_PLAIN;

	n->plain = style == FYSS_PLAIN;
	/* libfyaml's place is behind the quote. */
	if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
		n->column--;
	n->text = xstrndup(s ? s : "", s ? len : 0);
	attach(b, n);
	if (s && memchr(s, '\0', len))
		return here(b, "a text must not hold a NUL byte");
	return add_anchor(b, ev, n);
}

static int on_start(struct builder *b, struct fy_event *ev, enum yaml_kind kind)
{
	struct yaml_node *n = node_new(b, kind);

	if (b->depth == YAML_DEPTH_MAX)
		return here(b, "nested too deeply: at most 32 levels are allowed");
	n->open = true;
	attach(b, n);
	b->stack[b->depth++] = n;
	return add_anchor(b, ev, n);
}

static int on_end(struct builder *b)
{
	struct yaml_node *n = b->stack[--b->depth];

	n->open = false;
	return n->kind == YAML_MAP ? yaml_merge(b->y, n, b->e) : 0;
}

static int on_event(struct builder *b, struct fy_event *ev)
{
	struct fy_token *tag = fy_event_get_tag_token(ev);
	const struct fy_mark *m = tag ? fy_token_start_mark(tag) : fy_event_start_mark(ev);

	if (m) {
		b->line = m->line + 1;
		b->column = m->column + 1;
	}
	if (b->y->n >= YAML_NODES_MAX)
		return here(b, "too many values: at most 1000000 are allowed");
	if (tag)
		return here(b, "tags ('!name') have no meaning here");
	switch (ev->type) {
	case FYET_DOCUMENT_START:
		if (b->second)
			return here(b, "a second document begins here; expected one");
		b->second = true;
		return 0;
	case FYET_MAPPING_START:
		return on_start(b, ev, YAML_MAP);
	case FYET_SEQUENCE_START:
		return on_start(b, ev, YAML_LIST);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return on_end(b);
	case FYET_SCALAR:
		return on_scalar(b, ev);
	case FYET_ALIAS:
		return on_alias(b, ev);
	default:
		return 0;
	}
}

static bool is_utf8(const char *s, size_t len)
{
	json_t *probe = json_stringn(s, len);

	json_decref(probe);
	return probe != NULL;
}

/* The length of the character at P, or 0 where there is none. */
static size_t character(const char *p, const char *end)
{
	for (size_t n = 1; n <= 4 && n <= (size_t)(end - p); n++)
		if (is_utf8(p, n))
			return n;
	return 0;
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

/* Whether the text is what YAML can hold at all: libfyaml gives up on other bytes without a word. It also
 * scans a line to its end before it tells of its first token, so lines are bounded. */
static int check_bytes(struct builder *b, const char *text, size_t len)
{
	bool utf8 = is_utf8(text, len);
	const char *end = text + len, *line = text;
	size_t n = 1;

	b->line = b->column = 1;
	for (const char *p = text; p < end; p += n, b->column++) {
		if (is_control(*p))
			return here(b, "a control byte stands here; expected YAML text");
		if (p - line == YAML_LINE_MAX)
			return here(b, "this line is too long: at most 65536 bytes are allowed");
		/* Columns count characters. */
		n = (signed char)*p >= 0 ? 1 : character(p, end);
		if (!utf8 && !n)
			return here(b, "a byte that is not UTF-8 stands here; expected YAML text");
		if (*p == '\n') {
			b->line++;
			b->column = 0;
			line = p + 1;
		}
	}
	return 0;
}

/* The first error that libfyaml collected. */
static int parser_error(struct builder *b, struct fy_diag *diag)
{
	struct fy_diag_error *x;
	void *it = NULL;

	while ((x = fy_diag_errors_iterate(diag, &it))) {
		if (x->type != FYET_ERROR || !x->msg)
			continue;
		b->line = x->line > 0 ? x->line : b->line;
		b->column = x->column > 0 ? x->column : b->column;
		return here(b, x->msg);
	}
	return here(b, "this is not YAML");
}

static int parse(struct builder *b, const char *text, size_t len)
{
	struct fy_diag_cfg dc;
	struct fy_diag *diag;
	struct fy_event *ev;
	int r = check_bytes(b, text, len);

	if (r < 0 || !len)
		return r;
	fy_diag_cfg_default(&dc);
	dc.fp = NULL;
	diag = fy_diag_create(&dc);
	fy_diag_set_collect_errors(diag, true);
	b->parser = fy_parser_create(
		&(struct fy_parse_cfg){ .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag });
	if (fy_parser_set_string(b->parser, text, len) < 0)
		r = -ENOMEM;
	b->line = b->column = 1;
	while (r >= 0 && (ev = fy_parser_parse(b->parser))) {
		r = on_event(b, ev);
		fy_parser_event_free(b->parser, ev);
	}
	if (r >= 0 && fy_parser_get_stream_error(b->parser))
		r = parser_error(b, diag);
	fy_parser_destroy(b->parser);
	fy_diag_destroy(diag);
	return r;
}

int yaml_parse(const char *path, const char *text, size_t len, struct yaml *ret, struct err *e)
{
	struct builder *b = xcalloc(1, sizeof(*b));
	int r;

	*ret = (struct yaml){ .path = xstrdup(path) };
	b->y = ret;
	b->e = e;
	r = parse(b, text, len);
	for (size_t i = 0; i < b->n_anchors; i++)
		free(b->anchors[i].name);
	free(b);
	if (r < 0)
		yaml_release(ret);
	return r;
}

int yaml_load(const char *path, struct yaml *ret, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, YAML_SIZE_MAX, &text, e);

	if (r < 0)
		return r;
	return yaml_parse(path, buf_str(&text), text.len, ret, e);
}
