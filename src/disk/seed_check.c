/* SPDX-License-Identifier: MIT */
/* What cloud-init reads is by its own documentation: user-data formats, the schema of cloud-config, network config 1 and 2. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "disk/seed_parts.h"
#include "yaml/yaml.h"

#define _cleanup_yaml_ __attribute__((cleanup(yaml_release)))

/* clang-format off */
static const char *const cloud_keys[] = {
	"allow_public_ssh_keys", "ansible", "apk_repos", "apt", "apt_pipelining", "apt_reboot_if_required", "apt_update",
	"apt_upgrade", "authkey_hash", "autoinstall", "bootcmd", "byobu_by_default", "ca-certs", "ca_certs", "chef", "chpasswd",
	"cloud_config_modules", "cloud_final_modules", "cloud_init_modules", "console", "create_hostname_file", "datasource",
	"datasource_list", "device_aliases", "disable_ec2_metadata", "disable_root", "disable_root_opts", "disk_setup",
	"drivers", "fan", "final_message", "fqdn", "fs_setup", "groups", "growpart", "grub-dpkg", "grub_dpkg", "hostname",
	"keyboard", "landscape", "launch-index", "locale", "locale_configfile", "lxd", "manage_etc_hosts",
	"manage_resolv_conf", "mcollective", "merge_how", "merge_type", "migrate", "mount_default_fields", "mounts",
	"network", "no_ssh_fingerprints", "ntp", "output", "package_reboot_if_required", "package_update", "package_upgrade",
	"packages", "password", "phone_home", "power_state", "prefer_fqdn_over_hostname", "preserve_hostname", "puppet",
	"random_seed", "reporting", "resize_rootfs", "resolv_conf", "rh_subscription", "rpi", "rsyslog", "runcmd",
	"salt_minion", "snap", "spacewalk", "ssh", "ssh_authorized_keys", "ssh_deletekeys", "ssh_fp_console_blacklist",
	"ssh_genkeytypes", "ssh_import_id", "ssh_key_console_blacklist", "ssh_keys", "ssh_publish_hostkeys", "ssh_pwauth",
	"ssh_quiet_keygen", "swap", "system_info", "timezone", "ubuntu_advantage", "ubuntu_pro", "updates", "user", "users",
	"vendor_data", "version", "wireguard", "write_files", "yum_repo_dir", "yum_repos", "zypper",
};
/* clang-format on */

static const char *const headers[] = { "#cloud-config", "#cloud-config-archive",
	"#cloud-config-jsonp", "#cloud-boothook", "#include", "#include-once", "#part-handler" };
static const char *const lists[] = { "bootcmd", "runcmd", "packages", "write_files", "mounts",
	"ssh_authorized_keys", "fs_setup", "ssh_import_id" };
static const char *const v1_keys[] = { "version", "config" };
static const char *const v2_keys[] = { "version", "renderer", "ethernets", "bonds", "bridges",
	"vlans", "wifis", "dummy-devices", "tunnels", "vrfs" };

static bool one_of(const char *s, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(s, v[i]))
			return true;
	return false;
}

static const struct yaml_node *child(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == YAML_MAP && i + 1 < map->n; i += 2)
		if (map->v[i]->kind == YAML_SCALAR && streq(map->v[i]->text, key))
			return map->v[i + 1];
	return NULL;
}

static int unknown_key(const struct yaml *y, const struct yaml_node *key, const char *what,
	const char *const *known, size_t n, struct err *e)
{
	const char *near = text_nearest(key->text, known, n);

	return yaml_error(y, key, e, "%s has no key '%s'%s%s%s", what, key->text,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int check_keys(const struct yaml *y, const struct yaml_node *map, const char *what,
	const char *const *known, size_t n, const struct strv *allowed, struct err *e)
{
	for (size_t i = 0; i + 1 < map->n; i += 2) {
		const struct yaml_node *key = map->v[i];

		if (key->kind != YAML_SCALAR)
			return yaml_error(
				y, key, e, "%s has %s for a key", what, yaml_describe(key));
		if (!one_of(key->text, known, n) && !(allowed && strv_has(allowed, key->text)))
			return unknown_key(y, key, what, known, n, e);
	}
	return 0;
}

/* ---- user-data ---- */

/* "- echo done: ok" is a mapping to YAML, and nothing that can be run. */
static int check_commands(
	const struct yaml *y, const char *key, const struct yaml_node *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i]->kind == YAML_MAP) {
			yaml_error(y, list->v[i], e, "%s: a command is text or a list, not %s", key,
				yaml_describe(list->v[i]));
			return err_hint(
				e, "A command with a colon and a blank in it wants quotes.");
		}
	return 0;
}

static int check_files(const struct yaml *y, const struct yaml_node *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (!child(list->v[i], "path"))
			return yaml_error(
				y, list->v[i], e, "write_files: expected a mapping with 'path'");
	return 0;
}

static int check_value(
	const struct yaml *y, const struct yaml_node *key, const struct yaml_node *v, struct err *e)
{
	if (!one_of(key->text, lists, ARRAY_SIZE(lists)) || yaml_is_null(v))
		return 0;
	if (v->kind != YAML_LIST)
		return yaml_error(
			y, v, e, "%s: expected a list, found %s", key->text, yaml_describe(v));
	if (str_ends(key->text, "cmd"))
		return check_commands(y, key->text, v, e);
	return streq(key->text, "write_files") ? check_files(y, v, e) : 0;
}

static bool lacks_default(const struct yaml_node *users)
{
	if (!users || users->kind != YAML_LIST)
		return false;
	for (size_t i = 0; i < users->n; i++)
		if (users->v[i]->kind == YAML_SCALAR && streq(users->v[i]->text, "default"))
			return false;
	return true;
}

static int check_cloud_config(const char *path, const struct buf *text, const struct strv *allowed,
	struct seed_facts *ret, struct err *e)
{
	_cleanup_yaml_ struct yaml y = { 0 };
	int r = yaml_parse(path, buf_str(text), text->len, &y, e);

	if (r < 0 || !y.root || yaml_is_null(y.root))
		return r;
	if (y.root->kind != YAML_MAP)
		return yaml_error(&y, y.root, e, "cloud-config: expected a mapping, found %s",
			yaml_describe(y.root));
	r = check_keys(&y, y.root, "cloud-config", cloud_keys, ARRAY_SIZE(cloud_keys), allowed, e);
	if (r < 0)
		return err_hint(
			e, "A key that is right all the same is let through by --allow-key.");
	for (size_t i = 0; r == 0 && i + 1 < y.root->n; i += 2)
		r = check_value(&y, y.root->v[i], y.root->v[i + 1], e);
	ret->users_without_default = lacks_default(child(y.root, "users"));
	return r;
}

static int check_archive(const char *path, const struct buf *text, struct err *e)
{
	_cleanup_yaml_ struct yaml y = { 0 };
	int r = yaml_parse(path, buf_str(text), text->len, &y, e);

	if (r < 0 || (y.root && y.root->kind == YAML_LIST))
		return r;
	return err_set(e, -EINVAL, "%s:1: a cloud-config-archive is a list", path);
}

static int bad_header(const char *path, const char *line, struct err *e)
{
	_cleanup_buf_ struct buf shown = BUF_INIT, squeezed = BUF_INIT;
	const char *near;

	text_clean(&shown, line, strnlen(line, 60));
	for (const char *p = line; *p; p++)
		if (*p != ' ' && *p != '\t')
			buf_addc(&squeezed, *p);
	near = text_nearest(buf_str(&squeezed), headers, ARRAY_SIZE(headers));
	err_set(e, -EINVAL, "%s:1: '%s' is no header that cloud-init knows%s%s%s", path,
		buf_str(&shown), near ? "; did you mean '" : "", near ? near : "",
		near ? "'?" : "");
	return err_hint(e,
		"The first line says what user-data is: #cloud-config, #!/bin/sh, #include, #cloud-boothook, "
		"Content-Type: multipart/….");
}

int seed_check_user_data(const char *path, const struct buf *text, const struct strv *allowed,
	struct seed_facts *ret, struct err *e)
{
	const char *s = buf_str(text);
	_cleanup_free_ char *line = NULL;
	size_t n;

	if (text->len > 2 && memcmp(s, "\x1f\x8b", 2) == 0)
		return 0; /* gzip: cloud-init unpacks it */
	if (memchr(s, 0, text->len))
		return err_set(e, -EINVAL, "%s:1: it is no text", path);
	if (str_starts(s, "\xef\xbb\xbf"))
		return err_set(e, -EINVAL,
			"%s:1: it begins with a byte order mark, so cloud-init would not know its header",
			path);
	line = xstrndup(s, strcspn(s, "\n"));
	if (streq(line, "## template: jinja"))
		return 0; /* what comes of it is known in the guest alone */
	for (n = strlen(line); n && strchr(" \t\r", line[n - 1]);)
		line[--n] = '\0';
	if (str_starts(line, "#!") || strncasecmp(line, "Content-Type:", 13) == 0 ||
		strncasecmp(line, "MIME-Version:", 13) == 0)
		return 0;
	if (!one_of(line, headers, ARRAY_SIZE(headers)))
		return bad_header(path, line, e);
	if (streq(line, "#cloud-config-archive"))
		return check_archive(path, text, e);
	return streq(line, "#cloud-config") ? check_cloud_config(path, text, allowed, ret, e) : 0;
}

/* ---- the others ---- */

int seed_check_meta_data(
	const char *path, const struct buf *text, struct seed_facts *ret, struct err *e)
{
	_cleanup_yaml_ struct yaml y = { 0 };
	const struct yaml_node *id;
	int r = yaml_parse(path, buf_str(text), text->len, &y, e);

	if (r < 0 || !y.root || yaml_is_null(y.root))
		return r;
	if (y.root->kind != YAML_MAP)
		return yaml_error(&y, y.root, e, "meta-data: expected a mapping, found %s",
			yaml_describe(y.root));
	id = child(y.root, "instance-id");
	if (id && (id->kind != YAML_SCALAR || yaml_is_null(id) || !*id->text))
		return yaml_error(
			&y, id, e, "instance-id: expected text, found %s", yaml_describe(id));
	ret->has_instance_id = id != NULL;
	ret->has_public_keys = child(y.root, "public-keys") != NULL;
	ret->is_flow = buf_str(text)[strspn(buf_str(text), " \t\r\n")] == '{';
	return 0;
}

int seed_check_network(const char *path, const struct buf *text, struct err *e)
{
	_cleanup_yaml_ struct yaml y = { 0 };
	const struct yaml_node *root, *version;
	bool one;
	int r = yaml_parse(path, buf_str(text), text->len, &y, e);

	if (r < 0)
		return r;
	root = child(y.root, "network") ? child(y.root, "network") : y.root;
	if (!root || root->kind != YAML_MAP)
		return err_set(e, -EINVAL, "%s:1: network-config: expected a mapping", path);
	version = child(root, "version");
	if (!version || version->kind != YAML_SCALAR ||
		!(streq(version->text, "1") || streq(version->text, "2")))
		return yaml_error(&y, version ? version : root, e,
			"network-config: expected 'version: 1' or 'version: 2'");
	one = streq(version->text, "1");
	if (one && !child(root, "config"))
		return yaml_error(&y, root, e, "network-config of version 1 lacks 'config'");
	return one ? check_keys(&y, root, "network-config of version 1", v1_keys,
			     ARRAY_SIZE(v1_keys), NULL, e)
		   : check_keys(&y, root, "network-config of version 2", v2_keys,
			     ARRAY_SIZE(v2_keys), NULL, e);
}
