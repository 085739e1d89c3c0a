/* SPDX-License-Identifier: MIT */
/*
 * Downloads, by libcurl: to a file with its SHA-256, or a small text to memory. http, https and file URLs;
 * proxies as curl takes them from the environment. What a server does wrong is an error that says
 * what: a page of HTML where a file was asked for, an end before the announced length, silence, another
 * checksum. A file appears under its name only when it is whole and its checksum is right.
 *
 * libcurl and its thirty libraries are loaded with the first transfer, so a program that downloads nothing does not
 * pay for them; where it is not installed, an error names the package.
 */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

struct fetch_spec {
	const char *url; /* borrowed */
	const char *sha256; /* borrowed: 64 hex digits that are demanded; NULL: none */
	int64_t size_max; /* bytes; 0: 16 GiB. More is -EFBIG */
	int64_t stall_ms; /* so long without a byte, connecting included, is -ETIMEDOUT; 0: $VMRIG_FETCH_STALL, else 30 s */
	bool page; /* a page is what is wanted: HTML is no error */
	/* May be NULL. Called now and then; TOTAL is 0 where the server does not tell. */
	void (*progress)(void *arg, int64_t done, int64_t total);
	void *arg;
};

/*
 * Downloads to the file DST (one caller at a time for each DST). DST.part holds what came so far and stays after an
 * error of the network, to be resumed where the server can (by ETag or Last-Modified, kept in DST.part.from); a
 * transfer that broke off is resumed at once while it gets on. It is removed when the content was wrong or
 * the disk is full. A redirect never leads to file:, nor from https to http unless a checksum is demanded.
 *
 * Errors: -ENOENT (404, 410), -EACCES (401, 403), -ETIMEDOUT, -EBADMSG (HTML, checksum, truncated),
 * -EHOSTUNREACH, -EFBIG, -EINVAL (the URL), -EIO with the server's answer, -ENOSPC and its kin of the disk.
 */
int fetch_file(const struct fetch_spec *spec, const char *dst,
	char ret_sha256[static HASH_HEX_LEN + 1], struct err *e);

/* The same to memory, from the start each time; size_max 0 is 64 MiB here. */
int fetch_text(const struct fetch_spec *spec, struct buf *ret, struct err *e);

/* Whether the server has it (HEAD): 0, -ENOENT, or what went wrong as above. */
int fetch_probe(const char *url, struct err *e);

/* Sends the file SRC by PUT; errors as above. */
int fetch_put(const char *url, const char *src, struct err *e);

#endif
