/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cmd_image.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "disk/disk.h"

#define TOLD_MIN (32 << 20) /* bytes: a smaller download is over before its lines are read */

struct fetch_args {
	struct disk_fetch fetch;
	struct strv mirrors;
	int64_t told; /* tenths of the download, or -1 */
	bool terminal, drawn;
};

static const struct cli_command fetch_command;

static int set_rest(
	struct fetch_args *a, const struct cli_option *o, const char *value, const char *where)
{
	uint32_t mib;

	if (streq(o->name, "unchecked"))
		a->fetch.unchecked = true;
	else if (streq(o->name, "force"))
		a->fetch.force = true;
	else if (streq(o->name, "mirror"))
		strv_add(&a->mirrors, value);
	else if (streq(o->name, "size-max")) {
		if (cli_mib(&fetch_command, where, value, &mib))
			return EXIT_USAGE;
		a->fetch.size_max = (int64_t)mib << 20;
	} else if (streq(value, "raw") || streq(value, "qcow2"))
		a->fetch.format = value;
	else
		return cli_usage_error(
			&fetch_command, "%s: expected raw or qcow2, found '%s'", where, value);
	return 0;
}

static int set_fetch(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct fetch_args *a = arg;
	const struct {
		const char *name, **to;
	} texts[] = { { "sha256", &a->fetch.sha256 }, { "sums", &a->fetch.sums },
		{ "gpg-key", &a->fetch.gpg_key }, { "keyring", &a->fetch.keyring },
		{ "name", &a->fetch.name } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(o->name, texts[i].name)) {
			*texts[i].to = value;
			return 0;
		}
	return set_rest(a, o, value, where);
}

static const struct cli_option fetch_options[] = {
	{ "sha256", 0, "HEX", NULL, "its checksum, as its publisher tells it" },
	{ "sums", 0, "URL|FILE", NULL, "a file of checksums: SHA256SUMS, SHA512SUMS, BSD's lines" },
	{ "gpg-key", 0, "KEY", NULL, "the fingerprint of the key that must have signed that file" },
	{ "keyring", 0, "FILE", NULL, "whose keys count; without it: your own keyring" },
	{ "mirror", 0, "URL", NULL, "where else to look for it; may be repeated, tried in order" },
	{ "name", 0, "NAME", NULL, "call it NAME (the name of the URL's file)" },
	{ "format", 0, "FORMAT", NULL, "keep it as raw or qcow2 (raw and qcow2 as they are)" },
	{ "size-max", 0, "SIZE", NULL, "no more than this, packed or unpacked (64G)" },
	{ "unchecked", 0, NULL, NULL, "do without a checksum" },
	{ "force", 'f', NULL, NULL, "fetch it though the cache has it" },
	{ 0 },
};

static const struct cli_command fetch_command = {
	.name = "image fetch",
	.synopsis = "[options] URL",
	.summary =
		"Downloads a disk image into the cache: checked, unpacked (.xz, .gz, .zst, .bz2, a tar archive of one image),\n"
		"formats of other monitors converted to qcow2. Prints its path. What the cache has by that checksum is not\n"
		"downloaded.",
	.options = fetch_options,
	.set = set_fetch,
};

static void end_line(struct fetch_args *a)
{
	if (a->drawn)
		fputs("\r\033[K", stderr);
	a->drawn = false;
}

static void on_said(void *arg, const char *line)
{
	end_line(arg);
	fprintf(stderr, "%s\n", line);
}

static void on_progress(void *arg, int64_t done, int64_t total)
{
	struct fetch_args *a = arg;
	int64_t tenth = total > 0 ? done * 10 / total : -1;

	if (!a->terminal && (total < TOLD_MIN || tenth <= a->told || tenth == 0 || tenth == 10))
		return;
	a->told = tenth;
	if (total > 0)
		fprintf(stderr, "%s%lld of %lld MiB (%lld %%)%s", a->terminal ? "\r" : "  ",
			(long long)(done >> 20), (long long)(total >> 20),
			(long long)(done * 100 / total), a->terminal ? "\033[K" : "\n");
	else if (a->terminal)
		fprintf(stderr, "\r%lld MiB\033[K", (long long)(done >> 20));
	a->drawn = a->terminal;
}

static int fetch(struct fetch_args *a)
{
	_cleanup_disk_image_ struct disk_image i = DISK_IMAGE_INIT;
	struct err e = ERR_INIT;
	int r;

	a->fetch.mirrors = &a->mirrors;
	a->fetch.said = on_said;
	a->fetch.progress = on_progress;
	a->fetch.arg = a;
	a->told = -1;
	a->terminal = isatty(STDERR_FILENO) == 1;
	r = disk_fetch(&a->fetch, &i, &e);
	end_line(a);
	if (r < 0)
		err_print(&e);
	else
		printf("%s\n", i.path);
	err_release(&e);
	return r < 0 ? EXIT_RIG : 0;
}

int cmd_image_fetch(int argc, char **argv)
{
	struct fetch_args a = { 0 };
	int first, code = 0, r = cli_parse(&fetch_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		code = r;
	else if (argc - first != 1)
		code = cli_usage_error(&fetch_command, "expected one URL");
	else if (a.fetch.unchecked && (a.fetch.sha256 || a.fetch.sums))
		code = cli_usage_error(
			&fetch_command, "--unchecked and a checksum exclude each other");
	else {
		a.fetch.url = argv[first];
		code = fetch(&a);
	}
	strv_release(&a.mirrors);
	return code;
}
