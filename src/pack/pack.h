/* SPDX-License-Identifier: MIT */
/*
 * Archives of files: written so that the same files give the same bytes (sorted, owner 0, time 0, mode 0644 or
 * 0755, symbolic links left out), with the checksums that whoever takes them will ask for; and unpacked without trust.
 */
#ifndef PACK_PACK_H
#define PACK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

struct pack_file {
	char *path; /* owned: in the archive, relative, folded */
	char *host_path; /* owned: its content; NULL: `data` */
	char *data; /* owned */
	uint64_t size;
	bool exec;
	char sha256[HASH_HEX_LEN + 1];
};

/* Told, as a pack is written, that DONE of TOTAL bytes (before compression) are through; often. */
struct pack_progress {
	void (*tell)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

struct pack {
	struct pack_file *files; /* owned */
	size_t n, cap;
	const struct pack_progress *progress; /* borrowed; NULL: nobody wants to know */
};

#define PACK_INIT                \
	{                        \
		NULL, 0, 0, NULL \
	}
#define _cleanup_pack_ __attribute__((cleanup(pack_release)))

void pack_release(struct pack *p);

/* Each reads the content for its checksum. */
int pack_add_file(struct pack *p, const char *path, const char *host_path, struct err *e);
void pack_add_data(struct pack *p, const char *path, const void *data, size_t len);
/* All regular files below DIR, under PATH ("": under their own names). */
int pack_add_tree(struct pack *p, const char *path, const char *dir, struct err *e);

/* By path; two of one path are -EEXIST. Whoever adds to P afterwards sorts again. */
int pack_sort(struct pack *p, struct err *e);

/* NULL: it has none of that path. Valid until P changes; P is sorted. */
const struct pack_file *pack_find(const struct pack *p, const char *path);

/* The lines of sha256sum(1), sorted as P is. */
void pack_sums(const struct pack *p, struct buf *ret);

enum pack_compression { PACKED_GZIP, PACKED_ZSTD };

struct pack_result {
	uint64_t size; /* bytes written */
	char sha256[HASH_HEX_LEN + 1]; /* of them */
	char content_sha256[HASH_HEX_LEN + 1]; /* before compression */
};

/*
 * Writes P, sorted, with its folders as a compressed tar archive to FD. A file that is no longer what it was
 * when it was added is -ESTALE. The same files give the same bytes with the same libraries.
 */
int pack_write(const struct pack *p, enum pack_compression c, int level, int fd,
	struct pack_result *ret, struct err *e);

/* Compresses the file SRC alone to FD, with zstd. PROGRESS may be NULL. */
int pack_zstd(const char *src, int level, int fd, const struct pack_progress *progress,
	struct pack_result *ret, struct err *e);

/*
 * Unpacks the tar archive PATH into the empty folder DIR as base/unpack.h does, without links. RET, sorted, tells
 * every file that came out with its checksum. An archive without any is -EBADMSG.
 */
int pack_unpack(const char *path, const char *dir, struct pack *ret, struct err *e);

#endif
