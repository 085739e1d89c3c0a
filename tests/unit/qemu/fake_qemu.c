/* SPDX-License-Identifier: MIT */
/* Takes QEMU's command line and misbehaves as $FAKE_QEMU_MODE says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fd_of(char **argv, const char *id)
{
	char want[64];
	int fd;

	snprintf(want, sizeof(want), "socket,id=%s,fd=", id);
	for (; *argv; argv++)
		if (strncmp(*argv, want, strlen(want)) == 0 &&
			sscanf(*argv + strlen(want), "%d", &fd) == 1)
			return fd;
	exit(99);
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			exit(98);
		text += n;
		len -= (size_t)n;
	}
}

static void await(int fd, const char *word)
{
	char data[4096];
	size_t len = 0;

	data[0] = '\0';
	while (!strstr(data, word)) {
		ssize_t n = read(fd, data + len, sizeof(data) - 1 - len);

		if (n <= 0)
			exit(97);
		len += (size_t)n;
		data[len] = '\0';
	}
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define SHUTDOWN(reason) \
	"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"" reason "\"}}\r\n"

static void flood(int console, int qmp)
{
	char line[1025];

	memset(line, 'x', 1024);
	line[1024] = '\0';
	for (int i = 0; i < 8192; i++) {
		say(console, line);
		say(2, line);
	}
	say(console, "END");
	say(qmp, GREETING SHUTDOWN("guest-shutdown"));
}

static void __attribute__((noreturn)) stop_with_internal_error(int qmp)
{
	say(2, "KVM internal error. Suberror: 1\nemulation failure\nEAX=0 EBX=0\nA\nB\nC\nD\n");
	say(qmp, GREETING "{\"event\": \"STOP\"}\n");
	await(qmp, "query-status");
	say(qmp, "{\"return\": {}, \"id\": 1}\n"
		 "{\"return\": {}, \"id\": 2}\n"
		 "{\"return\": {\"status\": \"internal-error\"}, \"id\": 3}\n");
	for (;;)
		pause();
}

static void __attribute__((noreturn)) talk_without_end(int qmp)
{
	say(qmp, GREETING "{\"event\": \"");
	for (;;)
		say(qmp, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

int main(int argc, char **argv)
{
	const char *mode = getenv("FAKE_QEMU_MODE");
	int console = fd_of(argv, "console"), qmp = fd_of(argv, "qmp");

	if (strcmp(mode, "dies") == 0) {
		say(2, "first\n\033[31mno such\tthing\n");
		return 3;
	}
	if (strcmp(mode, "killed") == 0) {
		say(console, "the last byte");
		kill(getpid(), SIGKILL);
	}
	if (strcmp(mode, "floods") == 0) {
		flood(console, qmp);
		return 0;
	}
	if (strcmp(mode, "heir") == 0) {
		if (fork() == 0)
			for (;;)
				pause();
		say(qmp, GREETING SHUTDOWN("guest-reset"));
		return 0;
	}
	if (strcmp(mode, "garbage") == 0)
		say(qmp, GREETING "bless you\n");
	if (strcmp(mode, "endless message") == 0)
		talk_without_end(qmp);
	if (strcmp(mode, "internal error") == 0)
		stop_with_internal_error(qmp);
	if (strcmp(mode, "closes its monitor") == 0)
		close(qmp);
	for (;;) /* "silent", and what the others end in */
		pause();
}
