/* SPDX-License-Identifier: MIT */
#include "base/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

#define BLOCK        (256 * 1024)
#define UNPACKED_MAX (16ull << 30)

struct unpack {
	const struct unpack_spec *spec;
	struct archive *tar; /* borrowed */
	struct archive *disk; /* owned */
	char *dir; /* owned: without symbolic links in it */
	uint64_t unpacked;
};

static void unpack_release(struct unpack *u)
{
	archive_write_free(u->disk);
	free(u->dir);
}

int unpack_failed(struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);

	return err_set(e, -EBADMSG, "damaged or truncated: %s", why ? why : "it ends too early");
}

static int cannot_write(const struct unpack *u, const char *path, struct err *e)
{
	int code = archive_errno(u->disk);

	if (code <= 0) /* no errno: libarchive itself refuses */
		return err_set(
			e, -EBADMSG, "cannot write %s: %s", path, archive_error_string(u->disk));
	return err_sys(e, code, "cannot write %s", path);
}

/* How many folders below the start PATH ends, less for each ".."; -1 where it leads out on its way. */
static int depth_after(int depth, const char *path)
{
	if (path[0] == '/')
		return -1;
	for (const char *p = path; *p && depth >= 0; p += strcspn(p, "/"), p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			depth--;
		else if (n != 1 || p[0] != '.')
			depth++;
	}
	return depth;
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

static const char *without_dot(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 1 + strspn(path + 1, "/");
	return path;
}

static const char *place(const struct unpack *u, const char *name)
{
	return u->spec->place ? u->spec->place(u->spec->arg, name) : name;
}

static int copy_data(struct unpack *u, const char *path, struct err *e)
{
	const void *data;
	size_t len;
	la_int64_t offset;
	int ar;

	while ((ar = archive_read_data_block(u->tar, &data, &len, &offset)) == ARCHIVE_OK) {
		u->unpacked += len;
		if (u->unpacked > UNPACKED_MAX)
			return err_set(e, -EFBIG, "unpacks to more than 16 GiB");
		if (archive_write_data_block(u->disk, data, len, offset) < 0)
			return cannot_write(u, path, e);
	}
	return ar == ARCHIVE_EOF ? 0 : unpack_failed(u->tar, e);
}

/* Where the entry is a link it must stay inside, as text: nothing is ever written through a link. 1: the
 * entry is left out. */
static int check_link(
	struct unpack *u, struct archive_entry *entry, const char *name, struct err *e)
{
	const char *hard = archive_entry_hardlink(entry), *to = archive_entry_symlink(entry);
	_cleanup_free_ char *dir = path_dir(name), *path = NULL;
	const char *below;

	if (!hard && archive_entry_filetype(entry) != AE_IFLNK)
		return 0;
	if (!u->spec->links)
		return hard ? err_set(e, -EBADMSG, "refused: %s is neither a file nor a folder",
				      name)
			    : 1;
	if (!hard) {
		if (to && depth_after(depth_after(0, dir), to) >= 0)
			return 0;
		return err_set(e, -EBADMSG,
			"refused: it holds the link %s to %s, which leads outside", name,
			to ? to : "");
	}
	if (hard[0] == '/' || has_dotdot(hard))
		return err_set(e, -EBADMSG,
			"refused: it holds the link %s to %s, which leads outside", name, hard);
	below = place(u, without_dot(hard));
	if (!below)
		return err_set(e, -EBADMSG, "refused: %s is a link to what is left out", name);
	path = path_join(u->dir, below);
	archive_entry_set_hardlink(entry, path);
	return 0;
}

static int unpack_entry(struct unpack *u, struct archive_entry *entry, struct err *e)
{
	const char *raw = archive_entry_pathname(entry), *below;
	_cleanup_free_ char *name = NULL, *path = NULL;
	mode_t type = archive_entry_filetype(entry);
	bool file;
	int r;

	if (!raw || !*raw)
		return err_set(e, -EBADMSG, "holds a file without a name");
	if (raw[0] == '/' || has_dotdot(raw))
		return err_set(
			e, -EBADMSG, "refused: it holds the path %s, which leads outside", raw);
	name = xstrdup(without_dot(raw));
	below = place(u, name);
	if (!below || !*below || streq(below, "."))
		return 0;
	r = check_link(u, entry, name, e);
	if (r != 0)
		return r < 0 ? r : 0;
	file = type == AE_IFREG && !archive_entry_hardlink(entry);
	if (!file && type != AE_IFDIR && type != AE_IFLNK && !archive_entry_hardlink(entry))
		return err_set(e, -EBADMSG, "refused: %s is neither a file nor a folder", name);
	path = path_join(u->dir, below);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_perm(
		entry, type == AE_IFDIR || (archive_entry_perm(entry) & S_IXUSR) ? 0755 : 0644);
	if (archive_write_header(u->disk, entry) != ARCHIVE_OK)
		return cannot_write(u, path, e);
	r = file ? copy_data(u, path, e) : 0;
	if (r == 0 && archive_write_finish_entry(u->disk) != ARCHIVE_OK)
		r = cannot_write(u, path, e);
	return r;
}

static int unpack_all(struct unpack *u, struct err *e)
{
	struct archive_entry *entry;
	int ar, r;

	while ((ar = archive_read_next_header(u->tar, &entry)) == ARCHIVE_OK) {
		r = unpack_entry(u, entry, e);
		if (r < 0)
			return r;
	}
	return ar == ARCHIVE_EOF ? 0 : unpack_failed(u->tar, e);
}

int unpack_tar(struct archive *tar, const struct unpack_spec *spec, struct err *e)
{
	__attribute__((cleanup(unpack_release))) struct unpack u = { .spec = spec, .tar = tar };

	/* SECURE_SYMLINKS looks at the whole path, and a cache may lie behind a link of its owner's. */
	u.dir = realpath(spec->dir, NULL);
	if (!u.dir)
		return err_sys(e, errno, "cannot find %s", spec->dir);
	u.disk = archive_write_disk_new();
	archive_write_disk_set_options(
		u.disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
				ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_NO_OVERWRITE);
	return unpack_all(&u, e);
}

int unpack_tar_file(const char *path, const struct unpack_spec *spec, struct err *e)
{
	struct archive *tar = archive_read_new();
	int r;

	archive_read_support_filter_all(tar);
	archive_read_support_format_tar(tar);
	r = archive_read_open_filename(tar, path, BLOCK) == ARCHIVE_OK ? unpack_tar(tar, spec, e)
								       : unpack_failed(tar, e);
	archive_read_free(tar);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}
