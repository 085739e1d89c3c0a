/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>

struct rig rig;

const char *const stage_names[N_STAGES] = { "boot", "mount", "exec", "run", "pull", "leave",
	"diagnosis", "ending", "over" };

size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- handlers ---- */

static void event(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void event(const char *name, const char *fmt, ...)
{
	va_list ap;

	assert_int_equal(rig.dones, 0); /* `done` is the last */
	va_start(ap, fmt);
	buf_adds(&rig.events, name);
	buf_vaddf(&rig.events, fmt, ap);
	buf_addc(&rig.events, ' ');
	va_end(ap);
	if (rig.on_event)
		rig.on_event(name);
}

static void on_ready(void *arg)
{
	event("ready", "%s", "");
}

static void on_started(void *arg, size_t i)
{
	event("started", ":%zu", i);
}

static void on_output(void *arg, size_t i, int stream, const char *data, size_t len)
{
	event(stream == 1 ? "out" : "err", ":%zu:%.*s", i, len > 40 ? 40 : (int)len, data);
}

static void on_console(void *arg, const char *data, size_t len)
{
	event("console", ":%zu", len);
}

static void on_room(void *arg, size_t bytes)
{
	rig.room = bytes;
	event("room", ":%zu", bytes);
}

static void on_done(void *arg, const struct job_report *r)
{
	rig.report = r;
	event("done", "%s", "");
	rig.dones++;
}

/* ---- the plan and the job ---- */

static const char *const argv[] = { "program", "word", NULL };
static const char *const env[] = { "PATH=/bin", NULL };
static const char *const globs[] = { "*.log", NULL };

static struct guest_plan *plan_make(void)
{
	struct guest_plan *p = xcalloc(1, sizeof(*p));

	p->refs = 1;
	p->initrd_fd = -1;
	p->root = WIRE_SHARE_NONE;
	p->kernel.label = xstrdup("fake");
	return p;
}

static void reset(void)
{
	fake_reset();
	fake_now = 1000000;
	rig.plan = plan_make();
	rig.spec = (struct job_spec){
		.plan = rig.plan,
		.commands = rig.commands,
		.console_fd = -1,
		.kmsg_fd = -1,
		.artifacts_dir = "artifacts",
	};
	use_commands(1, false);
	rig.dones = 0;
	rig.room = 0;
	rig.report = NULL;
	rig.on_event = NULL;
	rig.muffled = false;
	rig.w = (struct wire_writer){ 0 };
	wire_reader_release(&rig.r);
	buf_clear(&rig.events);
}

static void drop(void)
{
	job_free(rig.job);
	rig.job = NULL;
	guest_plan_unref(rig.plan);
	rig.plan = NULL;
	rig.on_event = NULL;
	turn();
}

void rig_again(void)
{
	drop();
	reset();
}

int rig_make(void **state)
{
	const char *tmp = getenv("TMPDIR");

	signal(SIGPIPE, SIG_IGN); /* as our callers do */
	memset(&rig, 0, sizeof(rig));
	rig.dir = xasprintf("%s/guest-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(rig.dir) || chdir(rig.dir) < 0)
		return -1;
	rig.fds = count_fds();
	rig.loop = loop_new();
	reset();
	return 0;
}

int rig_remove(void **state)
{
	unsigned started = machine.started + machine.copies;
	int r = 0;

	drop();
	if (machine.freed != started)
		r = -1;
	fake_forget_template();
	loop_free(rig.loop);
	wire_reader_release(&rig.r);
	buf_release(&rig.events);
	if (count_fds() != rig.fds) {
		print_message("# %zu descriptors, %zu before\n", count_fds(), rig.fds);
		r = -1;
	}
	if (chdir("/") < 0 || dir_remove(rig.dir, NULL) < 0)
		r = -1;
	free(rig.dir);
	return r;
}

void use_commands(size_t n, bool always_last)
{
	static const char *const names[] = { "setup", "test", "teardown" };

	for (size_t i = 0; i < n; i++)
		rig.commands[i] = (struct job_command){
			.name = names[n == 1 ? 1 : i], .argv = argv, .env = env, .cwd = "/"
		};
	rig.spec.n_commands = n;
	rig.spec.always_last = always_last;
}

void use_artifacts(void)
{
	rig.spec.artifacts = globs;
	rig.spec.n_artifacts = 1;
}

void use_shares(size_t n)
{
	struct guest_plan *p = rig.plan;

	p->root = WIRE_SHARE_9P;
	p->shares = xcalloc(n + 1, sizeof(*p->shares));
	p->mounts = xcalloc(n + 1, sizeof(*p->mounts));
	p->n_shares = n + 1;
	p->n_mounts = n;
	for (size_t i = 0; i <= n; i++)
		p->shares[i] = (struct machine_share){ i ? xasprintf("tag%zu", i) : xstrdup("root"),
			xstrdup("/"), i > 0 };
	for (size_t i = 0; i < n; i++)
		p->mounts[i] =
			(struct guest_share){ xstrdup("/host"), xasprintf("/share/%zu", i), true };
}

void start(void)
{
	const struct job_handlers h = { on_ready, on_started, on_output, on_console, on_room,
		on_done, NULL };
	struct err e = ERR_INIT;

	if (job_start(rig.loop, &rig.spec, &h, &rig.job, &e) < 0)
		fail_msg("%s", err_text(&e));
	turn();
}

void reach(enum stage stage)
{
	if (stage == AT_PULL)
		use_artifacts();
	if (stage == AT_DIAGNOSIS)
		rig.commands[0].timeout_ms = 1000;
	start();
	if (stage == AT_ENDING) {
		machine.stubborn = true;
		job_cancel(rig.job);
	} else if (stage == AT_OVER) {
		job_cancel(rig.job);
		turn();
	}
	if (stage == AT_BOOT || stage >= AT_ENDING)
		return;
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	if (stage == AT_MOUNT)
		return;
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	if (stage == AT_EXEC)
		return;
	say_started(0);
	if (stage == AT_DIAGNOSIS)
		pass(1000);
	if (stage == AT_RUN || stage == AT_DIAGNOSIS)
		return;
	say_exited(0, 0);
	expect(stage == AT_PULL ? WIRE_PULL : WIRE_SHUTDOWN);
}

/* ---- time and the loop ---- */

void turn(void)
{
	for (int i = 0; i < 8; i++)
		loop_turn(rig.loop, 0);
}

void pass(int64_t ms)
{
	for (turn(); ms > 0; ms -= 50) {
		fake_now += ms < 50 ? ms : 50;
		turn();
	}
}

/* ---- what came of it ---- */

void expect_events(const char *words)
{
	_cleanup_free_ char *got = xstrdup(buf_str(&rig.events));

	buf_clear(&rig.events);
	if (*got)
		got[strlen(got) - 1] = '\0';
	assert_string_equal(got, words);
}

void expect_over(void)
{
	turn();
	assert_int_equal(rig.dones, 1);
	assert_non_null(rig.report);
	assert_int_equal(machine.ended, 1);
	pass(100000);
	assert_int_equal(rig.dones, 1);
}

static void expect_text(const char *text, const char *word)
{
	if (!text || !strstr(text, word))
		fail_msg("\"%s\" does not say \"%s\"", text ? text : "(nothing)", word);
}

void expect_broken(const char *word)
{
	expect_over();
	expect_text(rig.report->broken, word);
	assert_false(rig.report->bye);
	assert_null(rig.report->infra);
	assert_int_equal(rig.report->end, MACHINE_STOPPED);
	assert_true(machine.stops > 0);
}

void expect_infra(const char *word)
{
	expect_over();
	expect_text(rig.report->infra, word);
	assert_null(rig.report->broken);
	assert_false(rig.report->bye);
}

bool file_is(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(rig.dir, name);
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!file_exists(path) || file_read(path, 1 << 26, &b, NULL) < 0)
		return !text;
	return text && streq(buf_str(&b), text);
}
