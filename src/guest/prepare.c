/* SPDX-License-Identifier: MIT */
/* From a kernel and a wish to a plan: which machine, accelerator, channel, root and modules. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "guest/plan.h"

#define DEFAULT_MEMORY_MIB 512
#define NESTED_MEMORY_MIB  1024 /* it holds guests of its own */
#define MODULES_MAX        8

static bool usable(char fact)
{
	return fact != 'n';
}

/* ---- decisions ---- */

/*
 * microvm boots a little faster and needs virtio-mmio, which it announces by ACPI, and a kernel entered through
 * PVH. It has no other clock than the local APIC's timer, which Linux calibrates against the TSC: under TCG a
 * busy host spoils that now and then, and time stops in the guest. So it is taken under KVM alone.
 */
static enum machine_type pick_type(const struct boot_facts *f, enum machine_accel accel)
{
	bool fits = f->pvh && usable(f->virtio_mmio) && usable(f->virtio_console);

	return fits && accel == ACCEL_KVM ? MACHINE_MICROVM : MACHINE_Q35;
}

static bool has_mmio(enum machine_type type)
{
	return type == MACHINE_MICROVM || type == MACHINE_VIRT;
}

static bool transport(const struct boot_facts *f, enum machine_type type)
{
	return usable(has_mmio(type) ? f->virtio_mmio : f->virtio_pci);
}

/* Whether the guest cannot run this machine's programs. */
static bool is_foreign(const struct guest_plan *p)
{
	return !streq(p->kernel.arch, arch_host());
}

static int check_arch(const struct guest_plan *p, const struct guest_wish *w, struct err *e)
{
	bool arm = streq(p->kernel.arch, "aarch64");

	if (!arm && !streq(p->kernel.arch, "x86_64"))
		return err_set(e, -EOPNOTSUPP,
			"kernel %s is one for %s; guests are x86_64 or aarch64", p->kernel.label,
			p->kernel.arch);
	if (w->type != MACHINE_AUTO && (w->type == MACHINE_VIRT) != arm)
		return err_set(e, -EOPNOTSUPP,
			"kernel %s is one for %s, which machine type %s is not", p->kernel.label,
			p->kernel.arch, machine_type_name(w->type));
	return 0;
}

static int pick_machine(
	struct guest_plan *p, const struct guest_wish *w, const struct boot_facts *f, struct err *e)
{
	bool arm = streq(p->kernel.arch, "aarch64");

	p->spec.type = w->type != MACHINE_AUTO ? w->type
		       : arm                   ? MACHINE_VIRT
					       : pick_type(f, p->spec.accel);
	if (transport(f, p->spec.type) && usable(f->virtio_console)) {
		p->spec.channel = CHANNEL_VIRTIO;
		return 0;
	}
	if (arm || w->type == MACHINE_MICROVM)
		return err_set(e, -EOPNOTSUPP,
			"kernel %s cannot run on machine type %s: it lacks CONFIG_%s",
			p->kernel.label, machine_type_name(p->spec.type),
			usable(f->virtio_mmio) ? "VIRTIO_CONSOLE" : "VIRTIO_MMIO");
	p->spec.type = MACHINE_Q35;
	p->spec.channel = CHANNEL_UART;
	strv_addf(&p->notes,
		"kernel %s has no virtio-serial (CONFIG_VIRTIO_CONSOLE, CONFIG_VIRTIO_PCI): the agent uses the "
		"second UART, which is slow",
		p->kernel.label);
	return 0;
}

/* How the root reaches the guest: 9p where the kernel has it, FUSE over a port of ours where not. */
static int pick_root(
	struct guest_plan *p, const struct guest_wish *w, const struct boot_facts *f, struct err *e)
{
	const char *why;
	bool fuse;

	if (is_foreign(p) && w->root ? streq(w->root, "/") : is_foreign(p) && !w->n_programs) {
		err_set(e, -EINVAL, "this machine's programs cannot run in a guest of %s",
			p->kernel.arch);
		return err_hint(e, "Its root must be a folder with programs of its own, or none.");
	}
	if (w->root ? streq(w->root, "none") : is_foreign(p)) {
		p->root = WIRE_SHARE_NONE;
		return 0;
	}
	fuse = p->spec.channel == CHANNEL_VIRTIO && usable(f->fuse);
	/* QEMU saves no machine that has 9p mounted. */
	if (transport(f, p->spec.type) && usable(f->net_9p) && usable(f->fs_9p) &&
		!(w->savable && fuse && !w->n_shares)) {
		p->root = WIRE_SHARE_9P;
		return 0;
	}
	if (fuse) {
		p->root = WIRE_SHARE_FUSE;
		return 0;
	}
	why = !transport(f, p->spec.type)
		      ? "no virtio transport for this machine (CONFIG_VIRTIO_PCI)"
		      : "neither 9p (CONFIG_9P_FS, CONFIG_NET_9P_VIRTIO) nor FUSE "
			"(CONFIG_FUSE_FS with CONFIG_VIRTIO_CONSOLE)";
	err_set(e, -EOPNOTSUPP, "kernel %s cannot mount the host's files: it has %s%s",
		p->kernel.label, why,
		p->kernel.modules_dir ? "" : ", and no modules were found beside it");
	if (!transport(f, p->spec.type) && transport(f, MACHINE_MICROVM))
		return err_hint(e, "Use --machine microvm, or a kernel with this option.");
	return err_hint(e,
		"Use --root none to run a program from the initramfs, or a kernel with these options.");
}

/* A guest that is to have a KVM of its own needs a kernel with it. */
static int check_nested(
	struct guest_plan *p, const struct guest_wish *w, const struct boot_facts *f, struct err *e)
{
	bool arm = p->spec.type == MACHINE_VIRT;

	if (p->spec.accel != ACCEL_NESTED)
		return 0;
	if (!w->without_kvm && !usable(arm ? f->kvm : f->kvm_amd))
		return err_set(e, -EOPNOTSUPP,
			"kernel %s has no KVM to run nested: it lacks CONFIG_KVM%s%s",
			p->kernel.label, arm ? "" : " and CONFIG_KVM_AMD",
			p->kernel.modules_dir ? "" : ", and no modules were found beside it");
	strv_add(&p->notes, p->accel_why);
	/* With QEMU 7.2 in three of eight guests with two CPUs, within some dozen guests of each; in none with one. */
	if (!arm && w->cpus > 1)
		strv_addf(&p->notes,
			"nested: with %u CPUs QEMU now and then lets the guests of this KVM stand still; give it one, "
			"which may run guests of several",
			w->cpus);
	return 0;
}

/* The modules for what was decided, in the order in which they are wanted. */
static void pick_modules(
	const struct guest_plan *p, const struct boot_facts *f, const char *ret[static MODULES_MAX])
{
	size_t n = 0;
	bool mmio = has_mmio(p->spec.type);

	if (p->spec.channel == CHANNEL_VIRTIO || p->root == WIRE_SHARE_9P) {
		if (mmio && f->virtio_mmio == 'm')
			ret[n++] = "virtio_mmio";
		if (!mmio && f->virtio_pci == 'm')
			ret[n++] = "virtio_pci";
	}
	if (p->spec.channel == CHANNEL_VIRTIO && f->virtio_console == 'm')
		ret[n++] = "virtio_console";
	if (p->root == WIRE_SHARE_9P && f->net_9p == 'm')
		ret[n++] = "9pnet_virtio";
	if (p->root == WIRE_SHARE_9P && f->fs_9p == 'm')
		ret[n++] = "9p";
	if (p->root == WIRE_SHARE_FUSE && f->fuse == 'm')
		ret[n++] = "fuse";
	if (p->root != WIRE_SHARE_NONE && f->overlay == 'm')
		ret[n++] = "overlay";
	if (p->spec.accel == ACCEL_NESTED && p->spec.type != MACHINE_VIRT && f->kvm_amd == 'm')
		ret[n++] = "kvm_amd";
	if (p->spec.accel == ACCEL_NESTED && p->spec.type == MACHINE_VIRT && f->kvm == 'm')
		ret[n++] = "kvm";
	ret[n] = NULL;
}

/* ---- shares ---- */

static void add_share(struct guest_plan *p, const char *host, const char *guest, bool writable)
{
	p->shares = xrealloc(p->shares, (p->n_shares + 1) * sizeof(*p->shares));
	p->shares[p->n_shares] = (struct machine_share){
		.tag = guest ? xasprintf("vmrig%zu", p->n_shares) : xstrdup("vmrig.root"),
		.path = xstrdup(host),
		.writable = writable,
	};
	p->n_shares++;
	if (!guest)
		return;
	p->mounts = xrealloc(p->mounts, (p->n_mounts + 1) * sizeof(*p->mounts));
	p->mounts[p->n_mounts++] = (struct guest_share){ xstrdup(host), xstrdup(guest), writable };
}

static int check_dir(const char *path, const char *what, struct err *e)
{
	if (dir_exists(path))
		return 0;
	return err_sys(e, file_exists(path) ? ENOTDIR : ENOENT, "%s %s", what, path);
}

/* Programs named by their path; where others are is the guest's PATH's business. */
static int check_programs_of_root(
	const struct guest_plan *p, const struct guest_wish *w, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n_programs; i++) {
		_cleanup_free_ char *path = NULL;

		if (w->programs[i][0] != '/')
			continue;
		path = path_join(p->root_dir, w->programs[i] + 1);
		r = guest_check_program(p, path, path, e);
	}
	return r;
}

static int add_shares(struct guest_plan *p, const struct guest_wish *w, struct err *e)
{
	_cleanup_free_ char *guest_modules = NULL;
	int r;

	if (w->n_shares && p->root == WIRE_SHARE_NONE)
		return err_set(e, -EOPNOTSUPP,
			"a writable folder cannot appear where the root is \"none\"");
	if (w->n_shares && p->root != WIRE_SHARE_9P) {
		err_set(e, -EOPNOTSUPP,
			"a writable folder needs 9p, and kernel %s lacks CONFIG_9P_FS or CONFIG_NET_9P_VIRTIO",
			p->kernel.label);
		return err_hint(e,
			"Take a kernel with them, or fetch what the guest writes as artifacts of a suite.");
	}
	if (p->root == WIRE_SHARE_NONE)
		return 0;
	if (w->n_puts)
		return err_set(e, -EINVAL, "files are put into a guest whose root is none alone");
	p->root_dir = path_absolute(w->root ? w->root : "/", NULL);
	r = check_dir(p->root_dir, "root folder", e);
	if (r == 0 && is_foreign(p))
		r = check_programs_of_root(p, w, e);
	if (r < 0)
		return r;
	if (p->root == WIRE_SHARE_9P)
		add_share(p, p->root_dir, NULL, false);
	if (p->kernel.modules_dir && p->kernel.release) {
		guest_modules = xasprintf("/lib/modules/%s", p->kernel.release);
		if (!streq(p->root_dir, "/") || !streq(p->kernel.modules_dir, guest_modules))
			add_share(p, p->kernel.modules_dir, guest_modules, false);
	}
	for (size_t i = 0; i < w->n_shares; i++) {
		r = check_dir(w->shares[i].host, "writable folder", e);
		if (r < 0)
			return r;
		add_share(p, w->shares[i].host, w->shares[i].guest, w->shares[i].writable);
	}
	return 0;
}

/* ---- what it boots from ---- */

static int find_boot_files(
	struct guest_plan *p, const struct guest_wish *w, const struct boot_entry *b, struct err *e)
{
	_cleanup_free_ char *name = xasprintf("vmrig-agent-%s", p->kernel.arch), *agent = NULL;
	const char *modules[MODULES_MAX];
	int r;

	r = path_libexec(name, &agent, e);
	if (r == -ENOENT && streq(p->kernel.arch, "aarch64") && is_foreign(p))
		err_hint(e,
			"It is built where a compiler for it is: apt install gcc-aarch64-linux-gnu "
			"libc6-dev-arm64-cross, then build vmrig anew from meson setup on.");
	if (r < 0)
		return r;
	pick_modules(p, &b->facts, modules);
	r = boot_entry_initramfs(b, &p->kernel, agent, modules, &p->initrd, e);
	if (r < 0)
		return r;
	p->image = xstrdup(b->image);
	if (p->root == WIRE_SHARE_NONE && (w->n_programs || w->n_puts))
		return guest_add_programs(p, w, e);
	return 0;
}

/* ---- the plan ---- */

static void copy_kernel(struct kernel *dst, const struct kernel *k)
{
	*dst = (struct kernel){
		.label = xstrdup(k->label),
		.key = xstrdup(k->key),
		.release = xstrdup(k->release),
		.arch = xstrdup(k->arch),
		.image = xstrdup(k->image),
		.kind = k->kind,
		.modules_dir = xstrdup(k->modules_dir),
		.config = xstrdup(k->config),
		.vmlinux = xstrdup(k->vmlinux),
		.system_map = xstrdup(k->system_map),
		.origin = xstrdup(k->origin),
	};
}

static void finish_spec(struct guest_plan *p, const struct guest_wish *w)
{
	_cleanup_buf_ struct buf cmdline = BUF_INIT;
	struct machine_spec *s = &p->spec;

	s->engine = w->engine == ENGINE_AUTO ? ENGINE_QEMU : w->engine;
	s->arch = p->kernel.arch;
	s->cpus = w->cpus ? w->cpus : 1;
	s->memory_mib = w->memory_mib              ? w->memory_mib
			: s->accel == ACCEL_NESTED ? NESTED_MEMORY_MIB
						   : DEFAULT_MEMORY_MIB;
	s->kernel = p->image;
	s->initrd = p->initrd;
	s->holds = w->savable;
	if (p->root == WIRE_SHARE_FUSE) {
		s->fs_ports =
			1 +
			(unsigned)p
				->n_mounts; /* the root, and the modules where they are not in it */
	} else {
		s->shares = p->shares;
		s->n_shares = p->n_shares;
	}
	for (size_t i = 0; i < w->n_extra; i++)
		strv_add(&p->extra, w->extra[i]);
	s->extra = (const char *const *)p->extra.v;
	s->n_extra = p->extra.n;
	machine_cmdline(s, &cmdline);
	p->deterministic = w->deterministic;
	if (p->deterministic)
		buf_adds(&cmdline, " vmrig.deterministic");
	p->own_cmdline = w->cmdline && *w->cmdline;
	if (p->own_cmdline)
		buf_addf(&cmdline, " %s", w->cmdline);
	p->cmdline = buf_detach(&cmdline);
	s->cmdline = p->cmdline;
}

static int decide(struct guest_plan *p, const struct guest_wish *w, struct err *e)
{
	struct boot_entry b = { 0 };
	int r;

	r = check_arch(p, w, e);
	if (r < 0)
		return r;
	r = machine_pick_accel(w->accel, p->kernel.arch, &p->spec.accel, p->accel_why, e);
	if (r < 0)
		return r;
	r = boot_entry_open(&p->kernel, &b, e);
	if (r == 0)
		r = pick_machine(p, w, &b.facts, e);
	if (r == 0)
		r = check_nested(p, w, &b.facts, e);
	if (r == 0)
		r = pick_root(p, w, &b.facts, e);
	if (r == 0)
		r = add_shares(p, w, e);
	if (r == 0)
		r = find_boot_files(p, w, &b, e);
	boot_entry_release(&b);
	if (r < 0)
		return r;
	finish_spec(p, w);
	return machine_engine_version(&p->spec, &p->engine_version, e);
}

int guest_prepare(const struct kernel *kernel, const struct guest_wish *wish,
	struct guest_plan **ret, struct err *e)
{
	struct guest_plan *p = xcalloc(1, sizeof(*p));
	int r;

	p->refs = 1;
	p->initrd_fd = -1;
	copy_kernel(&p->kernel, kernel);
	r = decide(p, wish, e);
	if (r < 0) {
		guest_plan_unref(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct guest_plan *guest_plan_ref(struct guest_plan *p)
{
	p->refs++;
	return p;
}

void guest_plan_unref(struct guest_plan *p)
{
	if (!p || --p->refs > 0)
		return;
	kernel_release(&p->kernel);
	for (size_t i = 0; i < p->n_shares; i++) {
		free(p->shares[i].tag);
		free(p->shares[i].path);
	}
	for (size_t i = 0; i < p->n_mounts; i++) {
		free(p->mounts[i].host);
		free(p->mounts[i].guest);
	}
	free(p->shares);
	free(p->mounts);
	free(p->image);
	free(p->initrd);
	free(p->cmdline);
	free(p->engine_version);
	free(p->root_dir);
	free(p->template_key);
	free(p->template_why);
	fd_close(p->initrd_fd);
	strv_release(&p->extra);
	strv_release(&p->notes);
	free(p);
}

int guest_plan_describe(const struct guest_plan *p, struct strv *ret, struct err *e)
{
	return machine_describe(&p->spec, ret, e);
}

const struct machine_spec *guest_plan_spec(const struct guest_plan *p)
{
	return &p->spec;
}

const char *guest_plan_engine(const struct guest_plan *p)
{
	return p->engine_version;
}

const char *guest_plan_accel_why(const struct guest_plan *p)
{
	return p->accel_why;
}

const struct strv *guest_plan_notes(const struct guest_plan *p)
{
	return &p->notes;
}

const struct kernel *guest_plan_kernel(const struct guest_plan *p)
{
	return &p->kernel;
}
