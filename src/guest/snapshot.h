/* SPDX-License-Identifier: MIT */
/* Private to the room: a guest saved as it stood, in a folder. */
#ifndef GUEST_SNAPSHOT_H
#define GUEST_SNAPSHOT_H

#include "guest/channel.h"
#include "guest/plan.h"

/* What the host knows of a guest besides the engine's state. */
struct snapshot_session {
	struct channel_state channel;
	struct buf nodes[MACHINE_FS_PORTS_MAX], requests[MACHINE_FS_PORTS_MAX];
};
void snapshot_session_release(struct snapshot_session *s);

struct guest_snapshot {
	char *dir; /* owned */
	struct guest_plan *plan; /* a reference */
	enum guest_moment moment;
	bool lives; /* the agent can be spoken to */
	bool memory_file; /* the machine's memory was a file */
	int state_fd; /* owned */
	struct snapshot_session session;
};

/* Files of DIR, which is made. The state is on STATE_FD, which has no name yet; S is what to write but for that. */
int snapshot_write(const struct guest_snapshot *s, struct err *e);

#endif
