/* SPDX-License-Identifier: MIT */
/* Private to the room: what guest_prepare() decided, and the cached files that a guest boots from. */
#ifndef GUEST_PLAN_H
#define GUEST_PLAN_H

#include "guest/guest.h"
#include "wire/wire.h"

/* What a kernel can do for us: each 'y' (built in), 'm' (a module that is there) or 'n'. */
struct boot_facts {
	char virtio_mmio, virtio_pci, virtio_console;
	char net_9p, fs_9p, fuse, overlay, kvm_amd, kvm;
	bool pvh; /* an ELF vmlinux with the PVH note could be had */
	int64_t vmlinux_size; /* of the cached file; -1: none */
};

/* A cache folder boot/KEY for one kernel: vmlinux, facts, and an initramfs for each set of modules. */
struct boot_entry {
	char *dir; /* owned */
	char *image; /* owned: what the engine loads: the vmlinux, or the kernel's own image */
	struct boot_facts facts;
};

int boot_entry_open(const struct kernel *k, struct boot_entry *ret, struct err *e);
void boot_entry_release(struct boot_entry *b);

/* The initramfs with these modules (names; closure and order are found here), built unless cached.
 * RET_PATH is owned by the caller. */
int boot_entry_initramfs(const struct boot_entry *b, const struct kernel *k, const char *agent,
	const char *const *modules, char **ret_path, struct err *e);

struct guest_plan {
	unsigned refs;
	struct kernel kernel;
	struct machine_spec spec; /* its strings are below */
	enum wire_share root;
	char *image, *initrd, *cmdline, *engine_version; /* owned */
	char accel_why[240];
	int initrd_fd; /* owned: memfd that `initrd` names, -1: none */
	struct machine_share *shares; /* owned: tags and paths too */
	struct guest_share *mounts; /* owned: where shares[1..] appear (root is shares[0], if 9p) */
	size_t n_shares, n_mounts;
	char *root_dir; /* owned: the host folder that is the guest's root; NULL: initramfs */
	struct strv extra, notes;
	bool deterministic; /* as wished */
	bool own_cmdline; /* the wish added to the kernel's parameters */
	char *template_key,
		*template_why; /* owned: the key, or why there is no template; both NULL: not asked yet */
};

/* ---- programs.c ---- */

/* The program at PATH (SHOWN to people) is one that the guest's kernel can run, as far as its ELF header
 * tells; -ENOEXEC where not. */
int guest_check_program(
	const struct guest_plan *p, const char *path, const char *shown, struct err *e);

/* Makes P's initramfs one that holds what W asks for besides: programs with their libraries, files, cwd. */
int guest_add_programs(struct guest_plan *p, const struct guest_wish *w, struct err *e);

#endif
