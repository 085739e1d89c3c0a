/* SPDX-License-Identifier: MIT */
#include "disk/sums.h"

#include <ctype.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#define HEX "0123456789abcdefABCDEF"

bool sum_parse(const char *hex, size_t len, struct sum *ret)
{
	char *to = len == HASH_HEX_LEN ? ret->sha256 : len == SHA512_HEX_LEN ? ret->sha512 : NULL;

	if (!to || strspn(hex, HEX) < len)
		return false;
	for (size_t i = 0; i < len; i++)
		to[i] = (char)tolower((unsigned char)hex[i]);
	to[len] = '\0';
	return true;
}

static bool is_weak(size_t len)
{
	return len == 32 || len == 40;
}

/* "HEX  NAME", "HEX *NAME"; NAME as a path below the list's folder counts by its last part. */
static const char *gnu_line(const char *line, size_t *ret_len, const char **ret_hex)
{
	size_t n = strspn(line, HEX);

	if (n < 32 || line[n] != ' ')
		return NULL;
	*ret_hex = line;
	*ret_len = n;
	line += n + 1;
	return *line == ' ' || *line == '*' ? line + 1 : line;
}

/* "SHA256 (NAME) = HEX"; cuts LINE behind the name. */
static const char *bsd_line(char *line, size_t *ret_len, const char **ret_hex)
{
	char *open = strstr(line, " ("), *close = open ? strstr(open, ") = ") : NULL;

	if (!close)
		return NULL;
	*ret_hex = close + 4;
	*ret_len = strspn(close + 4, HEX);
	*close = '\0';
	return *ret_len >= 32 ? open + 2 : NULL;
}

static int take(const char *path, const char *name, const char *hex, size_t len, struct sum *ret,
	bool *weak, struct err *e)
{
	struct sum s = { 0 };

	*weak |= is_weak(len);
	if (!sum_parse(hex, len, &s))
		return 0;
	if ((*s.sha256 && *ret->sha256 && !streq(s.sha256, ret->sha256)) ||
		(*s.sha512 && *ret->sha512 && !streq(s.sha512, ret->sha512)))
		return err_set(e, -EBADMSG, "%s has two checksums of %s", path, name);
	if (*s.sha256)
		memcpy(ret->sha256, s.sha256, sizeof(s.sha256));
	else
		memcpy(ret->sha512, s.sha512, sizeof(s.sha512));
	return 0;
}

int sums_find(const char *path, const char *text, const char *name, struct sum *ret, struct err *e)
{
	struct sum found = { 0 };
	size_t lines = 0, len = 0;
	bool weak = false;
	int r = 0;

	for (const char *p = text; r == 0 && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		_cleanup_free_ char *line = xstrndup(p, strcspn(p, "\r\n"));
		const char *hex = NULL, *of = gnu_line(line, &len, &hex);

		lines += *line != '\0';
		of = of ? of : bsd_line(line, &len, &hex);
		if (of && streq(path_base(of), name))
			r = take(path, name, hex, len, &found, &weak, e);
	}
	len = strspn(text, HEX);
	if (r == 0 && lines == 1 && strspn(text + len, " \r\n") == strlen(text + len))
		r = take(path, name, text, len, &found, &weak, e);
	if (r < 0)
		return r;
	if (*found.sha256 || *found.sha512) {
		*ret = found;
		return 0;
	}
	return weak ? err_set(e, -ENOTSUP,
			      "%s has only an MD5 or SHA-1 of %s, which anybody can forge", path,
			      name)
		    : err_set(e, -ENOENT, "%s has no checksum of %s", path, name);
}

int sha512_file(const char *path, char ret_hex[static SHA512_HEX_LEN + 1], struct err *e)
{
	_cleanup_close_ int fd = file_open(path, O_RDONLY, e);
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint8_t digest[SHA512_DIGEST_SIZE];
	struct sha512_ctx ctx;
	ssize_t n;

	if (fd < 0)
		return fd;
	sha512_init(&ctx);
	while ((n = buf_read(&b, fd, 256 * 1024)) > 0) {
		sha512_update(&ctx, b.len, (const uint8_t *)b.data);
		buf_clear(&b);
	}
	if (n < 0)
		return err_sys(e, (int)-n, "cannot read %s", path);
	sha512_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
	return 0;
}
