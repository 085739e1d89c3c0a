/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "export/layout.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define EPOCH    "1970-01-01T00:00:00Z"

static const char *oci_arch(const char *arch)
{
	return streq(arch, "x86_64") ? "amd64" : streq(arch, "aarch64") ? "arm64" : arch;
}

static json_t *platform(const struct kernel *k)
{
	return json_pack("{s:s, s:s}", "architecture", oci_arch(k->arch), "os", "linux");
}

static json_t *annotations(const struct kernel *k)
{
	return json_pack("{s:o, s:o}", "org.opencontainers.image.title",
		json_sprintf("Linux %s", k->release), "org.opencontainers.image.version",
		json_text(k->release, strlen(k->release)));
}

static json_t *config(const struct kernel *k, const char *diff_id)
{
	json_t *labels = annotations(k);

	return json_pack("{s:s, s:s, s:s, s:{s:o}, s:{s:s, s:[o]}, s:[{s:s, s:s}]}", "created",
		EPOCH, "architecture", oci_arch(k->arch), "os", "linux", "config", "Labels", labels,
		"rootfs", "type", "layers", "diff_ids", json_sprintf("sha256:%s", diff_id),
		"history", "created", EPOCH, "created_by", "vmrig kernel export");
}

/* The layer, the configuration and the manifest as blobs; RET is the manifest's descriptor, with its platform. */
static int add_image(const struct layout *l, const struct kernel *k, const struct pack *p,
	int level, json_t **ret, uint64_t *ret_size, struct err *e)
{
	_cleanup_json_ json_t *layer = NULL, *configuration = NULL, *described = NULL, *m = NULL;
	char diff_id[HASH_HEX_LEN + 1];
	int r = layout_add_layer(l, p, level, &layer, diff_id, e);

	if (r < 0)
		return r;
	configuration = config(k, diff_id);
	r = layout_add_json(l, OCI_CONFIG, configuration, &described, e);
	if (r < 0)
		return r;
	m = json_pack("{s:i, s:s, s:O, s:[O], s:o}", "schemaVersion", 2, "mediaType", OCI_MANIFEST,
		"config", described, "layers", layer, "annotations", annotations(k));
	r = layout_add_json(l, OCI_MANIFEST, m, ret, e);
	if (r < 0)
		return r;
	json_object_set_new(*ret, "platform", platform(k));
	*ret_size = (uint64_t)json_integer_value(json_object_get(layer, "size"));
	return 0;
}

/* ---- what a tag stands for ---- */

static bool is_tagged(const json_t *descriptor, const char *tag)
{
	const char *name = json_string_value(
		json_object_get(json_object_get(descriptor, "annotations"), REF_NAME));

	return name && streq(name, tag);
}

static const char *text_field(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static const char *arch_of(const json_t *descriptor)
{
	return text_field(json_object_get(descriptor, "platform"), "architecture");
}

/* The images behind the tag's descriptor, by platform: itself, or those of the index that it is. */
static int images_of(const struct layout *l, const json_t *descriptor, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *nested = NULL, *images = json_array();
	json_t *list, *one;
	size_t i;
	int r;

	if (descriptor && !streq(text_field(descriptor, "mediaType"), OCI_INDEX)) {
		one = json_copy((json_t *)(uintptr_t)descriptor);
		json_object_del(one, "annotations");
		json_array_append_new(images, one);
	} else if (descriptor) {
		r = layout_read(l, descriptor, &nested, e);
		if (r < 0)
			return r;
		list = json_object_get(nested, "manifests");
		json_array_foreach (list, i, one)
			json_array_append(images, one);
	}
	*ret = TAKE_PTR(images);
	return 0;
}

/* Puts IMAGE among IMAGES, sorted by architecture. */
static int join(json_t *images, json_t *image, const char *tag, bool force, struct err *e)
{
	json_t *one;
	size_t i, at = 0;

	json_array_foreach (images, i, one) {
		int c = strcmp(arch_of(one), arch_of(image));

		if (c < 0)
			at = i + 1;
		if (c != 0)
			continue;
		if (!force && !streq(text_field(one, "digest"), text_field(image, "digest"))) {
			err_set(e, -EEXIST, "the layout has another kernel for %s called %s",
				arch_of(image), tag);
			return err_hint(e, "Use another tag, or --force to replace it.");
		}
		json_array_set(images, i, image);
		return 0;
	}
	json_array_insert(images, at, image);
	return 0;
}

/* The descriptor for index.json: the one image itself, or a new index of them all. */
static int describe_tag(
	const struct layout *l, json_t *images, const char *tag, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *nested = NULL;
	int r;

	if (json_array_size(images) == 1) {
		*ret = json_copy(json_array_get(images, 0));
	} else {
		nested = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", OCI_INDEX,
			"manifests", images);
		r = layout_add_json(l, OCI_INDEX, nested, ret, e);
		if (r < 0)
			return r;
	}
	json_object_set_new(*ret, "annotations", json_pack("{s:s}", REF_NAME, tag));
	return 0;
}

static int set_tag(
	const struct layout *l, const char *tag, json_t *image, bool force, struct err *e)
{
	_cleanup_json_ json_t *index = NULL, *images = NULL, *new = NULL, *old = NULL;
	json_t *list, *one;
	size_t i, at;
	int r = layout_index(l, &index, e);

	if (r < 0)
		return r;
	list = json_object_get(index, "manifests");
	at = json_array_size(list);
	json_array_foreach (list, i, one)
		if (is_tagged(one, tag) && !old) {
			old = json_incref(one);
			at = i;
		}
	r = images_of(l, old, &images, e);
	if (r == 0)
		r = join(images, image, tag, force, e);
	if (r == 0)
		r = describe_tag(l, images, tag, &new, e);
	if (r < 0)
		return r;
	if (old)
		json_array_set(list, at, new);
	else
		json_array_append(list, new);
	r = layout_set_index(l, index, e);
	if (r == 0 && old && streq(text_field(old, "mediaType"), OCI_INDEX))
		layout_forget(l, old, index);
	return r;
}

/* OCI image specification, annotations.md: what org.opencontainers.image.ref.name may hold; '/', '@' and ':' have a
 * meaning of their own for those who name images. */
static int check_tag(const char *tag, struct err *e)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	if (*tag && strlen(tag) <= 128 && strspn(tag, allowed) == strlen(tag) && *tag != '.' &&
		*tag != '-')
		return 0;
	return err_set(e, -EINVAL,
		"'%s' is no tag: letters, digits, '_', '.' and '-', at most 128, not '.' or '-' first",
		tag);
}

int export_oci(const struct export_spec *s, const char *dst, const char *tag,
	struct export_result *ret, struct err *e)
{
	_cleanup_scratch_ char *scratch = NULL;
	_cleanup_layout_ struct layout l = LAYOUT_INIT;
	_cleanup_pack_ struct pack p = PACK_INIT;
	_cleanup_json_ json_t *image = NULL;
	struct export_result done = { 0 };
	int r = check_tag(tag, e);

	if (r == 0)
		r = layout_open(dst, &l, e);
	if (r == 0)
		r = export_scratch_make(dst, &scratch, e);
	if (r == 0)
		r = export_gather(s, scratch, &p, &done.missing, e);
	p.progress = s->progress;
	if (r == 0)
		r = add_image(&l, s->kernel, &p, s->level, &image, &done.size, e);
	if (r == 0)
		r = set_tag(&l, tag, image, s->force, e);
	if (r < 0) {
		export_result_release(&done);
		return r;
	}
	memcpy(done.sha256, text_field(image, "digest") + strlen("sha256:"), sizeof(done.sha256));
	*ret = done;
	return 0;
}
