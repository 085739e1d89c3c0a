/* SPDX-License-Identifier: MIT */
/* Private to src/cli: QMP commands to a guest that runs, one after the other. */
#ifndef CLI_QMP_TALK_H
#define CLI_QMP_TALK_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Sends EXECUTE with ARGUMENTS (borrowed, may be NULL) over FD, a conversation opened as "qmp", and waits for the
 * answer, TIMEOUT_MS at most (0: for ever). RET is owned by the caller. -EREMOTEIO: the guest's engine refused, and
 * the message says why, its class in front; -ETIMEDOUT; -EPIPE: the guest has ended.
 */
struct qmp_talk;
struct qmp_talk *qmp_talk_new(int fd /* owned from now on */);
void qmp_talk_free(struct qmp_talk *t);
int qmp_talk(struct qmp_talk *t, const char *execute, json_t *arguments, int64_t timeout_ms,
	json_t **ret, struct err *e);

#endif
