/* SPDX-License-Identifier: MIT */
/*
 * The cache of what guests boot from. For each kernel (by its key) a folder boot/KEY holds the
 * decompressed vmlinux, what the kernel can do for us (facts.json), and an initramfs for each set of
 * modules and agent. A warm start reads facts.json and stats two files; nothing is decompressed,
 * searched or built twice. Everything is written aside and renamed, under a lock per kernel. A file that
 * was cut short all the same (a machine that lost its power, a disk that was full) is built anew.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "guest/plan.h"

#define FACTS_SCHEMA   5
#define KASAN_EVIDENCE "KernelAddressSanitizer initialized" /* mm/kasan/generic.c */
#define LOCK_WAIT_MS   120000 /* decompression under load takes seconds, never minutes */

/* How to find out about one capability: its option, its module, and a string that only its built-in
 * driver puts into an image whose configuration is not to be had. */
struct probe {
	size_t field;
	const char *option, *module, *evidence;
};

#define PROBE(f, option, module, evidence)                               \
	{                                                                \
		offsetof(struct boot_facts, f), option, module, evidence \
	}

static const struct probe probes[] = {
	PROBE(virtio_mmio, "VIRTIO_MMIO", "virtio_mmio", "LNRO0005"),
	PROBE(virtio_pci, "VIRTIO_PCI", "virtio_pci", "virtio-pci"),
	PROBE(virtio_console, "VIRTIO_CONSOLE", "virtio_console", "virtio-ports"),
	PROBE(net_9p, "NET_9P_VIRTIO", "9pnet_virtio", "9pnet_virtio"),
	PROBE(fs_9p, "9P_FS", "9p", "9p2000.L"), PROBE(fuse, "FUSE_FS", "fuse", "fuse_request"),
	PROBE(overlay, "OVERLAY_FS", "overlay", "lowerdir"),
	PROBE(kvm_amd, "KVM_AMD", "kvm_amd", "kvm_amd"),
	PROBE(kvm, "KVM", "kvm", "Hyp mode initialized"), /* arm64's */
};

static char *fact_field(struct boot_facts *f, const struct probe *p)
{
	return (char *)f + p->field;
}

/* ---- facts.json ---- */

static int facts_read(const char *path, struct boot_facts *ret)
{
	_cleanup_json_ json_t *j = NULL;
	int64_t schema;
	struct err e = ERR_INIT;
	int r = json_read_file(path, &j, &e);

	err_release(&e);
	if (r < 0)
		return r;
	if (json_field_i64(j, "schema", 0, &schema, NULL) < 0 || schema != FACTS_SCHEMA)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		const char *v = json_string_value(json_object_get(j, probes[i].module));

		if (!v || !strchr("ymn", v[0]) || v[0] == '\0')
			return -EBADMSG;
		*fact_field(ret, &probes[i]) = v[0];
	}
	if (json_field_i64(j, "vmlinux_size", -1, &ret->vmlinux_size, NULL) < 0)
		return -EBADMSG;
	return json_field_bool(j, "pvh", false, &ret->pvh, NULL);
}

static int facts_write(const char *path, struct boot_facts *f, struct err *e)
{
	_cleanup_json_ json_t *j = json_object();
	_cleanup_buf_ struct buf b = BUF_INIT;

	json_object_set_new(j, "schema", json_integer(FACTS_SCHEMA));
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		json_object_set_new(
			j, probes[i].module, json_stringn(fact_field(f, &probes[i]), 1));
	json_object_set_new(j, "pvh", json_boolean(f->pvh));
	json_object_set_new(j, "vmlinux_size", json_integer(f->vmlinux_size));
	json_line(&b, j);
	return file_write_atomic(path, b.data, b.len, 0600, e);
}

/* ---- finding the facts ---- */

static bool image_holds(const char *image, const char *text)
{
	_cleanup_close_ int fd = open(image, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool found = false;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	found = memmem(p, (size_t)st.st_size, text, strlen(text)) != NULL;
	munmap(p, (size_t)st.st_size);
	return found;
}

static char find_fact(const struct probe *p, const struct kernel *k, const struct kconfig *config,
	const char *vmlinux)
{
	char m = k->modules_dir ? modules_find(k->modules_dir, p->module) : 'n';

	if (m != 'n')
		return m;
	if (config) /* an option =m whose module is not there is of no use */
		return kconfig_tristate(config, p->option) == 'y' ? 'y' : 'n';
	return vmlinux && image_holds(vmlinux, p->evidence) ? 'y' : 'n';
}

/*
 * Whether the kernel starts at the PVH entry of its vmlinux. With KASAN it does not: the C code there is instrumented,
 * and reads shadow memory before there is any, a triple fault (seen with 6.12). The decompressor of a bzImage comes in by
 * another door.
 */
static bool starts_by_pvh(const struct kernel *k, const struct kconfig *config, const char *vmlinux)
{
	struct image_info info = { 0 };
	bool pvh = image_identify(vmlinux, &info, NULL) == 0 && info.pvh;
	bool kasan;

	image_info_release(&info);
	if (!pvh || k->kind != IMAGE_BZIMAGE)
		return pvh;
	kasan = config ? kconfig_tristate(config, "KASAN") == 'y'
		       : image_holds(vmlinux, KASAN_EVIDENCE);
	return !kasan;
}

static void find_facts(const struct kernel *k, const char *vmlinux, struct boot_facts *ret)
{
	struct kconfig *config = NULL;

	if (kernel_config(k, &config, NULL) < 0)
		config = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		*fact_field(ret, &probes[i]) = find_fact(&probes[i], k, config, vmlinux);
	ret->pvh = vmlinux && starts_by_pvh(k, config, vmlinux);
	kconfig_free(config);
}

/* ---- the entry ---- */

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static int build(const struct kernel *k, const char *facts_path, const char *vmlinux,
	struct boot_facts *ret, struct err *e)
{
	_cleanup_free_ char *lock = xasprintf("%s.lock", facts_path);
	_cleanup_close_ int fd = lock_take(lock, false, clock_ms() + LOCK_WAIT_MS, e);
	bool elf = k->kind == IMAGE_BZIMAGE || k->kind == IMAGE_ELF;
	int r;

	if (fd < 0)
		return fd;
	if (facts_read(facts_path, ret) == 0)
		return 0; /* somebody else built it while we waited */
	if (elf) {
		r = image_vmlinux(k->image, vmlinux, e);
		if (r < 0)
			return r;
	}
	find_facts(k, elf ? vmlinux : k->image, ret);
	ret->vmlinux_size = elf ? size_of(vmlinux) : -1;
	return facts_write(facts_path, ret, e);
}

int boot_entry_open(const struct kernel *k, struct boot_entry *ret, struct err *e)
{
	_cleanup_free_ char *boot = NULL, *dir = NULL, *facts = NULL, *vmlinux = NULL;
	int r;

	r = path_cache_sub("boot", &boot, e);
	if (r < 0)
		return r;
	dir = path_join(boot, k->key);
	r = dir_make(dir, 0700, e);
	if (r < 0)
		return r;
	facts = path_join(dir, "facts.json");
	vmlinux = path_join(dir, "vmlinux");
	r = facts_read(facts, &ret->facts);
	if (r == 0 && ret->facts.pvh && size_of(vmlinux) != ret->facts.vmlinux_size)
		r = -ENOENT;
	if (r < 0) {
		unlink(facts);
		r = build(k, facts, vmlinux, &ret->facts, e);
		if (r < 0)
			return err_wrap(e, "kernel %s", k->label);
	}
	ret->image = ret->facts.pvh ? TAKE_PTR(vmlinux) : xstrdup(k->image);
	ret->dir = TAKE_PTR(dir);
	return 0;
}

void boot_entry_release(struct boot_entry *b)
{
	free(b->dir);
	free(b->image);
	*b = (struct boot_entry){ 0 };
}

/* ---- initramfs ---- */

static int initramfs_write(const struct kernel *k, const char *agent, const char *const *modules,
	const char *path, struct err *e)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	_cleanup_buf_ struct buf cpio = BUF_INIT;
	struct initramfs_spec spec = { .agent = agent, .modules = &paths };
	int r = 0;

	if (modules[0])
		r = modules_closure(k->modules_dir, modules, &paths, NULL, e);
	if (r == 0)
		r = initramfs_build(&spec, &cpio, e);
	if (r == 0)
		r = file_write_atomic(path, cpio.data, cpio.len, 0600, e);
	return r < 0 ? err_wrap(e, "cannot build the initramfs for kernel %s", k->label) : 0;
}

/* Every cpio archive ends with an entry of this name (Documentation/driver-api/early-userspace/
 * buffer-format.rst), and padding. */
static bool initramfs_whole(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char end[1024];
	ssize_t n;

	if (fd < 0 || lseek(fd, -(off_t)sizeof(end), SEEK_END) < 0)
		return false;
	n = read(fd, end, sizeof(end));
	return n > 0 && memmem(end, (size_t)n, "TRAILER!!!", 10) != NULL;
}

int boot_entry_initramfs(const struct boot_entry *b, const struct kernel *k, const char *agent,
	const char *const *modules, char **ret_path, struct err *e)
{
	_cleanup_free_ char *name = NULL, *path = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r;

	for (size_t i = 0; modules[i]; i++)
		hash_adds(h, modules[i]);
	r = hash_add_file_identity(h, agent, e);
	hash_final(h, hex);
	if (r < 0)
		return r;
	name = xasprintf("initramfs-%.16s.cpio", hex);
	path = path_join(b->dir, name);
	if (!initramfs_whole(path)) {
		r = initramfs_write(k, agent, modules, path, e);
		if (r < 0)
			return r;
	}
	*ret_path = TAKE_PTR(path);
	return 0;
}
