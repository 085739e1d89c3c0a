/* SPDX-License-Identifier: MIT */
/*
 * Commands, from EXEC to EXITED. The end comes in steps, each of which may wait for room in the
 * outgoing queue: the main process is reaped; what it left running is counted and killed; the pipes
 * are read until they are empty; the kernel log is forwarded to its end; then the ends of the
 * streams and the status are sent. So what the host reads before EXITED is all there will ever be.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_AGAIN_US 20000
#define KILL_LIMIT_US (10 * 1000 * 1000) /* then it is stuck in the kernel */
#define KMSG_LIMIT_US (2 * 1000 * 1000) /* a log that never ends must not hold up the status */

/* Two frames of this size and their headers fill a whole number of the virtio driver's writes of 32 KiB. */
#define OUTPUT_CHUNK (WIRE_PAYLOAD_MAX - WIRE_HEADER_SIZE)

enum state { FREE, STARTING, RUNNING, KILLING, DRAINING };

struct command {
	enum state state;
	uint32_t id;
	pid_t pid; /* also of its process group and session */
	bool reaped;
	int exec_fd, out, err; /* owned */
	int exec_place, out_place, err_place;
	struct stdin_pipe in;
	uint64_t begin_us, end_us, kill_us;
	int status;
	struct rusage usage;
	unsigned leftover;
};

static struct command commands[AGENT_COMMANDS];
static bool no_children; /* as the last reaping found it */

static struct command *by_id(uint32_t id)
{
	for (int i = 0; i < AGENT_COMMANDS; i++)
		if (commands[i].state != FREE && commands[i].id == id)
			return &commands[i];
	return NULL;
}

static bool is_alone(const struct command *c)
{
	for (int i = 0; i < AGENT_COMMANDS; i++)
		if (&commands[i] != c && commands[i].state != FREE)
			return false;
	return true;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- requests ---- */

/* A place for a command; NULL while all are taken, and while one is ending that will kill all others. */
static struct command *take_place(void)
{
	struct command *c = NULL;

	for (int i = 0; i < AGENT_COMMANDS; i++) {
		if (commands[i].state == KILLING)
			return NULL;
		if (commands[i].state == FREE)
			c = &commands[i];
	}
	return c;
}

void command_exec(uint32_t id, const struct exec_request *x, enum wire_input input)
{
	struct command *c = take_place();
	struct spawned s;
	int r;

	if (by_id(id) || !c) {
		send_done(id, -EBUSY, "cannot execute %s: %s", x->argv[0],
			by_id(id) ? "a command of this id runs" : "too many commands at a time");
		return;
	}
	c->begin_us = now_us();
	r = spawn(x, input, &s);
	if (r < 0) {
		send_done(id, r, "cannot execute %s: %s", x->argv[0], strerror(-r));
		return;
	}
	c->state = STARTING;
	c->id = id;
	c->pid = s.pid;
	c->reaped = false;
	c->exec_fd = s.exec_fd;
	c->out = s.out;
	c->err = s.err;
	stdin_open(&c->in, s.in);
	c->leftover = 0;
}

void command_stdin(uint32_t id, const uint8_t *data, size_t len)
{
	struct command *c = by_id(id);

	/* The host cannot know yet that the command ended. */
	if (!c)
		return;
	if (stdin_put(&c->in, data, len) < 0)
		give_up("channel broken: more stdin than the window of %u bytes",
			WIRE_STDIN_WINDOW);
}

void command_signal(uint32_t id, int signo)
{
	struct command *c = by_id(id);

	if (!c || c->reaped)
		return;
	/* Before its setsid() the group does not exist. */
	if (kill(-c->pid, signo) < 0 && errno == ESRCH)
		kill(c->pid, signo);
	else if (errno == EINVAL)
		trouble("there is no signal %d", signo);
}

void command_window(uint32_t id, uint16_t rows, uint16_t columns)
{
	struct command *c = by_id(id);

	if (c && c->in.fd >= 0)
		terminal_size(c->in.fd, rows, columns);
}

/* ---- steps ---- */

static void release(struct command *c)
{
	close_fd(&c->exec_fd);
	close_fd(&c->out);
	close_fd(&c->err);
	stdin_close(&c->in);
	c->state = FREE;
}

static void send_stream_end(uint8_t type, uint32_t id)
{
	struct wire_enc e = channel_message();

	enc_u32(&e, id);
	channel_send_message(type, &e);
}

/* Forwards what FD holds while there is room, and closes it at its end. Whether it is empty. */
static bool forward(struct command *c, int *fd, uint8_t type)
{
	while (*fd >= 0 && channel_roomy()) {
		uint8_t *frame = channel_frame();
		struct wire_enc e = { .data = frame, .cap = WIRE_PAYLOAD_MAX };
		ssize_t n;

		enc_u32(&e, c->id);
		n = read(*fd, frame + e.len, OUTPUT_CHUNK - e.len);
		if (n > 0)
			channel_send(type, e.len + (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return true;
		else if (n == 0 || errno != EINTR)
			close_fd(fd);
	}
	return *fd < 0;
}

static void step_starting(struct command *c)
{
	char text[512];
	int r = spawn_error(c->exec_fd, text, sizeof(text));
	struct wire_enc e;

	if (r == -EAGAIN)
		return;
	close_fd(&c->exec_fd);
	if (r < 0) {
		send_done(c->id, r, "%s", text);
		release(c);
		return;
	}
	c->state = RUNNING;
	e = channel_message();
	enc_u32(&e, c->id);
	enc_u32(&e, (uint32_t)c->pid);
	channel_send_message(WIRE_STARTED, &e);
}

static void begin_killing(struct command *c)
{
	bool alone = is_alone(c);

	c->leftover = procs_count(alone ? 0 : c->pid, !alone);
	if (alone)
		kill(-1, SIGKILL); /* one stroke: no fork slips between */
	c->kill_us = now_us();
	c->state = KILLING;
	command_reap();
}

static void step_killing(struct command *c)
{
	unsigned left;

	/* All processes are our descendants, so no child means none at all. */
	if (is_alone(c) && no_children) {
		left = 0;
	} else if (is_alone(c)) {
		kill(-1, SIGKILL);
		left = procs_count(0, false);
	} else {
		left = procs_count(c->pid, true);
	}
	if (left > 0 && now_us() - c->kill_us < KILL_LIMIT_US)
		return;
	if (left > 0)
		trouble("%u processes that the command left do not die", left);
	stdin_close(&c->in);
	c->end_us = c->end_us ? c->end_us : now_us();
	c->kill_us = now_us();
	c->state = DRAINING;
}

static uint64_t us_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void step_draining(struct command *c)
{
	struct wire_enc e;
	bool signalled = WIFSIGNALED(c->status);

	/* Nobody writes any more: an empty pipe has ended even if a stuck process holds it. */
	if (!forward(c, &c->out, WIRE_STDOUT) || !forward(c, &c->err, WIRE_STDERR))
		return;
	if (!kmsg_at_end() && now_us() - c->kill_us < KMSG_LIMIT_US)
		return;
	send_stream_end(WIRE_STDOUT, c->id);
	send_stream_end(WIRE_STDERR, c->id);
	e = channel_message();
	enc_u32(&e, c->id);
	enc_u8(&e, signalled);
	enc_u32(&e, (uint32_t)(signalled ? WTERMSIG(c->status) : WEXITSTATUS(c->status)));
	enc_u64(&e, c->end_us - c->begin_us);
	enc_u64(&e, us_of(c->usage.ru_utime));
	enc_u64(&e, us_of(c->usage.ru_stime));
	enc_u64(&e, (uint64_t)c->usage.ru_maxrss);
	enc_u32(&e, c->leftover);
	channel_send_message(WIRE_EXITED, &e);
	release(c);
}

void command_reap(void)
{
	for (;;) {
		struct rusage usage;
		int status;
		pid_t pid = wait4(-1, &status, WNOHANG, &usage);

		if (pid <= 0) {
			no_children = pid < 0 && errno == ECHILD;
			return;
		}
		for (int i = 0; i < AGENT_COMMANDS; i++) {
			struct command *c = &commands[i];

			if (c->state == FREE || c->reaped || c->pid != pid)
				continue;
			c->reaped = true;
			c->status = status;
			c->usage = usage;
			c->end_us = now_us();
		}
	}
}

/* ---- the loop ---- */

static void poll_one(struct command *c, struct poll_set *set)
{
	bool roomy = channel_roomy();

	c->exec_place = c->out_place = c->err_place = -1;
	switch (c->state) {
	case FREE:
		break;
	case STARTING:
		c->exec_place = poll_add(set, c->exec_fd, POLLIN);
		break;
	case KILLING:
		poll_by(set, now_us() + KILL_AGAIN_US);
		break;
	case DRAINING:
		if (roomy)
			poll_by(set, 0);
		break;
	case RUNNING:
		if (roomy) {
			c->out_place = poll_add(set, c->out, POLLIN);
			c->err_place = poll_add(set, c->err, POLLIN);
		}
		if (c->in.len > 0)
			poll_add(set, c->in.fd, POLLOUT);
		break;
	}
}

void command_poll(struct poll_set *set)
{
	for (int i = 0; i < AGENT_COMMANDS; i++)
		poll_one(&commands[i], set);
}

static void step_one(struct command *c, const struct poll_set *set)
{
	if (c->state == STARTING)
		step_starting(c);
	if (c->state == FREE || c->state == STARTING)
		return;
	stdin_step(&c->in, c->id);
	if (c->state == RUNNING) {
		if (poll_got(set, c->out_place))
			forward(c, &c->out, WIRE_STDOUT);
		if (poll_got(set, c->err_place))
			forward(c, &c->err, WIRE_STDERR);
		if (c->reaped)
			begin_killing(c);
	}
	if (c->state == KILLING)
		step_killing(c);
	if (c->state == DRAINING)
		step_draining(c);
}

void command_step(const struct poll_set *set)
{
	for (int i = 0; i < AGENT_COMMANDS; i++)
		step_one(&commands[i], set);
}
