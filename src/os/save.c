/* SPDX-License-Identifier: MIT */
/*
 * A machine is saved when it is prepared, and goes on from there: the run that prepared it, and others that need the
 * same. Memory and disks are then only read, and what each of them writes is its own. All of it lies in files without a
 * name, and is gone with the last descriptor. Where it cannot be saved the run goes on as it is.
 */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "os/saved.h"

#define ROOM_MIB 256 /* that is left on the disk */

void os_saved_free(struct os_saved *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < MACHINE_DISKS_MAX; i++)
		if (s->disks[i] > 0)
			fd_close(s->disks[i]);
	if (s->memory > 0)
		fd_close(s->memory);
	if (s->state > 0)
		fd_close(s->state);
	if (s->vars > 0)
		fd_close(s->vars);
	strv_release(&s->host_keys);
	free(s);
}

int os_plan_can_save(const struct os_plan *p, struct err *e)
{
	return machine_can_save(&p->spec, e);
}

/* ---- before the start ---- */

/* A guest that writes to memory for which the disk has no room kills its engine (SIGBUS). */
static int check_room(const char *dir, uint32_t memory_mib, struct err *e)
{
	struct statvfs st;
	uint64_t free_mib;

	if (statvfs(dir, &st) < 0)
		return err_sys(e, errno, "cannot tell the room in %s", dir);
	free_mib = ((uint64_t)st.f_bavail * st.f_frsize) >> 20;
	if (free_mib >= memory_mib + ROOM_MIB)
		return 0;
	return err_set(e, -ENOSPC, "%s has room for %llu MiB, and a saved machine may take %u", dir,
		(unsigned long long)free_mib, memory_mib);
}

static int make_files(struct os *o, struct os_saved *s, struct err *e)
{
	uint32_t mib = o->spec.plan->spec.memory_mib;
	int r = check_room(o->spec.dir, mib, e);

	if (r >= 0)
		r = s->memory = os_media_empty(o->spec.dir, (uint64_t)mib << 20, e);
	if (r >= 0)
		r = s->state = os_media_empty(o->spec.dir, 0, e);
	return r;
}

static void cannot(struct os *o, const char *why)
{
	os_saved_free(o->making);
	o->making = NULL;
	free(o->report.not_saved);
	o->report.not_saved = xstrdup(why);
	if (o->h.saved)
		o->h.saved(o->h.arg, NULL, why);
}

void os_save_prepare(struct os *o)
{
	struct err e = ERR_INIT;

	if (!o->spec.saves)
		return;
	o->making = xcalloc(1, sizeof(*o->making));
	if (machine_can_save(&o->spec.plan->spec, &e) < 0 || make_files(o, o->making, &e) < 0)
		cannot(o, err_text(&e));
	err_release(&e);
}

/* ---- while it runs ---- */

bool os_save_due(const struct os *o)
{
	return o->making && o->state == OS_RUNNING && o->step == o->n_prepare && !o->kept;
}

static void on_saved(void *arg, const char *error)
{
	struct os *o = arg;

	if (o->state != OS_SAVING)
		return;
	if (!error) {
		o->kept = true;
		machine_stop(o->machine);
		return;
	}
	o->state = OS_RUNNING;
	machine_cont(o->machine);
	cannot(o, error);
	os_prepared(o);
	os_go_on(o);
}

void os_save(struct os *o)
{
	o->state = OS_SAVING;
	o->making->wall_ns = clock_wall_ns();
	strv_addv(&o->making->host_keys, &o->host_keys);
	machine_save(o->machine, o->making->state, on_saved, o);
}

/* ---- and again ---- */

void os_take_usage(struct os *o)
{
	struct os_report *r = &o->report;
	int64_t cpu_us, maxrss_kib;

	machine_usage(o->machine, &cpu_us, &maxrss_kib);
	r->engine_cpu_us += cpu_us;
	if (maxrss_kib > r->engine_maxrss_kib)
		r->engine_maxrss_kib = maxrss_kib;
}

void os_begin_again(struct os *o)
{
	struct os_saved *saved = o->making;
	struct err e = ERR_INIT;

	os_ssh_stop(o);
	o->ssh_answered = false;
	os_take_usage(o);
	os_serials_stop(o);
	machine_free(o->machine);
	o->machine = NULL;
	o->making = NULL;
	o->from = saved;
	if (os_machine_start(o, &e) < 0) {
		o->report.infra = xstrdup(err_text(&e));
		err_release(&e);
		o->from = NULL;
		os_saved_free(saved);
		os_over(o);
		return;
	}
	o->from = NULL;
	os_serials_attach(o);
	o->state = OS_RUNNING;
	o->report.cloned = true;
	os_prepared(o);
	o->h.saved(o->h.arg, saved, NULL);
	os_go_on(o);
}
