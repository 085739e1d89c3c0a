/* SPDX-License-Identifier: MIT */
/* The end of one command: its record, what a person is told beside its output, and the exit code. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "suite/case_record.h"
#include "suite/once.h"
#include "suite/sink.h"

#define CONSOLE_TAIL 4096

static void fill_record(const struct once *c, struct record *rec)
{
	const struct machine_spec *spec = guest_plan_spec(c->plan);
	_cleanup_strv_ struct strv argv = STRV_INIT;

	for (const char *const *a = c->o->command.argv; *a; a++)
		strv_add(&argv, *a);
	rec->test = strv_shell(&argv);
	rec->id = xstrdup(rec->test);
	rec->kernel = xstrdup(c->kernel.label);
	rec->release = xstrdup(c->report->release);
	rec->engine = xstrdup(guest_plan_engine(c->plan));
	rec->accel = xstrdup(machine_accel_name(spec->accel));
	rec->accel_why = xstrdup(guest_plan_accel_why(c->plan));
	rec->machine_type = xstrdup(machine_type_name(spec->type));
	rec->isolate = xstrdup(guest_isolate_name(c->report->isolate));
	rec->isolate_why = xstrdup(c->report->isolate_why);
	rec->cpus = spec->cpus;
	rec->memory_mib = spec->memory_mib;
	rec->boot_ms = c->report->boot_ms;
	rec->duration_ms = c->report->total_ms;
	record_add_steps(rec, c->report, c->asked_us - c->began_us);
	rec->resume = keep_one_resume(&c->keep, c->report);
}

static void decode_splats(const struct once *c, struct record *rec)
{
	struct symbols *sym;

	if (!rec->n_splats)
		return;
	sym = symbols_new(c->kernel.vmlinux, c->kernel.system_map);
	for (size_t i = 0; i < rec->n_splats; i++) {
		struct buf b = BUF_INIT;

		symbols_decode(sym, rec->splats[i].text, &b);
		free(rec->splats[i].text);
		rec->splats[i].text = buf_detach(&b);
	}
	symbols_free(sym);
}

static void indent(struct buf *b, const char *text, size_t len)
{
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		buf_adds(b, "    ");
		buf_add(b, text, n);
		buf_addc(b, '\n');
		n += nl != NULL;
		text += n;
		len -= n;
	}
}

/* Output that was lost is no success, whatever the command says: the negative errno. A reader that went away
 * wanted no more. */
static int output_error(const struct once *c, const char **ret_name)
{
	static const char *const names[] = { "standard output", "standard error" };

	for (int i = 0; i < 2; i++) {
		int error = sink_error(c->out[i]);

		*ret_name = names[i];
		if (error && error != -EPIPE)
			return error;
	}
	return 0;
}

static void check_output(const struct once *c, struct record *rec)
{
	const char *name;
	int error = output_error(c, &name);

	if (!error)
		return;
	rec->verdict = VERDICT_INFRA;
	rec->ok = false;
	free(rec->reason);
	rec->reason = xasprintf("cannot write to %s: %s", name, strerror(-error));
}

/* Where nothing was asked for, how the guest came to be is nobody's business, but for a damaged template. */
static void tell_isolate(const struct once *c, struct buf *b)
{
	const struct job_report *r = c->report;
	bool asked = c->o->isolate == SUITE_ISOLATE_CLONE || c->o->verbose;

	if (r->isolate_why && r->isolate == ISOLATE_CLONE)
		buf_addf(b, "vmrig: %s; it was made anew\n", r->isolate_why);
	else if (r->isolate_why && asked)
		buf_addf(b, "vmrig: booted, not cloned: %s\n", r->isolate_why);
}

/* Where the time went. */
static void tell_steps(const struct record *rec, struct buf *b)
{
	buf_adds(b, "vmrig: after ms:");
	for (size_t i = 0; i < rec->n_steps; i++)
		buf_addf(b, "%s %s %.1f", i ? "," : "", rec->steps[i].name,
			(double)rec->steps[i].us / 1e3);
	buf_addc(b, '\n');
}

/* What is not the command's own business is told: why there is no exit code of its own, the kernel's words. */
static void tell(const struct once *c, const struct record *rec)
{
	_cleanup_buf_ struct buf b = BUF_INIT, tail = BUF_INIT;
	bool own = rec->verdict == VERDICT_PASS || rec->verdict == VERDICT_FAIL;
	const char *name;
	bool about_guest = !own && !output_error(c, &name);

	tell_isolate(c, &b);
	if (rec->has_exit && rec->leftover > 0)
		buf_addf(&b, "vmrig: the command left %lld %s running, now killed\n",
			(long long)rec->leftover, rec->leftover == 1 ? "process" : "processes");
	if (!own || c->report->exits[0].exec_error)
		buf_addf(&b, "vmrig: %s: %s\n", verdict_name(rec->verdict), rec->reason);
	for (size_t i = 0; about_guest && i < rec->n_splats; i++) {
		buf_addf(&b, "  %s\n", rec->splats[i].title);
		indent(&b, rec->splats[i].text, strlen(rec->splats[i].text));
	}
	if (about_guest && rec->n_splats == 0 && !c->o->verbose) {
		console_slice(job_console(c->job), 0, CONSOLE_TAIL, &tail);
		if (tail.len) {
			buf_adds(&b, "  the console's last words:\n");
			indent(&b, tail.data, tail.len);
		} else if (rec->verdict == VERDICT_TIMEOUT) {
			buf_addf(&b,
				"  the console said nothing: a kernel without a serial console, or %u MiB are too "
				"little (--memory)\n",
				guest_plan_spec(c->plan)->memory_mib);
		}
	}
	for (size_t i = 0; about_guest && i < c->report->trouble.n; i++)
		buf_addf(&b, "vmrig: agent: %s\n", c->report->trouble.v[i]);
	keep_one_tell(&c->keep, c->report, &b);
	if (c->o->verbose)
		tell_steps(rec, &b);
	fd_write_all(STDERR_FILENO, buf_str(&b), b.len);
}

int once_conclude(const struct once *c)
{
	struct record rec = RECORD_INIT;
	struct verdict_input in = {
		.report = c->report,
		.protocol = PROTOCOL_EXIT,
		.expect = EXPECT_PASS,
		.fail_on = c->o->fail_on,
	};
	int code;

	verdict_decide(&in, &rec);
	check_output(c, &rec);
	fill_record(c, &rec);
	decode_splats(c, &rec);
	code = c->signal ? 128 + c->signal : verdict_exit_code(&in, &rec);
	if (!c->signal)
		tell(c, &rec);
	if (c->o->json) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		record_write(&b, &rec);
		fd_write_all(STDERR_FILENO, b.data, b.len);
	}
	record_release(&rec);
	return code;
}
