/* SPDX-License-Identifier: MIT */
/* The agreement on what both sides can do. */
#include <errno.h>
#include <string.h>

#include "share/ops.h"

#define MINOR     38 /* protocol 7.38, Linux 6.2; a newer guest learns the rest by ENOSYS */
#define MINOR_MIN 23 /* Linux 4.0: older ones have other layouts */

/*
 * What is taken of the guest's offer. Not FUSE_EXPORT_SUPPORT: with it the guest looks up "..". Not
 * FUSE_READDIRPLUS_AUTO: it saves a twentieth of a round trip for a name that is never examined, and
 * costs a whole one for each that is, in folders of more than a page.
 */
#define WANTED                                                                           \
	(FUSE_ASYNC_READ | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_ASYNC_DIO | \
		FUSE_NO_OPEN_SUPPORT | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |           \
		FUSE_CACHE_SYMLINKS | FUSE_NO_OPENDIR_SUPPORT)

/* A guest that mounts again begins anew: nothing it was told before counts. */
static void start_over(struct share *s)
{
	struct nodes *t = &s->nodes;

	listings_close(s);
	for (size_t i = 0; i < t->n_buckets; i++) {
		for (struct node *n = t->by_id[i]; n;) {
			if (n == t->root || !n->lookups) {
				n = n->next_id;
				continue;
			}
			/* Its parents go with it, maybe this bucket's next: from the front again. */
			nodes_forget(t, n, UINT64_MAX);
			n = t->by_id[i];
		}
	}
}

int op_init(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = MINOR };
	struct fuse_init_in in = { 0 };

	/* The request grew with 7.36; the fields used here were always there. */
	memcpy(&in, rq->arg, rq->len < sizeof(in) ? rq->len : sizeof(in));
	if (in.major < FUSE_KERNEL_VERSION ||
		(in.major == FUSE_KERNEL_VERSION && in.minor < MINOR_MIN))
		return -EPROTO;
	/* A later major: the guest reads ours and asks again. */
	if (in.major == FUSE_KERNEL_VERSION) {
		start_over(s);
		s->ready = true;
		out.max_readahead =
			in.max_readahead < SHARE_READ_MAX ? in.max_readahead : SHARE_READ_MAX;
		out.flags = s->flags = in.flags & WANTED;
		out.max_background = 32;
		out.congestion_threshold = 24;
		out.max_write = 4096; /* the least allowed; nothing is written */
		out.time_gran = 1;
		out.max_pages = SHARE_READ_MAX / 4096;
	}
	buf_add(reply, &out, sizeof(out));
	return 0;
}

int op_destroy(struct share *s, const struct request *rq, struct buf *reply)
{
	start_over(s);
	s->ready = false;
	return 0;
}
