/* SPDX-License-Identifier: MIT */
#include "packages.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "base/hash.h"

static la_ssize_t to_buf(struct archive *a, void *arg, const void *data, size_t len)
{
	buf_add(arg, data, len);
	return (la_ssize_t)len;
}

static void add_entry(struct archive *a, const struct package_file *f)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, f->path);
	archive_entry_set_mode(entry, f->link ? AE_IFLNK | 0777 : AE_IFREG | 0644);
	if (f->link)
		archive_entry_set_symlink(entry, f->link);
	archive_entry_set_size(entry, f->link ? 0 : (la_int64_t)f->len);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	if (f->len)
		assert_int_equal(archive_write_data(a, f->data, f->len), f->len);
	archive_entry_free(entry);
}

static void make_archive(bool tar, const struct package_file *files, struct buf *ret)
{
	struct archive *a = archive_write_new();

	if (tar) {
		archive_write_set_format_gnutar(a);
		archive_write_add_filter_xz(a);
	} else {
		archive_write_set_format_ar_svr4(a);
	}
	archive_write_set_bytes_per_block(a, 0);
	assert_int_equal(archive_write_open(a, ret, NULL, to_buf, NULL), ARCHIVE_OK);
	for (; files->path; files++)
		add_entry(a, files);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

void make_deb(const struct package_file *files, struct buf *ret)
{
	static const struct package_file control[] = { { "./control", "Package: x\n", 11, NULL },
		{ 0 } };
	_cleanup_buf_ struct buf inner = BUF_INIT, data = BUF_INIT;

	make_archive(true, control, &inner);
	make_archive(true, files, &data);
	make_archive(false,
		(const struct package_file[]){ { "debian-binary", "2.0\n", 4, NULL },
			{ "control.tar.xz", inner.data, inner.len, NULL },
			{ "data.tar.xz", data.data, data.len, NULL }, { 0 } },
		ret);
}

static void make_arm64_image(const char *release, struct buf *ret)
{
	for (size_t i = 0; i < 0x38; i++)
		buf_addc(ret, '\0');
	buf_addf(ret, "ARM\x64");
	for (size_t i = 0; i < 0x40; i++)
		buf_addc(ret, '\0');
	buf_addf(ret, "Linux version %s (gcc)", release);
}

void make_kernel_deb(const char *release, struct buf *ret)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT, ko = BUF_INIT;
	_cleanup_free_ char *vmlinuz = xasprintf("./boot/vmlinuz-%s", release);
	_cleanup_free_ char *config = xasprintf("./boot/config-%s", release);
	_cleanup_free_ char *map = xasprintf("./boot/System.map-%s", release);
	_cleanup_free_ char *module = xasprintf("./lib/modules/%s/kernel/a.ko", release);
	_cleanup_free_ char *build = xasprintf("./lib/modules/%s/build", release);

	if (str_ends(release, "-arm64")) {
		make_arm64_image(release, &image);
	} else {
		make_vmlinux(&(struct vmlinux_fixture){ 0 }, &elf);
		pack(PACK_XZ, elf.data, elf.len, &packed);
		make_bzimage(&packed, release, &image);
	}
	make_module((const char *const[]){ "depends=", NULL }, &ko);
	make_deb((const struct package_file[]){ { vmlinuz, image.data, image.len, NULL },
			 { config, "CONFIG_A=y\n", 11, NULL },
			 { map, "ffffffffffffffff B The real System.map is elsewhere\n", 52, NULL },
			 { module, ko.data, ko.len, NULL },
			 { build, "", 0, "/usr/src/linux-headers" },
			 { "./usr/share/doc/x", "doc", 3, NULL }, { 0 } },
		ret);
}

static char *old_path;

int world_make(void **state)
{
	_cleanup_free_ char *bin = NULL, *cache = NULL;

	if (folder_make(state) < 0)
		return -1;
	bin = path_join(*state, "bin");
	cache = path_join(*state, "cache");
	old_path = xstrdup(getenv("PATH"));
	setenv("PATH", bin, 1);
	setenv("VMRIG_CACHE_DIR", cache, 1);
	return dir_make(bin, 0755, NULL);
}

int world_remove(void **state)
{
	setenv("PATH", old_path, 1);
	unsetenv("VMRIG_CACHE_DIR");
	free(old_path);
	return folder_remove(state);
}

void lay_program(const char *dir, const char *program, const char *script)
{
	_cleanup_free_ char *name = xasprintf("bin/%s", program), *path = NULL;
	_cleanup_free_ char *text = xasprintf("#!/bin/sh\n%s", script);

	path = put_text(dir, name, text);
	assert_int_equal(chmod(path, 0755), 0);
}

void lay_apt(const char *dir, const char *names, const char *version, const struct buf *deb)
{
	_cleanup_free_ char *pool = put(dir, "pool.deb", deb->data, deb->len);
	_cleanup_free_ char *cache = NULL, *get = NULL;
	char sum[HASH_HEX_LEN + 1];

	assert_int_equal(hash_file(pool, sum, NULL), 0);
	cache = xasprintf(
		"PATH=/usr/bin:/bin\n"
		"echo \"apt-cache $*\" >> %s/apt.log\n"
		"case \" $* \" in\n"
		"*' search '*) cat << 'END'\n%sEND\n;;\n"
		"*' show '*) printf 'Package: x\\nVersion: %s\\nSize: %zu\\nSHA256: %s\\n';;\n"
		"esac\n",
		dir, names, version, deb->len, sum);
	get = xasprintf("PATH=/usr/bin:/bin\n"
			"echo \"apt-get $*\" >> %s/apt.log\n"
			"case \" $* \" in\n"
			"*' download '*) cp %s ./package_1_all.deb;;\n"
			"esac\n",
		dir, pool);
	lay_program(dir, "apt-cache", cache);
	lay_program(dir, "apt-get", get);
	lay_program(dir, "sh", "exec /bin/sh \"$@\"\n");
}

size_t apt_calls(const char *dir, const char *word)
{
	_cleanup_free_ char *path = path_join(dir, "apt.log");
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t n = 0;

	if (file_exists(path))
		assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	for (const char *p = buf_str(&text); (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}
