/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "qemu/private.h"

/* TCG's buffer of translated code, of which every page used stays in QEMU's memory. QEMU's default is up to
 * 1 GiB; a boot and a test fill less than this, and many guests run side by side. */
#define TB_SIZE_MIB 128

/* All that TCG can do, but for "fast" string instructions: with them announced the kernel copies by `rep
 * movsb`, which TCG runs byte by byte (docs/performance.md). */
#define TCG_CPU "max,-erms,-fsrm"
#define TCG_SVM ",+svm,+npt"

/* Arm's "max" is several times slower: it emulates the signing of pointers bit by bit. */
#define TCG_ARM_CPU "cortex-a76"

static const char *cpu_model(const struct qemu_config *c)
{
	if (c->cpu)
		return c->cpu;
	if (c->accel == QEMU_KVM)
		return "host";
	if (c->machine == QEMU_VIRT)
		return TCG_ARM_CPU;
	return c->nested ? TCG_CPU TCG_SVM : TCG_CPU;
}

size_t qemu_n_ports(const struct qemu_config *c)
{
	return c->n_ports + (c->second_uart ? 1 : 0) + (c->os ? c->os->serials - 1 : 0);
}

static bool kept(const struct qemu_config *c, int fd)
{
	for (size_t i = 0; i < c->n_keep_fds; i++)
		if (c->keep_fds[i] == fd)
			return true;
	return false;
}

static int next_free(const struct qemu_config *c, int *fd)
{
	while (kept(c, *fd))
		(*fd)++;
	return (*fd)++;
}

void qemu_fds_choose(const struct qemu_config *c, struct qemu_fds *ret)
{
	int fd = 3;

	BUG_ON(c->n_ports > QEMU_PORTS_MAX);
	BUG_ON(c->second_uart && c->machine == QEMU_VIRT);
	BUG_ON(c->os && (c->os->serials < 1 || c->os->serials > QEMU_SERIALS_MAX));
	ret->console = next_free(c, &fd);
	ret->qmp = next_free(c, &fd);
	/* It tells of triple faults, which only a PC has. */
	ret->log = c->accel == QEMU_TCG && c->machine != QEMU_VIRT ? next_free(c, &fd) : -1;
	for (size_t i = 0; i < qemu_n_ports(c); i++)
		ret->ports[i] = next_free(c, &fd);
	ret->fork = c->fork_library ? next_free(c, &fd) : -1;
	ret->fork_library = c->fork_library ? next_free(c, &fd) : -1;
}

static void add2(struct strv *v, const char *a, const char *b)
{
	strv_add(v, a);
	strv_add(v, b);
}

char *qemu_escape(const char *s)
{
	struct buf b = BUF_INIT;

	for (; *s; s++) {
		if (*s == ',')
			buf_addc(&b, ',');
		buf_addc(&b, *s);
	}
	return buf_detach(&b);
}

/* On microvm and virt they sit on virtio-mmio, on q35 and pc on PCI. */
const char *qemu_transport(const struct qemu_config *c)
{
	return c->machine == QEMU_Q35 || c->machine == QEMU_PC ? "pci" : "device";
}

static const char *machine(const struct qemu_config *c)
{
	switch (c->machine) {
	case QEMU_MICROVM:
		/* ACPI carries the virtio-mmio devices, the power-off and the reset register, all that
		 * a distribution's kernel needs. */
		return "microvm,acpi=on,pic=on,pit=on,rtc=on,pcie=off";
	case QEMU_Q35:
		return "q35";
	case QEMU_PC:
		return "pc";
	case QEMU_VIRT:
		return c->nested ? "virt,gic-version=3,virtualization=on" : "virt,gic-version=3";
	}
	bug_at(__FILE__, __LINE__, "unknown machine");
}

static void add_memory(const struct qemu_config *c, struct strv *v)
{
	_cleanup_free_ char *path = qemu_escape(c->memory);

	strv_add(v, "-object");
	strv_addf(v, "memory-backend-file,id=memory,size=%uM,mem-path=%s,share=%s", c->memory_mib,
		path, c->memory_shared ? "on" : "off");
}

static void add_machine(const struct qemu_config *c, struct strv *v)
{
	if (c->memory)
		add_memory(c, v);
	strv_add(v, "-machine");
	strv_addf(v, "%s%s", machine(c), c->memory ? ",memory-backend=memory" : "");
	strv_add(v, "-accel");
	if (c->accel == QEMU_KVM)
		strv_add(v, "kvm");
	else
		strv_addf(v, "tcg,thread=multi,tb-size=%d", TB_SIZE_MIB);
	add2(v, "-cpu", cpu_model(c));
	strv_add(v, "-smp");
	strv_addf(v, "%u", c->cpus);
	strv_add(v, "-m");
	strv_addf(v, "%uM", c->memory_mib);
}

static void add_socket(struct strv *v, const char *id, int fd)
{
	strv_add(v, "-chardev");
	strv_addf(v, "socket,id=%s,fd=%d", id, fd);
}

static void add_ports(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *v)
{
	if (c->n_ports > 0) {
		/* Port 0 is kept for a console. Every port has two queues, used or not. */
		strv_add(v, "-device");
		strv_addf(v, "virtio-serial-%s,max_ports=%zu", qemu_transport(c), c->n_ports + 1);
	}
	for (size_t i = 0; i < c->n_ports; i++) {
		_cleanup_free_ char *id = xasprintf("port%zu", i);
		_cleanup_free_ char *name = qemu_escape(c->ports[i]);

		add_socket(v, id, fds->ports[i]);
		strv_add(v, "-device");
		strv_addf(v, "virtserialport,chardev=%s,name=%s", id, name);
	}
	if (c->second_uart) {
		add_socket(v, "uart1", fds->ports[c->n_ports]);
		add2(v, "-device", "isa-serial,chardev=uart1,iobase=0x2f8,irq=3");
	}
}

static void add_shares(const struct qemu_config *c, struct strv *v)
{
	for (size_t i = 0; i < c->n_shares; i++) {
		const struct qemu_share *s = &c->shares[i];
		_cleanup_free_ char *path = qemu_escape(s->path);
		_cleanup_free_ char *tag = qemu_escape(s->tag);

		/* remap: inode numbers stay unique where PATH spans file systems. */
		strv_add(v, "-fsdev");
		strv_addf(v, "local,id=fs%zu,path=%s,security_model=none,multidevs=remap%s", i,
			path, s->writable ? "" : ",readonly=on");
		strv_add(v, "-device");
		strv_addf(v, "virtio-9p-%s,fsdev=fs%zu,mount_tag=%s", qemu_transport(c), i, tag);
	}
}

/* A guest that goes on has its kernel in memory; to read it again from the disk would take longer than all else. */
static void add_kernel(const struct qemu_config *c, struct strv *v)
{
	if (c->state_fd && c->machine != QEMU_VIRT)
		return;
	if (c->kernel)
		add2(v, "-kernel", c->kernel);
	if (c->initrd)
		add2(v, "-initrd", c->initrd);
	if (c->cmdline)
		add2(v, "-append", c->cmdline);
}

void qemu_argv_fds(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *ret)
{
	strv_add(ret, c->features->program);
	add_machine(c, ret);
	/* Stopped until the monitor listens: a guest that ended before would end without an event. */
	strv_add(ret, "-S");
	if (c->state_fd)
		add2(ret, "-incoming", "defer");
	if (!c->os || !c->os->resets)
		strv_add(ret, "-no-reboot");
	strv_add(ret, "-nodefaults");
	strv_add(ret, "-no-user-config");
	add2(ret, "-display", "none");
	add2(ret, "-parallel", "none");
	add2(ret, "-vga", c->os && streq(qemu_transport(c), "pci") ? "std" : "none");
	if (c->sandbox && c->features->sandbox)
		add2(ret, "-sandbox", c->fork_library ? QEMU_SANDBOX_FORK : QEMU_SANDBOX);

	add_socket(ret, QEMU_CONSOLE_ID, fds->console);
	add2(ret, "-serial", "chardev:" QEMU_CONSOLE_ID);
	add_socket(ret, "qmp", fds->qmp);
	add2(ret, "-mon", "chardev=qmp,mode=control");
	if (fds->log >= 0) {
		add2(ret, "-d", "cpu_reset");
		strv_add(ret, "-D");
		strv_addf(ret, "/dev/fd/%d", fds->log);
	}
	if (c->features->pvpanic && c->machine != QEMU_VIRT) {
		/* The event alone: stopping there would cut off the kernel's text. */
		add2(ret, "-device", "pvpanic");
		add2(ret, "-action", "panic=none");
	}
	if (c->holds)
		add2(ret, "-action", "shutdown=pause");
	if (c->debug_fd) {
		strv_add(ret, "-chardev");
		strv_addf(ret, "socket,id=gdb,fd=%d,server=on,wait=off", c->debug_fd);
		add2(ret, "-gdb", "chardev:gdb");
	}
	add_ports(c, fds, ret);
	add_shares(c, ret);
	if (c->os)
		qemu_argv_os(c, fds, ret);

	add_kernel(c, ret);
	for (size_t i = 0; i < c->n_extra; i++)
		strv_add(ret, c->extra[i]);
}

void qemu_argv(const struct qemu_config *c, struct strv *ret)
{
	struct qemu_fds fds;

	qemu_fds_choose(c, &fds);
	qemu_argv_fds(c, &fds, ret);
}
