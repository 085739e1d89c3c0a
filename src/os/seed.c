/* SPDX-License-Identifier: MIT */
/* What a system is told when it first boots, and how it is reached by SSH: read from the suite file, made for the plan. */
#include "os/seed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#define SSH_PORT    22
#define NIC_DEFAULT "virtio-net-pci"
#define KEY_COMMENT "vmrig"

/* ---- the suite file ---- */

void os_seed_release(struct os_seed *s)
{
	free(s->user_data);
	free(s->meta_data);
	free(s->network_config);
	strv_release(&s->vars);
	*s = (struct os_seed){ 0 };
}

void os_ssh_release(struct os_ssh *s)
{
	free(s->user);
	free(s->key);
	*s = (struct os_ssh){ 0 };
}

static int parse_format(const char *s)
{
	return streq(s, "iso") ? 0 : streq(s, "vfat") ? 1 : -EINVAL;
}

static int read_format(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int v = n->kind == YAML_SCALAR ? parse_format(n->text) : -EINVAL;

	if (v < 0)
		return yaml_expected(l, n, k, "iso or vfat");
	*(bool *)field = v;
	return 0;
}

int os_read_seed(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
#define FIELD(f) offsetof(struct os_seed, f)
	static const struct yaml_key keys[] = {
		{ "user_data", yaml_read_path, FIELD(user_data) },
		{ "meta_data", yaml_read_path, FIELD(meta_data) },
		{ "network_config", yaml_read_path, FIELD(network_config) },
		{ "vars", yaml_read_env, FIELD(vars) },
		{ "format", read_format, FIELD(vfat) },
	};
#undef FIELD
	struct os_seed *s = field;

	s->given = true;
	return yaml_read_map(l, n, "'seed'", keys, ARRAY_SIZE(keys), s);
}

static int read_host_key(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	static const char *const names[] = {
		[OS_HOST_KEY_SEED] = "seed",
		[OS_HOST_KEY_FIRST] = "first",
		[OS_HOST_KEY_CONSOLE] = "console",
	};

	for (size_t i = 0; n->kind == YAML_SCALAR && i < ARRAY_SIZE(names); i++) {
		if (!streq(n->text, names[i]))
			continue;
		*(enum os_host_key *)field = (enum os_host_key)i;
		return 0;
	}
	return yaml_expected(l, n, k, "'seed', 'first' or 'console'");
}

int os_read_ssh(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
#define FIELD(f) offsetof(struct os_ssh, f)
	static const struct yaml_key keys[] = {
		{ "user", yaml_read_name, FIELD(user), .required = true },
		{ "port", yaml_read_number, FIELD(port), .min = 1, .max = 65535 },
		{ "key", yaml_read_path, FIELD(key) },
		{ "host_key", read_host_key, FIELD(host_key) },
	};
#undef FIELD
	struct os_ssh *s = field;

	if (n->kind == YAML_SCALAR)
		return yaml_read_name(l, k, n, &s->user);
	return yaml_read_map(l, n, "'ssh'", keys, ARRAY_SIZE(keys), s);
}

/* ---- the plan ---- */

static bool wants_ssh(const struct os_plan *p)
{
	return p->wish.ssh && p->wish.ssh->user;
}

static bool wants_seed(const struct os_plan *p)
{
	return p->wish.seed && p->wish.seed->given;
}

uint16_t os_ssh_port(const struct os_plan *p)
{
	return (uint16_t)(p->wish.ssh->port ? p->wish.ssh->port : SSH_PORT);
}

const char *os_ssh_host_key(const struct os_plan *p)
{
	return p->keys->host.public;
}

const char *os_ssh_key(const struct os_plan *p)
{
	return p->wish.ssh->key ? p->wish.ssh->key : p->keys->user.path;
}

static int make_keys(struct os_plan *p, struct err *e)
{
	const struct os_ssh *ssh = p->wish.ssh;
	int r = 0;

	p->keys = xcalloc(1, sizeof(*p->keys));
	*p->keys = (struct os_keys){ SSH_KEY_INIT, SSH_KEY_INIT, -1, NULL };
	if (!wants_ssh(p))
		return 0;
	if (ssh->key && !file_exists(ssh->key))
		return err_set(e, -ENOENT, "there is no key %s", ssh->key);
	if (!ssh->key)
		r = ssh_key_make(KEY_COMMENT, &p->keys->user, e);
	if (r == 0 && wants_seed(p) && ssh->host_key == OS_HOST_KEY_SEED)
		r = ssh_key_make(KEY_COMMENT, &p->keys->host, e);
	return r;
}

static void on_said(void *arg, const char *line)
{
	struct os_plan *p = arg;

	strv_add(&p->said, line);
}

/* Behind the others. A disk where the board's can be read-only, else a CD. */
static void add_volume(struct os_plan *p)
{
	size_t i = p->os.n_disks++;
	enum machine_bus bus = i ? p->disks[0].bus : BUS_VIRTIO;

	p->disks[i] = (struct machine_disk){
		.bus = bus,
		.path = p->keys->seed_path,
		.format = "raw",
		.cdrom = !(bus == BUS_VIRTIO || bus == BUS_SCSI),
		.serial = "seed",
	};
	p->media[i].only_read = true;
}

static int make_seed(struct os_plan *p, struct err *e)
{
	const struct os_seed *s = p->wish.seed;
	_cleanup_buf_ struct buf volume = BUF_INIT;
	struct os_keys *keys = p->keys;
	const struct disk_seed seed = {
		.user_data = s->user_data,
		.meta_data = s->meta_data,
		.network_config = s->network_config,
		.vars = &s->vars,
		.ssh_key = keys->user.public_path,
		.host_key = keys->host.path,
		.host_key_public = keys->host.public_path,
		.vfat = s->vfat,
		.said = on_said,
		.arg = p,
	};
	int r = disk_seed_make(&seed, &volume, e);

	if (r < 0)
		return err_wrap(e, "seed");
	keys->seed_fd = fd_memfd("seed", volume.data, volume.len);
	explicit_bzero(volume.data, volume.cap);
	if (keys->seed_fd < 0)
		return err_sys(e, -keys->seed_fd, "cannot hold the seed in memory");
	keys->seed_path = xasprintf("/proc/%d/fd/%d", (int)getpid(), keys->seed_fd);
	add_volume(p);
	return 0;
}

/* The first card leads there. */
static void add_forward(struct os_plan *p)
{
	struct machine_nic *nic = &p->nics[0];
	uint16_t port = os_ssh_port(p);

	if (!p->os.n_nics) {
		*nic = (struct machine_nic){ .model = NIC_DEFAULT };
		p->os.n_nics = 1;
	}
	for (size_t i = 0; i < nic->n_forwards; i++)
		if (nic->forwards[i] == port)
			return;
	p->forwards = xcalloc(nic->n_forwards + 1, sizeof(*p->forwards));
	for (size_t i = 0; i < nic->n_forwards; i++)
		p->forwards[i] = nic->forwards[i];
	p->forwards[nic->n_forwards++] = port;
	nic->forwards = p->forwards;
}

static int check_programs(struct err *e)
{
	static const char *const programs[] = { "ssh", "scp" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = NULL;

		if (path_program(programs[i], &path) == 0)
			continue;
		err_set(e, -ENOENT, "%s is not here", programs[i]);
		return err_hint(e, "Debian has it in the package openssh-client.");
	}
	return 0;
}

int os_seed_prepare(struct os_plan *p, struct err *e)
{
	int r = wants_ssh(p) ? check_programs(e) : 0;

	if (r == 0)
		r = make_keys(p, e);
	if (r == 0 && wants_seed(p))
		r = make_seed(p, e);
	if (r == 0 && wants_ssh(p))
		add_forward(p);
	return r;
}

void os_seed_free(struct os_plan *p)
{
	strv_release(&p->said);
	free(p->forwards);
	if (!p->keys)
		return;
	ssh_key_release(&p->keys->user);
	ssh_key_release(&p->keys->host);
	fd_close(p->keys->seed_fd);
	free(p->keys->seed_path);
	free(p->keys);
}

char *os_fill_key(const struct os_plan *p, const char *line)
{
	static const char name[] = OS_SSH_KEY;
	const char *at = strstr(line, name), *key = p->keys ? p->keys->user.public : NULL;

	if (!at || !key)
		return xstrdup(line);
	return xasprintf("%.*s%s%s", (int)(at - line), line, key, at + strlen(name));
}
