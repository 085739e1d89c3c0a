/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef VMRIG_VERSION
#define VMRIG_VERSION "unknown"
#endif

#define ENTROPY_MAX      512
#define BYE_WAIT_US      (2 * 1000 * 1000)
#define SHUTDOWN_WAIT_US (2 * 1000 * 1000)

static int signal_fd, meminfo_fd = -1, tainted_fd = -1, random_fd = -1;
static uint64_t heartbeat_us, next_heartbeat_us; /* interval 0: none */
static bool shutting_down;
static uint64_t shutdown_us;

/* ---- the session: its beginning, and how its end is asked for ---- */

static void send_hello(void)
{
	struct wire_enc e = channel_message();
	struct sysinfo si;
	struct utsname u;

	uname(&u);
	sysinfo(&si);
	enc_u16(&e, WIRE_VERSION);
	enc_str(&e, "vmrig-agent " VMRIG_VERSION);
	enc_str(&e, u.release);
	enc_str(&e, u.machine);
	enc_u64(&e, now_us());
	enc_u32(&e, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
	enc_u64(&e, (uint64_t)si.totalram * si.mem_unit / 1024);
	trouble_into_hello(&e);
	channel_send_message(WIRE_HELLO, &e);
}

/* A clone has the generator's state of its template: without fresh bytes all clones draw the same. */
static void add_entropy(const uint8_t *data, size_t len)
{
	_Alignas(struct rand_pool_info) uint8_t pool[sizeof(struct rand_pool_info) + ENTROPY_MAX];
	struct rand_pool_info *info = (struct rand_pool_info *)pool;

	if (len > ENTROPY_MAX)
		len = ENTROPY_MAX;
	info->entropy_count = (int)len * 8;
	info->buf_size = (int)len;
	memcpy(info->buf, data, len);
	if (ioctl(random_fd, RNDADDENTROPY, info) < 0)
		trouble("cannot add entropy: %s", strerror(errno));
	else
		ioctl(random_fd, RNDRESEEDCRNG);
}

void session_welcome(struct wire_dec *d)
{
	uint16_t version = dec_u16(d);
	uint64_t key = dec_u64(d), wall_ns = dec_u64(d);
	size_t entropy_len;
	const uint8_t *entropy = dec_bytes(d, &entropy_len);
	char *hostname = dec_str(d), *machine_id = dec_str(d);
	uint32_t heartbeat_ms = dec_u32(d);
	bool forward_kmsg = dec_u8(d);
	struct timespec wall = { (time_t)(wall_ns / 1000000000), (long)(wall_ns % 1000000000) };

	if (version != WIRE_VERSION)
		give_up("channel broken: the host speaks version %u of the protocol, not %u",
			version, WIRE_VERSION);
	if (dec_end(d) < 0)
		give_up("channel broken: WELCOME does not read");
	channel_welcome(key);
	if (wall_ns && clock_settime(CLOCK_REALTIME, &wall) < 0)
		trouble("cannot set the clock: %s", strerror(errno));
	if (entropy_len > 0)
		add_entropy(entropy, entropy_len);
	if (hostname && hostname[0] && sethostname(hostname, strlen(hostname)) < 0)
		trouble("cannot set the hostname: %s", strerror(errno));
	free(hostname);
	if (machine_id && machine_id[0])
		root_machine_id(machine_id);
	free(machine_id);
	heartbeat_us = (uint64_t)heartbeat_ms * 1000;
	next_heartbeat_us = now_us() + heartbeat_us;
	if (forward_kmsg)
		kmsg_open();
}

static uint64_t tainted(void)
{
	char text[32];
	ssize_t n = pread(tainted_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtoull(text, NULL, 10);
}

/* What every guest does in the end, done once before it is copied: an emulator has translated it then. */
static void rehearse(void)
{
	kill(-1, 0);
	tainted();
}

void session_park(uint32_t id)
{
	boot_await_clock();
	rehearse();
	kmsg_close();
	heartbeat_us = 0;
	send_done(id, 0, "%s", "");
	channel_park();
	send_hello();
}

void session_shutdown(void)
{
	shutting_down = true;
	shutdown_us = now_us();
	kill(-1, SIGKILL);
}

/* ---- the loop ---- */

static uint64_t memory_available_kib(void)
{
	char text[512];
	ssize_t n = pread(meminfo_fd, text, sizeof(text) - 1, 0);
	const char *p;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strstr(text, "MemAvailable:");
	return p ? strtoull(p + strlen("MemAvailable:"), NULL, 10) : 0;
}

static void heartbeat(struct poll_set *set)
{
	uint64_t now = now_us();

	if (heartbeat_us == 0)
		return;
	if (now >= next_heartbeat_us) {
		/* A full queue tells the host as much as a heartbeat would. */
		if (channel_roomy()) {
			struct wire_enc e = channel_message();

			enc_u64(&e, now);
			enc_u64(&e, memory_available_kib());
			channel_send_message(WIRE_HEARTBEAT, &e);
		}
		next_heartbeat_us = now + heartbeat_us;
	}
	poll_by(set, next_heartbeat_us);
}

static void take_signals(void)
{
	struct signalfd_siginfo info[8];

	while (read(signal_fd, info, sizeof(info)) > 0)
		;
	command_reap();
}

/* The taint tells of what the log lost. */
static void send_bye(void)
{
	struct wire_enc e = channel_message();

	enc_u64(&e, tainted());
	channel_send_message(WIRE_BYE, &e);
}

/* After SHUTDOWN: no process is left, what was written is on the host, the log is told. */
static void step_shutdown(struct poll_set *set)
{
	bool late = now_us() - shutdown_us > SHUTDOWN_WAIT_US;

	poll_by(set, now_us() + 1000);
	command_reap();
	if (!late && procs_count(0, true) > 0)
		return;
	shares_unmount();
	if (!late && !kmsg_at_end())
		return;
	send_bye();
	channel_flush(BYE_WAIT_US);
	power_off();
}

static void run(void)
{
	for (;;) {
		struct poll_set set = { .until_us = UINT64_MAX };
		struct wire_frame f;
		int signal_place;

		heartbeat(&set);
		signal_place = poll_add(&set, signal_fd, POLLIN);
		channel_poll(&set);
		alike_poll(&set);
		if (!shutting_down) {
			kmsg_poll(&set);
			command_poll(&set);
		}
		if (channel_pending() || (pull_pending() && channel_roomy()))
			poll_by(&set, 0);
		if (shutting_down)
			poll_by(&set, now_us() + 1000);
		poll_run(&set);

		if (poll_got(&set, signal_place))
			take_signals();
		alike_step(&set);
		channel_step(&set);
		while (!shutting_down && channel_next(&f) > 0)
			request(&f);
		if (shutting_down) {
			step_shutdown(&set);
			continue;
		}
		kmsg_step(&set);
		command_step(&set);
		pull_step();
	}
}

static void prepare_self(void)
{
	sigset_t blocked;

	sigfillset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	signal_fd = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
	meminfo_fd = openat(proc_fd, "meminfo", O_RDONLY | O_CLOEXEC);
	random_fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	tainted_fd = openat(proc_fd, "sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	reboot(RB_DISABLE_CAD);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		trouble("cannot lock memory: %s", strerror(errno));
}

int main(void)
{
	if (getpid() != 1) {
		fprintf(stderr,
			"vmrig-agent: this is the first process of a guest, not a program to run\n");
		return 2;
	}
	boot_mounts();
	root_prepare();
	prepare_self();
	boot_modules();
	channel_open();
	alike_begin();
	send_hello();
	run();
}
