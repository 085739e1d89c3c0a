/* SPDX-License-Identifier: MIT */
/* From a wish to a plan: what can be found out, and go wrong, before anything boots. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "os/seed.h"

#define DEFAULT_CPUS       1
#define DEFAULT_MEMORY_MIB 512

/* ---- firmware ---- */

/* Where distributions put UEFI: Debian and Ubuntu, Fedora, Arch. */
static const struct {
	const char *arch, *code, *vars;
} firmwares[] = {
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "x86_64", "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "x86_64", "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "x86_64", "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
	{ "aarch64", "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd" },
};

static int find_uefi(struct os_plan *p, struct err *e)
{
	const char *arch = p->spec.arch;

	for (size_t i = 0; i < ARRAY_SIZE(firmwares); i++) {
		if (!streq(arch, firmwares[i].arch) || !file_exists(firmwares[i].code) ||
			!file_exists(firmwares[i].vars))
			continue;
		p->firmware_code = xstrdup(firmwares[i].code);
		p->firmware_vars = xstrdup(firmwares[i].vars);
		p->os.firmware_code = p->firmware_code;
		return 0;
	}
	err_set(e, -ENOENT, "there is no UEFI firmware for %s", arch);
	return err_hint(e, "Debian and Ubuntu: apt install %s",
		streq(arch, "aarch64") ? "qemu-efi-aarch64" : "ovmf");
}

/* ---- disks ---- */

/* No machine reads that; the cache keeps what is in it. */
static bool is_packed(const char *path)
{
	static const char *const endings[] = { ".xz", ".gz", ".zst", ".bz2" };

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_ends(path, endings[i]))
			return true;
	return false;
}

/* A path, or what `vmrig image fetch` named. */
static int find_image(const char *image, const char *dir, struct os_media *m, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(image, dir);
	int r;

	if (file_exists(path)) {
		m->path = TAKE_PTR(path);
		return 0;
	}
	if (strchr(image, '/'))
		return err_set(e, -ENOENT, "there is no image %s", path);
	r = disk_find(image, &m->held, e);
	if (r < 0)
		return err_wrap(e, "there is no file %s, and no such image in the cache", path);
	m->path = xstrdup(m->held.path);
	return 0;
}

static int inspect(const struct os_disk *d, const char *dir, struct os_media *m, struct err *e)
{
	struct disk_info info;
	int r = find_image(d->image, dir, m, e);

	if (r < 0)
		return r;
	if (is_packed(m->path)) {
		r = disk_unpacked(m->path, NULL, NULL, &m->held, e);
		if (r < 0)
			return r;
		str_replace(&m->path, m->held.path);
	}
	r = disk_inspect(m->path, true, &info, e);
	if (r < 0)
		return r;
	m->format = xstrdup(disk_format_name(info.format));
	m->virtual_size = info.virtual_size;
	if (d->iso && info.format != DISK_ISO)
		r = err_set(e, -EINVAL, "%s is no ISO image: it is %s", m->path, m->format);
	else if (!info.virtual_size)
		r = err_set(e, -EINVAL,
			"%s: its size as a disk cannot be told; convert it (`vmrig image fetch --format qcow2`)",
			m->path);
	disk_info_release(&info);
	return r;
}

static int check_bus(const struct os_plan *p, enum machine_bus bus, struct err *e)
{
	enum machine_type type = p->spec.type;
	const char *board = machine_type_name(type);
	bool pci = type == MACHINE_PC || type == MACHINE_Q35;

	if (bus == BUS_IDE && type != MACHINE_PC) {
		err_set(e, -EINVAL, "board %s has no IDE", board);
		return err_hint(e, "Take `bus: sata`, or `type: pc`, whose controller is IDE.");
	}
	if ((bus == BUS_SATA || bus == BUS_NVME) && !pci) {
		err_set(e, -EINVAL, "board %s has no bus for %s", board, machine_bus_name(bus));
		return err_hint(e, "Take `bus: virtio`, or a board with PCI: q35 or pc.");
	}
	return 0;
}

/* What needs no driver beyond the board's own. */
static enum machine_bus default_bus(enum machine_type type)
{
	return type == MACHINE_PC ? BUS_IDE : type == MACHINE_Q35 ? BUS_SATA : BUS_VIRTIO;
}

static int add_disk(struct os_plan *p, size_t i, struct err *e)
{
	const struct os_disk *d = &p->wish.disks[i];
	struct machine_disk *to = &p->disks[i];
	struct os_media *m = &p->media[i];
	int r = 0;

	*to = (struct machine_disk){ .bus = d->has_bus ? d->bus : default_bus(p->spec.type),
		.cdrom = d->iso,
		.serial = d->serial };
	if (d->iso && p->spec.type == MACHINE_MICROVM)
		return err_set(
			e, -EINVAL, "board microvm boots no ISO: it has no firmware that could");
	if (!d->iso)
		r = check_bus(p, to->bus, e);
	m->virtual_size = (uint64_t)d->size_mib << 20;
	if (r >= 0 && d->image)
		r = inspect(d, p->wish.dir, m, e);
	to->path = m->path;
	to->format = m->format;
	return r;
}

static int add_disks(struct os_plan *p, struct err *e)
{
	size_t n = p->wish.n_disks;
	int r = 0;

	if (n + (p->wish.seed && p->wish.seed->given) > MACHINE_DISKS_MAX)
		return err_set(e, -E2BIG, "a machine takes at most %d disks, its seed included",
			MACHINE_DISKS_MAX);
	p->disks = xcalloc(n + 1, sizeof(*p->disks));
	p->media = xcalloc(n + 1, sizeof(*p->media));
	for (size_t i = 0; i < n; i++)
		p->media[i].held = (struct disk_image)DISK_IMAGE_INIT;
	for (size_t i = 0; i < n && r >= 0; i++)
		r = add_disk(p, i, e);
	p->os.disks = p->disks;
	p->os.n_disks = n;
	return r;
}

static void add_nics(struct os_plan *p)
{
	size_t n = p->wish.n_nics;

	p->nics = xcalloc(n + 1, sizeof(*p->nics));
	for (size_t i = 0; i < n; i++) {
		const struct os_nic *from = &p->wish.nics[i];

		p->nics[i] = (struct machine_nic){ from->model ? from->model : "virtio-net-pci",
			from->internet, from->forwards, from->n_forwards };
	}
	p->os.nics = p->nics;
	p->os.n_nics = n;
}

/* ---- the machine ---- */

static int choose_type(struct os_plan *p, struct err *e)
{
	const struct os_wish *w = &p->wish;
	bool arm = streq(p->spec.arch, "aarch64");

	p->spec.type = w->type != MACHINE_AUTO ? w->type : arm ? MACHINE_VIRT : MACHINE_Q35;
	if ((p->spec.type == MACHINE_VIRT) != arm)
		return err_set(e, -EINVAL, "board %s is none of %s",
			machine_type_name(p->spec.type), p->spec.arch);
	if (p->spec.type == MACHINE_MICROVM && (w->firmware == FIRMWARE_UEFI || !w->kernel))
		return err_set(e, -EINVAL,
			"board microvm boots a `kernel` alone: it has no firmware for disks");
	if (arm && !w->kernel && w->firmware == FIRMWARE_BIOS)
		return err_set(e, -EINVAL, "aarch64 has no BIOS: `firmware: uefi`, or a `kernel`");
	if (arm && w->exit_port)
		return err_set(e, -EINVAL, "aarch64 has no I/O ports, so no exit port");
	if (w->serials > 1 && !(p->spec.type == MACHINE_Q35 || p->spec.type == MACHINE_PC))
		return err_set(e, -EINVAL, "board %s has one serial port",
			machine_type_name(p->spec.type));
	if (w->kernel && !file_exists(w->kernel))
		return err_set(e, -ENOENT, "there is no kernel %s", w->kernel);
	return 0;
}

static int pick_accel(struct os_plan *p, struct err *e)
{
	const char *arch = p->spec.arch;

	/* A 64-bit PC runs both. */
	if (streq(arch, "i386") && streq(arch_host(), "x86_64"))
		arch = "x86_64";
	return machine_pick_accel(p->wish.accel, arch, &p->spec.accel, p->why, e);
}

static int fill(struct os_plan *p, struct err *e)
{
	const struct os_wish *w = &p->wish;
	int r;

	p->spec = (struct machine_spec){
		.engine = w->engine,
		.arch = w->arch ? w->arch : arch_host(),
		.cpus = w->cpus ? w->cpus : DEFAULT_CPUS,
		.memory_mib = w->memory_mib ? w->memory_mib : DEFAULT_MEMORY_MIB,
		.kernel = w->kernel,
		.initrd = w->initrd,
		.cmdline = w->cmdline,
		.extra = w->extra,
		.n_extra = w->n_extra,
		.os = &p->os,
	};
	p->os = (struct machine_os){
		.firmware = w->firmware,
		.serials = w->serials ? w->serials : 1,
		.exit_port = (uint16_t)w->exit_port,
		.resets = w->resets,
		.generations = w->clones,
		.cpu = w->cpu,
	};
	r = choose_type(p, e);
	if (r >= 0)
		r = pick_accel(p, e);
	if (r >= 0)
		r = machine_engine_version(&p->spec, &p->engine, e);
	if (r >= 0 && w->firmware == FIRMWARE_UEFI)
		r = find_uefi(p, e);
	if (r >= 0)
		r = add_disks(p, e);
	if (r < 0)
		return r;
	add_nics(p);
	return os_seed_prepare(p, e);
}

int os_prepare(const struct os_wish *wish, struct os_plan **ret, struct err *e)
{
	struct os_plan *p = xcalloc(1, sizeof(*p));
	int r;

	p->wish = *wish;
	r = fill(p, e);
	if (r < 0)
		os_plan_free(p);
	else
		*ret = p;
	return r;
}

void os_plan_free(struct os_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->media && i < p->wish.n_disks; i++) {
		free(p->media[i].path);
		free(p->media[i].format);
		disk_image_release(&p->media[i].held);
	}
	os_seed_free(p);
	free(p->media);
	free(p->disks);
	free(p->nics);
	free(p->engine);
	free(p->firmware_code);
	free(p->firmware_vars);
	free(p);
}

const struct machine_spec *os_plan_spec(const struct os_plan *p)
{
	return &p->spec;
}

const char *os_plan_engine(const struct os_plan *p)
{
	return p->engine;
}

const char *os_plan_accel_why(const struct os_plan *p)
{
	return p->why;
}
