/* SPDX-License-Identifier: MIT */
/* The command line of a machine that boots by its own means: firmware, disks, network, serial ports. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "qemu/private.h"

static void add_firmware(const struct qemu_os *os, struct strv *v)
{
	_cleanup_free_ char *code = NULL;

	if (!os->firmware)
		return;
	code = qemu_escape(os->firmware);
	strv_add(v, "-drive");
	strv_addf(v, "if=pflash,unit=0,format=raw,readonly=on,file=%s", code);
	strv_add(v, "-drive");
	strv_addf(v, "if=pflash,unit=1,format=raw,file=/dev/fd/%d", os->firmware_vars);
}

/* What the guest writes to its own file is never wanted again: no flush has to reach the disk. */
#define CACHE "cache.no-flush=on"

/* A layer of ours as node NAME: qcow2 over node BELOW, or raw where nothing is below. */
static void add_layer(
	const char *name, int fd, const char *below, const char *options, struct strv *v)
{
	strv_add(v, "-blockdev");
	strv_addf(v, "driver=file,node-name=%s-own,locking=off,%s,filename=/dev/fd/%d", name,
		options, fd);
	strv_add(v, "-blockdev");
	if (below)
		strv_addf(v, "driver=qcow2,node-name=%s,%s,file=%s-own,backing=%s", name, options,
			name, below);
	else
		strv_addf(v, "driver=raw,node-name=%s,%s,file=%s-own", name, options, name);
}

/* The nodes of disk I; the one that the device is given is called diskI. */
static void add_nodes(const struct qemu_disk *d, size_t i, struct strv *v)
{
	_cleanup_free_ char *path = d->path ? qemu_escape(d->path) : NULL;
	_cleanup_free_ char *name = xasprintf("disk%zu", i);
	_cleanup_free_ char *base = xasprintf("disk%zu%s", i, d->own ? "-base" : "");
	_cleanup_free_ char *frozen = xasprintf("disk%zu-frozen", i);

	if (path) {
		strv_add(v, "-blockdev");
		strv_addf(v, "driver=file,node-name=%s-file,read-only=on,filename=%s", base, path);
		strv_add(v, "-blockdev");
		strv_addf(v, "driver=%s,node-name=%s,read-only=on,file=%s-file", d->format, base,
			base);
	}
	if (!d->own)
		return;
	if (d->frozen)
		add_layer(frozen, d->frozen, path ? base : NULL, "read-only=on", v);
	add_layer(name, d->own, d->frozen ? frozen : path ? base : NULL, CACHE, v);
}

static bool has_pci(const struct qemu_config *c)
{
	return streq(qemu_transport(c), "pci");
}

/* q35's own controller is SATA, pc's is IDE: one device serves both. pc needs another controller for SATA. */
static void add_device(
	const struct qemu_config *c, const struct qemu_disk *d, size_t i, struct strv *v)
{
	_cleanup_free_ char *serial = d->serial ? qemu_escape(d->serial) : xasprintf("vmrig%zu", i);
	/* A kernel that QEMU loads is what boots: it has index 0 itself. */
	_cleanup_free_ char *rest = c->kernel ? xasprintf("drive=disk%zu", i)
					      : xasprintf("drive=disk%zu,bootindex=%zu", i, i);

	/* Of q35's SATA ports each takes one device, and QEMU does not look for a free one. */
	_cleanup_free_ char *port =
		c->machine == QEMU_Q35 ? xasprintf("bus=ide.%zu,", i) : xstrdup("");

	strv_add(v, "-device");
	if (d->cdrom) {
		strv_addf(v, "%s,%s%s", has_pci(c) ? "ide-cd" : "scsi-cd", port, rest);
		return;
	}
	switch (d->bus) {
	case QEMU_BUS_VIRTIO:
		strv_addf(v, "virtio-blk-%s,%s,serial=%s", qemu_transport(c), rest, serial);
		break;
	case QEMU_BUS_IDE:
		strv_addf(v, "ide-hd,%s,serial=%s", rest, serial);
		break;
	case QEMU_BUS_SATA:
		if (c->machine == QEMU_PC)
			strv_addf(v, "ide-hd,bus=sata.%zu,%s,serial=%s", i, rest, serial);
		else
			strv_addf(v, "ide-hd,%s%s,serial=%s", port, rest, serial);
		break;
	case QEMU_BUS_NVME:
		strv_addf(v, "nvme,%s,serial=%s", rest, serial);
		break;
	case QEMU_BUS_SCSI:
		strv_addf(v, "scsi-hd,%s,serial=%s", rest, serial);
		break;
	}
}

static void add_controllers(const struct qemu_config *c, struct strv *v)
{
	bool scsi = false, sata = false;

	for (size_t i = 0; i < c->os->n_disks; i++) {
		const struct qemu_disk *d = &c->os->disks[i];

		scsi = scsi || (d->cdrom ? !has_pci(c) : d->bus == QEMU_BUS_SCSI);
		sata = sata || (!d->cdrom && d->bus == QEMU_BUS_SATA);
	}
	if (scsi) {
		strv_add(v, "-device");
		strv_addf(v, "virtio-scsi-%s", qemu_transport(c));
	}
	if (sata && c->machine == QEMU_PC) {
		strv_add(v, "-device");
		strv_add(v, "ahci,id=sata");
	}
}

static void add_nics(const struct qemu_os *os, struct strv *v)
{
	for (size_t i = 0; i < os->n_nics; i++) {
		const struct qemu_nic *n = &os->nics[i];
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_addf(&b, "user,id=net%zu,restrict=%s", i, n->internet ? "off" : "on");
		for (size_t k = 0; k < n->n_forwards; k++)
			buf_addf(&b, ",hostfwd=tcp:127.0.0.1:0-:%u", n->forwards[k]);
		strv_add(v, "-netdev");
		strv_add(v, buf_str(&b));
		strv_add(v, "-device");
		strv_addf(v, "%s,netdev=net%zu", n->model, i);
	}
}

/* The first is the console, which every machine has. */
static void add_serials(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *v)
{
	size_t first = qemu_n_ports(c) - (c->os->serials - 1);

	for (unsigned i = 1; i < c->os->serials; i++) {
		strv_add(v, "-chardev");
		strv_addf(v, "socket,id=serial%u,fd=%d", i, fds->ports[first + i - 1]);
		strv_add(v, "-serial");
		strv_addf(v, "chardev:serial%u", i);
	}
}

void qemu_argv_os(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *ret)
{
	const struct qemu_os *os = c->os;

	add_firmware(os, ret);
	add_controllers(c, ret);
	for (size_t i = 0; i < os->n_disks; i++) {
		add_nodes(&os->disks[i], i, ret);
		add_device(c, &os->disks[i], i, ret);
	}
	add_nics(os, ret);
	add_serials(c, fds, ret);
	if (os->generations && c->features->vmgenid && has_pci(c)) {
		strv_add(ret, "-device");
		strv_add(ret, "vmgenid,guid=auto");
	}
	if (os->exit_port) {
		strv_add(ret, "-device");
		strv_addf(ret, "isa-debug-exit,iobase=0x%x,iosize=4", os->exit_port);
	}
}
