/* SPDX-License-Identifier: MIT */
/* Private to the room: the session, the wait for an answer, what ssh's log says. */
#ifndef SSH_PRIVATE_H
#define SSH_PRIVATE_H

#include "base/buf.h"
#include "base/strv.h"
#include "ssh/ssh.h"

struct ssh {
	struct loop *loop; /* borrowed */
	char *user, *key, *host; /* owned; host: "USER@127.0.0.1" */
	char *ssh, *scp; /* owned: programs */
	uint16_t port;
	int known_fd; /* owned: the file of known hosts */
	char *known; /* owned: its path */
	bool host_known;
	bool answered; /* SSH has answered: it needs no more waiting for */
};

/* The words that all its programs begin with: PROGRAM and options, with LOG for the log's path. */
void ssh_argv(const struct ssh *s, const char *program, const char *log, struct strv *ret);

/* ---- probe.c: whether something that speaks SSH answers ---- */

struct ssh_probe;
/* WHY is NULL where it does; else what happened. Called once, from the loop. */
typedef void (*ssh_probe_cb)(void *arg, const char *why);
struct ssh_probe *ssh_probe_start(struct loop *loop, uint16_t port, ssh_probe_cb cb, void *arg);
void ssh_probe_free(struct ssh_probe *p); /* NULL is fine */

/* ---- measure.c ---- */

/* Bytes of the files in PATH, each of them and each folder counted as 4 KiB at least; no more is looked at once there are
 * more than ENOUGH. */
uint64_t ssh_measure(const char *path, uint64_t enough);

/* ---- log.c: what became of a command, by the log of an ssh that exited with 255, its own code for any failure ---- */

enum ssh_fate {
	SSH_FATE_EXITED, /* the guest told its exit code, which is 255 */
	SSH_FATE_SIGNALLED,
	SSH_FATE_BROKEN, /* it had been sent, and nothing came back */
	SSH_FATE_UNSENT,
};
enum ssh_fate ssh_log_fate(const char *log);
/* The last line that is no debugging: why it failed. NULL: there is none. The caller owns it. */
char *ssh_log_reason(const char *log);

#endif
