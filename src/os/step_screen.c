/* SPDX-License-Identifier: MIT */
/* Steps at the machine's screen and keyboard: key, type, screenshot, screen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "os/private.h"

#define SCREENS         "screens" /* the folder of pictures */
#define LOOK_MS         500 /* between two looks at the screen */
#define CHANNEL_DEFAULT 8

/* ---- pictures in the run's folder ---- */

void os_keep_screen(struct os *o, const char *name, const char *suffix, const void *png, size_t len)
{
	_cleanup_free_ char *dir = path_join(o->spec.dir, SCREENS);
	_cleanup_free_ char *file = xasprintf(SCREENS "/%s%s.png", name, suffix);
	_cleanup_free_ char *path = path_join(o->spec.dir, file);
	struct err e = ERR_INIT;

	if (dir_make(dir, 0777, &e) < 0 || file_write_atomic(path, png, len, 0644, &e) < 0)
		strv_add(&o->report.trouble, err_text(&e));
	else if (!strv_has(&o->report.artifacts, file))
		strv_add(&o->report.artifacts, file);
	err_release(&e);
}

/* ---- keys ---- */

static int check_keys(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	int r, struct err *e)
{
	if (r < 0)
		r = yaml_error(&l->y, n, l->e, "'%s': %s", k->name, err_text(e));
	err_release(e);
	return r;
}

static int read_key(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	int r = 0;

	if (n->kind == YAML_SCALAR)
		strv_add(&s->keys, n->text);
	else
		r = yaml_read_strv(l, k, n, &s->keys);
	for (size_t i = 0; r >= 0 && i < s->keys.n; i++) {
		struct err e = ERR_INIT;
		json_t *j = NULL;

		r = check_keys(l, k, n, qmp_keys(s->keys.v[i], 0, &j, &e), &e);
		json_decref(j);
	}
	s->text = strv_join(&s->keys, " ");
	return r;
}

static void on_pressed(void *arg, const char *error)
{
	struct os *o = arg;

	if (error)
		os_step_refused(o, error);
	else
		os_step_done(o);
}

static void press(struct os *o, const struct strv *keys, const char *text)
{
	struct err e = ERR_INIT;

	if (machine_press(
		    o->machine, (const char *const *)keys->v, keys->n, text, on_pressed, o, &e) < 0)
		os_step_fail(o, "%s", err_text(&e));
	err_release(&e);
}

static void key_start(struct os *o, struct os_step_run *r)
{
	press(o, &r->step->keys, NULL);
}

/* Some keys end it. */
static void key_ended(struct os *o, struct os_step_run *r)
{
	os_step_done(o);
}

const struct os_step_kind os_step_key = {
	.name = "key",
	.needs = OS_NEEDS_DISPLAY,
	.form = "keys pressed together, such as esc or ctrl-alt-delete, or a list of such",
	.read = read_key,
	.timeout_ms = 30000,
	.start = key_start,
	.ended = key_ended,
};

static int read_type(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	int r = yaml_read_text(l, k, n, &s->text);
	struct err e = ERR_INIT;
	json_t *j = json_array();

	if (r >= 0)
		r = check_keys(l, k, n, qmp_type(s->text, 0, j, &e), &e);
	json_decref(j);
	return r;
}

static void type_start(struct os *o, struct os_step_run *r)
{
	const struct strv none = STRV_INIT;

	press(o, &none, r->step->text);
}

const struct os_step_kind os_step_type = {
	.name = "type",
	.needs = OS_NEEDS_DISPLAY,
	.form = "a text, as a US keyboard types it",
	.read = read_type,
	.timeout_ms = 60000,
	.start = type_start,
};

/* ---- screenshot ---- */

static int read_screenshot(struct yaml_reader *l, const struct yaml_key *k,
	const struct yaml_node *n, struct os_step *s)
{
	_cleanup_buf_ struct buf safe = BUF_INIT;
	int r = yaml_read_name(l, k, n, &s->text);

	if (r < 0)
		return r;
	text_file_name(&safe, s->text);
	if (!streq(buf_str(&safe), s->text))
		return yaml_expected(
			l, n, k, "a name for a file: letters, digits, '.', '_', '+' and '-'");
	return 0;
}

static void on_screenshot(void *arg, const struct machine_screenshot *s, const char *error)
{
	struct os *o = arg;

	if (!o->run.step || o->run.step->kind != &os_step_screenshot)
		return;
	if (error) {
		os_step_refused(o, error);
		return;
	}
	os_keep_screen(o, o->run.step->text, "", s->png, s->len);
	os_step_done(o);
}

static void screenshot_start(struct os *o, struct os_step_run *r)
{
	machine_screenshot(o->machine, on_screenshot, o);
}

const struct os_step_kind os_step_screenshot = {
	.name = "screenshot",
	.needs = OS_NEEDS_DISPLAY,
	.form = "a name",
	.read = read_screenshot,
	.timeout_ms = 30000,
	.start = screenshot_start,
};

/* ---- screen: until it looks as a reference does ---- */

static int read_percent(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	char *end = NULL;
	double v = n->kind == YAML_SCALAR ? strtod(n->text, &end) : -1;

	if (n->kind != YAML_SCALAR || end == n->text || !streq(end, "%") || !isfinite(v) || v < 0 ||
		v > 100)
		return yaml_expected(l, n, k, "a part of all pixels, such as 0.5%");
	*(double *)field = v / 100;
	return 0;
}

static int read_regions(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	_cleanup_strv_ struct strv list = STRV_INIT;
	struct os_step *s = field;
	int r = yaml_read_strv(l, k, n, &list);

	if (r < 0)
		return r;
	s->regions = xcalloc(list.n + 1, sizeof(*s->regions));
	for (s->n_regions = 0; r >= 0 && s->n_regions < list.n; s->n_regions++) {
		struct err e = ERR_INIT;

		r = check_keys(l, k, n,
			screen_region_parse(list.v[s->n_regions], &s->regions[s->n_regions], &e),
			&e);
	}
	return r;
}

static int read_screen(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "like", yaml_read_path, FIELD(text), .required = true },
		{ "tolerance", yaml_read_number, FIELD(channel), .min = 0, .max = 255 },
		{ "differ", read_percent, FIELD(differ) },
		{ "regions", read_regions, 0 },
	};
#undef FIELD

	s->channel = CHANNEL_DEFAULT;
	if (n->kind == YAML_SCALAR)
		return yaml_read_path(l, k, n, &s->text);
	return yaml_read_map(l, n, "'screen'", keys, ARRAY_SIZE(keys), s);
}

struct look {
	struct screen want;
	struct loop_timer *again; /* owned */
	char *name; /* owned: of the reference, without folder and suffix */
	struct buf png; /* what was seen last */
	struct screen diff; /* of that; empty where the sizes differ */
	char *why; /* owned: in what it differs; NULL: never seen */
};

static void on_look(void *arg, const struct machine_screenshot *shot, const char *error);

static void look_again(void *arg)
{
	struct os *o = arg;

	machine_screenshot(o->machine, on_look, o);
}

static void keep_look(struct look *k, const struct machine_screenshot *shot, struct screen_match *m)
{
	buf_clear(&k->png);
	buf_add(&k->png, shot->png, shot->len);
	free(k->why);
	k->why = TAKE_PTR(m->why);
}

static void on_look(void *arg, const struct machine_screenshot *shot, const char *error)
{
	struct os *o = arg;
	const struct os_step *s = o->run.step;
	struct screen_match m;
	struct screen_tolerance t;
	struct err e = ERR_INIT;
	struct look *k;

	if (!s || s->kind != &os_step_screen || !o->run.data)
		return;
	k = o->run.data;
	t = (struct screen_tolerance){ (uint8_t)s->channel, s->differ, s->regions, s->n_regions };
	screen_release(&k->diff);
	if (error) {
		os_step_refused(o, error);
	} else if (screen_compare(shot->screen, &k->want, &t, &m, &k->diff, &e) < 0) {
		os_step_fail(o, "%s", err_text(&e));
	} else if (m.alike) {
		os_keep_screen(o, k->name, "", shot->png, shot->len);
		os_step_done(o);
	} else {
		keep_look(k, shot, &m);
		loop_timer_set(k->again, clock_ms() + LOOK_MS);
	}
	err_release(&e);
}

static char *name_of(const char *path)
{
	_cleanup_free_ char *base = xstrdup(path_base(path));
	struct buf b = BUF_INIT;

	if (str_ends(base, ".png"))
		base[strlen(base) - strlen(".png")] = '\0';
	text_file_name(&b, base);
	return buf_detach(&b);
}

static void screen_start(struct os *o, struct os_step_run *r)
{
	struct look *k = xcalloc(1, sizeof(*k));
	struct err e = ERR_INIT;

	r->data = k;
	k->name = name_of(r->step->text);
	k->again = loop_timer_add(o->loop, CLOCK_NEVER, look_again, o);
	if (screen_read(r->step->text, &k->want, &e) < 0)
		os_step_fail(o, "%s", err_text(&e));
	else
		look_again(o);
	err_release(&e);
}

static void screen_explain(struct os *o, const struct os_step_run *r, struct buf *why)
{
	const struct look *k = r->data;
	_cleanup_buf_ struct buf png = BUF_INIT;

	if (!k->why) {
		buf_adds(why, "the screen was not seen");
		return;
	}
	buf_addf(why, "%s; the screen is in " SCREENS "/%s.got.png", k->why, k->name);
	os_keep_screen(o, k->name, ".got", k->png.data, k->png.len);
	if (!k->diff.rgb || screen_to_png(&k->diff, &png, NULL) < 0)
		return;
	os_keep_screen(o, k->name, ".diff", png.data, png.len);
	buf_addf(why, ", what differs red in " SCREENS "/%s.diff.png", k->name);
}

static void screen_step_release(struct os_step_run *r)
{
	struct look *k = r->data;

	loop_timer_remove(k->again);
	screen_release(&k->want);
	screen_release(&k->diff);
	buf_release(&k->png);
	free(k->name);
	free(k->why);
	free(k);
}

const struct os_step_kind os_step_screen = {
	.name = "screen",
	.needs = OS_NEEDS_DISPLAY,
	.form = "a PNG file, or {like: FILE, tolerance: 8, differ: 0.5%, regions: [WIDTHxHEIGHT+X+Y]}",
	.read = read_screen,
	.timeout_ms = 60000,
	.start = screen_start,
	.explain = screen_explain,
	.release = screen_step_release,
};
