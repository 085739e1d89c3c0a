/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "disk/disk.h"
#include "fixture.h"

/* DIR/NAME, made by qemu-img from 3 MiB that are not zero; BACKING may be NULL. The caller owns the path. */
static char *image(const char *dir, const char *name, const char *format)
{
	_cleanup_free_ char *raw = path_join(dir, "raw");
	char *path = path_join(dir, name);
	const char *argv[] = { "qemu-img", "convert", "-f", "raw", "-O", format, raw, path, NULL };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int status = -1;

	while (b.len < 3 << 20)
		buf_addf(&b, "%zu\n", b.len);
	free(put(dir, "raw", b.data, 3 << 20));
	assert_int_equal(proc_capture(argv, NULL, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(status, 0);
	return path;
}

static char *overlay(const char *dir, const char *name, const char *below)
{
	char *path = path_join(dir, name);
	const char *argv[] = { "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b",
		below, path, "1M", NULL };
	int status = -1;

	assert_int_equal(proc_capture(argv, NULL, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(status, 0);
	return path;
}

static int inspect(const char *path, bool backing, struct err *e)
{
	struct disk_info i = { 0 };
	int r = disk_inspect(path, backing, &i, e);

	disk_info_release(&i);
	return r;
}

static void formats_are_known_by_their_bytes(void **state)
{
	static const struct {
		const char *name;
		enum disk_format is;
	} formats[] = { { "raw", DISK_RAW }, { "qcow2", DISK_QCOW2 }, { "vmdk", DISK_VMDK },
		{ "vdi", DISK_VDI }, { "vhdx", DISK_VHDX }, { "vpc", DISK_VPC } };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_free_ char *path = image(*state, "x", formats[i].name);
		struct disk_info info = { 0 };

		assert_int_equal(disk_inspect(path, false, &info, NULL), 0);
		assert_int_equal(info.format, formats[i].is);
		if (info.virtual_size)
			assert_int_equal(info.virtual_size, 3 << 20);
		disk_info_release(&info);
		unlink(path);
	}
}

/* Wherever the end is lost: in the header, in a table, in the content. */
static void qcow2_that_is_cut_short_is_known(void **state)
{
	_cleanup_free_ char *path = image(*state, "x.qcow2", "qcow2");
	struct stat st;

	assert_int_equal(inspect(path, false, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	for (off_t n = st.st_size - 65536; n > 4; n = n * 3 / 4) {
		assert_int_equal(truncate(path, n), 0);
		assert_int_equal(inspect(path, false, NULL), -EBADMSG);
	}
}

static void qcow2_with_any_byte_of_its_header_changed_does_no_harm(void **state)
{
	_cleanup_free_ char *path = image(*state, "x.qcow2", "qcow2");
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 16 << 20, &b, NULL), 0);
	for (size_t i = 4; i < 112; i++) {
		_cleanup_free_ char *bad = NULL;

		b.data[i] ^= (char)0xff;
		bad = put(*state, "bad", b.data, b.len);
		inspect(bad, true, NULL);
		b.data[i] ^= (char)0xff;
	}
}

static void images_that_lead_outside_are_refused(void **state)
{
	static const char *const outside[] = { "/etc/passwd", "../x", "sub/x", "nbd:1.2.3.4:1",
		"json:{\"driver\":\"file\"}" };
	_cleanup_free_ char *below = put(*state, "below", "abc", 3), *up = NULL, *loop = NULL,
			    *via = path_join(*state, "link"), *linked = NULL;
	struct disk_info info = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		_cleanup_free_ char *path = overlay(*state, "x", outside[i]);

		assert_int_equal(inspect(path, true, NULL), -EPERM);
		assert_int_equal(inspect(path, false, NULL), -EPERM);
	}
	up = overlay(*state, "up", "below");
	assert_int_equal(inspect(up, false, NULL), -EPERM);
	assert_int_equal(disk_inspect(up, true, &info, NULL), 0);
	assert_int_equal(info.backing.n, 1);
	assert_string_equal(info.backing.v[0], below);
	disk_info_release(&info);
	loop = overlay(*state, "loop", "loop");
	assert_int_equal(inspect(loop, true, NULL), -EPERM);
	assert_int_equal(symlink("/etc/passwd", via), 0);
	linked = overlay(*state, "linked", "link");
	assert_int_equal(inspect(linked, true, NULL), -EPERM);
}

static void vmdk_of_several_files_is_refused(void **state)
{
	static const char text[] =
		"# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n";
	_cleanup_free_ char *path = put(*state, "x", text, sizeof(text) - 1);
	_cleanup_free_ char *flat = image(*state, "y", "vmdk");
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *cid;

	assert_int_equal(inspect(path, false, NULL), -EBADMSG);
	assert_int_equal(file_read(flat, 16 << 20, &b, NULL), 0);
	cid = memmem(b.data, b.len, "parentCID=ffffffff", 18);
	assert_non_null(cid);
	memcpy(cid, "parentCID=00000001", 18);
	free(put(*state, "y", b.data, b.len));
	assert_int_equal(inspect(flat, false, NULL), -EPERM);
}

static void tables_are_told_apart(void **state)
{
	unsigned char d[40 * 512] = { 0 };
	_cleanup_free_ char *mbr = NULL, *gpt = NULL;
	struct disk_info info = { 0 };

	d[510] = 0x55;
	d[511] = 0xaa;
	d[450] = 0x83;
	d[458] = 8;
	mbr = put(*state, "mbr", d, sizeof(d));
	assert_int_equal(disk_inspect(mbr, false, &info, NULL), 0);
	assert_int_equal(info.table, DISK_MBR);
	assert_int_equal(info.partitions, 1);
	disk_info_release(&info);
	memcpy(d + 512, "EFI PART", 8);
	d[512 + 72] = 2;
	d[512 + 80] = d[512 + 84] = 128;
	d[1024] = d[1024 + 128] = 1;
	gpt = put(*state, "gpt", d, sizeof(d));
	assert_int_equal(disk_inspect(gpt, false, &info, NULL), 0);
	assert_int_equal(info.table, DISK_GPT);
	assert_int_equal(info.partitions, 2);
	disk_info_release(&info);
	free(image(*state, "x", "raw"));
}

static void what_is_no_image_is_told(void **state)
{
	_cleanup_free_ char *empty = put(*state, "empty", "", 0), *fifo = path_join(*state, "fifo");

	assert_int_equal(inspect(empty, false, NULL), -EBADMSG);
	assert_int_equal(inspect(*state, false, NULL), -EINVAL);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(inspect(fifo, false, NULL), -EINVAL);
	unlink(fifo);
	assert_int_equal(inspect(fifo, false, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(formats_are_known_by_their_bytes),
		in_folder(qcow2_that_is_cut_short_is_known),
		in_folder(qcow2_with_any_byte_of_its_header_changed_does_no_harm),
		in_folder(images_that_lead_outside_are_refused),
		in_folder(vmdk_of_several_files_is_refused),
		in_folder(tables_are_told_apart),
		in_folder(what_is_no_image_is_told),
	};

	return cmocka_run_group_tests_name("disk-inspect", tests, NULL, NULL);
}
