/* SPDX-License-Identifier: MIT */
/* Private to the room: the host's end of the agent's channel: frames in, frames out, never blocking. */
#ifndef GUEST_CHANNEL_H
#define GUEST_CHANNEL_H

#include "base/buf.h"
#include "base/loop.h"
#include "wire/wire.h"

struct channel;

struct channel_handlers {
	/* One whole frame. It may be the last: the handler may free the channel. */
	void (*frame)(void *arg, const struct wire_frame *f);
	/* The stream is broken (WHY) or has ended (WHY is NULL). Once; nothing comes after it. */
	void (*closed)(void *arg, const char *why);
	void *arg;
};

/* FD is borrowed: a non-blocking stream. */
struct channel *channel_new(struct loop *loop, int fd, const struct channel_handlers *h);
void channel_free(struct channel *c); /* NULL is fine; allowed from inside a handler */

void channel_send(struct channel *c, uint8_t type, const void *payload, size_t len);
/* As channel_send(); E's memory stays the caller's. An encoder that overflowed is our bug. */
void channel_send_enc(struct channel *c, uint8_t type, const struct wire_enc *e);
/* The other end's first frame was read elsewhere: the next is number 1. */
void channel_skip_first(struct channel *c);
/* A session has ended: both directions begin again, with number 0 and key 0. */
void channel_restart(struct channel *c);
/* Both directions use KEY from the next frame on. */
void channel_set_key(struct channel *c, uint64_t key);
/* Where a session stands: the key, the numbers of the frames that are due, and bytes of a frame that is not whole. */
struct channel_state {
	uint64_t key;
	uint32_t in_seq, out_seq;
	struct buf in; /* owned by the caller */
};
void channel_get(const struct channel *c, struct channel_state *ret);
void channel_set(struct channel *c,
	const struct channel_state *s); /* of one that has neither read nor written */
/* While paused nothing is read. */
void channel_pause(struct channel *c, bool paused);
/* Reads what is there already, to the end: for when the machine is gone. */
void channel_drain(struct channel *c);
size_t channel_pending(const struct channel *c); /* bytes not yet taken by the engine */

#endif
