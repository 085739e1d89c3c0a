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
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOWER "/vmrig/lower"
#define UPPER "/vmrig/upper"
#define ROOT  "/vmrig/root"

#define MACHINE_ID "/etc/machine-id" /* machine-id(5) */

static bool built;
static char machine_id[64]; /* the file's text; "": none was given */
static int machine_id_fd = -1; /* of the upper layer */

/* ---- the machine id ---- */

static int create_machine_id(void)
{
	return open(UPPER "/data" MACHINE_ID, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
}

/* The root is the same for all guests; who asks which machine this is must get different answers. The file is in the
 * upper layer before there is an overlay, which would copy the host's first, and open, so that a clone has but to
 * write its own id into it. */
static void prepare_machine_id(void)
{
	if (mkdir(UPPER "/data/etc", 0755) == 0)
		machine_id_fd = create_machine_id();
}

static void write_machine_id(void)
{
	ssize_t len = (ssize_t)strlen(machine_id);

	if (machine_id_fd >= 0 && pwrite(machine_id_fd, machine_id, (size_t)len, 0) != len)
		trouble("cannot write " MACHINE_ID ": %s", strerror(errno));
}

void root_machine_id(const char *id)
{
	snprintf(machine_id, sizeof(machine_id), "%s\n", id);
	write_machine_id();
}

static bool root_has_machine_id(mode_t *ret_etc_mode)
{
	struct stat etc, file;

	if (lstat(LOWER "/etc", &etc) < 0 || !S_ISDIR(etc.st_mode) ||
		lstat(LOWER MACHINE_ID, &file) < 0 || !S_ISREG(file.st_mode))
		return false;
	*ret_etc_mode = etc.st_mode & 07777;
	return true;
}

/* Whether the file is still the one that we made. RET_SIZE: what it holds. */
static bool is_ours(off_t *ret_size)
{
	struct stat ours, there;

	if (fstat(machine_id_fd, &ours) < 0 || lstat(UPPER "/data" MACHINE_ID, &there) < 0)
		return false;
	*ret_size = ours.st_size;
	return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* A command that prepared a template has put another in its place, or none, and all clones would have that. */
static void replace_machine_id(mode_t etc_mode)
{
	mkdir(UPPER "/data/etc", etc_mode);
	unlink(UPPER "/data" MACHINE_ID);
	if (machine_id_fd >= 0)
		close(machine_id_fd);
	machine_id_fd = create_machine_id();
	write_machine_id();
}

/* Now that the share is there: a root without an id is to have none, and keeps its own where there is no other. */
static void settle_machine_id(void)
{
	struct stat etc;
	off_t size = 0;
	mode_t mode;
	bool ours = is_ours(&size);

	if (!machine_id[0] || !root_has_machine_id(&mode)) {
		if (ours) {
			unlink(UPPER "/data" MACHINE_ID);
			rmdir(UPPER "/data/etc");
		}
		return;
	}
	if (!ours)
		replace_machine_id(mode);
	else if (size > (off_t)strlen(machine_id))
		ftruncate(machine_id_fd, (off_t)strlen(machine_id));
	if (mode != 0755 && lstat(UPPER "/data/etc", &etc) == 0 && (etc.st_mode & 07777) == 0755)
		chmod(UPPER "/data/etc", mode); /* it has the one that we gave it */
}

/* ---- the layers ---- */

static bool has_upper;

int root_keep_upper(void)
{
	int r;

	if (has_upper)
		return 0;
	r = make_path(UPPER);
	if (r < 0)
		return r;
	if (mount("tmpfs", UPPER, "tmpfs", 0, "mode=0755") < 0)
		return -errno;
	if (mkdir(UPPER "/data", 0755) < 0 || mkdir(UPPER "/work", 0755) < 0) {
		r = -errno;
		umount2(UPPER, MNT_DETACH);
		return r;
	}
	has_upper = true;
	return 0;
}

void root_prepare(void)
{
	if (root_keep_upper() == 0) /* who needs it asks again, and tells why it is not there */
		prepare_machine_id();
	make_path(LOWER);
	make_path(ROOT);
}

static int mount_layers(void)
{
	settle_machine_id();
	return mount("vmrig", ROOT, "overlay", 0,
		       "lowerdir=" LOWER ",upperdir=" UPPER "/data,workdir=" UPPER "/work") < 0
		       ? -errno
		       : 0;
}

static int mount_overlay(void)
{
	int r = root_keep_upper();

	return r < 0 ? r : mount_layers();
}

/* The kernel draws its boot id when it is first asked. Who asks before there are clones must not fix theirs. */
static int cover_boot_id(const char *root)
{
	static const char decoy[] = "/vmrig/boot_id";
	char id[64], path[128];
	int fd, r;

	snprintf(path, sizeof(path), "%s/proc/sys/kernel/random/boot_id", root);
	r = read_text(proc_fd, "sys/kernel/random/uuid", id, sizeof(id));
	if (r < 0)
		return r;
	fd = open(decoy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	r = dprintf(fd, "%s\n", id) < 0 ? -errno : 0;
	close(fd);
	if (r == 0 && mount(decoy, path, NULL, MS_BIND, NULL) < 0)
		r = -errno;
	return r;
}

static int bind_pseudo(void)
{
	static const char *const paths[] = { "/dev", "/proc", "/sys", "/run" };
	char to[64];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(to, sizeof(to), ROOT "%s", paths[i]);
		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (mount(paths[i], to, NULL, MS_BIND | MS_REC, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* All mounts are of a namespace that ends with the last process in it: then the share is free, and QEMU, which
 * saves no machine whose 9p is mounted, can save this one. */
static int enter_share(const struct exec_room *room)
{
	int r = share_mount(room->kind, room->tag, LOWER, false);

	if (r == 0)
		r = mount_layers();
	if (r == 0)
		r = bind_pseudo();
	for (char *const *s = room->shares; r == 0 && s[0] && s[1]; s += 2) {
		char path[512];

		snprintf(path, sizeof(path), ROOT "%s", s[1]);
		r = make_path(path);
		if (r == 0)
			r = share_mount(WIRE_SHARE_9P, s[0], path, false);
	}
	return r;
}

int root_enter(const struct exec_room *room)
{
	bool shared = room->kind != WIRE_SHARE_NONE;
	int r = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (shared)
		r = enter_share(room);
	if (r == 0)
		r = cover_boot_id(shared ? ROOT : "");
	if (r == 0 && shared && (chroot(ROOT) < 0 || chdir("/") < 0))
		r = -errno;
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
	int r = share_mount(kind, tag, LOWER, false);

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
	int r = 0;

	if (built) {
		send_done(id, -EBUSY, "the root is built already");
		return;
	}
	if (kind != WIRE_SHARE_NONE)
		r = take_share(kind, tag);
	else
		umount2(UPPER, MNT_DETACH);
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
