/* SPDX-License-Identifier: MIT */
/* An OCI image layout on the disk: blobs by their digest, and the index that names them. */
#ifndef EXPORT_LAYOUT_H
#define EXPORT_LAYOUT_H

#include "base/json.h"
#include "export/private.h"

#define OCI_INDEX    "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG   "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER    "application/vnd.oci.image.layer.v1.tar+gzip"

struct layout {
	char *dir; /* owned */
	int lock; /* owned: on the folder; one export at a time changes the index */
};

#define LAYOUT_INIT      \
	{                \
		NULL, -1 \
	}
#define _cleanup_layout_ __attribute__((cleanup(layout_close)))

/* Makes it where DIR is missing or empty, and waits until nobody else changes it. */
int layout_open(const char *dir, struct layout *ret, struct err *e);
void layout_close(struct layout *l);

/* Stores the value as a blob and gives its descriptor {mediaType, digest, size}; the caller owns it. */
int layout_add_json(
	const struct layout *l, const char *media_type, json_t *value, json_t **ret, struct err *e);

/* The same for the files of P as a layer; RET_DIFF_ID is the digest before compression. */
int layout_add_layer(const struct layout *l, const struct pack *p, int level, json_t **ret,
	char ret_diff_id[static HASH_HEX_LEN + 1], struct err *e);

/* The value behind a descriptor. The caller owns it. */
int layout_read(const struct layout *l, const json_t *descriptor, json_t **ret, struct err *e);

/* index.json as it is (one without manifests where there is none yet), and written anew. */
int layout_index(const struct layout *l, json_t **ret, struct err *e);
int layout_set_index(const struct layout *l, const json_t *index, struct err *e);

/* Removes the blob of a descriptor unless INDEX still names it. */
void layout_forget(const struct layout *l, const json_t *descriptor, const json_t *index);

#endif
