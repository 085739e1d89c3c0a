/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/outfile.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "disk/seed_parts.h"
#include "disk/volume.h"

#define KEYGEN_MS 60000

struct seed {
	const struct disk_seed *s; /* borrowed */
	struct strv vars, used;
	struct seed_facts facts;
	struct buf user, meta, network, vendor;
	char *key; /* owned: the line of the public key; NULL */
};

static void seed_release(struct seed *d)
{
	strv_release(&d->vars);
	strv_release(&d->used);
	buf_release(&d->user);
	buf_release(&d->meta);
	buf_release(&d->network);
	if (d->vendor.data)
		explicit_bzero(d->vendor.data, d->vendor.cap);
	buf_release(&d->vendor);
	free(d->key);
}

/* ---- what is put in ---- */

static int read_key(struct seed *d, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *s;
	int r;

	if (!d->s->ssh_key)
		return 0;
	r = file_read(d->s->ssh_key, 65536, &text, e);
	if (r < 0)
		return r;
	s = buf_str(&text);
	if (strstr(s, "PRIVATE KEY")) {
		err_set(e, -EINVAL, "%s: it is a private key, which must not leave this machine",
			d->s->ssh_key);
		return err_hint(e, "The public one is in the file with .pub behind its name.");
	}
	if (!(str_starts(s, "ssh-") || str_starts(s, "ecdsa-") || str_starts(s, "sk-")) ||
		memchr(s, 0, text.len) || strcspn(s, "\n") + 1 < text.len || strpbrk(s, "\"\\\r"))
		return err_set(
			e, -EINVAL, "%s: expected one line, a public key of ssh", d->s->ssh_key);
	d->key = xstrndup(s, strcspn(s, "\n"));
	strv_setenv(&d->vars, "SSH_KEY", d->key);
	return 0;
}

/* A block scalar below KEY. */
static int add_block(struct buf *to, const char *key, const char *path, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, 65536, &text, e);

	if (r < 0)
		return r;
	buf_addf(to, "  %s: |\n", key);
	for (const char *p = buf_str(&text); *p;) {
		size_t len = strcspn(p, "\n");

		buf_adds(to, "    ");
		buf_add(to, p, len);
		buf_addc(to, '\n');
		p += len + (p[len] == '\n');
	}
	if (text.data)
		explicit_bzero(text.data, text.cap);
	return 0;
}

/* With keys that are given cloud-init makes none, which saves the guest the time for it. */
static int add_host_key(struct seed *d, struct err *e)
{
	int r;

	if (!d->s->host_key)
		return 0;
	buf_reserve(&d->vendor, 4096);
	buf_adds(&d->vendor, "#cloud-config\nssh_deletekeys: true\nssh_keys:\n");
	r = add_block(&d->vendor, "ed25519_private", d->s->host_key, e);
	return r < 0 ? r : add_block(&d->vendor, "ed25519_public", d->s->host_key_public, e);
}

static int check_var(const char *var, struct err *e)
{
	size_t n = strcspn(var, "=");

	if (!n || !var[n] || *var < 'A' || *var > 'Z' ||
		strspn(var, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n)
		return err_set(e, -EINVAL,
			"'%s' is no NAME=VALUE, with capitals, digits and '_' in the name", var);
	if (strpbrk(var, "\r\n"))
		return err_set(e, -EINVAL, "the value of %.*s has more than one line", (int)n, var);
	return 0;
}

static int read_part(struct seed *d, const char *path, struct buf *ret, struct err *e)
{
	_cleanup_buf_ struct buf raw = BUF_INIT;
	int r = path ? file_read(path, SEED_FILE_MAX, &raw, e) : 0;

	/* What is packed already has no variables. */
	if (r == 0 && raw.len > 2 && memcmp(raw.data, "\x1f\x8b", 2) == 0)
		buf_add(ret, raw.data, raw.len);
	else if (r == 0)
		r = seed_fill(path, &raw, &d->vars, &d->used, ret, e);
	return r;
}

static void end_line(struct buf *b)
{
	if (b->len && b->data[b->len - 1] != '\n')
		buf_addc(b, '\n');
}

/* The same parts are the same instance; others are another, for which cloud-init does everything once more. */
static void add_instance_id(struct seed *d)
{
	struct hash *h = hash_new();
	char hex[HASH_HEX_LEN + 1];

	hash_add(h, buf_str(&d->user), d->user.len + 1);
	hash_add(h, buf_str(&d->meta), d->meta.len + 1);
	hash_add(h, buf_str(&d->network), d->network.len + 1);
	hash_final(h, hex);
	buf_addf(&d->meta, "instance-id: vmrig-%.16s\n", hex);
}

static int complete_meta(struct seed *d, struct err *e)
{
	bool inject = d->key && !strv_has(&d->used, "SSH_KEY");

	if (inject && d->facts.has_public_keys) {
		err_set(e, -EINVAL, "%s: it has 'public-keys' already", d->s->meta_data);
		return err_hint(
			e, "Write @SSH_KEY@ where the key is to stand, in any of the files.");
	}
	if (d->facts.is_flow && (inject || !d->facts.has_instance_id)) {
		err_set(e, -EINVAL, "%s:1: %s cannot be added to {…}", d->s->meta_data,
			inject ? "a key" : "an instance-id");
		return err_hint(e, "Write one key a line.");
	}
	if (inject && d->facts.users_without_default && d->s->said)
		d->s->said(d->s->arg,
			"the key goes to the default user, and user-data has 'users' without 'default': "
			"write @SSH_KEY@ below ssh_authorized_keys of the user who is to have it");
	end_line(&d->meta);
	if (inject)
		buf_addf(&d->meta, "public-keys:\n  - \"%s\"\n", d->key);
	if (!d->facts.has_instance_id)
		add_instance_id(d);
	return 0;
}

static int read_parts(struct seed *d, struct err *e)
{
	const struct disk_seed *s = d->s;
	int r = read_part(d, s->user_data, &d->user, e);

	if (r == 0)
		r = read_part(d, s->meta_data, &d->meta, e);
	if (r == 0)
		r = read_part(d, s->network_config, &d->network, e);
	if (!s->user_data)
		buf_adds(&d->user, "#cloud-config\n");
	if (r == 0)
		r = seed_check_user_data(s->user_data ? s->user_data : "user-data", &d->user,
			s->allowed, &d->facts, e);
	if (r == 0 && s->meta_data)
		r = seed_check_meta_data(s->meta_data, &d->meta, &d->facts, e);
	if (r == 0 && s->network_config)
		r = seed_check_network(s->network_config, &d->network, e);
	return r < 0 ? r : complete_meta(d, e);
}

static void make_volume(const struct seed *d, struct buf *ret)
{
	struct volume_file files[VOLUME_FILES_MAX] = { { "meta-data", d->meta } };
	size_t n = 1;

	if (d->s->network_config)
		files[n++] = (struct volume_file){ "network-config", d->network };
	files[n++] = (struct volume_file){ "user-data", d->user };
	if (d->vendor.len)
		files[n++] = (struct volume_file){ "vendor-data", d->vendor };
	(d->s->vfat ? volume_vfat : volume_iso)(files, n, ret);
}

static void tell_unused(const struct seed *d)
{
	const struct disk_seed *s = d->s;

	for (size_t i = 0; s->vars && s->said && i < s->vars->n; i++) {
		_cleanup_free_ char *name = xstrndup(s->vars->v[i], strcspn(s->vars->v[i], "="));
		_cleanup_free_ char *line =
			xasprintf("no file has the variable @%s@ that was given", name);

		if (!strv_has(&d->used, name))
			s->said(s->arg, line);
	}
}

int disk_seed_make(const struct disk_seed *s, struct buf *ret, struct err *e)
{
	__attribute__((cleanup(seed_release))) struct seed d = { .s = s };
	int r = 0;

	for (size_t i = 0; r == 0 && s->vars && i < s->vars->n; i++) {
		r = check_var(s->vars->v[i], e);
		strv_add(&d.vars, s->vars->v[i]);
	}
	if (r == 0)
		r = read_key(&d, e);
	if (r == 0)
		r = add_host_key(&d, e);
	if (r == 0)
		r = read_parts(&d, e);
	if (r < 0)
		return r;
	tell_unused(&d);
	make_volume(&d, ret);
	return 0;
}

int disk_seed_write(const struct disk_seed *s, const char *path, bool replace, struct err *e)
{
	_cleanup_outfile_ struct outfile out = OUTFILE_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = disk_seed_make(s, &b, e);

	if (r == 0)
		r = outfile_open(path, &out, e);
	if (r < 0)
		return r;
	r = fd_write_all(out.fd, b.data, b.len);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", path);
	return outfile_commit(&out, replace, e);
}

int disk_new_key(const char *dir, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "id_ed25519"), *program = NULL;
	_cleanup_buf_ struct buf said = BUF_INIT;
	const char *argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vmrig", "-f",
		path, NULL };
	int status, r;

	if (file_exists(path))
		return err_set(e, -EEXIST, "%s is there already", path);
	if (path_program("ssh-keygen", &program) < 0) {
		err_set(e, -ENOENT, "ssh-keygen is not here");
		return err_hint(e, "Debian has it in the package openssh-client.");
	}
	r = dir_make(dir, 0700, e);
	if (r == 0)
		r = proc_capture(argv, NULL, NULL, &said, KEYGEN_MS, &status, e);
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, -EIO, "ssh-keygen made no key: %s", buf_str(&said));
	return 0;
}
