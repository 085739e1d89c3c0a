/* SPDX-License-Identifier: MIT */
/* Private to src/disk: the parts of a seed, each text read, filled in and checked. */
#ifndef DISK_SEED_PARTS_H
#define DISK_SEED_PARTS_H

#include "disk/disk.h"

#define SEED_FILE_MAX (1u << 20)

/*
 * Appends TEXT, read from PATH, to RET with the value of each @NAME@ in its place; "@@NAME@" stands for "@NAME@". A name is
 * a capital and then capitals, digits and '_'. USED (may be NULL) gets those that were met. -EINVAL with FILE:LINE: one that is not
 * in VARS (NAME=VALUE).
 */
int seed_fill(const char *path, const struct buf *text, const struct strv *vars, struct strv *used,
	struct buf *ret, struct err *e);

struct seed_facts {
	bool users_without_default; /* its users are not those that a datasource's keys go to */
	bool has_instance_id, has_public_keys,
		is_flow; /* of meta-data; "flow": {…}, to which no line can be added */
};

/* Each finds what cloud-init would silently ignore or fail at. -EINVAL with FILE:LINE. */
int seed_check_user_data(const char *path, const struct buf *text, const struct strv *allowed,
	struct seed_facts *ret, struct err *e);
int seed_check_meta_data(
	const char *path, const struct buf *text, struct seed_facts *ret, struct err *e);
int seed_check_network(const char *path, const struct buf *text, struct err *e);

#endif
