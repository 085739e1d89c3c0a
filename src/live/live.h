/* SPDX-License-Identifier: MIT */
/*
 * Guests that run, made reachable for the commands that look at them (`vmrig console`, `vmrig qmp`), and those
 * commands' side of it.
 *
 * A guest is published under a name in the abstract socket namespace, "vmrig/UID/PID.N" ("vmrig/UID:JOB/PID.N" where
 * $VMRIG_JOB says so): no file, so nothing is left behind even by SIGKILL. Who connects must have our effective uid (SO_PEERCRED), and so must who is
 * connected to.
 *
 * The conversation: the server says one line of JSON, struct live_guest as an object. The client says what it
 * wants, {"open": "console", "write": BOOL, "history": BOOL} or {"open": "qmp"}. Then a console's stream is its
 * bytes in both directions; the other one is QMP, greeting and all, with events as they come and two commands of
 * ours, LIVE_KEYS and LIVE_SCREENSHOT.
 */
#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"
#include "qmp/qmp.h"

/* {"keys": ["ctrl-alt-f2", …]} or {"text": "…"}; answered when the last key is released. */
#define LIVE_KEYS "x-vmrig-keys"
/* → {"png": base64, "width": N, "height": N} */
#define LIVE_SCREENSHOT "x-vmrig-screenshot"

/* ---- the guest's side ---- */

/* What the guest's owner does for those who look at it. */
struct live_ops {
	/* CB may be called at once, later, or never once the guest is gone. ARGUMENTS are stolen, may be NULL. */
	void (*command)(
		void *arg, const char *execute, json_t *arguments, qmp_reply_cb cb, void *cb_arg);
	/* Bytes for the serial console. */
	void (*write)(void *arg, const char *data, size_t len);
	/* Bytes that the guest has not taken yet. */
	size_t (*unsent)(void *arg);
	/* As qmp_greeting(). */
	json_t *(*greeting)(void *arg);
	void *arg;
};

struct live;

/* Publishes a guest called NAME until live_free(); INFO (stolen) is an object of further facts for a list. -EMFILE
 * and the like: it runs on unseen. */
int live_new(struct loop *loop, const char *name, json_t *info, const struct live_ops *ops,
	struct live **ret, struct err *e);
void live_rename(struct live *l, const char *name);
/* Console bytes and QMP events for whoever looks. Nobody who is slow holds the guest up: a console that is not
 * read skips bytes, and says how many. */
void live_console(struct live *l, const char *data, size_t len);
void live_event(struct live *l, const char *name, const json_t *data);
/* The guest has ended: hangs up, after what still fits into the sockets, and is seen no more. */
void live_end(struct live *l);
/* Once no command is answered any more. NULL is fine. Neither this nor live_end() from inside its ops. */
void live_free(struct live *l);

/* ---- the other side ---- */

struct live_guest {
	char *id; /* owned: "PID.N" */
	char *name; /* owned: no NUL, and else anything: clean it for a terminal */
	pid_t pid; /* of the vmrig that runs it */
	char *since; /* owned: RFC 3339 */
	json_t *info; /* owned: facts, an object */
};
struct live_list {
	struct live_guest *v; /* owned; by pid, then number */
	size_t n, cap;
	size_t silent; /* published, but they do not answer: their vmrig is stopped, or too busy */
};
/* The guests of this user that live. -EACCES where /proc/net/unix cannot be read. */
int live_find(struct live_list *ret, struct err *e);
void live_list_release(struct live_list *l);

/* Connects to the guest that WHICH names (its name, id, pid where that has one guest, or a glob that matches one; NULL:
 * the only one there is) and asks for WHAT (stolen). The socket is blocking and the caller's; RET_NAME (owned by the
 * caller, may be NULL) gets its name. -ENOENT, -EEXIST (several), with what there is. */
int live_open(const char *which, json_t *what, char **ret_name, struct err *e);

/* A console on our terminal, or on whatever standard input and output are, until the guest ends or Ctrl-] is typed. FD
 * is owned from now on. The terminal is restored, however this process ends. 0, or -errno. */
struct live_attach {
	bool read_only;
	const char *name; /* for what is said of it */
};
int live_attach(int fd, const struct live_attach *a, struct err *e);

/* Offers a guest's console to others on this machine until the guest ends, or SIGINT or SIGTERM comes: by telnet on
 * a port of the loopback interface, or raw on a socket file of mode 0600. Each who connects has a console of his own. */
struct live_export {
	const char *which; /* as live_open() takes it */
	bool read_only;
	bool telnet;
	uint16_t port; /* of telnet; 0: a free one */
	const char *path; /* of the socket; NULL: none */
};
int live_export(const struct live_export *x, struct err *e);

#endif
