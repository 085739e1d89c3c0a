/* SPDX-License-Identifier: MIT */
/*
 * Saves a guest as it stands, and resumes one. While a guest is saved the host asks it for nothing: what was sent is to
 * be in its memory, not on its way, so the guest gets a moment to take it. What it sent until it stood still is read
 * afterwards, and the rest of a frame or request is kept with it. The session goes on where it was, on both sides.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "guest/job.h"
#include "guest/snapshot.h"

#define LOOK_MS 2
#define WAIT_MS 1000 /* for a guest to take what it was sent */

struct job_saving {
	enum guest_moment moment;
	void (*then)(struct job *j);
	struct loop_timer *look; /* owned */
	int64_t until;
	bool heard; /* the guest took all that was sent */
	int state_fd; /* owned */
};

static bool taken(int fd)
{
	int left = 0;

	return fd < 0 || ioctl(fd, SIOCOUTQ, &left) < 0 || left == 0;
}

static bool quiet(const struct job *j)
{
	if (!j->channel || channel_pending(j->channel) || !taken(machine_channel_fd(j->machine)))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(j->share_stream); i++)
		if (j->share_stream[i] && (!share_stream_idle(j->share_stream[i]) ||
						  !taken(machine_fs_fd(j->machine, i))))
			return false;
	return true;
}

static void hold_shares(struct job *j, bool held)
{
	for (size_t i = 0; i < ARRAY_SIZE(j->share_stream); i++)
		if (j->share_stream[i])
			share_stream_hold(j->share_stream[i], held);
}

static void end_saving(struct job *j)
{
	void (*then)(struct job * j) = j->saving->then;
	bool ended = j->saving->moment == MOMENT_ENDED;

	job_save_release(j);
	hold_shares(j, false);
	if (!ended)
		machine_cont(j->machine);
	job_limits_wait(j, false);
	then(j);
}

static void not_saved(struct job *j, const char *why)
{
	free(j->report.snapshot_why);
	j->report.snapshot_why = xstrdup(why);
	dir_remove(j->spec.snapshot_dir, NULL);
}

static void take_session(struct job *j, struct snapshot_session *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(j->share); i++) {
		if (!j->share_stream[i])
			continue;
		share_stream_take(j->share_stream[i], &s->requests[i]);
		share_save(j->share[i], &s->nodes[i]);
	}
	channel_drain(j->channel);
	if (j->channel)
		channel_get(j->channel, &s->channel);
}

static void on_saved(void *arg, const char *error)
{
	struct job *j = arg;
	struct err e = ERR_INIT;
	struct guest_snapshot s = {
		.plan = j->plan,
		.moment = j->saving->moment,
		.lives = j->saving->heard && j->saving->moment != MOMENT_ENDED,
		.memory_file = j->report.isolate == ISOLATE_CLONE,
		.state_fd = j->saving->state_fd,
	};

	if (error) {
		not_saved(j, error);
	} else {
		s.dir = path_join(j->spec.snapshot_dir, "");
		if (j->channel)
			take_session(j, &s.session);
		s.lives &= j->channel != NULL;
		if (snapshot_write(&s, &e) < 0)
			not_saved(j, err_text(&e));
		else
			j->report.snapshot = true;
		free(s.dir);
		snapshot_session_release(&s.session);
	}
	err_release(&e);
	end_saving(j);
}

static void look(void *arg)
{
	struct job *j = arg;
	struct job_saving *s = j->saving;

	s->heard = quiet(j);
	if (!s->heard && s->moment != MOMENT_ENDED && clock_ms() < s->until)
		loop_timer_set(s->look, clock_ms() + LOOK_MS);
	else
		machine_save(j->machine, s->state_fd, on_saved, j);
}

static int open_state(const char *dir, struct err *e)
{
	int fd, r = dir_make(dir, 0700, e);

	if (r < 0)
		return r;
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(e, errno, "cannot make a file in %s", dir) : fd;
}

/* Plans for guests that may be saved have none, but for these reasons. */
static const char *why_9p(const struct guest_plan *p)
{
	for (size_t i = 0; i < p->n_mounts; i++)
		if (p->mounts[i].writable)
			return "it has folders of the host to write to, which come by 9p, and QEMU saves no machine with 9p mounted";
	return "its kernel has no FUSE, so its files come by 9p, and QEMU saves no machine with 9p mounted";
}

bool job_save(struct job *j, enum guest_moment moment, void (*then)(struct job *j))
{
	struct err e = ERR_INIT;
	int fd;

	if (!j->spec.snapshot_dir || j->saving || j->report.snapshot || j->report.snapshot_why ||
		j->state < JOB_MOUNTING ||
		j->state >= (moment == MOMENT_ENDED ? JOB_ENDING : JOB_LEAVING) || !j->h.keep ||
		!j->h.keep(j->h.arg, moment))
		return false;
	if (j->plan->root == WIRE_SHARE_9P) {
		not_saved(j, why_9p(j->plan));
		return false;
	}
	if (j->shares_memory) {
		not_saved(j, "its memory is a file that it shares");
		return false;
	}
	fd = open_state(j->spec.snapshot_dir, &e);
	if (fd < 0) {
		not_saved(j, err_text(&e));
		err_release(&e);
		return false;
	}
	j->saving = xcalloc(1, sizeof(*j->saving));
	*j->saving = (struct job_saving){
		.moment = moment,
		.then = then,
		.state_fd = fd,
		.until = clock_ms() + WAIT_MS,
		.look = loop_timer_add(j->loop, clock_ms(), look, j),
	};
	hold_shares(j, true);
	job_limits_wait(j, true);
	return true;
}

void job_save_release(struct job *j)
{
	if (!j->saving)
		return;
	loop_timer_remove(j->saving->look);
	fd_close(j->saving->state_fd);
	free(j->saving);
	j->saving = NULL;
}

/* ---- resuming ---- */

static void on_resumed(void *arg)
{
	struct job *j = arg;

	j->state = JOB_MOUNTING;
	j->report.boot_ms = j->report.ready_ms = clock_ms() - j->engine_ms;
	job_limits_ready(j);
	if (j->spec.n_commands)
		job_next(j);
}

static int restore(struct job *j, const struct guest_snapshot *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(j->share); i++) {
		if (!j->share[i])
			continue;
		if (share_restore(j->share[i], buf_str(&s->session.nodes[i]),
			    s->session.nodes[i].len) < 0)
			return err_set(e, -EBADMSG, "what the guest knew of %s does not read",
				i ? j->plan->mounts[0].host : j->plan->root_dir);
		share_stream_begin(j->share_stream[i], s->session.requests[i].data,
			s->session.requests[i].len);
	}
	channel_set(j->channel, &s->session.channel);
	return 0;
}

int job_resume(struct job *j, struct err *e)
{
	const struct guest_snapshot *s = j->spec.resume;
	struct machine_handlers h = job_machine_handlers;
	struct machine_spec m = j->plan->spec;
	_cleanup_close_ int memory = -1;
	int r;

	h.arg = j;
	h.loaded = on_resumed;
	m.state_fd = s->state_fd;
	m.stopped = j->spec.debug_fd > 0;
	m.debug_fd = j->spec.debug_fd;
	if (s->memory_file) {
		memory = fd_memfd("guest", "", 0);
		if (memory < 0 || ftruncate(memory, (off_t)m.memory_mib << 20) < 0)
			return err_sys(e, errno, "cannot make the memory of a guest");
		m.memory_fd = memory;
	}
	if (lseek(s->state_fd, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "cannot read the state of a snapshot");
	j->state = JOB_BOOTING;
	j->engine_ms = clock_ms();
	j->first_id = ID_RESUMED;
	j->report.connected = j->report.ready = true;
	j->report.isolate = ISOLATE_CLONE;
	r = machine_start(j->loop, &m, &h, &j->machine, e);
	if (r == 0)
		r = job_attach(j, e);
	if (r == 0)
		r = restore(j, s, e);
	return r;
}
