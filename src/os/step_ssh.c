/* SPDX-License-Identifier: MIT */
/* Steps over SSH: ssh, copy_in, copy_out; and the first way to end a system. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "os/saved.h"
#include "os/seed.h"

#define TAIL_MAX   400 /* of what a command printed, for the reason of its failure */
#define TAIL_LINES 3
#define ARTIFACTS  "artifacts"

/* What a guest may put on our disk by a copy, unless the step says otherwise. */
#define COPY_OUT_MAX_MIB 1024

/* A user who may not is told so by sudo, without being asked for a password. */
#define POWEROFF "if [ \"$(id -u)\" = 0 ]; then poweroff; else sudo -n poweroff; fi"

struct remote {
	struct os *o; /* borrowed */
	struct ssh_job *job; /* owned; NULL while the engine is asked for the port */
	struct buf tail;
	char *to; /* owned: where copy_out puts it, in the case's folder */
};

/* ---- the session ---- */

/* As QEMU tells it in `info usernet`: "TCP[HOST_FORWARD]  8  127.0.0.1 36925  10.0.2.15  22  0  0". */
uint16_t os_forwarded(const char *text, uint16_t guest_port)
{
	static const char head[] = "TCP[HOST_FORWARD]";

	for (const char *p = text; (p = strstr(p, head)); p += strlen(head)) {
		unsigned host, guest;

		if (sscanf(p + strlen(head), " %*d %*s %u %*s %u", &host, &guest) == 2 &&
			guest == guest_port && host && host <= UINT16_MAX)
			return (uint16_t)host;
	}
	return 0;
}

static int open_session(struct os *o, uint16_t port, struct err *e)
{
	const struct os_plan *p = o->spec.plan;
	_cleanup_free_ char *shown = o->host_keys.n ? strv_join(&o->host_keys, "\n") : NULL;
	const struct ssh_spec spec = {
		.user = p->wish.ssh->user,
		.key = os_ssh_key(p),
		.host_key = shown ? shown : os_ssh_host_key(p),
		.port = port,
	};

	return ssh_new(o->loop, &spec, &o->ssh, e);
}

/* ---- running ---- */

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct remote *m = arg;

	buf_add(&m->tail, data, len);
	if (m->tail.len > TAIL_MAX)
		buf_consume(&m->tail, m->tail.len - TAIL_MAX);
	if (m->o->h.output)
		m->o->h.output(m->o->h.arg, stream, data, len);
}

static void wrong_code(struct remote *m, int code)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	size_t len;
	const char *last;

	text_clean(&clean, m->tail.data, m->tail.len);
	last = text_last_lines(buf_str(&clean), clean.len, TAIL_LINES, &len);
	while (len && last[len - 1] == '\n')
		len--;
	os_step_fail(m->o, "exit code %d%s%.*s", code, len ? ": " : "", (int)len, last);
}

static void on_done(void *arg, const struct ssh_result *r)
{
	struct remote *m = arg;
	struct os *o = m->o;

	if (r->end != SSH_EXITED) {
		os_step_fail(o, "%s", r->why);
		return;
	}
	o->ssh_answered = true;
	os_step_heard(o);
	if (r->code != o->run.step->number) {
		wrong_code(m, r->code);
		return;
	}
	if (m->to)
		strv_add(&o->report.artifacts, m->to);
	os_step_done(o);
}

/* Into artifacts/, under a name that leads nowhere else. */
static char *destination(struct os *o, struct remote *m, const struct os_step *s)
{
	_cleanup_free_ char *full = NULL, *dir = NULL;

	m->to = path_join(ARTIFACTS, s->to ? s->to : path_base(s->text));
	full = path_join(o->spec.dir, m->to);
	dir = path_dir(full);
	return dir_make(dir, 0777, NULL) < 0 ? NULL : TAKE_PTR(full);
}

static void begin(struct os *o, struct remote *m);

/* The first that is said to a machine that goes on from where it was saved. */
static void on_woken(void *arg, const struct ssh_result *r)
{
	struct remote *m = arg;
	struct os *o = m->o;

	if (r->end != SSH_EXITED) {
		os_step_fail(o, "%s", r->why);
		return;
	}
	os_woken(o, r);
	ssh_job_free(m->job);
	m->job = NULL;
	begin(o, m);
}

static void begin(struct os *o, struct remote *m)
{
	const struct ssh_handlers h = { on_output, on_done, m };
	const struct ssh_handlers woken = { .done = on_woken, .arg = m };
	const struct os_step *s = o->run.step;
	_cleanup_free_ char *to = NULL;

	if (os_wake_due(o)) {
		m->job = os_wake(o, &woken);
	} else if (s->kind == &os_step_ssh) {
		m->job = ssh_run(o->ssh, s->text, &h);
	} else if (s->kind == &os_step_copy_in) {
		m->job = ssh_copy_in(o->ssh, s->text, s->to, &h);
	} else {
		to = destination(o, m, s);
		if (to)
			m->job = ssh_copy_out(
				o->ssh, s->text, to, (uint64_t)s->size_max_mib << 20, &h);
		else
			os_step_fail(o, "cannot make the folder %s/%s", o->spec.dir, ARTIFACTS);
	}
}

static void on_forwards(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct os *o = arg;
	const struct os_plan *p = o->spec.plan;
	const char *text = json_string_value(ret);
	uint16_t port = text ? os_forwarded(text, os_ssh_port(p)) : 0;
	struct err e = ERR_INIT;

	/* The step's limit may have ended it meanwhile; then no other one begins. An engine that does not answer has ended,
	 * which will be told. */
	if (!o->run.data || error)
		return;
	if (!port)
		os_step_fail(
			o, "the engine forwards nothing to the guest's port %u", os_ssh_port(p));
	else if (open_session(o, port, &e) < 0)
		os_step_fail(o, "%s", err_text(&e));
	else
		begin(o, o->run.data);
	err_release(&e);
}

static void ask_for_port(struct os *o)
{
	machine_command(o->machine, "human-monitor-command",
		json_pack("{s:s}", "command-line", "info usernet"), on_forwards, o);
}

static void ssh_start(struct os *o, struct os_step_run *r)
{
	struct remote *m = xcalloc(1, sizeof(*m));

	m->o = o;
	r->data = m;
	if (o->ssh)
		begin(o, m);
	else if (!os_host_key_awaited(o))
		ask_for_port(o);
}

void os_host_key_shown(struct os *o)
{
	/* Of the keys that are shown one behind the other the first was what it waited for. */
	if (o->run.step && o->run.step->kind->start == ssh_start && !o->ssh && o->host_keys.n == 1)
		ask_for_port(o);
}

static void ssh_release(struct os_step_run *r)
{
	struct remote *m = r->data;

	ssh_job_free(m->job);
	buf_release(&m->tail);
	free(m->to);
	free(m);
}

static void ssh_explain(struct os *o, const struct os_step_run *r, struct buf *why)
{
	const struct remote *m = r->data;
	const char *trouble = m->job ? ssh_job_trouble(m->job) : NULL;

	if (!o->ssh && os_host_key_awaited(o))
		trouble = "no serial port has shown the system's host key";
	buf_adds(why, trouble ? trouble : "the guest has not answered");
}

/* ---- the suite file ---- */

static int read_exit(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	uint32_t v = 0;
	int r = yaml_read_number(l, k, n, &v);

	*(int *)field = (int)v;
	return r;
}

static int read_ssh(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "run", yaml_read_text, FIELD(text), .required = true },
		{ "exit", read_exit, FIELD(number), .min = 0, .max = 255 },
	};
#undef FIELD

	if (n->kind == YAML_SCALAR)
		return yaml_read_text(l, k, n, &s->text);
	return yaml_read_map(l, n, "'ssh'", keys, ARRAY_SIZE(keys), s);
}

static int read_copy_in(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "from", yaml_read_path, FIELD(text), .required = true },
		{ "to", yaml_read_text, FIELD(to), .required = true },
	};
#undef FIELD

	return yaml_read_map(l, n, "'copy_in'", keys, ARRAY_SIZE(keys), s);
}

/* Folded as text it stays below the folder that it is meant for. */
static int read_name_below(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	_cleanup_free_ char *full = NULL;
	int r = yaml_read_text(l, k, n, field);

	if (r < 0)
		return r;
	full = path_absolute(n->text, "/a/b");
	if (*n->text == '/' || !path_below(full, "/a/b") || streq(full, "/a/b"))
		return yaml_expected(
			l, n, k, "a relative path that stays below the folder of artifacts");
	return 0;
}

static int read_copy_out(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "from", yaml_read_text, FIELD(text), .required = true },
		{ "to", read_name_below, FIELD(to) },
		{ "size_max", yaml_read_memory, FIELD(size_max_mib) },
	};
#undef FIELD
	const char *base;
	int r;

	s->size_max_mib = COPY_OUT_MAX_MIB;
	r = n->kind == YAML_SCALAR ? yaml_read_text(l, k, n, &s->text)
				   : yaml_read_map(l, n, "'copy_out'", keys, ARRAY_SIZE(keys), s);
	if (r < 0 || s->to)
		return r;
	base = path_base(s->text);
	if (!*base || streq(base, ".") || streq(base, "..") || strpbrk(base, "*?["))
		return yaml_error(&l->y, n, l->e,
			"'copy_out': '%s' tells no name to keep it by: {from: ..., to: ...}",
			s->text);
	return 0;
}

/* A guest that has not answered for so long does so no more, even one that is emulated. */
#define TIMEOUT_MS (10 * 60 * 1000)

const struct os_step_kind os_step_ssh = {
	.name = "ssh",
	.needs = OS_NEEDS_SSH,
	.form = "a command, or {run: ..., exit: ...}",
	.read = read_ssh,
	.timeout_ms = TIMEOUT_MS,
	.start = ssh_start,
	.explain = ssh_explain,
	.release = ssh_release,
};

const struct os_step_kind os_step_copy_in = {
	.name = "copy_in",
	.needs = OS_NEEDS_SSH,
	.form = "{from: ..., to: ...}",
	.read = read_copy_in,
	.timeout_ms = TIMEOUT_MS,
	.start = ssh_start,
	.explain = ssh_explain,
	.release = ssh_release,
};

const struct os_step_kind os_step_copy_out = {
	.name = "copy_out",
	.needs = OS_NEEDS_SSH,
	.form = "a path in the guest, or {from: ..., to: ...}",
	.read = read_copy_out,
	.timeout_ms = TIMEOUT_MS,
	.start = ssh_start,
	.explain = ssh_explain,
	.release = ssh_release,
};

/* ---- the end ---- */

/* Whether it was heard shows in the machine's end; a refusal is known sooner. */
static void on_farewell(void *arg, const struct ssh_result *r)
{
	struct os *o = arg;

	if (r->end == SSH_EXITED && r->code != 0)
		os_rung_refused(o);
}

void os_farewell(struct os *o)
{
	const struct ssh_handlers h = { .done = on_farewell, .arg = o };

	o->farewell = ssh_run(o->ssh, POWEROFF, &h);
}

void os_ssh_stop(struct os *o)
{
	ssh_job_free(o->farewell);
	o->farewell = NULL;
	ssh_free(o->ssh);
	o->ssh = NULL;
}
