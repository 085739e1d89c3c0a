/* SPDX-License-Identifier: MIT */
/*
 * SSH to a guest, by OpenSSH's own programs: wait until it answers, run a command, copy files in and out.
 *
 * Nothing of a session lies on a disk. Keys are made here and held in files without a name, which ssh reads through
 * /proc/OUR-PID/fd; with this process they are gone, however it ends. The user's own configuration, agent, keys and
 * known hosts are neither read nor written, and nothing is ever asked.
 */
#ifndef SSH_SSH_H
#define SSH_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"

/* ---- keys ---- */

/* An ed25519 key (RFC 8032) as OpenSSH writes it. The paths are good for this process and its children. */
struct ssh_key {
	int fd, public_fd; /* owned; -1: there is none */
	char *path, *public_path; /* owned */
	char *public; /* owned: "ssh-ed25519 AAAA… COMMENT" */
};
#define SSH_KEY_INIT                      \
	{                                 \
		.fd = -1, .public_fd = -1 \
	}

/* Makes one of 32 bytes of the kernel's entropy. COMMENT is one word. */
int ssh_key_make(const char *comment, struct ssh_key *ret, struct err *e);
void ssh_key_release(struct ssh_key *k); /* a SSH_KEY_INIT is fine */

/* ---- a session: one guest, one user ---- */

/* Borrowed until ssh_new() returns. */
struct ssh_spec {
	const char *user;
	const char *key; /* path of a private key that the guest lets in */
	const char *
		host_key; /* the guest's public keys, each a line as ssh_key has it; NULL: that with which it answers first */
	uint16_t port; /* of 127.0.0.1 */
};

struct ssh;
/* -ENOENT: ssh or scp is not here; -EINVAL: a user name that ssh could take for something else. */
int ssh_new(struct loop *loop, const struct ssh_spec *spec, struct ssh **ret, struct err *e);
void ssh_free(struct ssh *s); /* its jobs have been freed; NULL is fine */

/* ---- jobs: one thing done in the guest ---- */

enum ssh_end {
	SSH_EXITED, /* it ended with a code of its own, 255 too */
	SSH_SIGNALLED, /* a signal ended it */
	SSH_LOST, /* the connection broke when it had begun */
	SSH_FAILED, /* the copy failed, or ssh cannot be run here */
};

struct ssh_result {
	enum ssh_end end;
	int code; /* of SSH_EXITED: 0 to 255 */
	const char *why; /* borrowed: for people, unless it exited; else NULL */
};

struct ssh_handlers {
	/* What the command prints; STREAM is 1 or 2. Of a copy: what scp has to say. May be NULL. */
	void (*output)(void *arg, int stream, const char *data, size_t len);
	/* Once, last, from the loop; the job may be freed there. */
	void (*done)(void *arg, const struct ssh_result *r);
	void *arg;
};

struct ssh_job;
/*
 * Each waits until the guest answers, trying for as long as the job lives: what had not begun in the guest is tried again,
 * what had begun never is. Limits are the caller's: it frees the job, and what runs here of it is killed.
 */

/* COMMAND is the login shell's to read. Its stdin is empty. */
struct ssh_job *ssh_run(struct ssh *s, const char *command, const struct ssh_handlers *h);

/* FROM, a file or a folder, to TO, with times and modes. One of them is in the guest, below its user's home unless absolute;
 * the other is an absolute path here. */
struct ssh_job *ssh_copy_in(
	struct ssh *s, const char *from, const char *to, const struct ssh_handlers *h);
/* More than SIZE_MAX bytes (0: as many as there are) fail it, and what came is removed. Small files count as 4 KiB. */
struct ssh_job *ssh_copy_out(struct ssh *s, const char *from, const char *to, uint64_t size_max,
	const struct ssh_handlers *h);

/* Why it has had no answer up to now: for people; NULL where nothing went wrong yet. Valid until the next turn of the loop. */
const char *ssh_job_trouble(const struct ssh_job *j);
/* How often it was tried. */
unsigned ssh_job_tries(const struct ssh_job *j);
void ssh_job_free(struct ssh_job *j); /* NULL is fine */

#endif
