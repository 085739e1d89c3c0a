/* SPDX-License-Identifier: MIT */
/* Private to the room: those who look at one guest. */
#ifndef LIVE_PRIVATE_H
#define LIVE_PRIVATE_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "live/live.h"

#define LIVE_LINE_MAX (1024 * 1024) /* a command's */

struct peer;

/* A command under way; its peer may be gone before the answer comes. */
struct request {
	struct live *live; /* borrowed */
	struct peer *peer; /* borrowed; NULL: gone */
	json_t *id; /* owned; NULL: none */
	struct request *next;
};

struct live {
	struct loop *loop; /* borrowed */
	struct live_ops ops;
	int fd; /* owned: listens */
	struct loop_fd *source; /* owned */
	json_t *hello; /* owned */
	struct buf history; /* the console's last bytes */
	struct peer *peers; /* owned */
	struct request *requests; /* owned */
};

enum peer_mode { PEER_ASKS, PEER_CONSOLE, PEER_QMP };

struct peer {
	struct live *live; /* borrowed */
	enum peer_mode mode;
	int fd; /* owned */
	struct loop_fd *source; /* owned */
	struct loop_timer *rest; /* owned: looks again whether the guest takes input */
	bool writes, resting;
	struct buf in, out;
	uint64_t skipped; /* bytes of console that found no room */
	unsigned under_way; /* commands */
	struct peer *next;
};

/* peer.c; FD is owned from now on */
void peer_add(struct live *l, int fd);
void peer_console(struct peer *p, const char *data, size_t len);
void peer_send_json(struct peer *p, const json_t *j);
void peer_free(struct peer *p); /* sends what fits */

/* session.c */
int session_line(struct peer *p, const char *line, size_t len); /* negative: hang up */
void session_forget(struct peer *p);

/* name.c */
#define LIVE_PREFIX "vmrig/"
/* What the names of guests begin with that we see, and are seen with: "vmrig/UID/", or "vmrig/UID:JOB/". The caller owns it. */
char *live_prefix(void);
/* The address of what is called NAME in the abstract namespace. */
void live_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_len);
bool live_is_ours(int fd); /* the other end has our uid */

#endif
