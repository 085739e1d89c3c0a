/* SPDX-License-Identifier: MIT */
/* Finding the suite file, and its outermost keys. */
#include "suite/load.h"
#include "suite/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#define SUITE_FILE      "vmrig.yaml"
#define DEFAULT_BOOT_MS 120000

static int find_upwards(const char *cwd, char **ret, struct err *e)
{
	_cleanup_free_ char *start = path_absolute(".", cwd);
	_cleanup_free_ char *dir = path_upwards(start, SUITE_FILE);

	if (dir) {
		*ret = path_join(dir, SUITE_FILE);
		return 0;
	}
	err_set(e, -ENOENT, "no %s in %s or above it", SUITE_FILE, start);
	return err_hint(
		e, "Name a suite file, or a folder that holds one; docs/suite.md describes it.");
}

int suite_find(const char *path, const char *cwd, char **ret, struct err *e)
{
	_cleanup_free_ char *full = NULL, *inside = NULL;

	if (!path)
		return find_upwards(cwd, ret, e);
	full = path_absolute(path, cwd);
	inside = path_join(full, SUITE_FILE);
	if (!dir_exists(full)) {
		if (!file_exists(full))
			return err_set(e, -ENOENT, "there is no suite file or folder %s", path);
		*ret = TAKE_PTR(full);
		return 0;
	}
	if (!file_exists(inside))
		return err_set(e, -ENOENT, "folder %s holds no %s", path, SUITE_FILE);
	*ret = TAKE_PTR(inside);
	return 0;
}

/* ---- the file ---- */

struct top {
	char *name; /* owned */
	const struct yaml_node *template;
	const struct yaml_node *defaults, *kernels, *machines, *tests; /* borrowed */
	const struct yaml_node
		*others; /* borrowed: not the suite's, though they stand in its file */
};

#define FIELD(f) offsetof(struct top, f)
static const struct yaml_key top_keys[] = {
	{ "name", yaml_read_name, FIELD(name) },
	{ "template", yaml_read_later, FIELD(template) },
	{ "defaults", yaml_read_later, FIELD(defaults) },
	{ "kernels", yaml_read_later, FIELD(kernels) },
	{ "machines", yaml_read_later, FIELD(machines) },
	{ "tests", yaml_read_later, FIELD(tests), .required = true },
	{ "variants", yaml_read_later, FIELD(others) },
	{ "features", yaml_read_later, FIELD(others) },
};
#undef FIELD

/* Where nothing is said there is one default kernel and one default machine. */
static void add_missing(struct yaml_reader *l)
{
	struct suite *s = loader_of(l)->s;

	if (!s->n_kernels) {
		s->kernels = xcalloc(1, sizeof(*s->kernels));
		s->kernels[s->n_kernels++].name = xstrdup("default");
	}
	if (!s->n_machines) {
		s->machines = xcalloc(1, sizeof(*s->machines));
		s->machines[s->n_machines++] = (struct suite_machine){
			.name = xstrdup("default"),
			.cpus = loader_of(l)->defaults.cpus,
			.memory_mib = loader_of(l)->defaults.memory_mib,
		};
	}
}

static bool kernel_known(const struct suite *s, const char *name)
{
	for (size_t i = 0; i < s->n_kernels; i++)
		if (streq(s->kernels[i].name, name))
			return true;
	return false;
}

static bool machine_known(const struct suite *s, const char *name)
{
	for (size_t i = 0; i < s->n_machines; i++)
		if (plan_is_machine(&s->machines[i], name))
			return true;
	return false;
}

/* Some machine that the test is meant for must be one that it can run on. */
static int check_kind(struct yaml_reader *l, const struct suite_test *t, const struct yaml_node *n)
{
	const struct suite *s = loader_of(l)->s;

	for (size_t i = 0; i < s->n_machines; i++)
		if (plan_fits(t, &s->machines[i]))
			return 0;
	return yaml_error(&l->y, n, l->e,
		suite_test_has_no_command(t)
			? "test '%s' has no 'run', and none of its machines boots a system of its own ('image', 'iso' or 'kernel')"
			: "test '%s' has a 'run', and all of its machines boot a system of their own, where no agent is to run it",
		t->name);
}

static bool is_pc(const struct suite_machine *m)
{
	const char *arch = m->arch ? m->arch : arch_host();

	return m->type == MACHINE_Q35 || m->type == MACHINE_PC ||
	       (m->type == MACHINE_AUTO &&
		       !(arch_parse(arch) && streq(arch_parse(arch), "aarch64")));
}

/* What it says must be possible on every machine that it runs on. */
static int check_means_of(struct yaml_reader *l, const struct suite_test *t,
	const struct suite_machine *m, const struct yaml_node *n)
{
	const struct suite_system *s = &m->system;
	const struct os_means means = {
		.machine = m->name,
		.ssh = s->ssh.user,
		.key = s->ssh.user && !s->ssh.key,
		.display = is_pc(m),
		.resets = s->resets,
		.serials = s->serials ? s->serials
			   : is_pc(m) ? MACHINE_SERIALS_MAX
				      : 1,
	};
	int r = os_steps_check(l, &s->prepare, &means);

	if (r >= 0)
		r = os_steps_check(l, &t->steps, &means);
	if (r >= 0 && t->grammar.serial >= means.serials)
		r = yaml_error(&l->y, n, l->e,
			"test '%s': machine '%s' has no serial port %u for its 'console'", t->name,
			m->name, t->grammar.serial);
	if (r >= 0 && t->exit_port.port && !is_pc(m) && m->type != MACHINE_MICROVM)
		r = yaml_error(&l->y, n, l->e,
			"test '%s': machine '%s' has no I/O ports, so no 'exit_port'", t->name,
			m->name);
	return r;
}

static int check_systems(
	struct yaml_reader *l, const struct suite_test *t, const struct yaml_node *n)
{
	const struct suite *s = loader_of(l)->s;
	int r = 0;

	for (size_t i = 0; i < s->n_machines && r >= 0; i++)
		if (s->machines[i].has_system && plan_fits(t, &s->machines[i]))
			r = check_means_of(l, t, &s->machines[i], n);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct suite_test *const *x = a, *const *y = b;
	int r = strcmp((*x)->name, (*y)->name);

	return r ? r : (*x)->line - (*y)->line;
}

/* LIST holds the tests' nodes, in their order. */
static int check_names(struct yaml_reader *l, const struct yaml_node *list)
{
	const struct suite *s = loader_of(l)->s;
	_cleanup_free_ const struct suite_test **sorted = xcalloc(s->n_tests, sizeof(*sorted));

	for (size_t i = 0; i < s->n_tests; i++)
		sorted[i] = &s->tests[i];
	qsort(sorted, s->n_tests, sizeof(*sorted), by_name);
	for (size_t i = 1; i < s->n_tests; i++)
		if (streq(sorted[i]->name, sorted[i - 1]->name))
			return yaml_error(&l->y, list->v[sorted[i] - s->tests], l->e,
				"duplicate name: a test '%s' already stands in line %d",
				sorted[i]->name, sorted[i - 1]->line);
	return 0;
}

static int check_restrictions(struct yaml_reader *l, const struct yaml_node *list)
{
	const struct suite *s = loader_of(l)->s;

	for (size_t i = 0; i < s->n_tests; i++) {
		const struct suite_test *t = &s->tests[i];
		int r;

		for (size_t k = 0; k < t->kernels.n; k++)
			if (!kernel_known(s, t->kernels.v[k]))
				return yaml_error(&l->y, list->v[i], l->e,
					"test '%s': 'kernels' has no '%s'", t->name,
					t->kernels.v[k]);
		for (size_t k = 0; k < t->machines.n; k++)
			if (!machine_known(s, t->machines.v[k]))
				return yaml_error(&l->y, list->v[i], l->e,
					"test '%s': 'machines' has no '%s'", t->name,
					t->machines.v[k]);
		r = check_kind(l, t, list->v[i]);
		if (r >= 0)
			r = check_systems(l, t, list->v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_template(struct yaml_reader *l, const struct yaml_node *n)
{
#define FIELD(f) offsetof(struct suite, f)
	static const struct yaml_key keys[] = {
		{ "setup", yaml_read_command, FIELD(template_setup) },
	};
#undef FIELD

	return yaml_read_map(l, n, "'template'", keys, ARRAY_SIZE(keys), loader_of(l)->s);
}

/* The defaults come first, wherever they stand in the file. */
static int load_parts(struct yaml_reader *l, const struct top *top)
{
	int r = 0;

	if (top->template)
		r = load_template(l, top->template);
	if (r >= 0 && top->defaults)
		r = load_defaults(l, top->defaults);
	if (r >= 0 && top->kernels)
		r = yaml_read_list(l, top->kernels, "'kernels'", load_kernel);
	if (r >= 0 && top->machines)
		r = yaml_read_list(l, top->machines, "'machines'", load_machine);
	if (r < 0)
		return r;
	add_missing(l);
	r = yaml_read_list(l, top->tests, "'tests'", load_test);
	if (r >= 0)
		r = check_names(l, top->tests);
	if (r >= 0)
		r = check_restrictions(l, top->tests);
	return r;
}

static int load_document(struct yaml_reader *l)
{
	struct suite *s = loader_of(l)->s;
	struct top top = { 0 };
	int r;

	if (!l->y.root || yaml_is_null(l->y.root))
		return err_set(l->e, -EINVAL, "%s:1:1: the file is empty; expected the key 'tests'",
			l->y.path);
	r = yaml_read_map(l, l->y.root, "the suite file", top_keys, ARRAY_SIZE(top_keys), &top);
	s->name = top.name ? top.name : xstrdup(*path_base(s->dir) ? path_base(s->dir) : "suite");
	if (r >= 0)
		r = load_parts(l, &top);
	s->root = TAKE_PTR(loader_of(l)->defaults.root);
	s->boot_ms = loader_of(l)->defaults.boot_ms;
	s->idle_ms = loader_of(l)->defaults.idle_ms;
	s->total_ms = loader_of(l)->defaults.total_ms;
	return r;
}

int suite_load(const char *path, struct suite **ret, struct err *e)
{
	struct loader l = { .reader.e = e };
	int r;

	r = yaml_load(path, &l.reader.y, e);
	if (r < 0)
		return r;
	l.s = xcalloc(1, sizeof(*l.s));
	l.s->path = path_absolute(path, NULL);
	l.s->dir = path_dir(l.s->path);
	l.reader.dir = l.s->dir;
	load_test_defaults(&l.defaults.test);
	l.defaults.boot_ms = DEFAULT_BOOT_MS;
	r = load_document(&l.reader);
	suite_test_release(&l.defaults.test);
	yaml_release(&l.reader.y);
	if (r < 0)
		suite_free(l.s);
	else
		*ret = l.s;
	return r;
}
