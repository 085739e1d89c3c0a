/* SPDX-License-Identifier: MIT */
/* A machine for those who look at it while it runs (`vmrig console`, `vmrig qmp`): its console, the engine's monitor,
 * and two commands of our own. */
#include <errno.h>
#include <nettle/base64.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "live/live.h"
#include "machine/engine.h"
#include "machine/private.h"

static void refuse(qmp_reply_cb cb, void *arg, const char *desc)
{
	const struct qmp_error error = { "GenericError", desc };

	cb(arg, NULL, &error);
}

/* A command's reply that waits for something of the machine's. */
struct reply {
	qmp_reply_cb cb;
	void *arg;
	struct machine *machine; /* borrowed: in its list */
	struct reply *next;
};

static struct reply *reply_new(struct machine *m, qmp_reply_cb cb, void *arg)
{
	struct reply *r = xcalloc(1, sizeof(*r));

	*r = (struct reply){ cb, arg, m, m->replies };
	m->replies = r;
	return r;
}

/* Its callback, once. */
static struct reply reply_take(struct reply *r)
{
	struct reply copy = *r;

	for (struct reply **p = &r->machine->replies; *p; p = &(*p)->next)
		if (*p == r) {
			*p = r->next;
			break;
		}
	free(r);
	return copy;
}

/* ---- screenshots ---- */

static json_t *encode(const void *png, size_t len)
{
	_cleanup_free_ char *text = xmalloc(BASE64_ENCODE_RAW_LENGTH(len) + 1);

	base64_encode_raw(text, len, png);
	return json_stringn(text, BASE64_ENCODE_RAW_LENGTH(len));
}

static void on_screenshot(void *arg, const struct machine_screenshot *s, const char *error)
{
	struct reply r = reply_take(arg);
	_cleanup_json_ json_t *j = NULL;

	if (error) {
		refuse(r.cb, r.arg, error);
		return;
	}
	j = json_pack("{s:o, s:i, s:i}", "png", encode(s->png, s->len), "width",
		(int)s->screen->width, "height", (int)s->screen->height);
	BUG_ON(!j);
	r.cb(r.arg, j, NULL);
}

/* ---- keys ---- */

static void on_pressed(void *arg, const char *error)
{
	struct reply r = reply_take(arg);
	_cleanup_json_ json_t *nothing = json_object();

	if (error)
		refuse(r.cb, r.arg, error);
	else
		r.cb(r.arg, nothing, NULL);
}

static void press(struct machine *m, const json_t *arguments, qmp_reply_cb cb, void *arg)
{
	_cleanup_strv_ struct strv keys = STRV_INIT;
	const char *text = json_string_value(json_object_get(arguments, "text"));
	struct err e = ERR_INIT;
	struct reply *wait;
	int r = 0;

	if (json_object_get(arguments, "keys"))
		r = json_field_strv(arguments, "keys", &keys, &e);
	if (r == 0 && !keys.n && !text)
		r = err_set(&e, -EINVAL, "neither keys nor a text");
	wait = reply_new(m, cb, arg);
	if (r == 0)
		r = machine_press(
			m, (const char *const *)keys.v, keys.n, text, on_pressed, wait, &e);
	if (r < 0) {
		reply_take(wait);
		refuse(cb, arg, err_text(&e));
	}
	err_release(&e);
}

/* ---- what live asks for ---- */

static void command(
	void *arg, const char *execute, json_t *arguments, qmp_reply_cb cb, void *cb_arg)
{
	struct machine *m = arg;

	if (streq(execute, LIVE_SCREENSHOT)) {
		machine_screenshot(m, on_screenshot, reply_new(m, cb, cb_arg));
	} else if (streq(execute, LIVE_KEYS)) {
		press(m, arguments, cb, cb_arg);
	} else {
		machine_command(m, execute, json_incref(arguments), cb, cb_arg);
	}
	json_decref(arguments);
}

static void write_console(void *arg, const char *data, size_t len)
{
	machine_write(arg, data, len);
}

static size_t unsent(void *arg)
{
	struct machine *m = arg;

	return m->ops->console_unsent ? m->ops->console_unsent(m->state) : 0;
}

static json_t *greeting(void *arg)
{
	struct machine *m = arg;

	return m->ops->greeting ? m->ops->greeting(m->state) : NULL;
}

static json_t *facts(const struct machine *m, const struct machine_spec *spec)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "engine", m->ops->name, "arch",
		spec->arch, "accel", machine_accel_name(spec->accel), "machine",
		machine_type_name(spec->type), "cpus", (int)spec->cpus, "memory_mib",
		(int)spec->memory_mib);

	BUG_ON(!j);
	return j;
}

/* Where it cannot be, the machine runs on unseen: that is no reason to fail what runs in it. */
void machine_publish(struct machine *m, struct loop *loop, const struct machine_spec *spec)
{
	const struct live_ops ops = { command, write_console, unsent, greeting, m };

	if (spec->name)
		live_new(loop, spec->name, facts(m, spec), &ops, &m->live, NULL);
}

void machine_unpublish(struct machine *m)
{
	live_free(m->live);
	m->live = NULL;
	while (m->replies)
		reply_take(m->replies);
}
