/* SPDX-License-Identifier: MIT */
/*
 * The way to the host: a virtio-serial port, or the second UART. Both are byte streams without
 * blocking; frames wait in one queue of fixed size.
 */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#define PORTS          "/sys/class/virtio-ports"
#define PORT_WAIT_US   (10 * 1000 * 1000)
#define PORT_RETRY_US  2000
#define HANGUP_WAIT_US 3000

#define OUT_SIZE   (1024 * 1024)
#define OUT_ROOMY  (256 * 1024) /* producers pause above */
#define OUT_LISTEN (512 * 1024) /* requests wait above */
#define IN_MAX     (1024 * 1024) /* read ahead although requests wait: a UART cannot push back */
#define IN_CHUNK   (128 * 1024)

static int fd = -1;
static bool is_uart;
static bool in_session;

static uint8_t out[OUT_SIZE];
static size_t out_start, out_len;
static struct wire_writer writer;
static size_t write_max = OUT_SIZE; /* less after the kernel had no memory for more */
static uint64_t write_again_us, read_again_us; /* 0: no pause */

static struct wire_reader reader;
static bool may_hold_frame;
static int place;

/* ---- opening ---- */

static int open_port_dir(const char *entry)
{
	char path[300], number[32];
	unsigned major, minor;
	int r;

	snprintf(path, sizeof(path), "/dev/%s", entry);
	r = open(path, O_RDWR | O_CLOEXEC);
	if (r >= 0 || errno != ENOENT)
		return r < 0 ? -errno : r;

	/* No devtmpfs: make the node as sysfs numbers it. */
	snprintf(path, sizeof(path), PORTS "/%s/dev", entry);
	if (read_text(AT_FDCWD, path, number, sizeof(number)) < 0 ||
		sscanf(number, "%u:%u", &major, &minor) != 2)
		return -ENOENT;
	snprintf(path, sizeof(path), "/dev/%s", entry);
	mknod(path, S_IFCHR | 0600, makedev(major, minor));
	r = open(path, O_RDWR | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

int port_open(const char *name)
{
	DIR *dir = opendir(PORTS);
	struct dirent *d;
	int r = -ENOENT;

	if (!dir)
		return -errno;
	while (r == -ENOENT && (d = readdir(dir))) {
		char path[300], text[64];

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PORTS "/%s/name", d->d_name);
		if (read_text(AT_FDCWD, path, text, sizeof(text)) == 0 && strcmp(text, name) == 0)
			r = open_port_dir(d->d_name);
	}
	closedir(dir);
	return r;
}

static int port_wait(void)
{
	uint64_t end_us = now_us() + PORT_WAIT_US;
	int r;

	/* Devices are probed while we run. */
	while ((r = port_open(WIRE_PORT_AGENT)) < 0 && now_us() < end_us)
		usleep(PORT_RETRY_US);
	return r;
}

static int uart_open(void)
{
	int r = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;

	if (r < 0)
		return -errno;
	if (tcgetattr(r, &t) < 0) /* EIO: the node is there, the device is not */
		goto fail;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL | CREAD | CS8;
	t.c_cflag &= ~(tcflag_t)(CRTSCTS | CSTOPB | HUPCL);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(r, TCSANOW, &t) < 0)
		goto fail;
	tcflush(r, TCIFLUSH);
	ioctl(r, TIOCEXCL);
	is_uart = true;
	return r;
fail:
	close(r);
	return -EIO;
}

void channel_open(void)
{
	int port_r = -ENOENT;

	if (!boot_word("vmrig.channel=uart")) {
		port_r = port_wait();
		if (port_r < 0)
			trouble("no virtio-serial port named " WIRE_PORT_AGENT
				" (%s), trying ttyS1",
				strerror(-port_r));
	}
	fd = port_r >= 0 ? port_r : uart_open();
	if (fd < 0)
		give_up("no channel to the host: no virtio-serial port named " WIRE_PORT_AGENT
			", and /dev/ttyS1 is no UART");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	wire_reader_init(&reader);
	if (!wire_reader_space(&reader, IN_MAX + IN_CHUNK))
		give_up("no memory for the channel");
}

void channel_welcome(uint64_t key)
{
	writer.key = key;
	reader.key = key;
	in_session = true;
}

/* What waits to be written was made in the old session, and goes out before. */
void channel_park(void)
{
	writer = (struct wire_writer){ 0 };
	reader.key = 0;
	reader.seq = 0;
	in_session = false;
}

bool channel_in_session(void)
{
	return in_session;
}

/* ---- out ---- */

uint8_t *channel_frame(void)
{
	if (out_len == 0)
		out_start = 0;
	if (OUT_SIZE - out_start - out_len < WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX) {
		memmove(out, out + out_start, out_len);
		out_start = 0;
	}
	if (OUT_SIZE - out_len < WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX)
		give_up("bug: the outgoing queue is full");
	return out + out_start + out_len + WIRE_HEADER_SIZE;
}

void channel_send(uint8_t type, size_t len)
{
	uint8_t *header = out + out_start + out_len;

	wire_frame_header(&writer, header, type, header + WIRE_HEADER_SIZE, len);
	out_len += WIRE_HEADER_SIZE + len;
}

bool channel_roomy(void)
{
	return out_len < OUT_ROOMY;
}

struct wire_enc channel_message(void)
{
	return (struct wire_enc){ .data = channel_frame(), .cap = WIRE_PAYLOAD_MAX };
}

void channel_send_message(uint8_t type, const struct wire_enc *e)
{
	if (e->overflow)
		give_up("bug: %s does not fit a frame", wire_type_name(type));
	channel_send(type, e->len);
}

void send_done(uint32_t id, int error, const char *format, ...)
{
	struct wire_enc e = channel_message();
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	enc_u32(&e, id);
	enc_u32(&e, (uint32_t)error);
	enc_str(&e, text);
	channel_send_message(WIRE_DONE, &e);
}

static void write_out(void)
{
	write_again_us = 0;
	while (out_len > 0) {
		ssize_t n = write(fd, out + out_start, out_len < write_max ? out_len : write_max);

		if (n > 0) {
			out_start += (size_t)n;
			out_len -= (size_t)n;
		} else if (n < 0 && errno == ENOMEM) {
			/* The driver copies into pages of its own: ask for fewer, and later. */
			write_max = write_max > 32768  ? 16384
				    : write_max > 1024 ? write_max / 2
						       : 512;
			write_again_us = now_us() + 1000;
			return;
		} else if (n == 0 || errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			give_up("channel broken: write: %s", strerror(errno));
		}
	}
	write_max = OUT_SIZE;
}

/* ---- in ---- */

static void read_in(void)
{
	read_again_us = 0;
	while (reader.len < IN_MAX) {
		uint8_t *space = wire_reader_space(&reader, IN_CHUNK);
		ssize_t n;

		if (!space)
			give_up("no memory for the channel");
		n = read(fd, space, IN_CHUNK);
		if (n > 0) {
			wire_reader_added(&reader, (size_t)n);
			may_hold_frame = true;
		} else if (n == 0) {
			/* A port whose other end is closed. Before WELCOME somebody may still come: a
			 * template waits so for its clones. poll(2) would not let us sleep. */
			if (in_session)
				give_up("channel broken: the host hung up");
			read_again_us = now_us() + HANGUP_WAIT_US;
			return;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			give_up("channel broken: read: %s", strerror(errno));
		}
	}
}

int channel_next(struct wire_frame *ret)
{
	int r;

	if (out_len >= OUT_LISTEN)
		return 0;
	r = wire_reader_next(&reader, ret);
	if (r < 0)
		give_up("channel broken: %s", reader.broken);
	if (r == 0)
		may_hold_frame = false;
	return r;
}

bool channel_pending(void)
{
	return may_hold_frame && out_len < OUT_LISTEN;
}

void channel_poll(struct poll_set *set)
{
	short events = 0;

	place = -1;
	if (read_again_us > 0) {
		poll_by(set, read_again_us);
		return;
	}
	if (reader.len < IN_MAX)
		events |= POLLIN;
	if (write_again_us > 0)
		poll_by(set, write_again_us);
	else if (out_len > 0)
		events |= POLLOUT;
	place = poll_add(set, fd, events);
}

void channel_step(const struct poll_set *set)
{
	if (out_len > 0)
		write_out();
	if (place < 0 || poll_got(set, place) & (POLLIN | POLLHUP | POLLERR))
		read_in();
}

void channel_flush(uint64_t timeout_us)
{
	uint64_t end_us = now_us() + timeout_us;
	int queued = 1;

	while (out_len > 0 && now_us() < end_us) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		poll(&p, 1, 10);
		write_out();
	}
	while (now_us() < end_us) {
		struct pollfd p = { .fd = fd };

		if (is_uart && (ioctl(fd, TIOCOUTQ, &queued) < 0 || queued == 0))
			break;
		if (poll(&p, 1, 10) > 0 && p.revents & POLLHUP)
			break;
	}
}
