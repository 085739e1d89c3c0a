/* SPDX-License-Identifier: MIT */
#include "cli/cmd_image.h"

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/cmd_kernel.h"
#include "cli/dispatch.h"

static const struct cli_entry commands[] = {
	{ "fetch", cmd_image_fetch, "fetch a disk image into the cache, checked" },
	{ "info", cmd_image_info, "say what an image is" },
	{ "list", cmd_image_list, "list the images in the cache" },
	{ "remove", cmd_image_remove, "remove images from the cache" },
	{ "seed", cmd_image_seed, "write a seed for cloud-init (NoCloud)" },
	{ "verify", cmd_image_verify, "read an image and say whether it is whole" },
};

static const struct cli_menu menu = { "image",
	"Disk images: fetched and checked, looked into, and seeds for cloud-init.", commands,
	ARRAY_SIZE(commands) };

int cmd_image(int argc, char **argv)
{
	return cli_dispatch(&menu, argc, argv);
}
