/* SPDX-License-Identifier: MIT */
#include "cli/cmd_kernel.h"
#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/dispatch.h"
#include "cli/options.h"

static const struct cli_entry commands[] = {
	{ "build", cmd_kernel_build, "build a kernel into the cache" },
	{ "check", cmd_kernel_check, "say which options a kernel lacks; prove its features" },
	{ "clean", cmd_kernel_clean, "remove kernels from the cache" },
	{ "config", cmd_kernel_config, "show and compare configurations; the built-in fragments" },
	{ "export", cmd_kernel_export, "pack a kernel to take away" },
	{ "fetch", cmd_kernel_fetch, "fetch a Debian kernel into the cache" },
	{ "list", cmd_kernel_list, "list the kernels in the cache, with their states" },
	{ "menuconfig", cmd_kernel_menuconfig, "open the kernel's menu on a variant" },
	{ "releases", cmd_kernel_releases,
		"say which releases of kernel.org 6.12, stable or 6.1..6.12 are" },
	{ "resolve", cmd_kernel_resolve, "say which kernel a name stands for" },
};

static const struct cli_menu menu = { "kernel",
	"Kernels: from a version, a branch or a tree to one proven, cached and packed.", commands,
	ARRAY_SIZE(commands) };

int cmd_kernel(int argc, char **argv)
{
	return cli_dispatch(&menu, argc, argv);
}
