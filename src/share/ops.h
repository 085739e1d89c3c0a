/* SPDX-License-Identifier: MIT */
/* Private to src/share: the handlers of requests. */
#ifndef SHARE_OPS_H
#define SHARE_OPS_H

#include <linux/fuse.h>

#include "base/buf.h"
#include "share/node.h"

/*
 * The most that one READ may ask for. The guest's relay has room for replies of this size and a header;
 * 32 pages of 4 KiB is also what a kernel asks for unless told otherwise. A guest with larger pages has
 * to mount with max_read=131072.
 */
#define SHARE_READ_MAX 131072

/* Nothing on the host is expected to change during a run, so the guest may keep what it learned. */
#define SHARE_VALID_S 60

/* Listings under way at a time; more are served too, but read again and again. */
#define SHARE_LISTINGS 8

struct listing {
	uint64_t folder; /* its node; 0: none */
	uint64_t next; /* offset by which the guest asks for what is at `start` */
	uint64_t used; /* when, by share.listing_clock */
	struct slot slot; /* O_RDONLY, behind the entries in `data` */
	size_t start, len;
	_Alignas(8) char data[32768]; /* as getdents64(2) gave it */
};

struct share {
	struct nodes nodes;
	struct listing listings[SHARE_LISTINGS];
	uint64_t listing_clock;
	uint32_t flags; /* agreed on by INIT */
	bool ready; /* INIT was answered */
};

/* One request, checked to be whole: ARG holds at least what its table entry asks for. */
struct request {
	struct fuse_in_header head;
	const uint8_t *arg; /* borrowed; not aligned */
	size_t len;
	struct node *node; /* borrowed; NULL where the request needs none */
};

/* A handler appends its payload to REPLY and returns 0, or returns a negative errno for the guest
 * (then what it appended is dropped). */
typedef int (*op_fn)(struct share *s, const struct request *rq, struct buf *reply);

int op_init(struct share *s, const struct request *rq, struct buf *reply);
int op_destroy(struct share *s, const struct request *rq, struct buf *reply);

int op_lookup(struct share *s, const struct request *rq, struct buf *reply);
int op_forget(struct share *s, const struct request *rq, struct buf *reply);
int op_batch_forget(struct share *s, const struct request *rq, struct buf *reply);
int op_getattr(struct share *s, const struct request *rq, struct buf *reply);
int op_readlink(struct share *s, const struct request *rq, struct buf *reply);
int op_statfs(struct share *s, const struct request *rq, struct buf *reply);
int op_access(struct share *s, const struct request *rq, struct buf *reply);

int op_open(struct share *s, const struct request *rq, struct buf *reply);
int op_read(struct share *s, const struct request *rq, struct buf *reply);
int op_release(struct share *s, const struct request *rq, struct buf *reply);
int op_lseek(struct share *s, const struct request *rq, struct buf *reply);

int op_opendir(struct share *s, const struct request *rq, struct buf *reply);
int op_readdir(struct share *s, const struct request *rq, struct buf *reply);
int op_readdirplus(struct share *s, const struct request *rq, struct buf *reply);
void listings_init(struct share *s);
void listings_close(struct share *s);

/* What the guest is told of N, whose state is ST; one lookup was counted. */
void fill_entry(
	struct share *s, const struct node *n, const struct stat *st, struct fuse_entry_out *ret);

#endif
