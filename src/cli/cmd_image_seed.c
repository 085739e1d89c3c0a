/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cmd_image.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "disk/disk.h"

struct seed_args {
	struct disk_seed seed;
	struct strv vars, allowed;
	const char *output, *new_key;
	bool force;
};

static const struct cli_command seed_command;

static int set_seed(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct seed_args *a = arg;
	const struct {
		const char *name, **to;
	} texts[] = { { "output", &a->output }, { "user-data", &a->seed.user_data },
		{ "meta-data", &a->seed.meta_data }, { "network-config", &a->seed.network_config },
		{ "ssh-key", &a->seed.ssh_key }, { "new-key", &a->new_key } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(o->name, texts[i].name)) {
			*texts[i].to = value;
			return 0;
		}
	if (streq(o->name, "force"))
		a->force = true;
	else if (streq(o->name, "var"))
		strv_add(&a->vars, value);
	else if (streq(o->name, "allow-key"))
		strv_add(&a->allowed, value);
	else if (streq(value, "iso") || streq(value, "vfat"))
		a->seed.vfat = streq(value, "vfat");
	else
		return cli_usage_error(
			&seed_command, "%s: expected iso or vfat, found '%s'", where, value);
	return 0;
}

static const struct cli_option seed_options[] = {
	{ "output", 'o', "FILE", NULL, "the seed to write" },
	{ "user-data", 0, "FILE", NULL, "what the guest is to do; without it: nothing" },
	{ "meta-data", 0, "FILE", NULL, "instance-id, local-hostname; made where absent" },
	{ "network-config", 0, "FILE", NULL, "of version 1 or 2" },
	{ "format", 0, "FORMAT", NULL, "iso (unless told), or vfat for kernels without ISO 9660" },
	{ "var", 0, "NAME=VALUE", NULL, "what @NAME@ in the files stands for; may be repeated" },
	{ "ssh-key", 0, "FILE", NULL, "a public key that may log in; also @SSH_KEY@" },
	{ "new-key", 0, "DIR", NULL, "the same with a new key, DIR/id_ed25519" },
	{ "allow-key", 0, "KEY", NULL, "let a key of cloud-config through that is not known" },
	{ "force", 'f', NULL, NULL, "replace FILE" },
	{ 0 },
};

static const struct cli_command seed_command = {
	.name = "image seed",
	.synopsis = "--output FILE [options]",
	.summary =
		"Writes the volume from which cloud-init in a guest takes what it is to do (NoCloud). The files are checked\n"
		"first for what cloud-init would ignore in silence. The same files give the same bytes.",
	.options = seed_options,
	.set = set_seed,
};

static void on_said(void *arg, const char *line)
{
	fprintf(stderr, "vmrig: %s\n", line);
}

/* A key that no seed holds is of no use, and would be in the way of the next. */
static void drop_key(const char *public_key)
{
	_cleanup_free_ char *private_key = xstrndup(public_key, strlen(public_key) - 4);

	unlink(public_key);
	unlink(private_key);
}

static int seed(struct seed_args *a, struct err *e)
{
	_cleanup_free_ char *key = NULL;
	bool made;
	int r = 0;

	if (a->new_key) {
		key = path_join(a->new_key, "id_ed25519.pub");
		r = disk_new_key(a->new_key, e);
		a->seed.ssh_key = key;
	}
	a->seed.vars = &a->vars;
	a->seed.allowed = &a->allowed;
	a->seed.said = on_said;
	made = a->new_key && r == 0;
	if (r == 0)
		r = disk_seed_write(&a->seed, a->output, a->force, e);
	if (r < 0 && made)
		drop_key(key);
	return r;
}

int cmd_image_seed(int argc, char **argv)
{
	struct seed_args a = { 0 };
	struct err e = ERR_INIT;
	int first, code = 0, r = cli_parse(&seed_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		code = r;
	else if (first < argc)
		code = cli_usage_error(&seed_command, "unexpected word '%s'", argv[first]);
	else if (!a.output)
		code = cli_usage_error(&seed_command, "--output is missing");
	else if (a.new_key && a.seed.ssh_key)
		code = cli_usage_error(&seed_command, "--ssh-key and --new-key exclude each other");
	else if ((r = seed(&a, &e)) < 0)
		code = r == -EINVAL ? EXIT_USAGE : EXIT_RIG;
	if (e.code)
		err_print(&e);
	err_release(&e);
	strv_release(&a.vars);
	strv_release(&a.allowed);
	return code;
}
