/* SPDX-License-Identifier: MIT */
/* The kernel log, record by record, from the first one the kernel still has. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 8192 /* CONSOLE_EXT_LOG_MAX of the kernel: a smaller buffer reads as EINVAL */

static int fd = -1;
static int place = -1;
static bool overrun;
static bool told;
static unsigned long long last_seq, told_seq;

void kmsg_open(void)
{
	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		trouble("cannot read /dev/kmsg: %s", strerror(errno));
}

void kmsg_close(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	overrun = told = false;
	last_seq = told_seq = 0;
}

void kmsg_poll(struct poll_set *set)
{
	place = -1;
	if (fd >= 0 && channel_roomy())
		place = poll_add(set, fd, POLLIN);
}

/* One record into BUF, without the " KEY=VALUE" lines that may follow its text. 0 when there is none,
 * and when records were lost before the next. */
static size_t read_record(char *buf)
{
	for (;;) {
		ssize_t n = read(fd, buf, RECORD_MAX);
		char *end;

		if (n > 0) {
			end = memchr(buf, '\n', (size_t)n);
			return end ? (size_t)(end - buf) + 1 : (size_t)n;
		}
		if (n < 0 && errno == EPIPE)
			overrun = true;
		if (n == 0 || errno != EINTR)
			return 0;
	}
}

/* "PRIO,SEQ,…" */
static unsigned long long seq_of(const char *record, size_t len)
{
	const char *comma = memchr(record, ',', len);

	return comma ? strtoull(comma + 1, NULL, 10) : 0;
}

/* One frame of records; whether the log goes on. */
static bool forward(void)
{
	char *frame;
	size_t len = 0, n = 0;

	/* A log that outruns us does so many times before we get hold of a record: told once. */
	if (overrun && (!told || told_seq != last_seq)) {
		trouble("the kernel log overran: records after number %llu are lost", last_seq);
		told = true;
		told_seq = last_seq;
	}
	overrun = false;
	frame = (char *)channel_frame();
	while (WIRE_PAYLOAD_MAX - len >= RECORD_MAX) {
		n = read_record(frame + len);
		if (n == 0)
			break;
		last_seq = seq_of(frame + len, n);
		len += n;
	}
	if (len > 0)
		channel_send(WIRE_KMSG, len);
	return n > 0 || overrun;
}

void kmsg_step(const struct poll_set *set)
{
	if (poll_got(set, place))
		forward();
}

bool kmsg_at_end(void)
{
	if (fd < 0)
		return true;
	while (channel_roomy())
		if (!forward())
			return true;
	return false;
}
