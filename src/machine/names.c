/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "machine/machine.h"

static const char *const engine_names[] = {
	[ENGINE_AUTO] = "auto",
	[ENGINE_QEMU] = "qemu",
};
static const char *const accel_names[] = {
	[ACCEL_AUTO] = "auto",
	[ACCEL_KVM] = "kvm",
	[ACCEL_TCG] = "tcg",
	[ACCEL_NESTED] = "nested",
};
static const char *const type_names[] = {
	[MACHINE_AUTO] = "auto",
	[MACHINE_MICROVM] = "microvm",
	[MACHINE_Q35] = "q35",
	[MACHINE_VIRT] = "virt",
	[MACHINE_PC] = "pc",
};
static const char *const firmware_names[] = {
	[FIRMWARE_BIOS] = "bios",
	[FIRMWARE_UEFI] = "uefi",
};
static const char *const bus_names[] = {
	[BUS_VIRTIO] = "virtio",
	[BUS_IDE] = "ide",
	[BUS_SATA] = "sata",
	[BUS_NVME] = "nvme",
	[BUS_SCSI] = "scsi",
};

static int find(const char *what, const char *const *names, size_t n, const char *s, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *near;

	for (size_t i = 0; i < n; i++)
		if (streq(s, names[i]))
			return (int)i;
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", names[i]);
	err_set(e, -EINVAL, "%s \"%s\" is not one of %s", what, s, b.data);
	near = text_nearest(s, names, n);
	if (near)
		err_hint(e, "Did you mean \"%s\"?", near);
	return -EINVAL;
}

const char *machine_engine_name(enum machine_engine v)
{
	return engine_names[v];
}

const char *machine_accel_name(enum machine_accel v)
{
	return accel_names[v];
}

const char *machine_type_name(enum machine_type v)
{
	return type_names[v];
}

int machine_engine_parse(const char *s, enum machine_engine *ret, struct err *e)
{
	int r = find("engine", engine_names, ARRAY_SIZE(engine_names), s, e);

	if (r < 0)
		return r;
	*ret = (enum machine_engine)r;
	return 0;
}

int machine_accel_parse(const char *s, enum machine_accel *ret, struct err *e)
{
	int r = find("accelerator", accel_names, ARRAY_SIZE(accel_names), s, e);

	if (r < 0)
		return r;
	*ret = (enum machine_accel)r;
	return 0;
}

int machine_type_parse(const char *s, enum machine_type *ret, struct err *e)
{
	int r = find("machine", type_names, ARRAY_SIZE(type_names), s, e);

	if (r < 0)
		return r;
	*ret = (enum machine_type)r;
	return 0;
}

const char *machine_firmware_name(enum machine_firmware v)
{
	return firmware_names[v];
}

const char *machine_bus_name(enum machine_bus v)
{
	return bus_names[v];
}

int machine_firmware_parse(const char *s, enum machine_firmware *ret, struct err *e)
{
	int r = find("firmware", firmware_names, ARRAY_SIZE(firmware_names), s, e);

	if (r < 0)
		return r;
	*ret = (enum machine_firmware)r;
	return 0;
}

int machine_bus_parse(const char *s, enum machine_bus *ret, struct err *e)
{
	int r = find("bus", bus_names, ARRAY_SIZE(bus_names), s, e);

	if (r < 0)
		return r;
	*ret = (enum machine_bus)r;
	return 0;
}
