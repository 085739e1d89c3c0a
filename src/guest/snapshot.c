/* SPDX-License-Identifier: MIT */
/*
 * A guest saved as it stood: `state` (the engine's, memory included, of which only what is not zero takes room),
 * `session` (the host's side of the conversation), and `manifest.json`, which is written last: without it there is no
 * snapshot. Nothing is changed afterwards; who resumes it reads it into memory of its own.
 */
#include "guest/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

#define SCHEMA      1
#define SESSION_MAX (256u << 20)

static const char *const moments[] = {
	[MOMENT_FAILED] = "failed",
	[MOMENT_LIMIT] = "limit",
	[MOMENT_ENDED] = "ended",
};

void snapshot_session_release(struct snapshot_session *s)
{
	buf_release(&s->channel.in);
	for (size_t i = 0; i < ARRAY_SIZE(s->nodes); i++) {
		buf_release(&s->nodes[i]);
		buf_release(&s->requests[i]);
	}
}

/* ---- the session's file ---- */

static int write_session(const struct snapshot_session *s, const char *dir, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "session");
	size_t cap = 64 + s->channel.in.len;
	_cleanup_free_ uint8_t *data = NULL;
	struct wire_enc enc = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(s->nodes); i++)
		cap += 8 + s->nodes[i].len + s->requests[i].len;
	enc.data = data = xmalloc(cap);
	enc.cap = cap;
	enc_u64(&enc, s->channel.key);
	enc_u32(&enc, s->channel.in_seq);
	enc_u32(&enc, s->channel.out_seq);
	enc_bytes(&enc, s->channel.in.data, s->channel.in.len);
	for (size_t i = 0; i < ARRAY_SIZE(s->nodes); i++) {
		enc_bytes(&enc, s->nodes[i].data, s->nodes[i].len);
		enc_bytes(&enc, s->requests[i].data, s->requests[i].len);
	}
	BUG_ON(enc.overflow);
	return file_write_atomic(path, (const char *)enc.data, enc.len, 0600, e);
}

static void take_bytes(struct wire_dec *d, struct buf *ret)
{
	size_t len;
	const uint8_t *p = dec_bytes(d, &len);

	buf_add(ret, p, len);
}

static int read_session(struct snapshot_session *s, const char *dir, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "session");
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = file_read(path, SESSION_MAX, &b, e);
	struct wire_dec d;

	if (r < 0)
		return r;
	d = (struct wire_dec){ .data = (const uint8_t *)b.data, .len = b.len };
	s->channel.key = dec_u64(&d);
	s->channel.in_seq = dec_u32(&d);
	s->channel.out_seq = dec_u32(&d);
	take_bytes(&d, &s->channel.in);
	for (size_t i = 0; i < ARRAY_SIZE(s->nodes); i++) {
		take_bytes(&d, &s->nodes[i]);
		take_bytes(&d, &s->requests[i]);
	}
	return dec_end(&d) < 0 ? err_set(e, -EBADMSG, "%s does not read", path) : 0;
}

/* ---- the manifest ---- */

/* The engine's arguments but for what differs between a machine and its resumption: files, and numbers of
 * descriptors. */
static int engine_args(const struct guest_plan *p, struct strv *ret, struct err *e)
{
	struct machine_spec s = p->spec;

	s.kernel = s.initrd = s.cmdline = NULL;
	s.n_keep_fds = 0;
	s.memory_fd = s.state_fd = s.debug_fd = 0;
	return machine_describe(&s, ret, e);
}

static void put_str(json_t *m, const char *key, const char *value)
{
	if (value)
		json_object_set_new(m, key, json_text(value, strlen(value)));
}

static int64_t mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int write_manifest(const struct guest_snapshot *s, struct err *e)
{
	_cleanup_free_ char *path = path_join(s->dir, "manifest.json"), *cpu = machine_host_cpu();
	_cleanup_buf_ struct buf text = BUF_INIT, now = BUF_INIT;
	_cleanup_strv_ struct strv args = STRV_INIT;
	_cleanup_json_ json_t *m = json_object();
	const struct guest_plan *p = s->plan;
	struct stat st;
	int r = engine_args(p, &args, e);

	if (r == 0 && fstat(s->state_fd, &st) < 0)
		r = err_sys(e, errno, "cannot stat the saved state");
	if (r < 0)
		return r;
	time_format(&now, clock_wall_ns());
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	put_str(m, "made", buf_str(&now));
	put_str(m, "moment", moments[s->moment]);
	json_object_set_new(m, "lives", json_boolean(s->lives));
	json_object_set_new(m, "wire", json_integer(WIRE_VERSION));
	put_str(m, "engine", p->engine_version);
	json_object_set_new(m, "engine_args", json_strv(&args));
	put_str(m, "host_cpu", cpu);
	put_str(m, "arch", p->spec.arch);
	put_str(m, "accel", machine_accel_name(p->spec.accel));
	put_str(m, "machine", machine_type_name(p->spec.type));
	json_object_set_new(m, "cpus", json_integer(p->spec.cpus));
	json_object_set_new(m, "memory_mib", json_integer(p->spec.memory_mib));
	json_object_set_new(m, "memory_file", json_boolean(s->memory_file));
	json_object_set_new(m, "uart", json_boolean(p->spec.channel == CHANNEL_UART));
	json_object_set_new(m, "fs_ports", json_integer(p->spec.fs_ports));
	put_str(m, "kernel", p->kernel.label);
	put_str(m, "release", p->kernel.release);
	put_str(m, "vmlinux", p->kernel.vmlinux ? p->kernel.vmlinux : p->image);
	put_str(m, "system_map", p->kernel.system_map);
	put_str(m, "cmdline", p->cmdline);
	put_str(m, "root", p->root_dir);
	put_str(m, "modules", p->n_mounts ? p->mounts[0].host : NULL);
	json_object_set_new(m, "state_size", json_integer(st.st_size));
	json_object_set_new(m, "state_mtime_ns", json_integer(mtime_ns(&st)));
	json_line(&text, m);
	buf_addc(&text, '\n');
	return file_write_atomic(path, text.data, text.len, 0600, e);
}

int snapshot_write(const struct guest_snapshot *s, struct err *e)
{
	_cleanup_free_ char *state = path_join(s->dir, "state");
	char proc[40];
	int r;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", s->state_fd);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, state, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(e, errno, "cannot make %s", state);
	r = write_session(&s->session, s->dir, e);
	return r < 0 ? r : write_manifest(s, e);
}

/* ---- one that is there ---- */

struct manifest {
	char *moment, *engine, *host_cpu, *arch, *accel, *machine, *kernel, *release, *vmlinux;
	char *system_map, *cmdline, *root, *modules; /* owned, as all of these */
	struct strv args;
	int64_t schema, wire, cpus, memory_mib, fs_ports, state_size, state_mtime_ns;
	bool lives, memory_file, uart;
};

static void manifest_release(struct manifest *m)
{
	char *all[] = { m->moment, m->engine, m->host_cpu, m->arch, m->accel, m->machine, m->kernel,
		m->release, m->vmlinux, m->system_map, m->cmdline, m->root, m->modules };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]);
	strv_release(&m->args);
}

static int read_manifest(const char *dir, struct manifest *m, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json");
	_cleanup_json_ json_t *j = NULL;
	const struct {
		const char *key;
		char **ret;
	} texts[] = {
		{ "moment", &m->moment },
		{ "engine", &m->engine },
		{ "host_cpu", &m->host_cpu },
		{ "arch", &m->arch },
		{ "accel", &m->accel },
		{ "machine", &m->machine },
		{ "kernel", &m->kernel },
		{ "release", &m->release },
		{ "vmlinux", &m->vmlinux },
		{ "system_map", &m->system_map },
		{ "cmdline", &m->cmdline },
		{ "root", &m->root },
		{ "modules", &m->modules },
	};
	const struct {
		const char *key;
		int64_t *ret;
	} numbers[] = {
		{ "schema", &m->schema },
		{ "wire", &m->wire },
		{ "cpus", &m->cpus },
		{ "memory_mib", &m->memory_mib },
		{ "fs_ports", &m->fs_ports },
		{ "state_size", &m->state_size },
		{ "state_mtime_ns", &m->state_mtime_ns },
	};
	int r = json_read_file(path, &j, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = json_field_str(j, texts[i].key, texts[i].ret, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++)
		r = json_field_i64(j, numbers[i].key, 0, numbers[i].ret, e);
	if (r == 0)
		r = json_field_strv(j, "engine_args", &m->args, e);
	if (r == 0)
		r = json_field_bool(j, "lives", false, &m->lives, e);
	if (r == 0)
		r = json_field_bool(j, "memory_file", false, &m->memory_file, e);
	if (r == 0)
		r = json_field_bool(j, "uart", false, &m->uart, e);
	return r;
}

static int moment_of(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(moments); i++)
		if (streq(moments[i], name))
			return (int)i;
	return -EINVAL;
}

static int fill_plan(struct guest_plan *p, const struct manifest *m, struct err *e)
{
	struct machine_spec *s = &p->spec;
	int r;

	if (m->schema != SCHEMA || moment_of(m->moment) < 0 || !m->arch || !m->accel ||
		!m->machine || !m->engine || !m->host_cpu || m->cpus < 1 || m->memory_mib < 1 ||
		m->fs_ports < 0 || m->fs_ports > MACHINE_FS_PORTS_MAX ||
		(m->fs_ports > 0) != (m->root != NULL) || (m->fs_ports > 1) != (m->modules != NULL))
		return err_set(e, -EBADMSG, "its manifest is none that this vmrig writes");
	p->kernel = (struct kernel){
		.arch = xstrdup(m->arch),
		.label = xstrdup(m->kernel),
		.release = xstrdup(m->release),
		.vmlinux = xstrdup(m->vmlinux),
		.system_map = xstrdup(m->system_map),
	};
	p->cmdline = xstrdup(m->cmdline);
	p->root_dir = xstrdup(m->root);
	p->root = m->root ? WIRE_SHARE_FUSE : WIRE_SHARE_NONE;
	if (m->modules) {
		p->mounts = xcalloc(1, sizeof(*p->mounts));
		p->mounts[p->n_mounts++].host = xstrdup(m->modules);
	}
	r = machine_accel_parse(m->accel, &s->accel, e);
	if (r == 0)
		r = machine_type_parse(m->machine, &s->type, e);
	if (r < 0)
		return r;
	s->engine = ENGINE_QEMU;
	s->arch = p->kernel.arch;
	s->cpus = (uint32_t)m->cpus;
	s->memory_mib = (uint32_t)m->memory_mib;
	s->channel = m->uart ? CHANNEL_UART : CHANNEL_VIRTIO;
	s->fs_ports = (unsigned)m->fs_ports;
	s->holds = true;
	return machine_engine_version(s, &p->engine_version, e);
}

/* State means something to the machine that wrote it alone. */
static int check_same(const struct guest_plan *p, const struct manifest *m, struct err *e)
{
	_cleanup_free_ char *cpu = machine_host_cpu();
	_cleanup_strv_ struct strv args = STRV_INIT;
	int r;

	if (!streq(m->engine, p->engine_version))
		return err_set(e, -EXDEV, "it was saved by %s, and here is %s", m->engine,
			p->engine_version);
	if (!streq(m->host_cpu, cpu))
		return err_set(
			e, -EXDEV, "it was saved on %s, and this machine is %s", m->host_cpu, cpu);
	if (m->lives && m->wire != WIRE_VERSION)
		return err_set(e, -EXDEV, "its agent speaks version %lld of the protocol, not %d",
			(long long)m->wire, WIRE_VERSION);
	r = engine_args(p, &args, e);
	if (r < 0)
		return r;
	for (size_t i = 1; i < args.n || i < m->args.n; i++)
		if (i >= args.n || i >= m->args.n || !streq(args.v[i], m->args.v[i]))
			return err_set(e, -EXDEV,
				"its engine was started with %s, here it would be %s",
				i < m->args.n ? m->args.v[i] : "no more",
				i < args.n ? args.v[i] : "no more");
	return 0;
}

static int open_state(struct guest_snapshot *s, const struct manifest *m, struct err *e)
{
	_cleanup_free_ char *path = path_join(s->dir, "state");
	struct stat st;

	s->state_fd = file_open(path, O_RDONLY | O_NOFOLLOW, e);
	if (s->state_fd < 0)
		return s->state_fd;
	if (fstat(s->state_fd, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", path);
	if (st.st_size != m->state_size || mtime_ns(&st) != m->state_mtime_ns)
		return err_set(e, -EBADMSG, "%s is not the file that was saved", path);
	return 0;
}

int guest_snapshot_open(const char *dir, struct guest_snapshot **ret, struct err *e)
{
	__attribute__((cleanup(manifest_release))) struct manifest m = { 0 };
	struct guest_snapshot *s = xcalloc(1, sizeof(*s));
	int r;

	s->dir = xstrdup(dir);
	s->state_fd = -1;
	s->plan = xcalloc(1, sizeof(*s->plan));
	s->plan->refs = 1;
	s->plan->initrd_fd = -1;
	r = read_manifest(dir, &m, e);
	if (r == 0)
		r = fill_plan(s->plan, &m, e);
	if (r == 0)
		r = check_same(s->plan, &m, e);
	if (r == 0)
		r = open_state(s, &m, e);
	if (r == 0)
		r = read_session(&s->session, dir, e);
	if (r < 0) {
		guest_snapshot_free(s);
		return err_wrap(e, "the snapshot %s cannot be resumed", dir);
	}
	s->moment = (enum guest_moment)moment_of(m.moment);
	s->lives = m.lives;
	s->memory_file = m.memory_file;
	*ret = s;
	return 0;
}

void guest_snapshot_free(struct guest_snapshot *s)
{
	if (!s)
		return;
	guest_plan_unref(s->plan);
	fd_close(s->state_fd);
	snapshot_session_release(&s->session);
	free(s->dir);
	free(s);
}

struct guest_plan *guest_snapshot_plan(const struct guest_snapshot *s)
{
	return s->plan;
}

const char *guest_snapshot_silent(const struct guest_snapshot *s)
{
	if (s->moment == MOMENT_ENDED)
		return "its kernel had come to its end, and runs no shell";
	return s->lives ? NULL : "the guest took nothing more when it was saved, and runs no shell";
}
