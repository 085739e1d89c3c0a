/* SPDX-License-Identifier: MIT */
/* The machine of a run: started on files of its own, at power-on or from what was saved. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "os/saved.h"

/* The descriptors are the engine's once it runs. -1: none. */
struct own_files {
	struct machine_disk disks[MACHINE_DISKS_MAX];
	int vars, state;
};

static void own_files_release(struct own_files *f)
{
	for (size_t i = 0; i < MACHINE_DISKS_MAX; i++)
		if (f->disks[i].own > 0)
			fd_close(f->disks[i].own);
	if (f->vars > 0)
		fd_close(f->vars);
	if (f->state > 0)
		fd_close(f->state);
}

/* What nothing is below begins as zeros. */
static int make_disk(const struct os *o, size_t i, struct err *e)
{
	const struct os_plan *p = o->spec.plan;
	uint64_t size = p->media[i].virtual_size;

	return p->disks[i].path || o->from ? os_media_overlay(o->spec.dir, size, e)
					   : os_media_empty(o->spec.dir, size, e);
}

static int make_vars(const struct os *o, struct err *e)
{
	_cleanup_free_ char *saved = o->from ? xasprintf("/proc/self/fd/%d", o->from->vars) : NULL;

	return os_media_copy(o->spec.dir, saved ? saved : o->spec.plan->firmware_vars, e);
}

static int make_own_files(const struct os *o, struct own_files *f, struct err *e)
{
	const struct os_plan *p = o->spec.plan;
	int fd;

	for (size_t i = 0; i < p->os.n_disks; i++) {
		f->disks[i] = p->disks[i];
		if (p->disks[i].cdrom || p->media[i].only_read)
			continue;
		fd = make_disk(o, i, e);
		if (fd < 0)
			return fd;
		f->disks[i].own = fd;
		f->disks[i].frozen = o->from ? o->from->disks[i] : 0;
	}
	if (p->firmware_vars) {
		fd = make_vars(o, e);
		if (fd < 0)
			return fd;
		f->vars = fd;
	}
	/* Each engine reads it from the beginning. */
	fd = o->from ? os_media_reopen(o->from->state, e) : 0;
	if (fd < 0)
		return fd;
	f->state = fd;
	return 0;
}

int os_machine_start(struct os *o, struct err *e)
{
	static const struct machine_handlers handlers = {
		.console = os_on_console, .ended = os_on_ended, .loaded = os_on_loaded
	};
	__attribute__((cleanup(own_files_release))) struct own_files files = { 0 };
	struct machine_spec spec = o->spec.plan->spec;
	struct machine_os os = o->spec.plan->os;
	struct machine_handlers h = handlers;
	int r = make_own_files(o, &files, e);

	if (r < 0)
		return r;
	os.disks = files.disks;
	os.firmware_vars = files.vars;
	spec.os = &os;
	spec.name = o->spec.name;
	spec.state_fd = files.state;
	spec.memory_fd = o->from ? o->from->memory : o->making ? o->making->memory : 0;
	spec.memory_shared = o->making;
	h.arg = o;
	o->loading = o->from;
	o->saved_ns = o->from ? o->from->wall_ns : 0;
	r = machine_start(o->loop, &spec, &h, &o->machine, e);
	if (r < 0 || !o->making)
		return r;
	/* What the guest writes to them is to be what others begin with. */
	for (size_t i = 0; i < os.n_disks; i++) {
		o->making->disks[i] = files.disks[i].own;
		files.disks[i].own = 0;
	}
	o->making->vars = files.vars;
	files.vars = 0;
	return 0;
}
