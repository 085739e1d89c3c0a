/* SPDX-License-Identifier: MIT */
/* OpenSSH's private key file: openssh/PROTOCOL.key. The public key's blob: RFC 8709. */
#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "ssh/ssh.h"

#define ALGORITHM "ssh-ed25519"
/* The private part is padded to the block of its cipher; that of "none" is 8. */
#define BLOCK      8
#define LINE_CHARS 70

static void add_u32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		(uint8_t)v };

	buf_add(b, bytes, 4);
}

static void add_string(struct buf *b, const void *data, size_t len)
{
	add_u32(b, (uint32_t)len);
	buf_add(b, data, len);
}

static void add_text(struct buf *b, const char *s)
{
	add_string(b, s, strlen(s));
}

/* What keys were in is overwritten before it is freed. */
static void forget(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

static void add_base64(struct buf *to, const struct buf *from, size_t line)
{
	size_t len = BASE64_ENCODE_RAW_LENGTH(from->len);
	char *text = xcalloc(1, len + 1);

	base64_encode_raw(text, from->len, (const uint8_t *)from->data);
	for (size_t i = 0; i < len; i += line) {
		buf_add(to, text + i, len - i < line ? len - i : line);
		if (line < len)
			buf_addc(to, '\n');
	}
	explicit_bzero(text, len);
	free(text);
}

static void add_public(struct buf *b, const uint8_t *key)
{
	add_text(b, ALGORITHM);
	add_string(b, key, ED25519_KEY_SIZE);
}

/* Two equal numbers, by which a decryption is known to be right; the key, whose private half is seed and public half; padding. */
static void add_private(
	struct buf *b, const uint8_t *seed, const uint8_t *key, const char *comment, uint32_t check)
{
	size_t from = b->len;

	add_u32(b, check);
	add_u32(b, check);
	add_public(b, key);
	add_u32(b, 2 * ED25519_KEY_SIZE);
	buf_add(b, seed, ED25519_KEY_SIZE);
	buf_add(b, key, ED25519_KEY_SIZE);
	add_text(b, comment);
	for (char pad = 1; (b->len - from) % BLOCK; pad++)
		buf_addc(b, pad);
}

static void add_file(struct buf *to, const uint8_t *seed, const uint8_t *key, const char *comment,
	uint32_t check)
{
	struct buf file = BUF_INIT, public = BUF_INIT, private = BUF_INIT;

	/* So that none of them moves, leaving a copy behind. */
	buf_reserve(&file, 1024);
	buf_reserve(&private, 1024);
	buf_reserve(to, 2048);
	add_public(&public, key);
	add_private(&private, seed, key, comment, check);
	buf_add(&file, "openssh-key-v1", sizeof("openssh-key-v1"));
	add_text(&file, "none"); /* cipher */
	add_text(&file, "none"); /* derivation of its key */
	add_text(&file, "");
	add_u32(&file, 1);
	add_string(&file, public.data, public.len);
	add_string(&file, private.data, private.len);
	buf_adds(to, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	add_base64(to, &file, LINE_CHARS);
	buf_adds(to, "-----END OPENSSH PRIVATE KEY-----\n");
	buf_release(&public);
	forget(&private);
	forget(&file);
}

static int hold(
	const char *name, const void *data, size_t len, int *ret_fd, char **ret_path, struct err *e)
{
	int fd = fd_memfd(name, data, len);

	if (fd < 0)
		return err_sys(e, -fd, "cannot hold a key in memory");
	/* ssh refuses a key that others might read. */
	if (fchmod(fd, 0600) < 0) {
		int errnum = errno;

		fd_close(fd);
		return err_sys(e, errnum, "cannot close a key in memory to others");
	}
	*ret_fd = fd;
	*ret_path = xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	return 0;
}

int ssh_key_make(const char *comment, struct ssh_key *ret, struct err *e)
{
	struct {
		uint8_t seed[ED25519_KEY_SIZE];
		uint32_t check;
	} random;
	uint8_t key[ED25519_KEY_SIZE];
	struct buf file = BUF_INIT, blob = BUF_INIT, line = BUF_INIT;
	struct ssh_key k = SSH_KEY_INIT;
	int r;

	BUG_ON(strlen(comment) > 64 || strpbrk(comment, " \n"));
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, errno, "no random numbers for a key");
	ed25519_sha512_public_key(key, random.seed);
	add_file(&file, random.seed, key, comment, random.check);
	explicit_bzero(&random, sizeof(random));
	add_public(&blob, key);
	buf_adds(&line, ALGORITHM " ");
	add_base64(&line, &blob, BASE64_ENCODE_RAW_LENGTH(blob.len));
	buf_addf(&line, " %s\n", comment);
	r = hold("ssh-key", file.data, file.len, &k.fd, &k.path, e);
	if (r == 0)
		r = hold("ssh-key.pub", line.data, line.len, &k.public_fd, &k.public_path, e);
	buf_truncate(&line, line.len - 1);
	k.public = buf_detach(&line);
	buf_release(&blob);
	forget(&file);
	if (r < 0)
		ssh_key_release(&k);
	else
		*ret = k;
	return r;
}

void ssh_key_release(struct ssh_key *k)
{
	k->fd = fd_close(k->fd);
	k->public_fd = fd_close(k->public_fd);
	free(k->path);
	free(k->public_path);
	free(k->public);
	*k = (struct ssh_key)SSH_KEY_INIT;
}
