/* SPDX-License-Identifier: MIT */
/*
 * The root of the test: the host's files, read-only, under a tmpfs that takes all writes.
 *
 * The new root is moved over the initramfs, as switch_root does. A plain chroot would not do: the
 * kernel refuses user namespaces to a process whose root is not the root of its mount namespace.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOWER "/vmrig/lower"
#define UPPER "/vmrig/upper"
#define ROOT  "/vmrig/root"

#define MACHINE_ID "/etc/machine-id" /* machine-id(5) */

static char machine_id[64];

void root_machine_id(const char *id)
{
	snprintf(machine_id, sizeof(machine_id), "%s", id ? id : "");
}

/* The root is the same for all guests; who asks which machine this is must get different answers. Written into the
 * upper layer before there is an overlay, which would copy the file first. */
static void write_machine_id(void)
{
	char text[sizeof(machine_id) + 1];
	struct stat etc, file;
	int fd;

	if (!machine_id[0] || lstat(LOWER "/etc", &etc) < 0 || !S_ISDIR(etc.st_mode) ||
		lstat(LOWER MACHINE_ID, &file) < 0 || !S_ISREG(file.st_mode))
		return;
	snprintf(text, sizeof(text), "%s\n", machine_id);
	if (mkdir(UPPER "/data/etc", etc.st_mode & 07777) < 0)
		return;
	fd = open(UPPER "/data" MACHINE_ID, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		trouble("cannot write " MACHINE_ID ": %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int mount_overlay(void)
{
	int r = make_path(ROOT);

	if (r == 0)
		r = make_path(UPPER);
	if (r < 0)
		return r;
	if (mount("tmpfs", UPPER, "tmpfs", 0, "mode=0755") < 0)
		return -errno;
	if (mkdir(UPPER "/data", 0755) < 0 || mkdir(UPPER "/work", 0755) < 0)
		goto fail;
	write_machine_id();
	if (mount("vmrig", ROOT, "overlay", 0,
		    "lowerdir=" LOWER ",upperdir=" UPPER "/data,workdir=" UPPER "/work") < 0)
		goto fail;
	/* The overlay holds mounts of its own of both. */
	umount2(UPPER, MNT_DETACH);
	umount2(LOWER, MNT_DETACH);
	return 0;
fail:
	r = -errno;
	umount2(UPPER, MNT_DETACH);
	return r;
}

static int switch_root(const char *new_root)
{
	int r = move_pseudo(new_root);

	if (r < 0)
		return r;
	if (chdir(new_root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
		chdir("/") < 0)
		return -errno;
	return 0;
}

/* An empty tmpfs with the mode of the folder that it hides. */
static int cover(const char *path)
{
	char options[32];
	struct stat st;
	int r = make_path(path);

	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return -errno;
	snprintf(options, sizeof(options), "mode=%04o", st.st_mode & 07777);
	return mount("tmpfs", path, "tmpfs", 0, options) < 0 ? -errno : 0;
}

static void cover_what_programs_write(void)
{
	static const char *const paths[] = { "/tmp", "/var/tmp", "/var/log", "/var/lib", "/root",
		"/home" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (access(paths[i], F_OK) == 0)
			cover(paths[i]);
}

static int take_share(uint8_t kind, const char *tag)
{
	bool with_overlay = true;
	int r = make_path(LOWER);

	if (r == 0)
		r = share_mount(kind, tag, LOWER, false);
	if (r < 0)
		return r;
	r = mount_overlay();
	if (r < 0) {
		trouble("no overlay (%s): the root is read-only, with a tmpfs where programs write",
			strerror(-r));
		with_overlay = false;
	}
	r = switch_root(with_overlay ? ROOT : LOWER);
	if (r == 0 && !with_overlay)
		cover_what_programs_write();
	return r;
}

void root_build(uint32_t id, uint8_t kind, const char *tag, char *const *tmpfs)
{
	static bool built;
	int r = 0;

	if (built) {
		send_done(id, -EBUSY, "the root is built already");
		return;
	}
	if (kind != WIRE_SHARE_NONE)
		r = take_share(kind, tag);
	if (r < 0) {
		send_done(
			id, r, "cannot mount share %s as the root: %s", tag, share_reason(kind, r));
		return;
	}
	built = true;
	make_tmp();
	r = boot_pseudo_error();
	if (r < 0) {
		send_done(id, r, "cannot mount the pseudo file systems: %s", strerror(-r));
		return;
	}
	for (; *tmpfs; tmpfs++) {
		r = **tmpfs == '/' ? cover(*tmpfs) : -EINVAL;
		if (r < 0) {
			send_done(id, r, "cannot mount a tmpfs on %s: %s", *tmpfs, strerror(-r));
			return;
		}
	}
	send_done(id, 0, "%s", "");
}
