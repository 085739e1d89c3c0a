/* SPDX-License-Identifier: MIT */
/* A machine_spec as a qemu_config, and what QEMU cannot do of it. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "machine/engine.h"
#include "machine/engine_qemu.h"
#include "wire/wire.h"

#define FORK_LIBRARY "vmrig-forkserver.so"

void engine_config_release(struct engine_config *c)
{
	qemu_features_release(&c->features);
	free(c->shares);
	free(c->fds);
	free(c->memory);
	free(c->disks);
	free(c->nics);
	free(c->fork_library);
}

/* Older ones emulate virtualization too, but it was not tried with KVM. */
enum { NESTED_MAJOR = 7, NESTED_MINOR = 2 };

static bool has_machine(const struct qemu_features *f, enum machine_type type)
{
	switch (type) {
	case MACHINE_AUTO:
		break;
	case MACHINE_MICROVM:
		return f->machine_microvm;
	case MACHINE_Q35:
		return f->machine_q35;
	case MACHINE_VIRT:
		return f->machine_virt;
	case MACHINE_PC:
		return f->machine_pc;
	}
	return false;
}

static enum qemu_machine machine_of(enum machine_type type)
{
	return type == MACHINE_MICROVM ? QEMU_MICROVM
	       : type == MACHINE_VIRT  ? QEMU_VIRT
	       : type == MACHINE_PC    ? QEMU_PC
				       : QEMU_Q35;
}

static bool knows_nested(const struct qemu_features *f)
{
	int major = 0, minor = 0;

	if (sscanf(f->version, "%d.%d", &major, &minor) != 2)
		return false;
	return major > NESTED_MAJOR || (major == NESTED_MAJOR && minor >= NESTED_MINOR);
}

static int check(const struct machine_spec *spec, const struct qemu_features *f, struct err *e)
{
	if (!has_machine(f, spec->type))
		return err_set(e, -EOPNOTSUPP, "%s (QEMU %s) has no machine \"%s\"", f->program,
			f->version, machine_type_name(spec->type));
	if (!(spec->accel == ACCEL_KVM ? f->accel_kvm : f->accel_tcg))
		return err_set(e, -EOPNOTSUPP, "%s (QEMU %s) was built without accelerator \"%s\"",
			f->program, f->version, spec->accel == ACCEL_KVM ? "kvm" : "tcg");
	if (spec->accel == ACCEL_NESTED && !knows_nested(f))
		return err_set(e, -EOPNOTSUPP,
			"%s (QEMU %s) cannot emulate a CPU that KVM runs on; QEMU %d.%d is the first known to",
			f->program, f->version, NESTED_MAJOR, NESTED_MINOR);
	if (spec->n_shares > 0 && !f->virtfs)
		return err_set(e, -EOPNOTSUPP,
			"%s (QEMU %s) was built without 9p: it cannot share folders", f->program,
			f->version);
	if (spec->cpus < 1 || spec->memory_mib < 1)
		return err_set(e, -EINVAL, "a machine needs a CPU and memory");
	return 0;
}

/* QEMU opens the memory by name, anew: a descriptor's name, so that the file may be gone from its folder. */
static void add_template(const struct machine_spec *spec, struct engine_config *c)
{
	size_t n = spec->n_keep_fds;

	c->fds = xcalloc(n + 4 + 2 * MACHINE_DISKS_MAX, sizeof(*c->fds));
	for (size_t i = 0; i < n; i++)
		c->fds[i] = spec->keep_fds[i];
	if (spec->memory_fd) {
		c->memory = xasprintf("/dev/fd/%d", spec->memory_fd);
		c->q.memory = c->memory;
		c->q.memory_shared = spec->memory_shared;
		c->fds[n++] = spec->memory_fd;
	}
	if (spec->state_fd) {
		c->q.state_fd = spec->state_fd;
		c->fds[n++] = spec->state_fd;
	}
	if (spec->debug_fd) {
		c->q.debug_fd = spec->debug_fd;
		c->fds[n++] = spec->debug_fd;
	}
	c->q.keep_fds = c->fds;
	c->q.n_keep_fds = n;
}

static enum qemu_bus bus_of(enum machine_bus bus)
{
	static const enum qemu_bus map[] = {
		[BUS_VIRTIO] = QEMU_BUS_VIRTIO,
		[BUS_IDE] = QEMU_BUS_IDE,
		[BUS_SATA] = QEMU_BUS_SATA,
		[BUS_NVME] = QEMU_BUS_NVME,
		[BUS_SCSI] = QEMU_BUS_SCSI,
	};

	return map[bus];
}

static void keep(struct engine_config *c, int fd)
{
	if (fd)
		c->fds[c->q.n_keep_fds++] = fd;
}

static void add_os(const struct machine_os *os, struct engine_config *c)
{
	BUG_ON(os->n_disks > MACHINE_DISKS_MAX);
	c->disks = xcalloc(os->n_disks + 1, sizeof(*c->disks));
	for (size_t i = 0; i < os->n_disks; i++) {
		const struct machine_disk *d = &os->disks[i];

		c->disks[i] = (struct qemu_disk){ bus_of(d->bus), d->path, d->format, d->own,
			d->frozen, d->cdrom, d->serial };
		keep(c, d->own);
		keep(c, d->frozen);
	}
	c->nics = xcalloc(os->n_nics + 1, sizeof(*c->nics));
	for (size_t i = 0; i < os->n_nics; i++)
		c->nics[i] = (struct qemu_nic){ os->nics[i].model, os->nics[i].internet,
			os->nics[i].forwards, os->nics[i].n_forwards };
	keep(c, os->firmware_vars);
	c->os = (struct qemu_os){
		.firmware = os->firmware_code,
		.firmware_vars = os->firmware_vars,
		.disks = c->disks,
		.n_disks = os->n_disks,
		.nics = c->nics,
		.n_nics = os->n_nics,
		.serials = os->serials,
		.exit_port = os->exit_port,
		.resets = os->resets,
		.generations = os->generations,
	};
	c->q.os = &c->os;
	if (os->cpu)
		c->q.cpu = os->cpu;
}

int engine_configure(const struct machine_spec *spec, struct engine_config *c, struct err *e)
{
	int r = qemu_probe(spec->arch, &c->features, e);

	if (r == 0)
		r = check(spec, &c->features, e);
	if (r < 0)
		return r;
	c->q = (struct qemu_config){
		.features = &c->features,
		.machine = machine_of(spec->type),
		.accel = spec->accel == ACCEL_KVM ? QEMU_KVM : QEMU_TCG,
		.nested = spec->accel == ACCEL_NESTED,
		.cpus = spec->cpus,
		.memory_mib = spec->memory_mib,
		.kernel = spec->kernel,
		.initrd = spec->initrd,
		.cmdline = spec->cmdline,
		.n_shares = spec->n_shares,
		.ports = c->ports,
		.second_uart = spec->channel == CHANNEL_UART && !spec->os,
		.sandbox = true,
		.holds = spec->holds,
		.stopped = spec->stopped,
		.extra = spec->extra,
		.n_extra = spec->n_extra,
	};
	if (spec->accel == ACCEL_KVM) {
		machine_probe_kvm(false, &c->kvm);
		if (c->kvm.cpu[0])
			c->q.cpu = c->kvm.cpu;
	}
	if (spec->channel == CHANNEL_VIRTIO && !spec->os)
		c->ports[c->q.n_ports++] = WIRE_PORT_AGENT;
	for (unsigned i = 0; i < spec->fs_ports; i++)
		c->ports[c->q.n_ports++] = i ? WIRE_PORT_FS2 : WIRE_PORT_FS;
	c->shares = xcalloc(spec->n_shares + 1, sizeof(*c->shares));
	for (size_t i = 0; i < spec->n_shares; i++)
		c->shares[i] = (struct qemu_share){ spec->shares[i].tag, spec->shares[i].path,
			spec->shares[i].writable };
	c->q.shares = c->shares;
	add_template(spec, c);
	if (spec->os)
		add_os(spec->os, c);
	if (spec->copies)
		r = path_libexec(FORK_LIBRARY, &c->fork_library, e);
	c->q.fork_library = c->fork_library;
	return r;
}

int engine_qemu_describe(const struct machine_spec *spec, struct strv *ret, struct err *e)
{
	__attribute__((cleanup(engine_config_release))) struct engine_config c = { 0 };
	int r = engine_configure(spec, &c, e);

	if (r == 0)
		qemu_argv(&c.q, ret);
	return r;
}

int engine_qemu_version(const struct machine_spec *spec, char **ret, struct err *e)
{
	struct qemu_features f = { 0 };
	int r = qemu_probe(spec->arch, &f, e);

	if (r < 0)
		return r;
	*ret = xasprintf("qemu %s", f.version);
	qemu_features_release(&f);
	return 0;
}

static bool has_nvme(const struct machine_os *os)
{
	for (size_t i = 0; os && i < os->n_disks; i++)
		if (os->disks[i].bus == BUS_NVME && !os->disks[i].cdrom)
			return true;
	return false;
}

int engine_qemu_can_save(const struct machine_spec *spec, struct err *e)
{
	struct qemu_features f = { 0 };
	int r = qemu_probe(spec->arch, &f, e);

	if (r < 0)
		return r;
	if (!f.templates)
		r = err_set(e, -EOPNOTSUPP, "QEMU %s cannot save a machine whose memory is a file",
			f.version);
	else if (spec->n_extra)
		r = err_set(e, -EOPNOTSUPP,
			"further arguments for QEMU may mean devices that cannot be saved");
	else if (has_nvme(spec->os))
		r = err_set(e, -EOPNOTSUPP, "QEMU does not save NVMe disks");
	/* Its timers of EL2 are not in the state (target/arm/machine.c), and a kernel there ticks by them. */
	else if (spec->accel == ACCEL_NESTED && streq(spec->arch, "aarch64"))
		r = err_set(e, -EOPNOTSUPP, "QEMU does not save the timers of Arm's EL2");
	qemu_features_release(&f);
	return r;
}

/* KVM's machines are bound to the process that made them. */
int engine_qemu_can_copy(const struct machine_spec *spec, struct err *e)
{
	_cleanup_free_ char *library = NULL;

	if (spec->accel == ACCEL_KVM)
		return err_set(e, -EOPNOTSUPP, "a machine of KVM cannot be copied");
	return path_libexec(FORK_LIBRARY, &library, e);
}
