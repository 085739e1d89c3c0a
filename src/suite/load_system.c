/* SPDX-License-Identifier: MIT */
/* The keys of a machine whose system is its own. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "suite/load.h"

static int parse_firmware(const char *s)
{
	enum machine_firmware v;

	return machine_firmware_parse(s, &v, NULL) < 0 ? -EINVAL : (int)v;
}

static int parse_bus(const char *s)
{
	enum machine_bus v;

	return machine_bus_parse(s, &v, NULL) < 0 ? -EINVAL : (int)v;
}

/* ---- disks ---- */

static int read_bus(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct os_disk *d = field;

	d->has_bus = true;
	return yaml_read_enum(l, k, n, &d->bus);
}

struct disk_parts {
	struct os_disk d;
	char *iso; /* owned */
};

static int read_disk(struct yaml_reader *l, const struct yaml_node *n, struct suite_system *s)
{
#define FIELD(f) offsetof(struct disk_parts, f)
	static const struct yaml_key keys[] = {
		{ "image", yaml_read_text, FIELD(d.image) },
		{ "iso", yaml_read_text, FIELD(iso) },
		{ "size", yaml_read_memory, FIELD(d.size_mib) },
		{ "bus", read_bus, FIELD(d), .parse = parse_bus,
			.expected = "virtio, ide, sata, nvme or scsi" },
		{ "serial", yaml_read_text, FIELD(d.serial) },
	};
#undef FIELD
	struct disk_parts p = { 0 };
	int r = yaml_read_map(l, n, "a disk", keys, ARRAY_SIZE(keys), &p);

	if (r >= 0 && !!p.d.image + !!p.iso + !!p.d.size_mib != 1)
		r = yaml_error(&l->y, n, l->e,
			"a disk has one of 'image', 'iso' and 'size' (of one that begins empty)");
	if (p.iso) {
		free(p.d.image);
		p.d.iso = true;
		p.d.image = p.iso;
	}
	s->disks = xrealloc(s->disks, (s->n_disks + 1) * sizeof(*s->disks));
	s->disks[s->n_disks++] = p.d;
	return r;
}

static int read_disks(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = 0;

	if (n->kind != YAML_LIST)
		return yaml_expected(l, n, k, "a list of disks");
	for (size_t i = 0; i < n->n && r >= 0; i++)
		r = read_disk(l, n->v[i], field);
	return r;
}

/* ---- network ---- */

static int read_forwards(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	_cleanup_strv_ struct strv ports = STRV_INIT;
	struct os_nic *nic = field;
	int r = yaml_read_strv(l, k, n, &ports);

	if (r < 0)
		return r;
	nic->forwards = xcalloc(ports.n, sizeof(*nic->forwards));
	for (size_t i = 0; i < ports.n; i++) {
		int64_t v;

		if (str_to_i64(ports.v[i], 1, 65535, &v) < 0)
			return yaml_expected(l, n, k, "TCP ports of the guest: [22, 8080]");
		nic->forwards[nic->n_forwards++] = (uint16_t)v;
	}
	return 0;
}

/* It stands in an option of the engine. */
static int read_model(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = yaml_read_name(l, k, n, field);

	if (r >= 0 && n->text[strspn(n->text,
			      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
		return yaml_expected(
			l, n, k, "the name of a device, such as e1000 or virtio-net-pci");
	return r;
}

static int read_nic(struct yaml_reader *l, const struct yaml_node *n, struct suite_system *s)
{
#define FIELD(f) offsetof(struct os_nic, f)
	static const struct yaml_key keys[] = {
		{ "model", read_model, FIELD(model) },
		{ "internet", yaml_read_bool, FIELD(internet) },
		{ "forward", read_forwards, 0 },
	};
#undef FIELD
	s->nics = xrealloc(s->nics, (s->n_nics + 1) * sizeof(*s->nics));
	s->nics[s->n_nics] = (struct os_nic){ 0 };
	return yaml_read_map(l, n, "a network card", keys, ARRAY_SIZE(keys), &s->nics[s->n_nics++]);
}

static int read_nics(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = 0;

	if (n->kind != YAML_LIST)
		return yaml_expected(l, n, k, "a list of network cards");
	for (size_t i = 0; i < n->n && r >= 0; i++)
		r = read_nic(l, n->v[i], field);
	return r;
}

/* ---- the table ---- */

#define FIELD(f) offsetof(struct suite_machine, system.f)
static const struct yaml_key system_keys[] = {
	{ "image", yaml_read_text, FIELD(image) },
	{ "iso", yaml_read_text, FIELD(iso) },
	{ "kernel", yaml_read_path, FIELD(kernel) },
	{ "initrd", yaml_read_path, FIELD(initrd) },
	{ "firmware", yaml_read_enum, FIELD(firmware), .parse = parse_firmware,
		.expected = "bios or uefi" },
	{ "cpu", yaml_read_name, FIELD(cpu) },
	{ "disks", read_disks, offsetof(struct suite_machine, system) },
	{ "nics", read_nics, offsetof(struct suite_machine, system) },
	{ "serials", yaml_read_number, FIELD(serials), .min = 1, .max = MACHINE_SERIALS_MAX },
	{ "resets", yaml_read_bool, FIELD(resets) },
	{ "shutdown", os_read_shutdown, FIELD(shutdown) },
	{ "seed", os_read_seed, FIELD(seed) },
	{ "ssh", os_read_ssh, FIELD(ssh) },
	{ "prepare", os_read_steps, FIELD(prepare) },
};
#undef FIELD
_Static_assert(ARRAY_SIZE(system_keys) <= SYSTEM_KEYS_MAX, "room for a system's keys");

size_t load_system_keys(struct yaml_key *ret)
{
	memcpy(ret, system_keys, sizeof(system_keys));
	return ARRAY_SIZE(system_keys);
}

/* In front of those that are listed: an ISO is there to be booted. */
static void put_first(struct suite_system *s, const char *image, bool iso)
{
	if (!image)
		return;
	s->disks = xrealloc(s->disks, (s->n_disks + 1) * sizeof(*s->disks));
	memmove(s->disks + 1, s->disks, s->n_disks * sizeof(*s->disks));
	s->disks[0] = (struct os_disk){ .image = xstrdup(image), .iso = iso };
	s->n_disks++;
}

int load_system(struct yaml_reader *l, const struct yaml_node *n, struct suite_machine *m)
{
	struct suite_system *s = &m->system;

	put_first(s, s->image, false);
	put_first(s, s->iso, true);
	m->has_system = s->kernel;
	for (size_t i = 0; i < s->n_disks; i++)
		m->has_system = m->has_system || s->disks[i].image;
	if (s->n_disks > MACHINE_DISKS_MAX)
		return yaml_error(
			&l->y, n, l->e, "a machine takes at most %d disks", MACHINE_DISKS_MAX);
	if (s->shutdown.ssh_ms && !s->ssh.user)
		return yaml_error(&l->y, n, l->e,
			"'shutdown: {ssh: ...}' goes with 'ssh', which says as whom to log in");
	if (s->initrd && !s->kernel)
		return yaml_error(&l->y, n, l->e, "'initrd' goes with 'kernel'");
	if (m->has_system)
		return m->cmdline && !s->kernel
			       ? yaml_error(&l->y, n, l->e,
					 "'cmdline' goes with 'kernel': what boots from a disk has its own")
			       : 0;
	for (size_t i = 0; i + 1 < n->n; i += 2)
		for (size_t k = 0; k < ARRAY_SIZE(system_keys); k++)
			if (streq(n->v[i]->text, system_keys[k].name))
				return yaml_error(&l->y, n->v[i], l->e,
					"'%s' is for a machine with a system of its own: it lacks an 'image', an 'iso' or a 'kernel'",
					system_keys[k].name);
	return 0;
}
