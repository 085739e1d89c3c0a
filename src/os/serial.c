/* SPDX-License-Identifier: MIT */
/*
 * The serial ports: every byte to a log, when it came to a file beside it ("SECONDS BYTES" lines, which scriptreplay(1)
 * reads), and as text to the grammar and the steps.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "os/private.h"

#define LOG_MAX    (64ull << 20)
#define TIMING_MAX (16ull << 20)
#define KEEP       65536 /* of the log in memory, for the record */
#define QUIET_MS   200 /* an open line that stands so long is heard as it is */

static int open_in(const char *dir, const char *ending, unsigned i, struct err *e)
{
	_cleanup_free_ char *name =
		i ? xasprintf("serial%u.%s", i, ending) : xasprintf("console.%s", ending);
	_cleanup_free_ char *path = path_join(dir, name);

	return file_open(path, O_WRONLY | O_CREAT | O_TRUNC, e);
}

int os_serials_open(struct os *o, struct err *e)
{
	for (unsigned i = 0; i < o->n_serials; i++)
		o->serials[i] = (struct os_serial){
			.os = o, .index = i, .timing_fd = -1, .log = console_new(KEEP)
		};
	for (unsigned i = 0; i < o->n_serials; i++) {
		struct os_serial *s = &o->serials[i];
		int fd = open_in(o->spec.dir, "log", i, e);

		if (fd < 0)
			return fd;
		console_log_to(s->log, fd, o->spec.file_max ? o->spec.file_max : LOG_MAX);
		s->timing_fd = open_in(o->spec.dir, "timing", i, e);
		if (s->timing_fd < 0)
			return s->timing_fd;
	}
	return 0;
}

static void note_time(struct os_serial *s, size_t len)
{
	int64_t now = clock_us(), gap = now - (s->last_us ? s->last_us : s->os->start_us);
	char line[64];
	int n = snprintf(line, sizeof(line), "%lld.%06lld %zu\n", (long long)(gap / 1000000),
		(long long)(gap % 1000000), len);
	int r;

	s->last_us = now;
	if (s->error || s->timing_bytes + (uint64_t)n > TIMING_MAX)
		return;
	s->timing_bytes += (uint64_t)n;
	r = fd_write_all(s->timing_fd, line, (size_t)n);
	if (r < 0)
		s->error = r;
}

static void on_line(void *arg, const char *line, size_t len)
{
	struct os_serial *s = arg;

	os_host_key_line(s->os, line, len);
	if (s->index == s->os->spec.grammar->serial)
		os_grammar_line(s->os, line, len);
}

void os_serial_feed(struct os_serial *s, const char *data, size_t len)
{
	struct os *o = s->os;

	note_time(s, len);
	console_feed(s->log, data, len);
	os_text_feed(&s->text, data, len, on_line, s);
	if (o->state == OS_OVER)
		return;
	os_limits_alive(o);
	loop_timer_set(o->quiet, clock_ms() + QUIET_MS);
	os_steps_text(o, s->index);
	os_go_on(o);
}

/* ---- those beyond the console, which are ours to read and write ---- */

static void update(struct os_serial *s)
{
	if (s->source)
		loop_fd_set(s->source, EPOLLIN | (s->out.len ? EPOLLOUT : 0));
}

static void flush(struct os_serial *s)
{
	int fd = machine_serial_fd(s->os->machine, s->index);

	while (s->out.len) {
		ssize_t n = send(fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			break;
		buf_consume(&s->out, (size_t)n);
	}
	update(s);
}

/* Whether there may be more. */
static bool take(struct os_serial *s)
{
	char data[32768];
	ssize_t n = read(machine_serial_fd(s->os->machine, s->index), data, sizeof(data));

	if (n > 0) {
		os_serial_feed(s, data, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_fd_remove(s->source);
		s->source = NULL;
	}
	return false;
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct os_serial *s = arg;

	if (events & EPOLLOUT)
		flush(s);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take(s);
}

void os_serials_attach(struct os *o)
{
	for (unsigned i = 1; i < o->n_serials; i++) {
		struct os_serial *s = &o->serials[i];

		s->source = loop_fd_add(
			o->loop, machine_serial_fd(o->machine, i), EPOLLIN, on_ready, s);
	}
}

void os_serials_drain(struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++)
		while (o->serials[i].source && take(&o->serials[i]))
			;
}

void os_serials_end(struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++) {
		struct os_serial *s = &o->serials[i];

		os_text_end(&s->text, on_line, s);
		os_steps_text(o, i);
	}
}

void os_send(struct os *o, unsigned serial, const char *data, size_t len)
{
	struct os_serial *s = &o->serials[serial];

	if (serial == 0) {
		machine_write(o->machine, data, len);
	} else if (s->source) {
		buf_add(&s->out, data, len);
		flush(s);
	}
}

int os_disk_error(const struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++) {
		const struct os_serial *s = &o->serials[i];

		if (console_error(s->log) < 0 || s->error < 0)
			return console_error(s->log) < 0 ? console_error(s->log) : s->error;
	}
	return 0;
}

struct console *os_console(struct os *o)
{
	return o->serials[0].log;
}

void os_serials_stop(struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++) {
		loop_fd_remove(o->serials[i].source);
		o->serials[i].source = NULL;
	}
}

void os_serials_release(struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++) {
		struct os_serial *s = &o->serials[i];

		console_free(s->log);
		os_text_release(&s->text);
		buf_release(&s->out);
		fd_close(s->timing_fd);
	}
}
