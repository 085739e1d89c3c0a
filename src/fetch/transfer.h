/* SPDX-License-Identifier: MIT */
/* Private to src/fetch: one request and its answer. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

enum transfer_verb { TRANSFER_GET, TRANSFER_HEAD, TRANSFER_PUT };

struct transfer {
	/* ---- what is asked. Borrowed, all of it ---- */
	enum transfer_verb verb;
	const char *url;
	int64_t from; /* GET: the bytes before this are there already */
	const char *validator; /* with FROM: the ETag or the date that they had */
	bool https_only; /* of redirects from https */
	bool page;
	int64_t size_max, stall_ms;
	FILE *upload;
	int64_t upload_size;
	/* Takes what comes; 0 or -errno, which ends the transfer. RESTARTED: what was there does not count, the server
	 * sends all of it. */
	int (*take)(void *arg, const void *data, size_t len, bool restarted, struct err *e);
	void (*progress)(void *arg, int64_t done, int64_t total);
	void *arg;

	/* ---- what came ---- */
	char *etag, *modified; /* owned: headers of the last answer; NULL: none */
	int64_t total; /* of the whole file; 0: the server does not tell */
	int64_t got; /* bytes of this answer's body */
	long status; /* HTTP's; 0: none */
	bool no_continuation; /* the server cannot, or did not, go on from FROM */
	bool broke_off; /* the network failed in its midst: a further try may go on */
};

/* As fetch_file() has it. The URL is named in the error. */
int transfer_run(struct transfer *t, struct err *e);

void transfer_release(struct transfer *t);

/* URL for people: without its password. The caller owns the string. */
char *url_shown(const char *url);

#endif
