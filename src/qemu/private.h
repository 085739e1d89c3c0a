/* SPDX-License-Identifier: MIT */
/* What the files of this room share: the descriptors' numbers, the end's classification, readers. */
#ifndef QEMU_PRIVATE_H
#define QEMU_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/strv.h"
#include "qemu/qemu.h"

/* ---- argv.c ---- */

/* Ports, a second UART, and serial ports beyond the first. */
#define QEMU_CHANNELS_MAX (QEMU_PORTS_MAX + 1 + QEMU_SERIALS_MAX - 1)

/* The numbers that the channels have in QEMU. */
struct qemu_fds {
	int console, qmp;
	int log; /* -1: no log */
	int ports
		[QEMU_CHANNELS_MAX]; /* the second UART's stands behind the ports', then further serial ports' */
	int fork, fork_library; /* the fork server's socket, and it itself; -1: none */
};

/* Numbers from 3 on that C's `keep_fds` leave free. */
void qemu_fds_choose(const struct qemu_config *c, struct qemu_fds *ret);
void qemu_argv_fds(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *ret);

/* How many ports there are, the second UART and further serial ports included. */
size_t qemu_n_ports(const struct qemu_config *c);

/* ---- argv_os.c ---- */

/* Disks, firmware, network, further serial ports: what C's `os` asks for. */
void qemu_argv_os(const struct qemu_config *c, const struct qemu_fds *fds, struct strv *ret);

/* In an option's value a comma is written twice. The caller owns the string. */
char *qemu_escape(const char *s);
/* A virtio device's model ends so: "pci" or "device". */
const char *qemu_transport(const struct qemu_config *c);

/* The exit port's value in QEMU's wait status; 0: none. */
int qemu_exit_port_value(int status);

#define QEMU_CONSOLE_ID "console"
/* One that copies itself may make processes; its copies deny that to themselves. */
#define QEMU_SANDBOX_FORK "on,obsolete=deny,elevateprivileges=deny,resourcecontrol=deny"
#define QEMU_SANDBOX      QEMU_SANDBOX_FORK ",spawn=deny"

/* ---- end.c ---- */

/* What is known when QEMU has ended. */
struct qemu_evidence {
	const char *shutdown; /* reason of its SHUTDOWN event; NULL: none came */
	bool stop_asked; /* by qemu_stop(), before any SHUTDOWN event */
	bool panicked; /* GUEST_PANICKED was seen */
	bool triple_fault; /* its log told one */
	bool exit_port; /* it has a port by which the guest may choose its exit code */
	const char *fault; /* why we ended it ourselves, as a failure; NULL: we did not */
	int status; /* of wait(2) */
	const char *stderr_text;
	size_t stderr_len;
};

enum qemu_end qemu_end_classify(const struct qemu_evidence *v);
void qemu_end_describe(const struct qemu_evidence *v, struct buf *ret);

/* Looks for a marker in a stream of which nothing is kept. All-zero is its start. */
struct qemu_log {
	size_t matched;
	bool triple_fault;
};
void qemu_log_feed(struct qemu_log *l, const char *data, size_t len);

/* ---- reader.c ---- */

/* Reads a descriptor to its end, a piece at a turn of the loop. */
struct qemu_reader;
typedef void (*qemu_reader_data)(void *arg, const char *data, size_t len);
typedef void (*qemu_reader_eof)(void *arg);
/* FD (non-blocking) is owned from now on, and closed at its end. */
struct qemu_reader *qemu_reader_new(
	struct loop *loop, int fd, qemu_reader_data data, qemu_reader_eof eof, void *arg);
void qemu_reader_free(struct qemu_reader *r); /* NULL is fine */
/* From now on waits GAP_MS between two reads, so that a writer of single bytes costs few wakeups. */
void qemu_reader_pause(struct qemu_reader *r, int gap_ms);
/* Bytes to send, as the other end takes them; the buffer stays the caller's and is consumed. Call again
 * when something was added to an empty one. */
void qemu_reader_send(struct qemu_reader *r, struct buf *out);
/* As qemu_reader_send(), at once and with the descriptor FD beside the first byte (SCM_RIGHTS). 0 or -errno. */
int qemu_reader_send_fd(struct qemu_reader *r, struct buf *out, int fd);
bool qemu_reader_done(const struct qemu_reader *r);

/* ---- fork.c ---- */

struct qemu_fork_server {
	int ours, theirs; /* owned: the ends of its socket */
	int library; /* owned */
};
#define QEMU_FORK_SERVER_INIT \
	{                     \
		-1, -1, -1    \
	}
int qemu_fork_prepare(const struct qemu_config *c, struct qemu_fork_server *s, struct err *e);
/* Ours, with what loads it. */
void qemu_fork_environment(
	const struct qemu_fork_server *s, const struct qemu_fds *n, struct strv *ret);
void qemu_fork_release(struct qemu_fork_server *s);
/* Asks over the socket FD for a copy, in which FDS take the place of those that QEMU was given under their numbers.
 * Blocks for as long as that takes: a few milliseconds. */
int qemu_fork_ask(int fd, const struct proc_fd *fds, size_t n, struct proc *ret, struct err *e);

/* ---- usage.c ---- */

/* CPU time and peak memory of a running process; what cannot be read stays as it is. */
void qemu_usage_read(pid_t pid, int64_t *cpu_us, int64_t *maxrss_kib);

/* ---- migrate.c ---- */

/* State on its way out of QEMU, or into it: one at a time. All-zero: none. */
struct qemu_migration {
	qemu_saved_cb done;
	void *arg; /* borrowed */
	struct qemu *qemu; /* borrowed */
	int out; /* borrowed: the file that it goes to, where QEMU may write what it does not read; 0: no such */
};
/* DONE gets NULL or the reason why not. FD is the number in QEMU, or the name given to it by getfd. OUT as in struct
 * qemu_migration. */
void qemu_migrate_out(struct qemu_migration *m, struct qemu *q, const char *fd, int out,
	qemu_saved_cb done, void *arg);
void qemu_migrate_in(
	struct qemu_migration *m, struct qemu *q, int fd, qemu_saved_cb done, void *arg);
void qemu_migrate_event(struct qemu_migration *m, const json_t *data); /* of MIGRATION */

/* ---- state.c ---- */

/* Whether a CPU of the x86 machine whose state is in the file FD runs a guest of its own at this moment. */
bool qemu_state_in_guest(int fd);

/* ---- sysrq.c ---- */

/* Breaks and keys, one pair at a time: a second break before the first one's key would cancel it. */
struct qemu_sysrq;
struct qemu_sysrq *qemu_sysrq_new(struct loop *loop, struct qemu *q);
void qemu_sysrq_free(struct qemu_sysrq *s);
void qemu_sysrq_key(struct qemu_sysrq *s, char key);

/* ---- control.c ---- */

/* As qemu_command(), with the descriptor FD (borrowed) beside it. */
void qemu_command_fd(struct qemu *q, const char *execute, json_t *arguments /* stolen */, int fd,
	qmp_reply_cb cb, void *arg);

/* ---- screendump.c ---- */

/* One on its way is in LIST, whose head is NULL at first. */
struct qemu_dump;
void qemu_dump(struct qemu_dump **list, struct qemu *q, qemu_screen_cb cb, void *arg);
void qemu_dumps_free(struct qemu_dump **list);

/* ---- typing.c ---- */

struct qemu_typing;
struct qemu_typing *qemu_typing_new(struct loop *loop, struct qemu *q);
void qemu_typing_free(struct qemu_typing *t);
void qemu_typing_add(
	struct qemu_typing *t, json_t *commands /* stolen */, qmp_reply_cb cb, void *arg);

#endif
