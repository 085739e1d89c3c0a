/* SPDX-License-Identifier: MIT */
#include "bench/measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 5000000

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static pid_t start(const char *const *argv)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	fd = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	execvp(argv[0], (char *const *)(unsigned long)argv);
	_exit(127);
}

static long peak_rss(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* A zombie still has its schedstat: the nanoseconds it ran, without those of its children. */
static double own_cpu_ms(pid_t pid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return (double)ns / 1e6;
}

struct sample measure(const char *const *argv)
{
	const struct timespec pause = { .tv_nsec = SAMPLE_NS };
	struct sample s = { 0 };
	siginfo_t info;
	double began = now_ms();
	pid_t pid = start(argv);

	for (;;) {
		long rss = peak_rss(pid);

		if (rss > s.rss_kib)
			s.rss_kib = rss;
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
			die("waitid");
		if (info.si_pid == pid)
			break;
		nanosleep(&pause, NULL);
	}
	s.wall_ms = now_ms() - began;
	s.cpu_ms = own_cpu_ms(pid);
	if (waitpid(pid, &s.status, 0) < 0)
		die("waitpid");
	if (WIFEXITED(s.status) && WEXITSTATUS(s.status) == 127) {
		fprintf(stderr, "bench: cannot run %s\n", argv[0]);
		exit(1);
	}
	return s;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread spread_of(const double *v, size_t n)
{
	double sorted[RUNS_MAX];

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return (struct spread){ sorted[0],
		n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2, sorted[n - 1] };
}

json_t *spread_json(struct spread s)
{
	return json_pack("{s:f, s:f, s:f}", "min", s.min, "median", s.median, "max", s.max);
}
