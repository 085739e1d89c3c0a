/* SPDX-License-Identifier: MIT */
/*
 * How a job's guest comes to be: it boots, or it is a clone. A clone whose template is not there boots a machine that
 * becomes the template, and goes on as the first clone of it; whatever goes wrong with the template, the job goes
 * on as a boot, and the report says why.
 */
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "guest/job.h"

#define LOOKS   3
#define LOOK_MS 10 /* until the template that another process makes is looked for again */
#define WAIT_MS 120000 /* for it, in all */

const char *guest_isolate_name(enum guest_isolate i)
{
	return i == ISOLATE_CLONE ? "clone" : "boot";
}

const char *guest_plan_one_off(const struct guest_plan *p)
{
	if (p->own_cmdline)
		return "it boots with kernel parameters of its own";
	if (p->initrd_fd >= 0)
		return "its initramfs holds the command";
	return NULL;
}

static void say_why(struct job *j, const char *why)
{
	str_replace(&j->report.isolate_why, why);
}

/* What is run before it is kept shapes a template, too. */
static char *key_with_command(const char *key, const struct job_command *c)
{
	char hex[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();

	hash_adds(h, key);
	for (const char *const *a = c->argv; *a; a++)
		hash_adds(h, *a);
	hash_adds(h, c->cwd);
	for (const char *const *v = c->env; *v; v++)
		hash_adds(h, *v);
	hash_final(h, hex);
	return xstrdup(hex);
}

static int make_key(struct job *j, struct err *e)
{
	struct guest_plan *p = j->plan;
	_cleanup_free_ char *key = NULL;
	int r;

	if (job_prepares(j) && p->root == WIRE_SHARE_FUSE)
		return err_set(e, -EOPNOTSUPP, "%s needs a root over 9p to be run once for all",
			j->spec.commands[0].name);
	r = machine_template_key(&p->spec, &key, e);
	if (r == 0)
		p->template_key = job_prepares(j) ? key_with_command(key, &j->spec.commands[0])
						  : TAKE_PTR(key);
	return r;
}

static const char *key_of(struct job *j)
{
	struct guest_plan *p = j->plan;
	struct err e = ERR_INIT;

	if (!p->template_key && !p->template_why && make_key(j, &e) < 0)
		p->template_why = xstrdup(err_text(&e));
	err_release(&e);
	if (!p->template_key)
		say_why(j, p->template_why);
	return p->template_key;
}

/* ---- machines ---- */

void job_as_said(struct job *j)
{
	const struct buf *said = &j->template.hello;
	const struct wire_frame hello = {
		.type = WIRE_HELLO,
		.payload = (const uint8_t *)said->data,
		.len = said->len,
	};

	j->has_prepared = job_prepares(j);
	channel_skip_first(j->channel);
	job_hello(j, &hello);
}

static void on_loaded(void *arg)
{
	struct job *j = arg;

	if (j->state == JOB_BOOTING)
		job_as_said(j);
}

static int start(struct job *j, const struct machine_spec *what, struct err *e)
{
	struct machine_handlers h = job_machine_handlers;
	struct machine_spec spec = *what;
	int r;

	spec.name = j->spec.name;
	h.arg = j;
	h.loaded = on_loaded;
	if (!j->saved)
		j->engine_ms = clock_ms();
	j->state = JOB_BOOTING;
	job_steps_begin(j);
	r = machine_start(j->loop, &spec, &h, &j->machine, e);
	if (r == 0)
		r = job_attach(j, e);
	if (r == 0)
		job_limits_boot(j);
	return r;
}

static int boot(struct job *j, struct err *e)
{
	j->shares_memory = false;
	return start(j, &j->plan->spec, e);
}

static int boot_template(struct job *j, struct err *e)
{
	struct machine_spec s = j->plan->spec;

	j->making = true;
	s.memory_fd = j->template.memory_fd;
	s.memory_shared = true;
	j->shares_memory = true;
	return start(j, &s, e);
}

static int clone(struct job *j, struct err *e)
{
	struct machine_spec s = j->plan->spec;
	int r;

	s.memory_fd = j->template.memory_fd;
	s.state_fd = j->template.state_fd;
	j->shares_memory = false;
	s.copies = j->spec.park;
	if (lseek(s.state_fd, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "cannot read the state of a template");
	r = start(j, &s, e);
	if (r < 0)
		return r;
	j->report.isolate = ISOLATE_CLONE;
	j->report.deterministic = j->plan->deterministic;
	return 0;
}

/* ---- finding a template ---- */

enum found {
	FOUND, /* it is open */
	MINE, /* to be made */
	TAKEN, /* by a process that makes it */
	NONE, /* to be had, and the report says why */
};

static enum found find(struct job *j)
{
	const char *key = key_of(j);
	struct err e = ERR_INIT;
	int r = -EEXIST;

	if (!key)
		return NONE;
	/* It may appear and go again while we look. */
	for (int tries = 0; r == -EEXIST && tries < LOOKS; tries++) {
		r = machine_template_open(key, &j->template, &e);
		if (r == 0)
			return FOUND;
		if (r == -EBADMSG)
			say_why(j, err_text(&e));
		r = machine_template_begin(key, j->plan->spec.memory_mib, &j->template, &e);
	}
	if (r < 0 && r != -EBUSY)
		say_why(j, err_text(&e));
	err_release(&e);
	return r == 0 ? MINE : r == -EBUSY ? TAKEN : NONE;
}

static void look_again(void *arg);

static int wait_for_maker(struct job *j, struct err *e)
{
	int64_t now = clock_ms();

	if (!j->look) {
		j->look = loop_timer_add(j->loop, CLOCK_NEVER, look_again, j);
		j->look_until = now + WAIT_MS;
	}
	j->state = JOB_WAITING;
	if (now >= j->look_until) {
		say_why(j, "another process makes the template, and does not come to an end");
		return boot(j, e);
	}
	loop_timer_set(j->look, now + LOOK_MS);
	return 0;
}

static int begin(struct job *j, struct err *e)
{
	switch (find(j)) {
	case FOUND:
		return clone(j, e);
	case MINE:
		return boot_template(j, e);
	case TAKEN:
		return wait_for_maker(j, e);
	case NONE:
		break;
	}
	return boot(j, e);
}

/* Whatever is wrong with copies, a template still serves. */
static void forget_copy(struct job *j)
{
	job_detach(j);
	j->copied = false;
	j->report.connected = false;
	j->report.isolate = ISOLATE_BOOT;
	loop_timer_remove(j->look);
	j->look = NULL;
	buf_release(&j->template.hello);
}

int job_begin(struct job *j, struct err *e)
{
	struct err why = ERR_INIT;
	int r = -ENOENT;

	if (j->spec.resume)
		return job_resume(j, e);
	if (j->spec.isolate != ISOLATE_CLONE)
		return boot(j, e);
	if (j->spec.copy_of)
		r = job_copy(j, &why);
	if (r < 0 && j->spec.copy_of) {
		say_why(j, err_text(&why));
		forget_copy(j);
	}
	err_release(&why);
	return r < 0 ? begin(j, e) : 0;
}

static void look_again(void *arg)
{
	struct job *j = arg;
	struct err e = ERR_INIT;

	if (j->state == JOB_WAITING && begin(j, &e) < 0)
		job_fail(j, "%s", err_text(&e));
	err_release(&e);
}

/* ---- making one ---- */

static void on_saved(void *arg, const char *error)
{
	struct job *j = arg;
	struct wire_frame hello = { .type = WIRE_HELLO };
	struct buf said = j->template.hello;

	if (j->state != JOB_SAVING)
		return;
	j->saved = !error;
	if (j->saved) {
		machine_stop(j->machine); /* its end brings the first clone */
		return;
	}
	free(j->report.isolate_why);
	j->report.isolate_why = xasprintf("the machine could not be saved: %s", error);
	j->template.hello = (struct buf)BUF_INIT;
	machine_template_release(&j->template);
	machine_cont(j->machine);
	hello.payload = (const uint8_t *)said.data;
	hello.len = said.len;
	job_hello(j, &hello);
	buf_release(&said);
}

void job_template_hello(struct job *j, const struct wire_frame *f)
{
	/* A UART may hold what was not taken yet. */
	if (!j->prepared && (job_prepares(j) || j->plan->spec.channel == CHANNEL_VIRTIO)) {
		job_prepare(j);
		return;
	}
	buf_add(&j->template.hello, f->payload, f->len);
	j->making = false;
	j->state = JOB_SAVING;
	machine_save(j->machine, j->template.state_fd, on_saved, j);
}

/* The clone starts while the template is written to the disk. */
static int first_clone(struct job *j, struct err *e)
{
	struct err why = ERR_INIT;
	int r = clone(j, e);

	if (r == 0 && machine_template_commit(&j->template, &why) < 0)
		say_why(j, err_text(&why));
	err_release(&why);
	return r;
}

/* Once it is made anew; when that is refused too, the guest boots. */
static int after_refusal(struct job *j, const char *why, struct err *e)
{
	bool again = !j->refused;

	free(j->report.isolate_why);
	j->report.isolate_why = xasprintf("a template could not be resumed: %s", why);
	j->refused = true;
	j->report.connected = false;
	j->report.isolate = ISOLATE_BOOT;
	j->report.deterministic = false;
	machine_template_release(&j->template);
	machine_template_remove(j->plan->template_key);
	return again ? begin(j, e) : boot(j, e);
}

static int after_lost_copy(struct job *j, const char *why, struct err *e)
{
	free(j->report.isolate_why);
	j->report.isolate_why = xasprintf("a copy of a waiting guest did not start: %s", why);
	forget_copy(j);
	return begin(j, e);
}

/* Its memory may have met a full disk. A guest that dies by itself is another matter. */
static int boot_instead(struct job *j, const char *why, struct err *e)
{
	if (!j->report.isolate_why)
		j->report.isolate_why = xasprintf("no template could be made: %s", why);
	j->report.connected = false;
	j->making = false;
	machine_template_release(&j->template);
	return boot(j, e);
}

bool job_next_machine(struct job *j, enum machine_end end, const char *why)
{
	bool saved = j->state == JOB_SAVING && j->saved;
	bool never_ran = j->report.isolate == ISOLATE_CLONE && end == MACHINE_DIED &&
			 j->state < JOB_DIAGNOSING && !j->spec.resume && !machine_ran(j->machine);
	bool lost_copy = never_ran && j->copied, refused = never_ran && !j->copied;
	bool died = end == MACHINE_DIED &&
		    ((j->state == JOB_BOOTING && j->making) || j->state == JOB_SAVING);
	bool unprepared = j->state == JOB_PREPARING;
	_cleanup_free_ char *said =
		xstrdup(why ? why : "no reason told"); /* WHY goes with the machine */
	struct err e = ERR_INIT;
	int r;

	if (!saved && !never_ran && !died && !unprepared)
		return false;
	job_detach(j);
	if (saved)
		r = first_clone(j, &e);
	else if (lost_copy)
		r = after_lost_copy(j, said, &e);
	else if (refused)
		r = after_refusal(j, said, &e);
	else
		r = boot_instead(j, said, &e);
	if (r < 0)
		job_fail(j, "%s", err_text(&e));
	err_release(&e);
	return true;
}

void job_start_release(struct job *j)
{
	loop_timer_remove(j->look);
	machine_template_release(&j->template);
	buf_release(&j->prepare_tail);
}
