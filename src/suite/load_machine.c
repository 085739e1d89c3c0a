/* SPDX-License-Identifier: MIT */
/* The keys of a machine and of a kernel. */
#include <stdint.h>
#include <stdlib.h>

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

#define FIELD(f) offsetof(struct suite_machine, f)
static const struct yaml_key machine_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "cpus", yaml_read_number, FIELD(cpus), .min = 1, .max = 1024 },
	{ "memory", yaml_read_memory, FIELD(memory_mib) },
	{ "arch", yaml_read_text, FIELD(arch) },
	{ "engine", yaml_read_enum, FIELD(engine), .parse = parse_engine,
		.expected = "auto or qemu" },
	{ "accel", yaml_read_enum, FIELD(accel), .parse = parse_accel,
		.expected = "auto, kvm, tcg or nested" },
	{ "type", yaml_read_enum, FIELD(type), .parse = parse_type,
		.expected = "auto, microvm, q35 or virt" },
	{ "cmdline", yaml_read_text, FIELD(cmdline) },
	{ "qemu_args", yaml_read_strv, FIELD(qemu_args) },
};
#undef FIELD

int load_machine(struct yaml_reader *l, const struct yaml_node *n)
{
	struct suite *s = loader_of(l)->s;
	struct suite_machine *m;
	int r;

	s->machines = xrealloc(s->machines, (s->n_machines + 1) * sizeof(*s->machines));
	m = &s->machines[s->n_machines++];
	*m = (struct suite_machine){ .cpus = loader_of(l)->defaults.cpus,
		.memory_mib = loader_of(l)->defaults.memory_mib };
	r = yaml_read_map(l, n, "a machine", machine_keys, ARRAY_SIZE(machine_keys), m);
	if (r < 0)
		return r;
	if (m->arch && !arch_parse(m->arch))
		return yaml_error(
			&l->y, n, l->e, "arch '%s' is neither x86_64 nor aarch64", m->arch);
	for (size_t i = 0; i + 1 < s->n_machines; i++)
		if (streq(s->machines[i].name, m->name))
			return yaml_error(&l->y, n, l->e, "two machines are named '%s'", m->name);
	return 0;
}

#define FIELD(f) offsetof(struct suite_kernel, f)
static const struct yaml_key kernel_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "kernel", yaml_read_text, FIELD(spec), .required = true },
};
#undef FIELD

/* A spec alone is its own name. */
int load_kernel(struct yaml_reader *l, const struct yaml_node *n)
{
	static const struct yaml_key spec = { "kernels", NULL };
	struct suite *s = loader_of(l)->s;
	struct suite_kernel *k;
	int r;

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
