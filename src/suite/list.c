/* SPDX-License-Identifier: MIT */
/* `vmrig list`: the plan as a table or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "suite/plan.h"
#include "suite/rig.h"

/* What can be told of a case without booting. */
struct outlook {
	char *skip; /* owned; NULL: it would run */
	const char *no_kernel; /* borrowed from the rig; NULL: there is one */
};

static void put(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, s ? json_text(s, strlen(s)) : json_null());
}

static void add_json(json_t *list, const struct plan_case *c, const struct outlook *look)
{
	json_t *o = json_object();

	put(o, "id", c->id);
	put(o, "test", c->test->name);
	put(o, "description", c->test->description);
	put(o, "kernel", c->kernel ? c->kernel->name : NULL);
	put(o, "machine", c->machine->name);
	json_object_set_new(o, "cpus", json_integer(plan_case_cpus(c)));
	json_object_set_new(o, "memory_mib", json_integer(plan_case_memory_mib(c)));
	put(o, "protocol", protocol_name(c->test->protocol));
	put(o, "expect", expect_name(c->test->expect));
	json_object_set_new(o, "timeout_ms", json_integer(c->test->timeout_ms));
	json_object_set_new(o, "tags", json_strv(&c->test->tags));
	put(o, "skip", look->skip);
	put(o, "kernel_missing", look->no_kernel);
	json_array_append_new(list, o);
}

/* ---- the table ---- */

enum { COLUMNS = 6 };
static const char *const heads[COLUMNS] = { "ID", "KERNEL", "MACHINE", "PROTOCOL", "EXPECT",
	"TIMEOUT" };

struct table_row {
	char *cell[COLUMNS]; /* owned */
	char *note; /* owned; NULL: none */
};

static char *clean(const char *s)
{
	struct buf b = BUF_INIT;

	text_clean(&b, s, strlen(s));
	return buf_detach(&b);
}

static void make_row(struct table_row *row, const struct plan_case *c, const struct outlook *look)
{
	struct buf limit = BUF_INIT;

	if (c->test->timeout_ms)
		duration_format(&limit, c->test->timeout_ms);
	else
		buf_adds(&limit, "none");
	*row = (struct table_row){
		.cell = { clean(c->id), clean(c->kernel ? c->kernel->name : "-"),
			clean(c->machine->name), xstrdup(protocol_name(c->test->protocol)),
			xstrdup(expect_name(c->test->expect)), buf_detach(&limit) },
	};
	if (look->skip)
		row->note = xasprintf("skip: %s", look->skip);
	else if (look->no_kernel)
		row->note = xasprintf("no kernel: %s", look->no_kernel);
}

static void add_table(struct buf *b, const struct table_row *rows, size_t n)
{
	size_t width[COLUMNS];

	for (size_t k = 0; k < COLUMNS; k++) {
		width[k] = strlen(heads[k]);
		for (size_t i = 0; i < n; i++)
			if (strlen(rows[i].cell[k]) > width[k])
				width[k] = strlen(rows[i].cell[k]);
	}
	for (size_t k = 0; k < COLUMNS; k++)
		buf_addf(b, "%-*s%s", k + 1 < COLUMNS ? (int)width[k] : 0, heads[k],
			k + 1 < COLUMNS ? "  " : "\n");
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < COLUMNS; k++)
			buf_addf(b, "%-*s%s", k + 1 < COLUMNS || rows[i].note ? (int)width[k] : 0,
				rows[i].cell[k], k + 1 < COLUMNS ? "  " : "");
		buf_addf(b, "%s%s\n", rows[i].note ? "  " : "", rows[i].note ? rows[i].note : "");
	}
}

int suite_list(struct suite *s, const struct selection *sel, const char *arch, bool json,
	struct buf *ret, struct err *e)
{
	_cleanup_json_ json_t *list = json_array();
	struct table_row *rows = NULL;
	struct plan p = { 0 };
	struct rig *g;
	int r = plan_make(s, sel, &p, e);

	if (r < 0)
		return r;
	g = rig_new(s, ACCEL_AUTO, arch);
	rows = xcalloc(p.n, sizeof(*rows));
	for (size_t i = 0; i < p.n; i++) {
		struct outlook look = { .skip = rig_skip_reason(g, &p.v[i]) };

		if (p.v[i].kernel)
			rig_kernel(g, &p.v[i], &look.no_kernel);
		if (json)
			add_json(list, &p.v[i], &look);
		else
			make_row(&rows[i], &p.v[i], &look);
		free(look.skip);
	}
	if (json)
		json_line(ret, list);
	else
		add_table(ret, rows, p.n);
	for (size_t i = 0; i < p.n; i++) {
		for (size_t k = 0; k < COLUMNS; k++)
			free(rows[i].cell[k]);
		free(rows[i].note);
	}
	free(rows);
	rig_free(g);
	plan_release(&p);
	return 0;
}
