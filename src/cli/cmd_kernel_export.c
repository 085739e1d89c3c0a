/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "export/export.h"

struct export_args {
	const char *tar, *bin, *oci; /* where to; exactly one is set */
	const char *tag;
	const char *arch; /* static; NULL: as the kernel is */
	const char *key;
	bool force;
	int64_t level; /* 0: none was named */
};

static const struct cli_command export_command;

static int set_export(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct export_args *a = arg;
	const struct {
		const char *name;
		const char **place;
	} texts[] = { { "tar", &a->tar }, { "bin", &a->bin }, { "oci", &a->oci },
		{ "tag", &a->tag }, { "sign", &a->key } };

	if (streq(o->name, "force")) {
		a->force = true;
		return 0;
	}
	if (!*value)
		return cli_usage_error(&export_command, "%s: it is empty", where);
	if (streq(o->name, "level"))
		return cli_number(&export_command, where, value, 1, 19, &a->level);
	if (streq(o->name, "arch"))
		return cli_arch(&export_command, where, value, &a->arch);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(o->name, texts[i].name))
			*texts[i].place = value;
	return 0;
}

static const struct cli_option export_options[] = {
	{ "tar", 0, "FILE", NULL, "all of it as FILE, a .tar.zst" },
	{ "bin", 0, "FILE", NULL, "what microVM monitors boot as FILE, a .bin.zst" },
	{ "oci", 0, "DIR", NULL,
		"an image in the OCI layout DIR; several kernels may go into one" },
	{ "tag", 0, "TAG", NULL, "what the image is called there (latest)" },
	{ "sign", 0, "KEY", NULL, "gpg signs the checksums with KEY" },
	{ "level", 0, "N", NULL, "how hard to pack, 1 to 19 (--tar: 9; --bin: 19; --oci: 6)" },
	{ "force", 'f', NULL, NULL, "replace what is there" },
	{ "arch", 0, "ARCH", NULL, "the kernel for this architecture: aarch64" },
	{ 0 },
};

static const struct cli_command export_command = {
	.name = "kernel export",
	.synopsis = "[options] SPEC",
	.summary =
		"Packs a kernel to take away: with its modules, configuration, symbols, a manifest and checksums. The same\n"
		"kernel gives the same bytes. SPEC is as 'vmrig run --kernel' takes it.",
	.options = export_options,
	.set = set_export,
};

static int export_kernel(const struct export_args *a, const struct kernel *k, struct err *e)
{
	const char *dst = a->tar ? a->tar : a->bin ? a->bin : a->oci;
	struct progress_line line;
	const struct pack_progress progress = { progress_line_bytes, &line };
	struct export_spec spec = { .kernel = k,
		.gpg_key = a->key,
		.progress = &progress,
		.level = (int)a->level,
		.force = a->force };
	struct export_result done = { 0 };
	int r;

	progress_line_begin(&line, dst, "packed");
	if (a->tar)
		r = export_tar(&spec, dst, &done, e);
	else if (a->bin)
		r = export_bin(&spec, dst, &done, e);
	else
		r = export_oci(&spec, dst, a->tag ? a->tag : "latest", &done, e);
	progress_line_end(&line);
	if (r < 0)
		return r;
	for (size_t i = 0; i < done.missing.n; i++)
		fprintf(stderr, "vmrig: not exported: %s\n", done.missing.v[i]);
	printf("%s: Linux %s for %s, %.1f MiB, sha256 %s\n", dst, k->release, k->arch,
		(double)done.size / (1 << 20), done.sha256);
	export_result_release(&done);
	return 0;
}

int cmd_kernel_export(int argc, char **argv)
{
	struct export_args a = { 0 };
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&export_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first == argc)
		return cli_usage_error(&export_command, "no kernel named; for example debian:6.1");
	if (argc - first > 1)
		return cli_usage_error(&export_command, "unexpected word '%s'", argv[first + 1]);
	if (!!a.tar + !!a.bin + !!a.oci != 1)
		return cli_usage_error(&export_command, "one of --tar, --bin and --oci is needed");
	if (a.tag && !a.oci)
		return cli_usage_error(&export_command, "--tag is for --oci");
	r = kernel_resolve_arch(argv[first], a.arch, NULL, &k, &e);
	if (r == 0)
		r = export_kernel(&a, &k, &e);
	kernel_release(&k);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	return 0;
}
