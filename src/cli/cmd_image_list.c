/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cmd_image.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "disk/disk.h"

#define SHORT_KEY 12

static int set_json(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	*(bool *)arg = true;
	return 0;
}

static const struct cli_option list_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array" },
	{ 0 },
};

static const struct cli_command list_command = {
	.name = "image list",
	.synopsis = "[options]",
	.summary = "Lists the disk images in the cache.",
	.options = list_options,
	.set = set_json,
};

static const struct cli_option no_options[] = { { 0 } };

static const struct cli_command remove_command = {
	.name = "image remove",
	.synopsis = "NAME ...",
	.summary =
		"Removes images, by name or by the first digits of their key (8 or more), from the cache.",
	.options = no_options,
};

static json_t *image_json(const struct disk_image *i)
{
	return json_pack("{s:s, s:o, s:s?, s:s?, s:I, s:I, s:s?, s:s?, s:s?, s:s?, s:s?}", "key",
		i->key, "names", json_strv(&i->names), "path", i->path, "format", i->format, "size",
		(json_int_t)i->size, "virtual_size", (json_int_t)i->virtual_size, "sha256",
		i->sha256, "url", i->url, "made", i->made, "trust", i->trust, "damage", i->damage);
}

static void print_json(const struct disk_image *v, size_t n)
{
	_cleanup_json_ json_t *all = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, image_json(&v[i]));
	text = json_dumps(all, JSON_INDENT(2));
	printf("%s\n", text);
}

static void print_line(const struct disk_image *i)
{
	_cleanup_free_ char *names = strv_join(&i->names, ",");

	if (i->damage)
		printf("%-32s %.*s  damaged: %s\n", names, SHORT_KEY, i->key, i->damage);
	else
		printf("%-32s %.*s  %-6s %8lld MiB  %.10s  %s\n", names, SHORT_KEY, i->key,
			i->format, (long long)(i->virtual_size >> 20), i->made, i->url);
}

int cmd_image_list(int argc, char **argv)
{
	struct disk_image *v = NULL;
	struct err e = ERR_INIT;
	bool json = false;
	size_t n = 0;
	int first, r = cli_parse(&list_command, argc, argv, &json, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&list_command, "unexpected word '%s'", argv[first]);
	r = disk_list(&v, &n, &e);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (json)
		print_json(v, n);
	for (size_t i = 0; i < n && !json; i++)
		print_line(&v[i]);
	if (n == 0 && !json)
		fprintf(stderr, "No image is cached. 'vmrig image fetch URL' fetches one.\n");
	disk_images_free(v, n);
	return 0;
}

int cmd_image_remove(int argc, char **argv)
{
	int first, code = 0, r = cli_parse(&remove_command, argc, argv, NULL, &first);

	if (r != CLI_OK)
		return r;
	if (first == argc)
		return cli_usage_error(&remove_command, "no image named");
	for (int i = first; i < argc; i++) {
		struct err e = ERR_INIT;

		if (disk_remove(argv[i], &e) < 0) {
			err_print(&e);
			code = EXIT_RIG;
		}
		err_release(&e);
	}
	return code;
}
