/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

struct hash {
	struct sha256_ctx ctx;
};

struct hash *hash_new(void)
{
	struct hash *h = xmalloc(sizeof(*h));

	sha256_init(&h->ctx);
	return h;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	sha256_update(&h->ctx, len, data);
}

void hash_adds(struct hash *h, const char *s)
{
	hash_add(h, s, strlen(s) + 1);
}

int hash_add_file_identity(struct hash *h, const char *path, struct err *e)
{
	struct stat st;
	int64_t id[7];

	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot read the status of %s", path);
	id[0] = (int64_t)st.st_dev;
	id[1] = (int64_t)st.st_ino;
	id[2] = st.st_size;
	id[3] = st.st_mtim.tv_sec;
	id[4] = st.st_mtim.tv_nsec;
	id[5] = st.st_ctim.tv_sec;
	id[6] = st.st_ctim.tv_nsec;
	hash_adds(h, path);
	hash_add(h, id, sizeof(id));
	return 0;
}

void hash_final(struct hash *h, char ret_hex[static HASH_HEX_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&h->ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret_hex[2 * i] = digits[digest[i] >> 4];
		ret_hex[2 * i + 1] = digits[digest[i] & 15];
	}
	ret_hex[HASH_HEX_LEN] = '\0';
	free(h);
}

int hash_file(const char *path, char ret_hex[static HASH_HEX_LEN + 1], struct err *e)
{
	return hash_file_told(path, NULL, NULL, ret_hex, e);
}

int hash_file_told(const char *path, void (*tell)(void *arg, uint64_t done, uint64_t total),
	void *arg, char ret_hex[static HASH_HEX_LEN + 1], struct err *e)
{
	_cleanup_close_ int fd = file_open(path, O_RDONLY, e);
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ struct hash *h = NULL;
	uint64_t done = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read the status of %s", path);
	h = hash_new();
	while ((n = buf_read(&b, fd, 256 * 1024)) > 0) {
		hash_add(h, b.data, b.len);
		done += b.len;
		if (tell)
			tell(arg, done, (uint64_t)st.st_size);
		buf_clear(&b);
	}
	if (n < 0)
		return err_sys(e, (int)-n, "cannot read %s", path);
	hash_final(TAKE_PTR(h), ret_hex);
	return 0;
}
