/* SPDX-License-Identifier: MIT */
/*
 * The store of templates. An entry in the making has no name until it is whole, so a process that is killed leaves
 * nothing; KEY.lock lets one process at a time make KEY. An entry is never changed after it has appeared.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "machine/template.h"

#define SCHEMA    1
#define HELLO_MAX 65536

void machine_template_release(struct machine_template *t)
{
	free(t->key);
	fd_close(t->memory_fd);
	fd_close(t->state_fd);
	fd_close(t->lock);
	buf_release(&t->hello);
	*t = (struct machine_template)MACHINE_TEMPLATE_INIT;
}

int template_store(char **ret, struct err *e)
{
	return path_cache_sub("templates", ret, e);
}

int template_lock(const char *store, const char *key, struct err *e)
{
	_cleanup_free_ char *path = xasprintf("%s/%s.lock", store, key);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return err_sys(e, errno, "cannot open the lock %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : err_sys(e, errno, "cannot lock %s", path);
	return TAKE_FD(fd);
}

int template_unlink(const char *store, const char *key, struct err *e)
{
	_cleanup_free_ char *dir = path_join(store, key),
			    *away = xasprintf("%s/%s.tmp", store, key);
	int r = dir_remove(away, e);

	if (r < 0)
		return r;
	if (rename(dir, away) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot remove %s", dir);
	return dir_remove(away, e);
}

void machine_template_remove(const char *key)
{
	_cleanup_free_ char *store = NULL;
	_cleanup_close_ int lock = -1;

	if (template_store(&store, NULL) < 0)
		return;
	lock = template_lock(store, key, NULL);
	if (lock >= 0)
		template_unlink(store, key, NULL);
}

/* ---- one that is there ---- */

static int64_t mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int open_file(const char *dir, const char *name, int flags, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return file_open(path, flags | O_NOFOLLOW, e);
}

static int hash_state(int fd, char ret_hex[static HASH_HEX_LEN + 1], struct err *e)
{
	struct hash *h = hash_new();
	char data[32768];
	off_t at = 0;
	ssize_t n;

	/* Where the descriptor stands is the engine's business, which shares it. */
	while ((n = pread(fd, data, sizeof(data), at)) > 0) {
		hash_add(h, data, (size_t)n);
		at += n;
	}
	hash_final(h, ret_hex);
	return n < 0 ? err_sys(e, errno, "cannot read the state") : 0;
}

/* The memory is too large to be read for each clone: its size and its time of change vouch for it. */
static int check_memory(const json_t *m, const struct machine_template *t, struct err *e)
{
	int64_t size, changed;
	struct stat st;
	int r = json_field_i64(m, "memory_size", -1, &size, e);

	if (r == 0)
		r = json_field_i64(m, "memory_mtime_ns", -1, &changed, e);
	if (r < 0)
		return r;
	if (fstat(t->memory_fd, &st) < 0)
		return err_sys(e, errno, "cannot stat its memory");
	if (!S_ISREG(st.st_mode) || st.st_size != size)
		return err_set(e, -EBADMSG, "its memory has %lld bytes instead of %lld",
			(long long)st.st_size, (long long)size);
	if (mtime_ns(&st) != changed)
		return err_set(e, -EBADMSG, "its memory was written to");
	return 0;
}

static int check_manifest(const json_t *m, const struct machine_template *t, struct err *e)
{
	_cleanup_free_ char *key = NULL, *state = NULL;
	char hex[HASH_HEX_LEN + 1];
	int64_t schema = 0;
	int r = json_field_i64(m, "schema", 0, &schema, e);

	if (r == 0)
		r = json_field_str(m, "key", &key, e);
	if (r == 0)
		r = json_field_str(m, "state_sha256", &state, e);
	if (r < 0)
		return r;
	if (schema != SCHEMA)
		return err_set(e, -EBADMSG, "its manifest is of schema %lld, not %d",
			(long long)schema, SCHEMA);
	if (!key || !streq(key, t->key))
		return err_set(e, -EBADMSG, "it is that of another machine");
	r = check_memory(m, t, e);
	if (r == 0)
		r = hash_state(t->state_fd, hex, e);
	if (r == 0 && (!state || !streq(state, hex)))
		return err_set(e, -EBADMSG, "its state is not the one that was saved");
	return r;
}

static int load(const char *dir, struct machine_template *t, struct err *e)
{
	_cleanup_free_ char *manifest = path_join(dir, "manifest.json");
	_cleanup_free_ char *hello = path_join(dir, "hello");
	_cleanup_json_ json_t *m = NULL;
	int r = json_read_file(manifest, &m, e);

	if (r < 0)
		return r;
	/* QEMU opens it for writing, although the mapping is private and nothing is written. */
	t->memory_fd = open_file(dir, "memory", O_RDWR, e);
	if (t->memory_fd < 0)
		return t->memory_fd;
	t->state_fd = open_file(dir, "state", O_RDONLY, e);
	if (t->state_fd < 0)
		return t->state_fd;
	r = file_read(hello, HELLO_MAX, &t->hello, e);
	return r < 0 ? r : check_manifest(m, t, e);
}

int machine_template_open(const char *key, struct machine_template *ret, struct err *e)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	_cleanup_free_ char *store = NULL, *dir = NULL;
	struct err why = ERR_INIT;
	int r = template_store(&store, e);

	if (r < 0)
		return r;
	dir = path_join(store, key);
	if (!dir_exists(dir))
		return err_set(e, -ENOENT, "there is no template %s", key);
	t.key = xstrdup(key);
	r = load(dir, &t, &why);
	if (r == 0) {
		utimensat(AT_FDCWD, dir, NULL, 0); /* when it was used last */
		*ret = t;
		return 0;
	}
	machine_template_release(&t);
	if (!dir_exists(dir)) { /* trimmed while we looked */
		err_release(&why);
		return err_set(e, -ENOENT, "there is no template %s", key);
	}
	machine_template_remove(key);
	err_set(e, -EBADMSG, "the template %s is damaged: %s", dir, err_text(&why));
	err_release(&why);
	return -EBADMSG;
}

/* ---- one in the making ---- */

#define ROOM_MIB 64 /* that is left on the disk */

/* A guest that writes to memory for which the disk has no room kills its engine (SIGBUS). */
static int check_room(const char *store, uint32_t memory_mib, struct err *e)
{
	struct statvfs st;
	uint64_t free_mib;

	if (statvfs(store, &st) < 0)
		return err_sys(e, errno, "cannot tell the room in %s", store);
	free_mib = ((uint64_t)st.f_bavail * st.f_frsize) >> 20;
	if (free_mib >= memory_mib + ROOM_MIB)
		return 0;
	return err_set(e, -ENOSPC, "%s has room for %llu MiB, and a template may take %u", store,
		(unsigned long long)free_mib, memory_mib);
}

static int new_file(const char *store, struct err *e)
{
	int fd = open(store, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? err_sys(e, errno, "cannot make a file in %s", store) : fd;
}

int machine_template_begin(
	const char *key, uint32_t memory_mib, struct machine_template *ret, struct err *e)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	_cleanup_free_ char *store = NULL, *dir = NULL, *aside = NULL;
	int r = template_store(&store, e);

	if (r < 0)
		return r;
	dir = path_join(store, key);
	t.lock = template_lock(store, key, e);
	if (t.lock < 0)
		return t.lock;
	if (dir_exists(dir)) {
		machine_template_release(&t);
		return -EEXIST;
	}
	template_sweep(store);
	aside = xasprintf("%s/%s.tmp", store, key);
	dir_remove(aside, NULL); /* not swept, for we hold its lock */
	r = check_room(store, memory_mib, e);
	if (r < 0) {
		machine_template_release(&t);
		return r;
	}
	t.key = xstrdup(key);
	t.memory_fd = new_file(store, e);
	t.state_fd = t.memory_fd < 0 ? -1 : new_file(store, e);
	if (t.state_fd < 0)
		r = e ? e->code : -EIO;
	else if (ftruncate(t.memory_fd, (off_t)memory_mib << 20) < 0)
		r = err_sys(e, errno, "cannot make the memory of a template");
	if (r < 0) {
		machine_template_release(&t);
		return r;
	}
	*ret = t;
	return 0;
}

static int put_file(int fd, const char *dir, const char *name, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, name);
	char proc[40];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(e, errno, "cannot make %s", path);
	return 0;
}

static int write_manifest(const struct machine_template *t, const char *dir, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json");
	_cleanup_json_ json_t *m = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT, now = BUF_INIT;
	char hex[HASH_HEX_LEN + 1];
	struct stat st;
	int r = hash_state(t->state_fd, hex, e);

	if (r < 0)
		return r;
	if (fstat(t->memory_fd, &st) < 0)
		return err_sys(e, errno, "cannot stat the memory of a template");
	time_format(&now, clock_wall_ns());
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	json_object_set_new(m, "key", json_string(t->key));
	json_object_set_new(m, "made", json_string(buf_str(&now)));
	json_object_set_new(m, "memory_size", json_integer(st.st_size));
	json_object_set_new(m, "memory_mtime_ns", json_integer(mtime_ns(&st)));
	json_object_set_new(m, "state_sha256", json_string(hex));
	json_line(&text, m);
	buf_addc(&text, '\n');
	return file_write_atomic(path, text.data, text.len, 0400, e);
}

static int fill(const struct machine_template *t, const char *aside, struct err *e)
{
	_cleanup_free_ char *hello = path_join(aside, "hello");
	int r = dir_make(aside, 0700, e);

	if (r == 0)
		r = put_file(t->memory_fd, aside, "memory", e);
	if (r == 0)
		r = put_file(t->state_fd, aside, "state", e);
	if (r == 0)
		r = file_write_atomic(hello, t->hello.data, t->hello.len, 0400, e);
	if (r == 0)
		r = write_manifest(t, aside, e);
	return r;
}

static int sync_folder(const char *dir, struct err *e)
{
	_cleanup_close_ int fd = file_open(dir, O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? err_sys(e, errno, "cannot write %s to the disk", dir) : 0;
}

/* The large files reach the disk before they have a name: the time in which a kill leaves one is short. */
int machine_template_commit(struct machine_template *t, struct err *e)
{
	_cleanup_free_ char *store = NULL, *dir = NULL, *aside = NULL;
	struct machine_trim trim = { .max_bytes = MACHINE_TEMPLATES_MAX, .keep = t->key };
	int r = template_store(&store, e);

	if (r < 0)
		return r;
	dir = path_join(store, t->key);
	aside = xasprintf("%s/%s.tmp", store, t->key);
	if (fsync(t->memory_fd) < 0 || fsync(t->state_fd) < 0)
		return err_sys(e, errno, "cannot write a template to the disk");
	r = fill(t, aside, e);
	if (r == 0)
		r = sync_folder(aside, e);
	if (r == 0 && chmod(aside, 0500) < 0)
		r = err_sys(e, errno, "cannot make %s read-only", aside);
	if (r == 0 && rename(aside, dir) < 0)
		r = err_sys(e, errno, "cannot rename %s to %s", aside, dir);
	if (r < 0) {
		dir_remove(aside, NULL);
		return r;
	}
	t->lock = fd_close(t->lock);
	machine_templates_trim(&trim, NULL);
	return 0;
}
