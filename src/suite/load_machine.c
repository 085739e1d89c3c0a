/* SPDX-License-Identifier: MIT */
/* The keys of a machine and of a kernel. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/load.h"

static int parse_engine(const char *s)
{
	enum machine_engine v;

	return machine_engine_parse(s, &v, NULL) < 0 ? -EINVAL : (int)v;
}

static int parse_accel(const char *s)
{
	enum machine_accel v;

	return machine_accel_parse(s, &v, NULL) < 0 ? -EINVAL : (int)v;
}

static int parse_type(const char *s)
{
	enum machine_type v;

	return machine_type_parse(s, &v, NULL) < 0 ? -EINVAL : (int)v;
}

/* ---- lists that make several machines of one ---- */

enum { DIM_CPUS, DIM_MEMORY, DIM_ACCEL, DIMS };
#define MACHINES_MAX 1000

/* The entry of the list that is being read, or the value itself. */
static int picked(
	struct yaml_reader *l, const struct yaml_key *k, unsigned dim, const struct yaml_node **n)
{
	struct loader *ld = loader_of(l);

	if ((*n)->kind != YAML_LIST) {
		ld->sizes[dim] = 0;
		return 0;
	}
	if (!(*n)->n)
		return yaml_expected(l, *n, k, "a value, or a list of at least one");
	ld->sizes[dim] = (*n)->n;
	*n = (*n)->v[ld->pick[dim]];
	return 0;
}

static int read_cpus(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = picked(l, k, DIM_CPUS, &n);

	return r < 0 ? r : yaml_read_number(l, k, n, field);
}

static int read_memory(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = picked(l, k, DIM_MEMORY, &n);

	return r < 0 ? r : yaml_read_memory(l, k, n, field);
}

static int read_accel(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = picked(l, k, DIM_ACCEL, &n);

	return r < 0 ? r : yaml_read_enum(l, k, n, field);
}

/* Only what varies stands in the name. */
static void name_combination(const struct loader *ld, struct suite_machine *m)
{
	struct buf b = BUF_INIT;

	if (!ld->sizes[DIM_CPUS] && !ld->sizes[DIM_MEMORY] && !ld->sizes[DIM_ACCEL])
		return;
	buf_adds(&b, m->name);
	if (ld->sizes[DIM_MEMORY])
		buf_addf(&b, "-%uM", m->memory_mib);
	if (ld->sizes[DIM_CPUS])
		buf_addf(&b, "-%ucpu", m->cpus);
	if (ld->sizes[DIM_ACCEL])
		buf_addf(&b, "-%s", machine_accel_name(m->accel));
	m->base = m->name;
	m->name = buf_detach(&b);
}

/* The next combination; false: there is none. */
static bool next_combination(struct loader *ld)
{
	for (unsigned i = 0; i < DIMS; i++) {
		if (++ld->pick[i] < ld->sizes[i])
			return true;
		ld->pick[i] = 0;
	}
	return false;
}

#define FIELD(f) offsetof(struct suite_machine, f)
static const struct yaml_key machine_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "cpus", read_cpus, FIELD(cpus), .min = 1, .max = 1024 },
	{ "memory", read_memory, FIELD(memory_mib) },
	{ "arch", yaml_read_text, FIELD(arch) },
	{ "engine", yaml_read_enum, FIELD(engine), .parse = parse_engine,
		.expected = "auto or qemu" },
	{ "accel", read_accel, FIELD(accel), .parse = parse_accel,
		.expected = "auto, kvm, tcg or nested" },
	{ "type", yaml_read_enum, FIELD(type), .parse = parse_type,
		.expected = "auto, microvm, q35, pc or virt" },
	{ "optional", yaml_read_bool, FIELD(optional) },
	{ "cmdline", yaml_read_text, FIELD(cmdline) },
	{ "qemu_args", yaml_read_strv, FIELD(qemu_args) },
};
#undef FIELD

static int check_machine(
	struct yaml_reader *l, const struct yaml_node *n, const struct suite_machine *m)
{
	const struct suite *s = loader_of(l)->s;

	if (m->arch && !arch_parse(m->arch) && !(m->has_system && streq(m->arch, "i386")))
		return yaml_error(
			&l->y, n, l->e, "arch '%s' is neither x86_64 nor aarch64", m->arch);
	for (size_t i = 0; i + 1 < s->n_machines; i++)
		if (streq(s->machines[i].name, m->name))
			return yaml_error(&l->y, n, l->e, "two machines are named '%s'", m->name);
	if (s->n_machines > MACHINES_MAX)
		return yaml_error(
			&l->y, n, l->e, "the lists make more than %d machines", MACHINES_MAX);
	return 0;
}

static int load_combination(struct yaml_reader *l, const struct yaml_node *n)
{
	struct yaml_key keys[ARRAY_SIZE(machine_keys) + SYSTEM_KEYS_MAX];
	size_t n_keys = ARRAY_SIZE(machine_keys);
	struct suite *s = loader_of(l)->s;
	struct suite_machine *m;
	int r;

	memcpy(keys, machine_keys, sizeof(machine_keys));
	n_keys += load_system_keys(keys + n_keys);
	s->machines = xrealloc(s->machines, (s->n_machines + 1) * sizeof(*s->machines));
	m = &s->machines[s->n_machines++];
	*m = (struct suite_machine){ .cpus = loader_of(l)->defaults.cpus,
		.memory_mib = loader_of(l)->defaults.memory_mib,
		.system.shutdown = OS_SHUTDOWN_DEFAULT };
	r = yaml_read_map(l, n, "a machine", keys, n_keys, m);
	if (r >= 0)
		r = load_system(l, n, m);
	if (r < 0)
		return r;
	name_combination(loader_of(l), m);
	return check_machine(l, n, m);
}

/* The node is read once for each combination of what its lists hold. */
int load_machine(struct yaml_reader *l, const struct yaml_node *n)
{
	struct loader *ld = loader_of(l);
	int r;

	memset(ld->pick, 0, sizeof(ld->pick));
	memset(ld->sizes, 0, sizeof(ld->sizes));
	do
		r = load_combination(l, n);
	while (r >= 0 && next_combination(ld));
	return r;
}

#define FIELD(f) offsetof(struct suite_kernel, f)
static const struct yaml_key kernel_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "kernel", yaml_read_text, FIELD(spec), .required = true },
};
#undef FIELD

#define KERNELS_MAX 1000

/* A spec alone is its own name. */
int load_kernel(struct yaml_reader *l, const struct yaml_node *n)
{
	static const struct yaml_key spec = { "kernels", NULL };
	struct suite *s = loader_of(l)->s;
	struct suite_kernel *k;
	int r;

	if (s->n_kernels == KERNELS_MAX)
		return yaml_error(&l->y, n, l->e, "more than %d kernels", KERNELS_MAX);
	s->kernels = xrealloc(s->kernels, (s->n_kernels + 1) * sizeof(*s->kernels));
	k = &s->kernels[s->n_kernels++];
	*k = (struct suite_kernel){ 0 };
	if (n->kind == YAML_MAP) {
		r = yaml_read_map(l, n, "a kernel", kernel_keys, ARRAY_SIZE(kernel_keys), k);
	} else if (n->kind == YAML_LIST || yaml_is_null(n)) {
		r = yaml_expected(l, n, &spec, "a kernel: a text, or {name: ..., kernel: ...}");
	} else {
		r = yaml_read_name(l, &spec, n, &k->name);
		if (r >= 0)
			k->spec = xstrdup(k->name);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < s->n_kernels; i++)
		if (streq(s->kernels[i].name, k->name))
			return yaml_error(&l->y, n, l->e, "two kernels are named '%s'", k->name);
	return 0;
}
