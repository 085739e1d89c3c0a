/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/outfile.h"
#include "base/path.h"
#include "export/private.h"

#define TAR_LEVEL 9 /* modules are many; 19 would take minutes for a tenth less */
#define BIN_LEVEL 19

void export_result_release(struct export_result *r)
{
	strv_release(&r->missing);
	*r = (struct export_result){ 0 };
}

int export_check_free(const char *dst, bool force, struct err *e)
{
	static const char *const endings[] = { "", ".sha256", ".sha256.asc" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		_cleanup_free_ char *path = xasprintf("%s%s", dst, endings[i]);

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			return err_set(e, -EISDIR, "%s is a folder", path);
		if (force)
			continue;
		err_set(e, -EEXIST, "%s is there already", path);
		return err_hint(e, "Use another name, or --force to replace it.");
	}
	return 0;
}

static int write_new(const char *path, const struct buf *text, bool force, struct err *e)
{
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	int r = outfile_open(path, &o, e);

	if (r < 0)
		return r;
	r = fd_write_all(o.fd, text->data, text->len);
	return r < 0 ? err_sys(e, -r, "cannot write %s", path) : outfile_commit(&o, force, e);
}

int export_write_beside(
	const struct export_spec *s, const char *dst, const char *sha256, struct err *e)
{
	_cleanup_buf_ struct buf sums = BUF_INIT, signature = BUF_INIT;
	_cleanup_free_ char *path = xasprintf("%s.sha256", dst);
	_cleanup_free_ char *signed_path = xasprintf("%s.asc", path);
	int r = 0;

	buf_addf(&sums, "%s  %s\n", sha256, path_base(dst));
	if (s->gpg_key)
		r = export_sign(s->gpg_key, &sums, &signature, e);
	else if (s->force && unlink(signed_path) < 0 && errno != ENOENT)
		r = err_sys(e, errno, "cannot remove %s", signed_path);
	if (r == 0)
		r = write_new(path, &sums, s->force, e);
	if (r == 0 && s->gpg_key)
		r = write_new(signed_path, &signature, s->force, e);
	return r;
}

/* The checksum first: a file that is there has its own beside it. */
static int finish(const struct export_spec *s, struct outfile *o, const struct pack_result *packed,
	struct export_result *ret, struct err *e)
{
	_cleanup_free_ char *dst = xstrdup(o->path);
	int r = export_write_beside(s, dst, packed->sha256, e);

	if (r == 0)
		r = outfile_commit(o, s->force, e);
	if (r < 0)
		return r;
	ret->size = packed->size;
	memcpy(ret->sha256, packed->sha256, sizeof(ret->sha256));
	return 0;
}

int export_tar(
	const struct export_spec *s, const char *dst, struct export_result *ret, struct err *e)
{
	_cleanup_scratch_ char *scratch = NULL;
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_pack_ struct pack p = PACK_INIT;
	struct export_result done = { 0 };
	struct pack_result packed;
	int r = export_check_free(dst, s->force, e);

	if (r == 0)
		r = export_scratch_make(dst, &scratch, e);
	if (r == 0)
		r = outfile_open(dst, &o, e);
	if (r == 0)
		r = export_gather(s, scratch, &p, &done.missing, e);
	p.progress = s->progress;
	if (r == 0)
		r = pack_write(&p, PACKED_ZSTD, s->level ? s->level : TAR_LEVEL, o.fd, &packed, e);
	if (r == 0)
		r = finish(s, &o, &packed, &done, e);
	if (r == 0)
		*ret = done;
	else
		export_result_release(&done);
	return r;
}

int export_bin(
	const struct export_spec *s, const char *dst, struct export_result *ret, struct err *e)
{
	_cleanup_scratch_ char *scratch = NULL;
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *plain = NULL;
	struct export_result done = { 0 };
	struct pack_result packed;
	int r = export_check_free(dst, s->force, e);

	if (r == 0)
		r = export_scratch_make(dst, &scratch, e);
	if (r == 0)
		r = outfile_open(dst, &o, e);
	if (r < 0)
		return r;
	plain = path_join(scratch, "vmlinux");
	r = image_plain(s->kernel->image, plain, e);
	if (r == 0)
		r = pack_zstd(
			plain, s->level ? s->level : BIN_LEVEL, o.fd, s->progress, &packed, e);
	if (r == 0)
		r = finish(s, &o, &packed, &done, e);
	if (r == 0)
		*ret = done;
	return r;
}
