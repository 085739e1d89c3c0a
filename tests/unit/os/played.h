/* SPDX-License-Identifier: MIT */
/* A machine that the test plays, and a run on it. What is defined here is not taken from the rooms below. */
#ifndef TEST_OS_PLAYED_H
#define TEST_OS_PLAYED_H

#include "base/clock.h"
#include "harness.h"

/* ---- the machine ---- */

struct machine {
	struct loop *loop;
	struct machine_handlers h;
	struct loop_timer *end, *loaded; /* owned */
	enum machine_end how;
};

static struct {
	struct machine *m;
	struct buf sent;
	unsigned buttons, quits, terms, kills;
	bool heeds_button, heeds_quit, heeds_term; /* and so ends */
	bool wedged; /* its monitor never answers */
	bool gone; /* and its engine, too: what is asked of it is refused */
	bool keeps_saving; /* it never says that it was saved */
	const char *not_saved; /* why not; NULL: it is */
	unsigned starts, saves, conts;
	struct machine_spec spec; /* of the last start, valid during it but for its numbers */
	struct machine_disk disk; /* the first of them */
	int exit_value;
} played;

static void on_end(void *arg)
{
	struct machine *m = arg;

	m->h.ended(m->h.arg, m->how, "it ended");
}

/* What is sent to it before is lost. */
static void on_loaded(void *arg)
{
	struct machine *m = arg;

	buf_clear(&played.sent);
	m->h.loaded(m->h.arg);
}

static void ends(enum machine_end how)
{
	played.m->how = how;
	loop_timer_set(played.m->end, clock_ms());
}

static void says(const char *text)
{
	played.m->h.console(played.m->h.arg, text, strlen(text));
}

int machine_start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e)
{
	struct machine *m = xcalloc(1, sizeof(*m));

	m->loop = loop;
	m->h = *h;
	m->end = loop_timer_add(loop, CLOCK_NEVER, on_end, m);
	played.starts++;
	played.spec = *spec;
	if (spec->os->n_disks)
		played.disk = spec->os->disks[0];
	m->loaded = loop_timer_add(loop, spec->state_fd ? clock_ms() : CLOCK_NEVER, on_loaded, m);
	played.m = *ret = m;
	return 0;
}

void machine_free(struct machine *m)
{
	if (m) {
		loop_timer_remove(m->end);
		loop_timer_remove(m->loaded);
	}
	free(m);
}

void machine_ask(struct machine *m, enum machine_ask how)
{
	played.buttons += how == MACHINE_ASK_BUTTON;
	played.quits += how == MACHINE_ASK_QUIT;
	played.terms += how == MACHINE_ASK_TERM;
	if (how == MACHINE_ASK_BUTTON && played.heeds_button)
		ends(MACHINE_POWERED_OFF);
	if ((how == MACHINE_ASK_QUIT && played.heeds_quit) ||
		(how == MACHINE_ASK_TERM && played.heeds_term))
		ends(MACHINE_STOPPED);
}

void machine_stop(struct machine *m)
{
	played.kills++;
	ends(MACHINE_STOPPED);
}

void machine_command(
	struct machine *m, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	static const struct qmp_error refused = { "CommandNotFound", "no such command" };
	bool bad = played.gone || strcmp(execute, "bad") == 0;
	json_t *ret = json_string("RIP=0");

	json_decref(arguments);
	if (cb && !played.wedged)
		cb(arg, bad ? NULL : ret, bad ? &refused : NULL);
	json_decref(ret);
}

int machine_can_save(const struct machine_spec *spec, struct err *e)
{
	return 0;
}

void machine_save(struct machine *m, int state_fd, machine_saved_cb cb, void *arg)
{
	played.saves++;
	if (!played.keeps_saving)
		cb(arg, played.not_saved);
}

void machine_cont(struct machine *m)
{
	played.conts++;
}

bool machine_talks(const struct machine *m)
{
	return !played.gone;
}

void machine_write(struct machine *m, const char *data, size_t len)
{
	buf_add(&played.sent, data, len);
}

int machine_press(struct machine *m, const char *const *keys, size_t n_keys, const char *text,
	machine_pressed_cb cb, void *arg, struct err *e)
{
	cb(arg, NULL);
	return 0;
}

void machine_screenshot(struct machine *m, machine_screenshot_cb cb, void *arg)
{
	cb(arg, NULL, "There is no console to take a screendump from");
}

int machine_serial_fd(struct machine *m, unsigned i)
{
	return -1;
}

int machine_exit_value(const struct machine *m)
{
	return played.exit_value;
}

void machine_usage(struct machine *m, int64_t *cpu_us, int64_t *maxrss_kib)
{
	*cpu_us = *maxrss_kib = 1;
}

int machine_engine_version(const struct machine_spec *spec, char **ret, struct err *e)
{
	*ret = xstrdup("played");
	return 0;
}

/* ---- a run ---- */

struct world {
	char *dir; /* owned */
	struct loop *loop; /* owned */
	struct os_plan plan;
	struct os_steps steps, prepare;
	struct os_grammar grammar;
	struct os_exit_port exit_port;
	struct os_spec spec;
	struct os *os; /* owned */
	const struct os_report *report; /* borrowed; NULL: it is not over */
	struct os_saved *saved; /* owned */
	char *why; /* owned: of `saved` that brought none */
	unsigned told; /* how often `saved` was called */
};

/* The suite's way to steps: by their text. */
static void read_list(const char *text, struct os_steps *ret)
{
	struct yaml_reader l = { 0 };
	struct err e = ERR_INIT;
	static const struct yaml_key key = { "steps", NULL };

	l.e = &e;
	assert_int_equal(yaml_parse("test.yaml", text, strlen(text), &l.y, &e), 0);
	if (os_read_steps(&l, &key, l.y.root, ret) < 0)
		fail_msg("%s", err_text(&e));
	yaml_release(&l.y);
}

static void read_steps(struct world *w, const char *text)
{
	read_list(text, &w->steps);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *dir;

	memset(&played, 0, sizeof(played));
	played.heeds_quit = true;
	if (dir_begin(&dir) < 0)
		return -1;
	w->dir = dir;
	w->loop = loop_new();
	w->plan.os.serials = 1;
	w->spec = (struct os_spec){
		.plan = &w->plan,
		.steps = &w->steps,
		.grammar = &w->grammar,
		.exit_port = &w->exit_port,
		.shutdown = { .quit_ms = 60000, .term_ms = 60000 },
		.test_ms = 60000,
		.dir = w->dir,
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *dir = w->dir;

	os_free(w->os);
	os_saved_free(w->saved);
	free(w->why);
	os_steps_release(&w->steps);
	os_steps_release(&w->prepare);
	buf_release(&played.sent);
	loop_free(w->loop);
	free(w);
	return dir_end(&dir);
}

static void on_done(void *arg, const struct os_report *r)
{
	struct world *w = arg;

	w->report = r;
}

static void on_saved(void *arg, struct os_saved *s, const char *why)
{
	struct world *w = arg;

	w->saved = s;
	w->why = why ? xstrdup(why) : NULL;
	w->told++;
}

static void start(struct world *w)
{
	const struct os_handlers h = { .saved = on_saved, .done = on_done, .arg = w };

	assert_int_equal(os_start(w->loop, &w->spec, &h, &w->os, NULL), 0);
	loop_turn(w->loop, 100);
}

static void finish(struct world *w)
{
	for (unsigned i = 0; i < 1000 && !w->report; i++)
		loop_turn(w->loop, 100);
	assert_non_null(w->report);
}

static void turns(struct world *w)
{
	for (unsigned i = 0; i < 5; i++)
		loop_turn(w->loop, 1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
