/* SPDX-License-Identifier: MIT */
#include "fake_machine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

struct fake_machine machine;
int64_t fake_now;

/* The linker sends calls of clock_ms() and clock_us() here. */
int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return fake_now;
}

int64_t __wrap_clock_us(void);
int64_t __wrap_clock_us(void)
{
	return fake_now * 1000;
}

/* ---- machines ---- */

struct machine {
	struct machine_handlers h;
	struct loop *loop; /* borrowed */
	struct loop_timer *load_timer; /* owned */
	struct loop_timer *end_timer; /* owned: `ended` is called from the loop */
	enum machine_end end;
	char *why; /* owned */
	int fd, fs_fd; /* owned: the host's ends */
	bool over;
};

static struct buf template_hello;
static struct machine *current; /* borrowed; NULL: none */

void fake_reset(void)
{
	machine = (struct fake_machine){
		.fd = -1, .fs_fd = -1, .accel = ACCEL_TCG, .template_there = machine.template_there
	};
	current = NULL;
}

void fake_forget_template(void)
{
	buf_release(&template_hello);
	machine.template_there = false;
}

static void hang_up(void)
{
	machine.fd = fd_close(machine.fd);
	machine.fs_fd = fd_close(machine.fs_fd);
}

static void on_end(void *arg)
{
	struct machine *m = arg;

	BUG_ON(m->over);
	m->over = true;
	machine.ended++;
	if (m == current) /* the ends of the others are the test's */
		hang_up();
	m->h.ended(m->h.arg, m->end, m->why);
}

static void on_load(void *arg)
{
	struct machine *m = arg;

	if (!m->over && m->h.loaded)
		m->h.loaded(m->h.arg);
}

static void end_soon(struct machine *m, enum machine_end end, const char *why)
{
	if (m->over || m->end != MACHINE_RUNNING)
		return;
	m->end = end;
	m->why = xstrdup(why);
	loop_timer_set(m->end_timer, fake_now);
}

void fake_end(enum machine_end end, const char *why)
{
	end_soon(current, end, why);
}

void fake_console_bytes(const char *data, size_t len)
{
	BUG_ON(!current || current->over);
	current->h.console(current->h.arg, data, len);
}

void fake_console(const char *text)
{
	fake_console_bytes(text, strlen(text));
}

static struct machine *new_machine(
	struct loop *loop, const struct machine_handlers *h, bool has_fs, bool loads)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	int channel[2], fs[2] = { -1, -1 };

	BUG_ON(fd_socketpair(channel) < 0 || (has_fs && fd_socketpair(fs) < 0));
	*m = (struct machine){ .h = *h, .fd = channel[0], .fs_fd = fs[0] };
	m->end_timer = loop_timer_add(loop, CLOCK_NEVER, on_end, m);
	m->load_timer = loop_timer_add(loop, loads ? fake_now : CLOCK_NEVER, on_load, m);
	machine.fd = channel[1];
	machine.fs_fd = fs[1];
	fd_set_nonblock(m->fd, true);
	fd_set_nonblock(machine.fd, true);
	if (m->fs_fd >= 0)
		fd_set_nonblock(m->fs_fd, true);
	current = m;
	return m;
}

int machine_start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e)
{
	struct machine *m;

	if (machine.refuse)
		return err_set(e, -EIO, "the engine does not start");
	m = new_machine(loop, h, spec->fs_ports, spec->state_fd && !machine.refuses_state);
	machine.spec = spec;
	machine.last = *spec;
	machine.started++;
	*ret = m;
	if (spec->state_fd && machine.refuses_state)
		end_soon(m, MACHINE_DIED, "load of migration failed");
	return 0;
}

/* ---- copies ---- */

int machine_can_copy(const struct machine_spec *spec, struct err *e)
{
	return 0;
}

void machine_pause(struct machine *m, machine_saved_cb cb, void *arg)
{
	machine.pauses++;
	cb(arg, machine.cannot_pause ? "no" : NULL);
}

int machine_copy(struct loop *loop, struct machine *from, const struct machine_spec *spec,
	const struct machine_handlers *h, struct machine **ret, struct err *e)
{
	if (machine.no_copies)
		return err_set(e, -EAGAIN, "no process more");
	*ret = new_machine(loop, h, false, false);
	machine.copies++;
	if (machine.loses_copy)
		end_soon(*ret, MACHINE_DIED, "killed");
	return 0;
}

/* ---- templates ---- */

void machine_save(struct machine *m, int state_fd, machine_saved_cb cb, void *arg)
{
	machine.saves++;
	cb(arg, machine.cannot_save ? "no space" : NULL);
}

void machine_cont(struct machine *m)
{
	machine.conts++;
}

void machine_times(const struct machine *m, struct machine_times *ret)
{
	*ret = (struct machine_times){ .started_us = fake_now * 1000 + 1,
		.runs_us = fake_now * 1000 + 2 };
}

bool machine_ran(const struct machine *m)
{
	bool ran = !(machine.last.state_fd && machine.refuses_state) && !machine.loses_copy;

	machine.refuses_state = machine.loses_copy = false;
	return ran;
}

int machine_template_key(const struct machine_spec *spec, char **ret, struct err *e)
{
	if (machine.no_templates)
		return err_set(e, -EOPNOTSUPP, "the fake saves nothing");
	*ret = xstrdup("key");
	return 0;
}

static void template_files(struct machine_template *ret)
{
	*ret = (struct machine_template)MACHINE_TEMPLATE_INIT;
	ret->memory_fd = fd_memfd("memory", "", 0);
	ret->state_fd = fd_memfd("state", "", 0);
}

int machine_template_open(const char *key, struct machine_template *ret, struct err *e)
{
	if (machine.template_damaged) {
		machine.template_damaged = machine.template_there = false;
		return err_set(e, -EBADMSG, "the template is damaged");
	}
	if (!machine.template_there)
		return -ENOENT;
	template_files(ret);
	buf_add(&ret->hello, template_hello.data, template_hello.len);
	return 0;
}

int machine_template_begin(
	const char *key, uint32_t memory_mib, struct machine_template *ret, struct err *e)
{
	if (machine.template_there)
		return -EEXIST;
	if (machine.template_taken) {
		machine.template_taken--;
		return -EBUSY;
	}
	template_files(ret);
	return 0;
}

int machine_template_commit(struct machine_template *t, struct err *e)
{
	machine.commits++;
	machine.template_there = true;
	buf_clear(&template_hello);
	buf_add(&template_hello, t->hello.data, t->hello.len);
	return 0;
}

void machine_template_remove(const char *key)
{
	machine.removes++;
	machine.template_there = false;
}

void machine_template_release(struct machine_template *t)
{
	free(t->key);
	fd_close(t->memory_fd);
	fd_close(t->state_fd);
	buf_release(&t->hello);
	*t = (struct machine_template)MACHINE_TEMPLATE_INIT;
}

int machine_channel_fd(struct machine *m)
{
	return m->fd;
}

int machine_fs_fd(struct machine *m, unsigned i)
{
	return m->fs_fd;
}

void machine_rename(struct machine *m, const char *name)
{
}

void machine_inject_nmi(struct machine *m)
{
	machine.nmi_before_sysrq |= machine.sysrqs == 0;
	machine.nmis++;
	if (machine.on_nmi)
		fake_console(machine.on_nmi);
}

void machine_sysrq(struct machine *m, char key)
{
	machine.key = key;
	machine.sysrqs++;
	if (machine.on_sysrq)
		fake_console(machine.on_sysrq);
}

void machine_stop(struct machine *m)
{
	machine.stops++;
	if (!machine.stubborn)
		end_soon(m, MACHINE_STOPPED, NULL);
}

void machine_usage(struct machine *m, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib)
{
	*ret_cpu_us = 1234;
	*ret_maxrss_kib = 5678;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	machine.freed++;
	hang_up();
	loop_timer_remove(m->end_timer);
	loop_timer_remove(m->load_timer);
	fd_close(m->fd);
	fd_close(m->fs_fd);
	free(m->why);
	free(m);
	current = NULL;
}

/* ---- the rest of the room ---- */

int machine_pick_accel(enum machine_accel wish, const char *arch, enum machine_accel *ret,
	char why[static 240], struct err *e)
{
	if (machine.accel == ACCEL_AUTO)
		return err_set(e, -ENODEV, "no accelerator is usable");
	strcpy(why, "chosen by the test");
	*ret = machine.accel;
	return 0;
}

void machine_cmdline(const struct machine_spec *spec, struct buf *ret)
{
	buf_adds(ret, spec->channel == CHANNEL_UART ? "channel=uart" : "channel=virtio");
}

int machine_describe(const struct machine_spec *spec, struct strv *ret, struct err *e)
{
	strv_add(ret, "fake-engine");
	return 0;
}

int machine_engine_version(const struct machine_spec *spec, char **ret, struct err *e)
{
	*ret = xstrdup("fake 1.0");
	return 0;
}
