/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/wait.h>

#include "base/proc.h"

static void add_filter(struct archive *a, const char *path)
{
	if (str_ends(path, "xz"))
		archive_write_add_filter_xz(a);
	else if (str_ends(path, "gz"))
		archive_write_add_filter_gzip(a);
	else if (str_ends(path, "bz2"))
		archive_write_add_filter_bzip2(a);
	else if (str_ends(path, "zst"))
		archive_write_add_filter_zstd(a);
}

static void add_file(struct archive *a, const struct tar_file *f)
{
	struct archive_entry *entry = archive_entry_new();
	size_t len = f->text ? strlen(f->text) : 0;
	bool dir = str_ends(f->path, "/"), hard = f->link && f->link[0] == '=';

	archive_entry_set_pathname(entry, f->path);
	archive_entry_set_mode(entry, dir                        ? AE_IFDIR | 0755
				      : f->link && !hard         ? AE_IFLNK | 0777
				      : str_ends(f->path, ".sh") ? AE_IFREG | 0775
								 : AE_IFREG | 0664);
	if (hard)
		archive_entry_set_hardlink(entry, f->link + 1);
	else if (f->link)
		archive_entry_set_symlink(entry, f->link);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_mtime(entry, 1700000000, 0);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	if (len)
		assert_int_equal(archive_write_data(a, f->text, len), len);
	archive_entry_free(entry);
}

void make_tarball(const char *path, const struct tar_file *files)
{
	struct archive *a = archive_write_new();
	_cleanup_free_ char *dir = path_dir(path);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	archive_write_set_format_pax_restricted(a);
	add_filter(a, path);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	for (; files->path; files++)
		add_file(a, files);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

/* "6.13.0-rc4" as its Makefile has it. */
static char *makefile_of(const char *version)
{
	int major, minor, patch = 0, n = 0;

	assert_true(sscanf(version, "%d.%d%n.%d%n", &major, &minor, &n, &patch, &n) >= 2);
	return xasprintf("# SPDX-License-Identifier: GPL-2.0\nVERSION = %d\nPATCHLEVEL = %d\n"
			 "SUBLEVEL = %d\nEXTRAVERSION = %s\nNAME = Test\n\nall:\n",
		major, minor, patch, version + n);
}

void make_kernel_tarball(const char *path, const char *top, const char *version)
{
	_cleanup_free_ char *text = makefile_of(version);
	_cleanup_free_ char *makefile = xasprintf("%sMakefile", top);
	_cleanup_free_ char *kconfig = xasprintf("%sKconfig", top);
	_cleanup_free_ char *main_c = xasprintf("%sinit/main.c", top);
	_cleanup_free_ char *script = xasprintf("%sscripts/run.sh", top);
	_cleanup_free_ char *link = xasprintf("%sinit/link.c", top);
	_cleanup_free_ char *main_text = xasprintf("one\ntwo\nthree\nkernel %s\n", version);

	make_tarball(path, (const struct tar_file[]){ { makefile, text, NULL },
				   { kconfig, "config X\n", NULL }, { main_c, main_text, NULL },
				   { script, "#!/bin/sh\n", NULL },
				   { link, NULL, "../scripts/../init/main.c" }, { 0 } });
}

void lay_tree(const char *dir, const char *name, const char *version)
{
	_cleanup_free_ char *tree = path_join(dir, name), *text = makefile_of(version);

	lay(tree, "Makefile", text);
	lay(tree, "Kconfig", "config X\n");
	lay(tree, "Kbuild", "");
	lay(tree, "arch/x86/Kconfig", "");
	lay(tree, "init/main.c", "one\ntwo\nthree\nfour\n");
	lay(tree, ".gitignore", "*.o\n");
}

void shell(const char *dir, const char *script)
{
	const char *argv[] = { "sh", "-c", "cd \"$1\" && eval \"$2\"", "sh", dir, script, NULL };
	_cleanup_buf_ struct buf err = BUF_INIT;
	int status;

	assert_int_equal(proc_capture(argv, NULL, NULL, &err, 60000, &status, NULL), 0);
	if (status)
		fail_msg("%s: %s", script, buf_str(&err));
}

void make_repository(const char *dir)
{
	shell(dir, "git init -q -b master . && git add -A && git -c user.name=t -c user.email=t@t "
		   "commit -q -m one && git branch feature/x && git -c user.name=t -c "
		   "user.email=t@t tag -a -m one v1");
}

void publish(const char *dir, const char *const *versions)
{
	_cleanup_buf_ struct buf sums = BUF_INIT;

	buf_adds(&sums, "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n");
	for (; *versions; versions++) {
		_cleanup_free_ char *path =
			xasprintf("%s/www/v6.x/linux-%s.tar.xz", dir, *versions);
		_cleanup_free_ char *top = xasprintf("linux-%s/", *versions);
		char hex[HASH_HEX_LEN + 1];

		make_kernel_tarball(path, top, *versions);
		assert_int_equal(hash_file(path, hex, NULL), 0);
		buf_addf(&sums, "%s  linux-%s.tar.xz\n", hex, *versions);
		buf_addf(&sums, "%s  patch-%s.xz\n", hex, *versions);
	}
	buf_adds(&sums, "-----BEGIN PGP SIGNATURE-----\n\nnone\n-----END PGP SIGNATURE-----\n");
	lay(dir, "www/v6.x/sha256sums.asc", sums.data);
}

void publish_list(const char *dir, const char *const *entries)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, "{\"latest_stable\": {\"version\": \"6.17.8\"}, \"releases\": [");
	for (size_t i = 0; entries[i]; i++) {
		char kind[32], version[64];

		assert_int_equal(sscanf(entries[i], "%31s %63s", kind, version), 2);
		buf_addf(&b, "%s{\"moniker\": \"%s\", \"version\": \"%s\", \"iseol\": %s}",
			i ? ", " : "", kind, version,
			str_ends(entries[i], " eol") ? "true" : "false");
	}
	buf_adds(&b, "]}\n");
	lay(dir, "www/releases.json", b.data);
}

void use_mirror(const char *path)
{
	_cleanup_free_ char *url = server_url(path);

	setenv("VMRIG_KERNEL_MIRROR", url, 1);
}

void must_get(const char *spec, const char *cwd, const struct source_options *o, struct source *ret)
{
	struct err e = ERR_INIT;

	if (source_get(spec, cwd, o, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_non_null(ret->label);
	assert_non_null(ret->version);
	assert_true(dir_exists(ret->dir));
}

void must_not_get(const char *spec, const char *cwd, const struct source_options *o, int code,
	const char *word, const char *other)
{
	struct source s = { 0 };
	struct err e = ERR_INIT;
	int r = source_get(spec, cwd, o, &s, &e);

	if (r != code || !strstr(err_text(&e), word) || !strstr(err_text(&e), other))
		fail_msg("%s: %d (%s), not %d with '%s' and '%s'", spec, r, err_text(&e), code,
			word, other);
	assert_null(s.dir);
	err_release(&e);
}

char *text_of(const struct source *s, const char *name)
{
	_cleanup_free_ char *path = path_join(s->dir, name);
	struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 1 << 20, &b, NULL), 0);
	return buf_detach(&b);
}
