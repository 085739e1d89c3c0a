/* SPDX-License-Identifier: MIT */
/*
 * A guest's state, out to a file and in again. Its memory does not travel: it lies in a file that the one QEMU
 * shared and the other maps privately, and x-ignore-shared passes over it (QEMU: docs/devel/migration.rst). When a migration
 * is over is told by the event MIGRATION.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "qemu/private.h"

/* Seen with 7.2: "vCPU set in guest-mode inconsistent with migrated kernel nested state", of a kernel that is not there. */
#define IN_GUEST \
	"a CPU of it runs a guest of its own at this moment, which QEMU does not load again without KVM"

static void over(struct qemu_migration *m, const char *error)
{
	qemu_saved_cb done = m->done;

	m->done = NULL;
	if (done)
		done(m->arg, error);
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	if (error)
		over(arg, error->desc);
}

static void on_query(void *arg, json_t *ret, const struct qmp_error *error)
{
	const char *why = json_string_value(json_object_get(ret, "error-desc"));

	over(arg, why ? why : error ? error->desc : "QEMU gives no reason");
}

void qemu_migrate_event(struct qemu_migration *m, const json_t *data)
{
	const char *status = json_string_value(json_object_get(data, "status"));

	if (!m->done || !status)
		return;
	if (streq(status, "completed"))
		over(m, m->out && qemu_state_in_guest(m->out) ? IN_GUEST : NULL);
	else if (streq(status, "failed") || streq(status, "cancelled"))
		qemu_command(m->qemu, "query-migrate", NULL, on_query, m);
}

static void begin(struct qemu_migration *m, struct qemu *q, qemu_saved_cb done, void *arg)
{
	json_t *capabilities =
		json_pack("{s:[{s:s, s:b}, {s:s, s:b}]}", "capabilities", "capability",
			"x-ignore-shared", "state", true, "capability", "events", "state", true);

	BUG_ON(m->done || !capabilities);
	*m = (struct qemu_migration){ done, arg, q, 0 };
	qemu_command(q, "migrate-set-capabilities", capabilities, on_reply, m);
}

static void command(struct qemu_migration *m, const char *execute, char *uri)
{
	if (m->done)
		qemu_command(m->qemu, execute, json_pack("{s:s}", "uri", uri), on_reply, m);
	free(uri);
}

void qemu_migrate_out(struct qemu_migration *m, struct qemu *q, const char *fd, int out,
	qemu_saved_cb done, void *arg)
{
	begin(m, q, done, arg);
	m->out = out;
	/* Memory that is not in a shared file travels, too: QEMU would take its time for the network's sake. */
	qemu_command(q, "migrate-set-parameters",
		json_pack("{s:I}", "max-bandwidth", (json_int_t)1 << 40), NULL, NULL);
	command(m, "migrate", xasprintf("fd:%s", fd));
}

void qemu_migrate_in(
	struct qemu_migration *m, struct qemu *q, int fd, qemu_saved_cb done, void *arg)
{
	begin(m, q, done, arg);
	command(m, "migrate-incoming", xasprintf("fd:%d", fd));
}
