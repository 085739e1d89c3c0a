/* SPDX-License-Identifier: MIT */
/*
 * Running make: with an environment of our own, its output to the log and through the eyes of errors.c, its
 * steps counted, and its end certain: make and all that it started share a session, which gets the signals.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "build/private.h"

#define LINE_MAX_BYTES 65536
#define TERM_MS        5000 /* from SIGTERM to SIGKILL */
#define TELL_MS        200 /* between two words of progress */
#define LEARN_STEPS    20 /* before them nothing is said about the time left */
#define LOG_ENDED      "# make ended with exit code "
#define LOCK_FD        9 /* in make: nothing uses these numbers */
#define HOLD_FD        8
#define DONE_FILE \
	"vmrig-steps" /* in OUT: the recipe, steps done, steps in all, whether from nothing */

struct run {
	struct job *j;
	struct loop *loop;
	struct proc proc;
	struct loop_fd *output, *end;
	struct loop_timer *kill;
	int fd, log; /* owned: the pipe, the log */
	struct buf line;
	struct errors errors;
	bool count;
	int64_t done, before, total; /* steps; BEFORE: of an earlier run that was killed */
	bool estimated; /* TOTAL is */
	bool again; /* the folder holds this recipe's build, finished: what is left to do is what changed since */
	bool from_nothing; /* the folder held no other build: the steps are all there are */
	int64_t start_ms, told_ms;
	int signo, status;
};

/* ---- the environment ---- */

/* What a build may know of its caller. Anything else can change what comes out (CFLAGS, MAKEFLAGS, ARCH,
 * LOCALVERSION, KBUILD_…). */
static const char *const passed[] = { "PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "TERM",
	"LD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME" };

static bool is_passed(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (strlen(passed[i]) == n && strncmp(assignment, passed[i], n) == 0)
			return true;
	return str_starts(assignment, "CCACHE_");
}

static void make_env(const struct job *j, struct strv *env)
{
	for (char **p = environ; *p; p++)
		if (is_passed(*p))
			strv_add(env, *p);
	strv_setenv(env, "LC_ALL", "C");
	if (j->own)
		return;
	strv_setenv(env, "TZ", "UTC");
	strv_setenv(env, "KBUILD_BUILD_TIMESTAMP", "Thu Jan  1 00:00:00 UTC 1970");
	strv_setenv(env, "KBUILD_BUILD_USER", "vmrig");
	strv_setenv(env, "KBUILD_BUILD_HOST", "vmrig");
	strv_setenv(env, "KBUILD_BUILD_VERSION", "1");
	strv_setenv(env, "KCONFIG_NOTIMESTAMP", "1");
	strv_setenv(env, "SOURCE_DATE_EPOCH", "0");
	/* Set and empty: no "+" for a commit without a tag, which depends on the clone. */
	strv_setenv(env, "LOCALVERSION", "");
}

/* ---- the command ---- */

static uint32_t cpus_allowed(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

static uint32_t jobs(const struct job *j)
{
	uint32_t n = cpus_allowed();

	if (j->how->jobs)
		return j->how->jobs;
	return j->how->cpus && j->how->cpus < n ? j->how->cpus : n;
}

/* Paths of this machine must not get into the kernel. */
static void add_maps(struct strv *argv, const struct job *j, const char *variable)
{
	strv_addf(argv,
		"%s=-fdebug-prefix-map=%s=. -fdebug-prefix-map=%s=. -fmacro-prefix-map=%s/=",
		variable, j->out, j->source.dir, j->source.dir);
}

static void add_own_settings(struct strv *argv, const struct job *j)
{
	_cleanup_free_ char *ccache = NULL;

	add_maps(argv, j, "KCFLAGS");
	add_maps(argv, j, "KAFLAGS");
	if (path_program("ccache", &ccache) < 0)
		return;
	strv_addf(argv, "CC=ccache %s", j->tools.cc);
	if (!j->tools.llvm)
		strv_add(argv, "HOSTCC=ccache gcc");
}

static void make_argv(const struct job *j, const char *const *targets, struct strv *argv)
{
	strv_add(argv, "make");
	strv_add(argv, "--no-print-directory");
	strv_add(argv, "-C");
	strv_add(argv, j->source.dir);
	if (!streq(j->out, j->source.dir))
		strv_addf(argv, "O=%s", j->out);
	strv_addf(argv, "-j%u", jobs(j));
	strv_addv(argv, &j->tools.args);
	if (!j->own)
		add_own_settings(argv, j);
	for (; *targets; targets++)
		strv_add(argv, *targets);
}

/* Children inherit it. The mask before it is given back, to be restored. */
static void cap_cpus(uint32_t cpus, cpu_set_t *before)
{
	cpu_set_t set;
	uint32_t n = 0;

	if (sched_getaffinity(0, sizeof(*before), before) < 0 || !cpus)
		return;
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE && n < cpus; i++)
		if (CPU_ISSET(i, before)) {
			CPU_SET(i, &set);
			n++;
		}
	sched_setaffinity(0, sizeof(set), &set);
}

static int spawn(struct run *r, const struct strv *argv, int output, struct err *e)
{
	_cleanup_strv_ struct strv env = STRV_INIT;
	struct proc_fd fds[] = { { output, STDOUT_FILENO }, { output, STDERR_FILENO },
		{ r->j->lock, LOCK_FD }, { r->j->source.hold, HOLD_FD } };
	struct proc_spec spec = {
		.argv = (const char *const *)argv->v,
		.cwd = r->j->source.dir,
		.fds = fds,
		.n_fds = ARRAY_SIZE(fds) - (r->j->source.hold > 0 ? 0 : 1),
		.new_session = true,
	};
	cpu_set_t before;
	int code;

	make_env(r->j, &env);
	spec.envp = (const char *const *)env.v;
	cap_cpus(r->j->how->cpus, &before);
	code = proc_spawn(&spec, &r->proc, e);
	if (r->j->how->cpus)
		sched_setaffinity(0, sizeof(before), &before);
	return code;
}

/* ---- steps ---- */

/* "  CC      kernel/fork.o", "  LD [M]  x.ko": what make prints before each command. */
static bool is_step(const char *line)
{
	const char *p = line + 2;

	if (line[0] != ' ' || line[1] != ' ' || !isupper((unsigned char)*p))
		return false;
	while (isupper((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_')
		p++;
	return *p == ' ';
}

/* In a folder that holds another recipe's build nobody knows how many steps are left to do. */
static void steps_read(struct run *r)
{
	_cleanup_free_ char *path = path_join(r->j->out, DONE_FILE);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char recipe[HASH_HEX_LEN + 1] = "";
	long long done = 0, total = 0;
	int from_nothing = 0;

	r->from_nothing = true;
	r->total = r->j->steps;
	r->estimated = r->j->estimated;
	if (!file_exists(path) || file_read(path, 256, &text, NULL) < 0)
		return;
	sscanf(buf_str(&text), "%64s %lld %lld %d", recipe, &done, &total, &from_nothing);
	r->from_nothing = streq(recipe, r->j->recipe) && from_nothing;
	if (!streq(recipe, r->j->recipe)) {
		r->total = 0;
		return;
	}
	r->before = done > 0 ? done : 0;
	r->again = done == 0 && total > 0;
	if (total > 0) {
		r->total = total;
		r->estimated = false;
	}
	if (r->total && r->before >= r->total)
		r->before = 0;
}

static void steps_write(const struct run *r, bool whole)
{
	_cleanup_free_ char *path = path_join(r->j->out, DONE_FILE);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t all = r->before + r->done, known = r->estimated ? 0 : r->total;

	/* A build that had nothing to do tells nothing about one that has. */
	buf_addf(&text, "%s %lld %lld %d\n", r->j->recipe, whole ? 0LL : (long long)all,
		(long long)(whole && all > known / 2 ? all : known), r->from_nothing);
	file_write_atomic(path, text.data, text.len, 0644, NULL);
}

/* Until the end is written nobody knows what was done: a SIGKILL leaves it at that. */
static void steps_begin(struct run *r)
{
	bool from_nothing;

	steps_read(r);
	from_nothing = r->from_nothing;
	r->from_nothing = false;
	steps_write(r, false);
	r->from_nothing = from_nothing;
}

static void tell_progress(struct run *r)
{
	const struct build_watch *w = r->j->how->watch;
	int64_t now = clock_ms(), all = r->before + r->done, left = -1;

	if (!w || !w->progress || now - r->told_ms < TELL_MS)
		return;
	r->told_ms = now;
	if (!r->again && r->total && all < r->total && r->done >= LEARN_STEPS)
		left = (now - r->start_ms) * (r->total - all) / r->done / 1000;
	w->progress(w->arg, (int)all, !r->again && all <= r->total ? (int)r->total : 0,
		r->estimated, (int)left);
}

/* ---- output ---- */

static void take_line(struct run *r, const char *line)
{
	if (r->count && is_step(line)) {
		r->done++;
		tell_progress(r);
	}
	errors_line(&r->errors, line, r->j->source.dir, r->j->out);
}

static void take_lines(struct run *r)
{
	char *nl;

	while ((nl = r->line.len ? memchr(r->line.data, '\n', r->line.len) : NULL)) {
		*nl = '\0';
		take_line(r, r->line.data);
		buf_consume(&r->line, (size_t)(nl + 1 - r->line.data));
	}
	if (r->line.len > LINE_MAX_BYTES)
		buf_clear(&r->line);
}

static void on_output(void *arg, int fd, uint32_t events)
{
	struct run *r = arg;
	size_t old = r->line.len;
	ssize_t n = buf_read(&r->line, fd, 65536);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		loop_fd_remove(r->output);
		r->output = NULL;
		return;
	}
	/* A log that cannot be written (the disk is full) is told by the compiler soon enough. */
	(void)fd_write_all(r->log, r->line.data + old, (size_t)n);
	take_lines(r);
}

/* ---- the end ---- */

static void on_end(void *arg, int fd, uint32_t events)
{
	struct run *r = arg;

	loop_fd_remove(r->end);
	r->end = NULL;
	loop_stop(r->loop);
}

static void on_kill(void *arg)
{
	struct run *r = arg;

	kill(-r->proc.pid, SIGKILL);
}

static void on_signal(void *arg, int signo)
{
	struct run *r = arg;

	if (!r->signo) {
		r->signo = signo;
		loop_timer_set(r->kill, clock_ms() + TERM_MS);
	}
	kill(-r->proc.pid, SIGTERM);
}

/* Make is a zombie until it is reaped, so its session's number is still its own. */
static void end_all(struct run *r)
{
	pid_t session = r->proc.pid;

	if (r->signo)
		kill(-session, SIGKILL);
	while (r->output && r->fd >= 0) {
		struct buf *b = &r->line;
		size_t old = b->len;
		ssize_t n = buf_read(b, r->fd, 65536);

		if (n <= 0)
			break;
		(void)fd_write_all(r->log, b->data + old, (size_t)n);
		take_lines(r);
	}
	while (proc_reap(&r->proc, &r->status) == -EAGAIN)
		usleep(1000);
}

static void converse(struct run *r)
{
	struct loop_signal *interrupt, *terminate;

	r->loop = loop_new();
	interrupt = loop_signal_add(r->loop, SIGINT, on_signal, r);
	terminate = loop_signal_add(r->loop, SIGTERM, on_signal, r);
	r->kill = loop_timer_add(r->loop, CLOCK_NEVER, on_kill, r);
	r->output = loop_fd_add(r->loop, r->fd, EPOLLIN, on_output, r);
	r->end = loop_fd_add(r->loop, r->proc.pidfd, EPOLLIN, on_end, r);
	loop_run(r->loop);
	end_all(r);
	loop_fd_remove(r->output);
	loop_signal_remove(interrupt);
	loop_signal_remove(terminate);
	loop_timer_remove(r->kill);
	loop_free(r->loop);
}

static int judge(struct run *r, const char *what, struct err *e)
{
	if (r->signo) {
		if (r->j->how->ret_signal)
			*r->j->how->ret_signal = r->signo;
		err_set(e, -EINTR, "%s was ended by %s", what, signal_name(r->signo));
		return err_hint(e, "What was made is kept; the same command goes on from there.");
	}
	if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
		return 0;
	return errors_report(&r->errors, what, r->j->log, e);
}

/* A build that a signal ended goes on with its log; else that of the last one in the folder would be in this one's. */
void make_forget_log(const struct job *j)
{
	int fd = open(j->log, O_RDONLY | O_CLOEXEC);
	char end[sizeof(LOG_ENDED) + 16];
	ssize_t n = -1;

	if (fd >= 0 && lseek(fd, -(off_t)(sizeof(end) - 1), SEEK_END) >= 0)
		n = read(fd, end, sizeof(end) - 1);
	fd_close(fd);
	if (n <= 0)
		return;
	end[n] = '\0';
	if (strstr(end, LOG_ENDED))
		unlink(j->log);
}

static void close_log(struct run *r)
{
	_cleanup_free_ char *end = NULL;

	if (r->log >= 0 && !r->signo && WIFEXITED(r->status)) {
		end = xasprintf("\n" LOG_ENDED "%d\n", WEXITSTATUS(r->status));
		fd_write_all(r->log, end, strlen(end));
	}
	fd_close(r->log);
}

static int open_log(struct run *r, const struct strv *argv, struct err *e)
{
	_cleanup_free_ char *command = strv_shell(argv);
	_cleanup_buf_ struct buf head = BUF_INIT;

	r->log = open(r->j->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (r->log < 0)
		return err_sys(e, errno, "cannot write the log %s", r->j->log);
	buf_addf(&head, "\n$ %s\n", command);
	return fd_write_all(r->log, head.data, head.len) < 0
		       ? err_sys(e, EIO, "cannot write the log %s", r->j->log)
		       : 0;
}

int make_run(struct job *j, const char *const *targets, bool count, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct run r = { .j = j, .proc = PROC_INIT, .fd = -1, .log = -1, .count = count };
	_cleanup_free_ char *what =
		count ? xasprintf("compiling %s", j->label) : xasprintf("make %s", targets[0]);
	int ends[2], code;

	make_argv(j, targets, &argv);
	code = open_log(&r, &argv, e);
	if (code < 0) {
		fd_close(r.log);
		return code;
	}
	if (count)
		steps_begin(&r);
	if (pipe2(ends, O_CLOEXEC) < 0)
		code = err_sys(e, errno, "cannot make a pipe");
	if (code == 0) {
		r.fd = ends[0];
		fd_set_nonblock(r.fd, true);
		code = spawn(&r, &argv, ends[1], e);
		close(ends[1]);
	}
	if (code == 0) {
		r.start_ms = clock_ms();
		converse(&r);
		code = judge(&r, what, e);
		if (count)
			steps_write(&r, code == 0);
		j->steps = r.from_nothing ? r.before + r.done : 0;
	}
	fd_close(r.fd);
	close_log(&r);
	buf_release(&r.line);
	errors_release(&r.errors);
	return code;
}

int make_on_terminal(struct job *j, const char *target, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT, env = STRV_INIT;
	const char *targets[] = { target, NULL };
	struct proc_fd fds[] = { { STDIN_FILENO, STDIN_FILENO }, { STDOUT_FILENO, STDOUT_FILENO },
		{ STDERR_FILENO, STDERR_FILENO } };
	struct proc_spec spec = { .fds = fds, .n_fds = ARRAY_SIZE(fds), .cwd = j->source.dir };
	struct proc p = PROC_INIT;
	int status = 0, r;

	make_argv(j, targets, &argv);
	make_env(j, &env);
	spec.argv = (const char *const *)argv.v;
	spec.envp = (const char *const *)env.v;
	r = proc_spawn(&spec, &p, e);
	if (r < 0)
		return r;
	while (proc_reap(&p, &status) == -EAGAIN)
		usleep(20000);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(e, -EIO, "make %s failed", target);
	return err_hint(e, "It takes a terminal, and on Debian the package libncurses-dev.");
}
