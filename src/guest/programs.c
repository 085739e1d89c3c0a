/* SPDX-License-Identifier: MIT */
/*
 * With a root of "none" what is to run travels in the initramfs: a second archive behind the cached one (the
 * kernel unpacks them one after the other), together in an anonymous file.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/elf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "guest/plan.h"

struct load {
	struct initramfs_file *files; /* owned */
	size_t n, cap;
	struct strv store; /* owned: their paths */
};

static bool is_foreign(const struct guest_plan *p)
{
	return !streq(p->kernel.arch, arch_host());
}

int guest_check_program(
	const struct guest_plan *p, const char *path, const char *shown, struct err *e)
{
	const char *arch = elf_arch(path);

	if (!arch || streq(arch, p->kernel.arch))
		return 0;
	err_set(e, -ENOEXEC, "%s is a program for %s; the guest is %s", shown, arch,
		p->kernel.arch);
	if (is_foreign(p))
		err_hint(e,
			"Build it for %s, with -static, or give --root with programs of its own.",
			p->kernel.arch);
	return -ENOEXEC;
}

static int add_program(struct load *l, const struct guest_plan *p, const char *name, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	size_t first = l->n;
	int r = path_program(name, &path);

	if (r < 0)
		return err_set(e, r, "%s: command not found", name);
	r = guest_check_program(p, path, name, e);
	if (r < 0)
		return r;
	r = initramfs_add_program(path, &l->files, &l->n, &l->cap, &l->store, e);
	if (r == -ENOENT && is_foreign(p))
		err_hint(e, "Link it with -static, or give --root with the libraries of %s.",
			p->kernel.arch);
	for (size_t i = first; r == 0 && i < l->n; i++)
		r = guest_check_program(p, l->files[i].host_path, l->files[i].host_path, e);
	return r;
}

static void add_file(struct load *l, const char *path, bool folder, uint32_t mode)
{
	strv_add(&l->store, path);
	VEC_GROW(l->files, l->n, l->cap);
	l->files[l->n++] = (struct initramfs_file){
		.guest_path = l->store.v[l->store.n - 1],
		.host_path = folder ? NULL : l->store.v[l->store.n - 1],
		.mode = mode,
	};
}

static int put_file(struct load *l, const char *name, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(name, NULL);
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot put %s into the guest", name);
	if (!S_ISREG(st.st_mode))
		return err_set(
			e, -EINVAL, "cannot put %s into the guest: it is no regular file", name);
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->files[i].guest_path, path))
			return 0;
	add_file(l, path, false, st.st_mode & 07777);
	return 0;
}

static int join(struct guest_plan *p, const struct load *l, struct err *e)
{
	const struct initramfs_spec spec = { .files = l->files, .n_files = l->n };
	_cleanup_buf_ struct buf all = BUF_INIT, more = BUF_INIT;
	int r = initramfs_build(&spec, &more, e);

	if (r == 0)
		r = file_read(p->initrd, SIZE_MAX / 2, &all, e);
	if (r < 0)
		return r;
	while (all.len % 4)
		buf_addc(&all, '\0');
	buf_add(&all, more.data, more.len);
	p->initrd_fd = fd_memfd("initramfs", all.data, all.len);
	if (p->initrd_fd < 0)
		return err_sys(e, -p->initrd_fd, "cannot make an initramfs in memory");
	free(p->initrd);
	p->initrd = xasprintf("/dev/fd/%d", p->initrd_fd);
	p->spec.keep_fds = &p->initrd_fd;
	p->spec.n_keep_fds = 1;
	return 0;
}

int guest_add_programs(struct guest_plan *p, const struct guest_wish *w, struct err *e)
{
	struct load l = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n_programs; i++)
		r = add_program(&l, p, w->programs[i], e);
	for (size_t i = 0; r == 0 && i < w->n_puts; i++)
		r = put_file(&l, w->puts[i], e);
	if (r == 0 && w->cwd && !streq(w->cwd, "/"))
		add_file(&l, w->cwd, true, S_IFDIR | 0755);
	if (r == 0)
		r = join(p, &l, e);
	free(l.files);
	strv_release(&l.store);
	return r;
}
