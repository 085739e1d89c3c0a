/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "cli/cmd_image.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "disk/disk.h"

static int set_json(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	*(bool *)arg = true;
	return 0;
}

static const struct cli_option info_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON object" },
	{ 0 },
};

static const struct cli_command info_command = {
	.name = "image info",
	.synopsis = "[options] FILE|NAME",
	.summary =
		"Says what a disk image is: format, sizes, backing files, partition table, label. An image that is cut short,\n"
		"or that names a file outside its folder, is an error.",
	.options = info_options,
	.set = set_json,
};

static const struct cli_option no_options[] = { { 0 } };

static const struct cli_command verify_command = {
	.name = "image verify",
	.synopsis = "FILE|NAME ...",
	.summary =
		"Reads images: one of the cache is held against its checksum, a file's own tables are followed to their ends.",
	.options = no_options,
};

/* A file, unless the cache has an image of that name; the name has no slash. */
static int find(const char *name, struct disk_image *ret, const char **ret_path, struct err *e)
{
	int r = strchr(name, '/') || file_exists(name) ? -ENOENT : disk_find(name, ret, e);

	if (r == -ENOENT && (strchr(name, '/') || file_exists(name))) {
		*ret_path = name;
		return 0;
	}
	if (r == 0)
		*ret_path = ret->path;
	return r;
}

static void print_json(const char *path, const struct disk_info *i)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *o = json_pack("{s:o, s:s, s:I, s:I, s:o, s:s, s:i, s:o}", "path",
		json_text(path, strlen(path)), "format",
		i->format == DISK_ISO ? "iso" : disk_format_name(i->format), "size",
		(json_int_t)i->size, "virtual_size", (json_int_t)i->virtual_size, "backing",
		json_strv(&i->backing), "partition_table", disk_table_name(i->table), "partitions",
		(int)i->partitions, "label",
		i->label ? json_text(i->label, strlen(i->label)) : json_null());

	text = json_dumps(o, JSON_INDENT(2));
	printf("%s\n", text);
}

static void print_text(const char *path, const struct disk_info *i)
{
	printf("file: %s\nformat: %s\nsize: %llu\nvirtual size: %llu\n", path,
		i->format == DISK_ISO ? "iso" : disk_format_name(i->format),
		(unsigned long long)i->size, (unsigned long long)i->virtual_size);
	for (size_t k = 0; k < i->backing.n; k++)
		printf("backing file: %s\n", i->backing.v[k]);
	printf("partition table: %s", disk_table_name(i->table));
	if (i->partitions)
		printf(" (%u partition%s)", i->partitions, i->partitions == 1 ? "" : "s");
	printf("\n");
	if (i->label)
		printf("label: %s\n", i->label);
}

int cmd_image_info(int argc, char **argv)
{
	_cleanup_disk_image_ struct disk_image image = DISK_IMAGE_INIT;
	struct disk_info info = { 0 };
	struct err e = ERR_INIT;
	const char *path;
	bool json = false;
	int first, r = cli_parse(&info_command, argc, argv, &json, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first != 1)
		return cli_usage_error(&info_command, "expected one image");
	r = find(argv[first], &image, &path, &e);
	if (r == 0)
		r = disk_inspect(path, true, &info, &e);
	if (r < 0)
		err_print(&e);
	else
		(json ? print_json : print_text)(path, &info);
	disk_info_release(&info);
	err_release(&e);
	return r < 0 ? EXIT_RIG : 0;
}

static int verify(const char *name, struct err *e)
{
	_cleanup_disk_image_ struct disk_image image = DISK_IMAGE_INIT;
	struct progress_line line;
	struct disk_info info = { 0 };
	const char *path;
	int r = find(name, &image, &path, e);

	if (r == 0)
		r = disk_inspect(path, true, &info, e);
	disk_info_release(&info);
	progress_line_begin(&line, name, "read");
	if (r == 0 && image.key)
		r = disk_verify_told(&image, progress_line_bytes, &line, e);
	progress_line_end(&line);
	if (r == 0)
		printf("%s: %s\n", name, image.key ? "as it was fetched" : "whole");
	return r;
}

int cmd_image_verify(int argc, char **argv)
{
	int first, code = 0, r = cli_parse(&verify_command, argc, argv, NULL, &first);

	if (r != CLI_OK)
		return r;
	if (first == argc)
		return cli_usage_error(&verify_command, "no image named");
	for (int i = first; i < argc; i++) {
		struct err e = ERR_INIT;

		if (verify(argv[i], &e) < 0) {
			err_print(&e);
			code = EXIT_RIG;
		}
		err_release(&e);
	}
	return code;
}
