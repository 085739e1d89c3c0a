/* SPDX-License-Identifier: MIT */
/* What a person at the machine would do: look at its screen, press its keys. */
#include <errno.h>

#include "base/alloc.h"
#include "base/json.h"
#include "machine/engine.h"

/* Long enough for firmware that polls, short enough that nothing repeats it. */
#define KEY_HOLD_MS  60
#define TYPE_HOLD_MS 30

/* Somebody who waits for the engine. */
struct wait {
	machine_screenshot_cb shot;
	machine_pressed_cb pressed;
	void *arg; /* borrowed */
	struct machine *machine; /* borrowed: in its list */
	struct wait *next;
};

static struct wait *wait_new(struct machine *m, void *arg)
{
	struct wait *w = xcalloc(1, sizeof(*w));

	w->arg = arg;
	w->machine = m;
	w->next = m->waits;
	m->waits = w;
	return w;
}

static struct wait wait_take(struct wait *w)
{
	struct wait copy = *w;

	for (struct wait **p = &w->machine->waits; *p; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			break;
		}
	free(w);
	return copy;
}

void machine_waits_free(struct machine *m)
{
	while (m->waits)
		wait_take(m->waits);
}

static void on_screen(void *arg, const char *ppm, size_t len, const char *error)
{
	struct wait w = wait_take(arg);
	__attribute__((cleanup(screen_release))) struct screen s = { 0 };
	_cleanup_buf_ struct buf png = BUF_INIT;
	struct machine_screenshot shot = { .screen = &s };
	struct err e = ERR_INIT;

	if (!error && (screen_from_ppm(ppm, len, &s, &e) < 0 || screen_to_png(&s, &png, &e) < 0))
		error = err_text(&e);
	shot.png = png.data;
	shot.len = png.len;
	w.shot(w.arg, error ? NULL : &shot, error);
	err_release(&e);
}

void machine_screenshot(struct machine *m, machine_screenshot_cb cb, void *arg)
{
	struct wait *w;

	if (!m->ops->screen) {
		cb(arg, NULL, "the engine has no screen");
		return;
	}
	w = wait_new(m, arg);
	w->shot = cb;
	m->ops->screen(m->state, on_screen, w);
}

static void on_pressed(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct wait w = wait_take(arg);

	if (w.pressed)
		w.pressed(w.arg, error ? error->desc : NULL);
}

int machine_press(struct machine *m, const char *const *keys, size_t n_keys, const char *text,
	machine_pressed_cb cb, void *arg, struct err *e)
{
	_cleanup_json_ json_t *commands = json_array();
	struct wait *w;
	int r = 0;

	if (!m->ops->press)
		return err_set(e, -EOPNOTSUPP, "engine %s has no keyboard", m->ops->name);
	for (size_t i = 0; r == 0 && i < n_keys; i++) {
		json_t *command = NULL;

		r = qmp_keys(keys[i], KEY_HOLD_MS, &command, e);
		if (r == 0)
			json_array_append_new(commands, command);
	}
	if (r == 0 && text)
		r = qmp_type(text, TYPE_HOLD_MS, commands, e);
	if (r < 0)
		return r;
	w = wait_new(m, arg);
	w->pressed = cb;
	m->ops->press(m->state, json_incref(commands), on_pressed, w);
	return 0;
}
