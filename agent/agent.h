/* SPDX-License-Identifier: MIT */
/*
 * The guest's PID 1. It mounts what a system needs, opens the channel, says HELLO, and does what the
 * host asks over the protocol of wire/wire.h (docs/protocol.md) until SHUTDOWN.
 *
 * One thread, one poll loop, no blocking call but execve(2) of a command: every job keeps its state in its own
 * file, adds what it waits for to the poll set, and takes one step when the loop comes by. Memory is
 * bounded and locked, since the agent must answer while the test eats all there is: jobs that
 * produce much (streams, files, the kernel log) stop while the outgoing queue is full, and the host
 * is not listened to while an answer would not fit.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "wire/wire.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AGENT_COMMANDS 4 /* commands at a time */

/* ---- util.c: files, time, and the poll set ---- */

uint64_t now_us(void); /* CLOCK_MONOTONIC */

/* Reads at most SIZE-1 bytes of DIRFD/PATH as text, without trailing white space. Negative errno. */
int read_text(int dirfd, const char *path, char *ret, size_t size);
int write_text(const char *path, const char *text);

/* Makes PATH and its parents, mode 0755; one that exists is fine. */
int make_path(const char *path);

/* The folder /proc as it was mounted first. It stays valid when the root is switched, and when a
 * test unmounts its own. */
extern int proc_fd;

struct poll_set {
	struct pollfd fds[5 + 4 * AGENT_COMMANDS];
	size_t n;
	uint64_t until_us; /* UINT64_MAX: as long as it takes */
};

/* Adds FD, and returns its place for poll_got(); -1 for an FD < 0. */
int poll_add(struct poll_set *set, int fd, short events);
short poll_got(const struct poll_set *set, int place); /* revents; 0 for place -1 */
void poll_by(struct poll_set *set, uint64_t deadline_us);
int poll_run(struct poll_set *set); /* as poll(2), EINTR is 0 */

/* ---- trouble.c: what failed and is no answer to a request ---- */

/* Kept for HELLO until that was sent, a TROUBLE frame from WELCOME on, on the console otherwise. */
__attribute__((format(printf, 1, 2))) void trouble(const char *format, ...);
void trouble_into_hello(struct wire_enc *e); /* a strv; what comes later is sent at once */

/* Says why on the console and ends the machine. Never returns. */
__attribute__((format(printf, 1, 2), noreturn)) void give_up(const char *format, ...);

/* ---- boot.c ---- */

/* All that a Linux system expects beside its files, as far as the kernel has it, and a console on fds 0 to 2. */
void boot_mounts(void);
void boot_modules(void); /* those listed in /vmrig/modules */
/* Linux corrects its first guess of the TSC's frequency a second after it began: returns when that is done. */
void boot_await_clock(void);
bool boot_word(const char *word); /* stands on the kernel command line */
int boot_pseudo_error(void); /* why one of them could not be mounted that is needed */
int move_pseudo(
	const char *root); /* /dev, /proc, /sys and /run, with all that is mounted below them */
void make_tmp(void); /* /tmp, where the root has none */
__attribute__((noreturn)) void power_off(void);

/* ---- channel.c: the way to the host ---- */

void channel_open(void); /* virtio port or UART; gives up when there is neither */
int port_open(const char *name); /* the virtio-serial port of this NAME, blocking; -ENOENT */
void channel_welcome(uint64_t key); /* the session begins */
void channel_park(void); /* it is over; another one begins with HELLO */
bool channel_in_session(void);

/* A frame is built in place: channel_frame() gives room for WIRE_PAYLOAD_MAX bytes of payload, and
 * channel_send() counts what was filled in. Answers always fit, because channel_next() hands out no
 * request while they might not. Whoever produces more asks channel_roomy() first. */
uint8_t *channel_frame(void);
void channel_send(uint8_t type, size_t len);
bool channel_roomy(void);

/* The same for messages of a few fields. */
struct wire_enc channel_message(void);
void channel_send_message(uint8_t type, const struct wire_enc *e);
__attribute__((format(printf, 3, 4))) void send_done(
	uint32_t id, int error, const char *format, ...);

void channel_poll(struct poll_set *set);
void channel_step(const struct poll_set *set); /* moves bytes both ways as far as they go */
int channel_next(struct wire_frame *ret); /* 1 or 0; a broken stream ends the machine */
bool channel_pending(void); /* whole frames may be waiting although nothing came in */
void channel_flush(
	uint64_t timeout_us); /* writes all there is, then waits for the host to hang up */

/* ---- request.c, main.c ---- */

void request(const struct wire_frame
		*f); /* one frame of the host; what does not read ends the machine */
void session_welcome(struct wire_dec *d);
void session_park(uint32_t id); /* back to where WELCOME is awaited */
void session_shutdown(void); /* begins the end: the loop does the rest */

/* ---- alike.c ---- */

/* In guests that are to be alike; nothing in others. */
void alike_begin(void); /* before HELLO */
void alike_child(void); /* in a process that becomes a command: no ASLR */
void alike_poll(struct poll_set *set);
void alike_step(const struct poll_set *set); /* answers one getrandom(2) */

/* ---- command.c: EXEC, STDIN, SIGNAL, and the end of a command ---- */

/* The root of a command that prepares a template: built for it alone, and gone with it but for what it wrote. */
struct exec_room { /* borrowed */
	uint8_t kind;
	const char *tag;
	char *const *shares; /* tag, path, …; NULL at the end */
};

struct exec_request { /* borrowed */
	char **argv, **env;
	const char *cwd, *user;
	const char *program; /* to execute; where that fails, and if "": argv[0], by PATH */
	const struct exec_room *room; /* NULL: the root as it is */
};

void command_exec(uint32_t id, const struct exec_request *x, enum wire_input input);
void command_stdin(uint32_t id, const uint8_t *data, size_t len);
void command_signal(uint32_t id, int signo);
void command_window(uint32_t id, uint16_t rows, uint16_t columns);
void command_poll(struct poll_set *set);
void command_step(const struct poll_set *set);
void command_reap(void); /* all children that ended, ours and orphans */

/* ---- stdin.c: what the host sends for a command, until the command reads it ---- */

struct stdin_pipe {
	int fd; /* owned; -1: closed, and what still comes is dropped */
	bool ended; /* the host sent all there is */
	size_t start, len; /* of the ring */
	uint32_t owed; /* bytes of room that the host was not told of yet */
	uint8_t ring[WIRE_STDIN_WINDOW];
};

void stdin_open(struct stdin_pipe *s, int fd);
int stdin_put(struct stdin_pipe *s, const uint8_t *data, size_t len); /* -ENOBUFS: too much */
void stdin_step(struct stdin_pipe *s, uint32_t id); /* writes what goes, sends CREDIT */
void stdin_close(struct stdin_pipe *s);

/* ---- spawn.c: from a request to a process ---- */

struct spawned {
	pid_t pid; /* also its process group and session */
	int exec_fd; /* end of file: the exec went well; otherwise spawn_error() */
	int in, out, err; /* non-blocking; `in` is -1 without stdin, `err` with a terminal */
};

/* Returns when the program is executed, or was not, unless the command has a room or a user: then it may be on its way. */
int spawn(const struct exec_request *x, enum wire_input input, struct spawned *ret);

/* ---- terminal.c ---- */

/* A new terminal: its master, non-blocking, and the other side. Negative errno. */
int terminal_open(int *ret_master, int *ret_slave);
void terminal_size(int master, uint16_t rows, uint16_t columns);

/* Reads the verdict: 0 when the exec went well, -EAGAIN when it is not known yet, else the error with
 * its TEXT. */
int spawn_error(int exec_fd, char *text, size_t size);

/* ---- procs.c ---- */

/* How many processes of SESSION (0: of any) there are that are neither the agent nor kernel threads
 * nor zombies; KILL sends them SIGKILL. */
unsigned procs_count(pid_t session, bool do_kill);

/* ---- user.c ---- */

struct user {
	uid_t uid;
	gid_t gid;
	char name[64]; /* "": a number that /etc/passwd does not know */
};

int user_find(const char *name_or_uid, struct user *ret); /* -ENOENT */
int user_become(const struct user *u); /* groups, gid, uid */

/* ---- root.c, share.c ---- */

void root_build(uint32_t id, uint8_t kind, const char *tag, char *const *tmpfs);
void root_prepare(void); /* what the root needs and every guest can have before it knows its root */
int root_keep_upper(void); /* what is written to the root from now on stays for root_build() */
int root_enter(const struct exec_room *r); /* in a process that is about to become the command */
void root_machine_id(const char *id); /* that the root has or will have, where the host's has one */
void share_add(uint32_t id, uint8_t kind, const char *tag, const char *path, bool writable);
int share_mount(
	uint8_t kind, const char *tag, const char *where, bool writable); /* text: trouble */
const char *share_reason(uint8_t kind, int error); /* ERROR of share_mount() in words */
void shares_unmount(void); /* the writable ones, so that the host has all that was written */

/* ---- fuse.c ---- */

/* Mounts the file system that the host serves over PORT, and starts the threads that relay it. */
int fuse_mount(const char *port, const char *where, bool writable);

/* ---- kmsg.c ---- */

void kmsg_open(void);
void kmsg_close(void);
void kmsg_poll(struct poll_set *set);
void kmsg_step(const struct poll_set *set);
bool kmsg_at_end(void); /* forwards, and says whether the log is forwarded up to its end */

/* ---- pull.c ---- */

void pull_begin(uint32_t id, const char *cwd, char *const *globs, uint64_t max_bytes);
void pull_step(void);
bool pull_pending(void);

#endif
