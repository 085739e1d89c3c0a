/* SPDX-License-Identifier: MIT */
/*
 * A host folder served to a guest as a read-only FUSE filesystem, for kernels that have FUSE but neither
 * 9p nor virtio-fs. Requests come as the guest's /dev/fuse gives them (the agent relays them over a
 * port of its own); replies are what it takes. The guest is not trusted: every request is checked
 * before it is used, nothing on the host is ever written, and no path is ever built from what the guest
 * says beyond one name below an open folder (openat with O_NOFOLLOW). Symbolic links are text, read by
 * the guest and followed there.
 *
 * Protocol: <linux/fuse.h>, major 7; Documentation/filesystems/fuse.rst.
 */
#ifndef SHARE_SHARE_H
#define SHARE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

struct share;

/* Serves the folder ROOT, crossing mounts below it. */
int share_new(const char *root, struct share **ret, struct err *e);
void share_free(struct share *s);

/* One whole request; its reply, if it has one (FORGET has none), is appended to REPLY. -EPROTO when the
 * request is no FUSE request at all (too short, lengths that contradict): the stream is broken. */
int share_request(struct share *s, const uint8_t *data, size_t len, struct buf *reply);

/* What the guest was told, appended to RET; and given to a share of the same folder that has served nothing yet: 0, or
 * -EBADMSG where it does not read. */
void share_save(const struct share *s, struct buf *ret);
int share_restore(struct share *s, const char *data, size_t len);

/*
 * Serves a stream of requests on FD (non-blocking, borrowed) from LOOP: reads, answers, never blocks,
 * holds at most 4 MiB of replies (then it stops reading until they are taken). ENDED is called once:
 * WHY is NULL when the other end was closed, else why the stream is broken.
 */
struct share_stream;
struct share_stream *share_stream_new(struct loop *loop, struct share *s, int fd,
	void (*ended)(void *arg, const char *why), void *arg);
/* While held no request is read or answered; what was answered is still sent. */
void share_stream_hold(struct share_stream *st, bool held);
bool share_stream_idle(const struct share_stream *st); /* no reply waits to be sent */
/* Reads what came and was not answered, to the end; IN (appended) is what a stream has to begin with that goes on. */
void share_stream_take(struct share_stream *st, struct buf *in);
void share_stream_begin(struct share_stream *st, const char *in, size_t len);
void share_stream_free(struct share_stream *st);

#endif
