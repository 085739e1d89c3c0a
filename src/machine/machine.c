/* SPDX-License-Identifier: MIT */
#include "machine/machine.h"

#include "base/alloc.h"
#include "live/live.h"
#include "machine/engine.h"
#include "machine/private.h"

static const struct engine_ops *engine_of(const struct machine_spec *spec)
{
	switch (spec->engine) {
	case ENGINE_AUTO:
	case ENGINE_QEMU:
		return &engine_qemu;
	}
	bug_at(__FILE__, __LINE__, "unknown engine");
}

static int refuse(const struct engine_ops *ops, const char *what, struct err *e)
{
	return err_set(e, -EOPNOTSUPP, "engine %s cannot %s", ops->name, what);
}

int machine_describe(const struct machine_spec *spec, struct strv *ret, struct err *e)
{
	const struct engine_ops *ops = engine_of(spec);

	return ops->describe ? ops->describe(spec, ret, e) : refuse(ops, "show its command", e);
}

int machine_engine_version(const struct machine_spec *spec, char **ret, struct err *e)
{
	const struct engine_ops *ops = engine_of(spec);

	return ops->version ? ops->version(spec, ret, e) : refuse(ops, "tell its version", e);
}

int machine_can_save(const struct machine_spec *spec, struct err *e)
{
	const struct engine_ops *ops = engine_of(spec);

	return ops->can_save ? ops->can_save(spec, e) : refuse(ops, "save a machine", e);
}

/* ---- what the engine tells, to those who look and then to the owner, who may free the machine ---- */

static void on_console(void *arg, const char *data, size_t len)
{
	struct machine *m = arg;

	if (m->live)
		live_console(m->live, data, len);
	if (m->h.console)
		m->h.console(m->h.arg, data, len);
}

static void on_event(void *arg, const char *name, const json_t *data)
{
	struct machine *m = arg;

	if (m->live)
		live_event(m->live, name, data);
}

static void on_ended(void *arg, enum machine_end end, const char *why)
{
	struct machine *m = arg;

	if (m->live)
		live_end(m->live);
	if (m->h.ended)
		m->h.ended(m->h.arg, end, why);
}

static void on_loaded(void *arg)
{
	struct machine *m = arg;

	if (m->h.loaded)
		m->h.loaded(m->h.arg);
}

static void on_held(void *arg)
{
	struct machine *m = arg;

	m->h.held(m->h.arg);
}

/* Ours, for the engine, of a machine that is told of by H. */
static struct machine_handlers handlers(const struct machine_handlers *h)
{
	return (struct machine_handlers){ .console = on_console,
		.ended = on_ended,
		.loaded = on_loaded,
		.held = h->held ? on_held : NULL };
}

int machine_start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e)
{
	const struct engine_ops *ops = engine_of(spec);
	struct machine_handlers own = handlers(h);
	struct machine *m;
	int r;

	BUG_ON(spec->accel == ACCEL_AUTO || spec->type == MACHINE_AUTO);
	if (!ops->start)
		return refuse(ops, "start a machine", e);
	m = xcalloc(1, sizeof(*m));
	m->ops = ops;
	m->h = *h;
	own.arg = m;
	r = ops->start(loop, spec, &own, on_event, m, e);
	if (r < 0) {
		free(m);
		return r;
	}
	machine_publish(m, loop, spec);
	*ret = m;
	return 0;
}

void machine_rename(struct machine *m, const char *name)
{
	if (m->live && name)
		live_rename(m->live, name);
}

int machine_channel_fd(struct machine *m)
{
	return m->ops->channel_fd(m->state);
}

int machine_fs_fd(struct machine *m, unsigned i)
{
	return m->ops->fs_fd ? m->ops->fs_fd(m->state, i) : -1;
}

void machine_save(struct machine *m, int state_fd, machine_saved_cb cb, void *arg)
{
	if (m->ops->save)
		m->ops->save(m->state, state_fd, cb, arg);
	else
		cb(arg, "the engine cannot save a machine");
}

void machine_cont(struct machine *m)
{
	if (m->ops->cont)
		m->ops->cont(m->state);
}

void machine_times(const struct machine *m, struct machine_times *ret)
{
	*ret = (struct machine_times){ 0 };
	if (m->ops->times)
		m->ops->times(m->state, ret);
}

bool machine_ran(const struct machine *m)
{
	return !m->ops->ran || m->ops->ran(m->state);
}

int machine_serial_fd(struct machine *m, unsigned i)
{
	return m->ops->serial_fd ? m->ops->serial_fd(m->state, i) : -1;
}

void machine_write(struct machine *m, const char *data, size_t len)
{
	if (m->ops->write)
		m->ops->write(m->state, data, len);
}

int machine_exit_value(const struct machine *m)
{
	return m->ops->exit_value ? m->ops->exit_value(m->state) : 0;
}

void machine_command(
	struct machine *m, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	static const struct qmp_error error = { "CommandNotFound", "the engine has no monitor" };

	if (m->ops->command) {
		m->ops->command(m->state, execute, arguments, cb, arg);
		return;
	}
	json_decref(arguments);
	if (cb)
		cb(arg, NULL, &error);
}

bool machine_talks(const struct machine *m)
{
	return m->ops->talks && m->ops->talks(m->state);
}

void machine_ask(struct machine *m, enum machine_ask how)
{
	if (m->ops->ask)
		m->ops->ask(m->state, how);
}

int machine_can_copy(const struct machine_spec *spec, struct err *e)
{
	const struct engine_ops *ops = engine_of(spec);

	return ops->can_copy ? ops->can_copy(spec, e) : refuse(ops, "copy a machine", e);
}

void machine_pause(struct machine *m, machine_saved_cb cb, void *arg)
{
	if (m->ops->pause)
		m->ops->pause(m->state, cb, arg);
	else
		cb(arg, "the engine cannot stop a machine");
}

int machine_copy(struct loop *loop, struct machine *from, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e)
{
	struct machine_handlers own = handlers(h);
	struct machine *m;
	int r;

	if (!from->ops->copy)
		return refuse(from->ops, "copy a machine", e);
	m = xcalloc(1, sizeof(*m));
	m->ops = from->ops;
	m->h = *h;
	own.arg = m;
	r = from->ops->copy(from->state, &own, on_event, m, e);
	if (r < 0) {
		free(m);
		return r;
	}
	machine_publish(m, loop, spec);
	*ret = m;
	return 0;
}

void machine_inject_nmi(struct machine *m)
{
	if (m->ops->inject_nmi)
		m->ops->inject_nmi(m->state);
}

void machine_sysrq(struct machine *m, char key)
{
	if (m->ops->sysrq)
		m->ops->sysrq(m->state, key);
}

void machine_stop(struct machine *m)
{
	m->ops->stop(m->state);
}

void machine_usage(struct machine *m, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib)
{
	*ret_cpu_us = 0;
	*ret_maxrss_kib = 0;
	if (m->ops->usage)
		m->ops->usage(m->state, ret_cpu_us, ret_maxrss_kib);
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	m->ops->free(m->state);
	machine_unpublish(m);
	machine_waits_free(m);
	free(m);
}
