/* SPDX-License-Identifier: MIT */
/*
 * Disk images: what one is, whether it can be trusted, the cache of those that were fetched, and the seed
 * that tells cloud-init in a guest what to do. An image comes from strangers: it is looked at here, by its own bytes,
 * before any program is let near it, and it may name no other file.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/strv.h"

/* ---- what an image is ---- */

enum disk_format {
	DISK_RAW,
	DISK_ISO, /* raw bytes that begin with an ISO 9660 volume */
	DISK_QCOW2,
	DISK_VMDK,
	DISK_VDI,
	DISK_VHDX,
	DISK_VPC,
};

enum disk_table { DISK_NO_TABLE, DISK_MBR, DISK_GPT, DISK_TABLE_UNKNOWN };

struct disk_info {
	enum disk_format format;
	uint64_t size; /* of the file, bytes */
	uint64_t virtual_size; /* what a guest sees, bytes; 0: the format does not tell us */
	enum disk_table table;
	unsigned partitions;
	char *label; /* owned: of the volume, where the image is one; NULL */
	struct strv backing; /* absolute paths, the nearest first */
};

/* As qemu-img calls it; "raw" for DISK_ISO. */
const char *disk_format_name(enum disk_format f);
const char *disk_table_name(enum disk_table t);

/*
 * Looks at the file PATH. -EBADMSG: it is damaged or cut short, and where; -EPERM: it names a file outside its folder (or
 * any, unless BACKING), a data file or a parent that is not allowed. Every table of a qcow2 image is followed, so
 * one that lost its end is known.
 */
int disk_inspect(const char *path, bool backing, struct disk_info *ret, struct err *e);
void disk_info_release(struct disk_info *i);

/* ---- the cache ---- */

/* An image of the cache: images/KEY/. Its file may be read while `hold` is open, and is never written to. */
struct disk_image {
	char *key; /* owned: the SHA-256 of what was downloaded; ".raw" or ".qcow2" behind it where that was asked for */
	char *path; /* owned: of the image */
	char *url, *made, *trust; /* owned: whence, when, and by what it is believed */
	char *sha256,
		*sha512; /* owned: of what was downloaded; the latter NULL where nobody asked */
	char *file_sha256; /* owned: of the image */
	char *format; /* owned: "raw", "iso", "qcow2" */
	struct strv names;
	int64_t size, mtime_ns; /* of the image */
	int64_t virtual_size;
	char *damage; /* owned: what is wrong with it; NULL: nothing that is seen without reading all of it */
	int hold; /* owned */
};

#define DISK_IMAGE_INIT    \
	{                  \
		.hold = -1 \
	}
#define _cleanup_disk_image_ __attribute__((cleanup(disk_image_release)))

void disk_image_release(struct disk_image *i);

/* By name, or 8 digits or more of the key. -ENOENT: there is none; -EBADMSG: it is damaged. */
int disk_find(const char *name, struct disk_image *ret, struct err *e);

/* All of them by key, damaged ones too. The caller frees each and the array: disk_images_free(). */
int disk_list(struct disk_image **ret, size_t *ret_n, struct err *e);
void disk_images_free(struct disk_image *v, size_t n);

/* Reads the whole image and holds it against its sum: 0, or -EBADMSG with what differs. */
int disk_verify(const struct disk_image *i, struct err *e);
/* The same; TELL hears how many bytes are read. */
int disk_verify_told(const struct disk_image *i,
	void (*tell)(void *arg, uint64_t done, uint64_t total), void *arg, struct err *e);

/* Removes it with its names. -EBUSY: somebody uses it. */
int disk_remove(const char *name, struct err *e);

#define DISK_SIZE_MAX (64ll << 30)

struct disk_fetch {
	const char *url; /* borrowed */
	const struct strv *mirrors; /* borrowed: tried in turn where the URL fails; may be NULL */
	const char *name; /* borrowed; NULL: of the URL's file */
	const char *sha256; /* borrowed; NULL */
	const char *sums; /* borrowed: URL or path of a file of checksums; NULL */
	const char *
		gpg_key; /* borrowed: fingerprint of the key that must have signed the sums; NULL: any of `keyring` */
	const char *
		keyring; /* borrowed: a file of keys, armoured or not; NULL: the user's own keyring */
	bool unchecked; /* without any checksum */
	bool force; /* again, though the cache has it */
	const char *format; /* "raw", "qcow2"; NULL: as it comes, what is neither as qcow2 */
	int64_t size_max; /* of the download and of what it unpacks to, bytes; 0: DISK_SIZE_MAX */
	void (*said)(void *arg, const char *line); /* may be NULL */
	void (*progress)(void *arg, int64_t done, int64_t total); /* may be NULL */
	void *arg;
};

/*
 * Downloads, checks, unpacks (.xz, .gz, .zst, .bz2; a tar archive with one image in it), converts with qemu-img and keeps.
 * -EINVAL: no checksum, and none waived; -EBADMSG: another content, a wrong signature, a damaged image; -EFBIG: more
 * than size_max; -EPERM: disk_inspect(); others as fetch_file().
 */
int disk_fetch(const struct disk_fetch *f, struct disk_image *ret, struct err *e);

/*
 * The image that lies packed in the file PATH of this machine, unpacked into the cache, where it is known by the SHA-256 of that
 * file. Nothing is checked but that it is whole. -EINVAL: it is not packed; others as disk_fetch(). SAID may be NULL.
 */
int disk_unpacked(const char *path, void (*said)(void *arg, const char *line), void *arg,
	struct disk_image *ret, struct err *e);

/* ---- seeds for cloud-init ---- */

struct disk_seed {
	const char *user_data, *meta_data, *network_config; /* borrowed: paths; NULL: none */
	const struct strv *vars; /* borrowed: NAME=VALUE for @NAME@ in those files; may be NULL */
	const char *ssh_key; /* borrowed: path of a public key; NULL */
	/* Borrowed: paths of a key that becomes the guest's own, by which it is known again; by vendor-data, so user-data that
	 * has `ssh_keys` goes before it. Both or NULL. */
	const char *host_key, *host_key_public;
	const struct strv *
		allowed; /* borrowed: keys of cloud-config that are right though we do not know them; may be NULL */
	bool vfat; /* a FAT volume, CIDATA, in the place of an ISO 9660 one, cidata */
	void (*said)(void *arg,
		const char *line); /* of what is likely a mistake, but may be none; may be NULL */
	void *arg;
};

/*
 * Checks the files and writes the seed to PATH, whole or not at all; the same files give the same bytes. Errors are
 * -EINVAL with FILE:LINE, or those of reading and writing. -EEXIST: PATH is there, and not REPLACE.
 */
int disk_seed_write(const struct disk_seed *s, const char *path, bool replace, struct err *e);
/* The same volume in memory. */
int disk_seed_make(const struct disk_seed *s, struct buf *ret, struct err *e);

/* A new ed25519 key, DIR/id_ed25519 and DIR/id_ed25519.pub, by ssh-keygen. -EEXIST: there is one. */
int disk_new_key(const char *dir, struct err *e);

#endif
