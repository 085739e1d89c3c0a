/* SPDX-License-Identifier: MIT */
/* The engine "qemu": a machine_spec as a qemu_config, and QEMU's ends as a machine's. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "machine/engine.h"
#include "qemu/qemu.h"
#include "wire/wire.h"

struct state {
	struct qemu *qemu; /* owned */
	struct machine_handlers h;
	engine_event_cb event;
	bool uart;
	unsigned fs_ports;
	bool watches_timer; /* see timer_lost() */
	size_t matched;
	bool timer_lost;
};

#define FORK_LIBRARY "vmrig-forkserver.so"

/* A qemu_config and all that it borrows. */
struct config {
	struct qemu_features features;
	struct kvm_probe kvm;
	struct qemu_share *shares; /* owned */
	const char *ports[1 + MACHINE_FS_PORTS_MAX];
	int *fds; /* owned: that QEMU keeps */
	char *memory, *fork_library; /* owned */
	struct qemu_disk *disks; /* owned */
	struct qemu_nic *nics; /* owned */
	struct qemu_os os;
	struct qemu_config q;
};

static void config_release(struct config *c)
{
	qemu_features_release(&c->features);
	free(c->shares);
	free(c->fds);
	free(c->memory);
	free(c->disks);
	free(c->nics);
	free(c->fork_library);
}

/* Older ones emulate virtualization too, but it was not tried with KVM. */
enum { NESTED_MAJOR = 7, NESTED_MINOR = 2 };

static bool has_machine(const struct qemu_features *f, enum machine_type type)
{
	switch (type) {
	case MACHINE_AUTO:
		break;
	case MACHINE_MICROVM:
		return f->machine_microvm;
	case MACHINE_Q35:
		return f->machine_q35;
	case MACHINE_VIRT:
		return f->machine_virt;
	case MACHINE_PC:
		return f->machine_pc;
	}
	return false;
}

static enum qemu_machine machine_of(enum machine_type type)
{
	return type == MACHINE_MICROVM ? QEMU_MICROVM
	       : type == MACHINE_VIRT  ? QEMU_VIRT
	       : type == MACHINE_PC    ? QEMU_PC
				       : QEMU_Q35;
}

static bool knows_nested(const struct qemu_features *f)
{
	int major = 0, minor = 0;

	if (sscanf(f->version, "%d.%d", &major, &minor) != 2)
		return false;
	return major > NESTED_MAJOR || (major == NESTED_MAJOR && minor >= NESTED_MINOR);
}

static int check(const struct machine_spec *spec, const struct qemu_features *f, struct err *e)
{
	if (!has_machine(f, spec->type))
		return err_set(e, -EOPNOTSUPP, "%s (QEMU %s) has no machine \"%s\"", f->program,
			f->version, machine_type_name(spec->type));
	if (!(spec->accel == ACCEL_KVM ? f->accel_kvm : f->accel_tcg))
		return err_set(e, -EOPNOTSUPP, "%s (QEMU %s) was built without accelerator \"%s\"",
			f->program, f->version, spec->accel == ACCEL_KVM ? "kvm" : "tcg");
	if (spec->accel == ACCEL_NESTED && !knows_nested(f))
		return err_set(e, -EOPNOTSUPP,
			"%s (QEMU %s) cannot emulate a CPU that KVM runs on; QEMU %d.%d is the first known to",
			f->program, f->version, NESTED_MAJOR, NESTED_MINOR);
	if (spec->n_shares > 0 && !f->virtfs)
		return err_set(e, -EOPNOTSUPP,
			"%s (QEMU %s) was built without 9p: it cannot share folders", f->program,
			f->version);
	if (spec->cpus < 1 || spec->memory_mib < 1)
		return err_set(e, -EINVAL, "a machine needs a CPU and memory");
	return 0;
}

/* QEMU opens the memory by name, anew: a descriptor's name, so that the file may be gone from its folder. */
static void add_template(const struct machine_spec *spec, struct config *c)
{
	size_t n = spec->n_keep_fds;

	c->fds = xcalloc(n + 4 + 2 * MACHINE_DISKS_MAX, sizeof(*c->fds));
	for (size_t i = 0; i < n; i++)
		c->fds[i] = spec->keep_fds[i];
	if (spec->memory_fd) {
		c->memory = xasprintf("/dev/fd/%d", spec->memory_fd);
		c->q.memory = c->memory;
		c->q.memory_shared = spec->memory_shared;
		c->fds[n++] = spec->memory_fd;
	}
	if (spec->state_fd) {
		c->q.state_fd = spec->state_fd;
		c->fds[n++] = spec->state_fd;
	}
	if (spec->debug_fd) {
		c->q.debug_fd = spec->debug_fd;
		c->fds[n++] = spec->debug_fd;
	}
	c->q.keep_fds = c->fds;
	c->q.n_keep_fds = n;
}

static enum qemu_bus bus_of(enum machine_bus bus)
{
	static const enum qemu_bus map[] = {
		[BUS_VIRTIO] = QEMU_BUS_VIRTIO,
		[BUS_IDE] = QEMU_BUS_IDE,
		[BUS_SATA] = QEMU_BUS_SATA,
		[BUS_NVME] = QEMU_BUS_NVME,
		[BUS_SCSI] = QEMU_BUS_SCSI,
	};

	return map[bus];
}

static void keep(struct config *c, int fd)
{
	if (fd)
		c->fds[c->q.n_keep_fds++] = fd;
}

static void add_os(const struct machine_os *os, struct config *c)
{
	BUG_ON(os->n_disks > MACHINE_DISKS_MAX);
	c->disks = xcalloc(os->n_disks + 1, sizeof(*c->disks));
	for (size_t i = 0; i < os->n_disks; i++) {
		const struct machine_disk *d = &os->disks[i];

		c->disks[i] = (struct qemu_disk){ bus_of(d->bus), d->path, d->format, d->own,
			d->frozen, d->cdrom, d->serial };
		keep(c, d->own);
		keep(c, d->frozen);
	}
	c->nics = xcalloc(os->n_nics + 1, sizeof(*c->nics));
	for (size_t i = 0; i < os->n_nics; i++)
		c->nics[i] = (struct qemu_nic){ os->nics[i].model, os->nics[i].internet,
			os->nics[i].forwards, os->nics[i].n_forwards };
	keep(c, os->firmware_vars);
	c->os = (struct qemu_os){
		.firmware = os->firmware_code,
		.firmware_vars = os->firmware_vars,
		.disks = c->disks,
		.n_disks = os->n_disks,
		.nics = c->nics,
		.n_nics = os->n_nics,
		.serials = os->serials,
		.exit_port = os->exit_port,
		.resets = os->resets,
		.generations = os->generations,
	};
	c->q.os = &c->os;
	if (os->cpu)
		c->q.cpu = os->cpu;
}

static int configure(const struct machine_spec *spec, struct config *c, struct err *e)
{
	int r = qemu_probe(spec->arch, &c->features, e);

	if (r == 0)
		r = check(spec, &c->features, e);
	if (r < 0)
		return r;
	c->q = (struct qemu_config){
		.features = &c->features,
		.machine = machine_of(spec->type),
		.accel = spec->accel == ACCEL_KVM ? QEMU_KVM : QEMU_TCG,
		.nested = spec->accel == ACCEL_NESTED,
		.cpus = spec->cpus,
		.memory_mib = spec->memory_mib,
		.kernel = spec->kernel,
		.initrd = spec->initrd,
		.cmdline = spec->cmdline,
		.n_shares = spec->n_shares,
		.ports = c->ports,
		.second_uart = spec->channel == CHANNEL_UART && !spec->os,
		.sandbox = true,
		.holds = spec->holds,
		.stopped = spec->stopped,
		.extra = spec->extra,
		.n_extra = spec->n_extra,
	};
	if (spec->accel == ACCEL_KVM) {
		machine_probe_kvm(false, &c->kvm);
		if (c->kvm.cpu[0])
			c->q.cpu = c->kvm.cpu;
	}
	if (spec->channel == CHANNEL_VIRTIO && !spec->os)
		c->ports[c->q.n_ports++] = WIRE_PORT_AGENT;
	for (unsigned i = 0; i < spec->fs_ports; i++)
		c->ports[c->q.n_ports++] = i ? WIRE_PORT_FS2 : WIRE_PORT_FS;
	c->shares = xcalloc(spec->n_shares + 1, sizeof(*c->shares));
	for (size_t i = 0; i < spec->n_shares; i++)
		c->shares[i] = (struct qemu_share){ spec->shares[i].tag, spec->shares[i].path,
			spec->shares[i].writable };
	c->q.shares = c->shares;
	add_template(spec, c);
	if (spec->os)
		add_os(spec->os, c);
	if (spec->copies)
		r = path_libexec(FORK_LIBRARY, &c->fork_library, e);
	c->q.fork_library = c->fork_library;
	return r;
}

static int describe(const struct machine_spec *spec, struct strv *ret, struct err *e)
{
	__attribute__((cleanup(config_release))) struct config c = { 0 };
	int r = configure(spec, &c, e);

	if (r == 0)
		qemu_argv(&c.q, ret);
	return r;
}

static int version(const struct machine_spec *spec, char **ret, struct err *e)
{
	struct qemu_features f = { 0 };
	int r = qemu_probe(spec->arch, &f, e);

	if (r < 0)
		return r;
	*ret = xasprintf("qemu %s", f.version);
	qemu_features_release(&f);
	return 0;
}

/*
 * Linux measures the APIC timer against the TSC, and a host that holds the vCPU back for 100 ms at that
 * moment makes it come out as nothing. On q35 the ACPI timer corrects it; microvm has no other clock, so the
 * kernel gives the timer up, says so, and stands still for ever. That is the rig's failure, not the
 * kernel's. The marker's first letter comes but once, so one counter matches it.
 */
static bool timer_lost(struct state *s, const char *data, size_t len)
{
	static const char marker[] = "APIC frequency too slow, disabling";

	for (size_t i = 0; i < len; i++) {
		if (data[i] == marker[s->matched])
			s->matched++;
		else
			s->matched = data[i] == marker[0];
		if (s->matched == sizeof(marker) - 1)
			return true;
	}
	return false;
}

static void on_console(void *arg, const char *data, size_t len)
{
	struct state *s = arg;

	if (s->watches_timer && !s->timer_lost && timer_lost(s, data, len)) {
		s->timer_lost = true;
		qemu_stop(s->qemu);
	}
	if (s->h.console)
		s->h.console(s->h.arg, data, len);
}

static enum machine_end end_of(enum qemu_end end)
{
	switch (end) {
	case QEMU_RUNNING:
		return MACHINE_RUNNING;
	case QEMU_GUEST_SHUTDOWN:
		return MACHINE_POWERED_OFF;
	case QEMU_GUEST_RESET:
		return MACHINE_RESET;
	case QEMU_TRIPLE_FAULT:
		return MACHINE_TRIPLE_FAULT;
	case QEMU_GUEST_PANIC:
		return MACHINE_PANICKED;
	case QEMU_GUEST_EXIT:
		return MACHINE_EXITED;
	case QEMU_STOPPED:
		return MACHINE_STOPPED;
	case QEMU_DIED:
		break;
	}
	return MACHINE_DIED;
}

static void on_ended(void *arg, enum qemu_end end, const char *why)
{
	struct state *s = arg;

	if (s->timer_lost && end == QEMU_STOPPED) {
		end = QEMU_DIED;
		why = "the host was too busy for the guest's kernel to calibrate its timer; "
		      "--machine q35 does not depend on it";
	}
	if (s->h.ended)
		s->h.ended(s->h.arg, end_of(end), why);
}

static void on_loaded(void *arg)
{
	struct state *s = arg;

	if (s->h.loaded)
		s->h.loaded(s->h.arg);
}

static void on_event(void *arg, const char *name, const json_t *data)
{
	struct state *s = arg;

	s->event(s->h.arg, name, data);
}

static void on_held(void *arg)
{
	struct state *s = arg;

	if (s->h.held)
		s->h.held(s->h.arg);
	else
		qemu_stop(s->qemu);
}

static struct state *state_new(const struct machine_handlers *h, engine_event_cb event, bool uart,
	unsigned fs_ports, struct qemu_handlers *ret)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->h = *h;
	s->event = event;
	s->uart = uart;
	s->fs_ports = fs_ports;
	*ret = (struct qemu_handlers){ on_console, on_ended, s, on_loaded, on_event, on_held };
	return s;
}

static int start(struct loop *loop, const struct machine_spec *spec,
	const struct machine_handlers *h, engine_event_cb event, struct machine *m, struct err *e)
{
	__attribute__((cleanup(config_release))) struct config c = { 0 };
	struct state *s;
	struct qemu_handlers qh;
	int r = configure(spec, &c, e);

	if (r < 0)
		return r;
	s = state_new(h, event, spec->channel == CHANNEL_UART, spec->fs_ports, &qh);
	s->watches_timer = spec->type == MACHINE_MICROVM && spec->accel != ACCEL_KVM && !spec->os;
	r = qemu_start(loop, &c.q, &qh, &s->qemu, e);
	if (r < 0) {
		free(s);
		return r;
	}
	m->state = s;
	return 0;
}

/* The ports in qemu_config's order: the agent's, the one for FUSE; the second UART comes behind them. */
static int channel_fd(void *state)
{
	struct state *s = state;

	return qemu_port(s->qemu, s->uart ? s->fs_ports : 0);
}

static int fs_fd(void *state, unsigned i)
{
	struct state *s = state;

	return i < s->fs_ports ? qemu_port(s->qemu, i + (s->uart ? 0 : 1)) : -1;
}

static bool has_nvme(const struct machine_os *os)
{
	for (size_t i = 0; os && i < os->n_disks; i++)
		if (os->disks[i].bus == BUS_NVME && !os->disks[i].cdrom)
			return true;
	return false;
}

static int can_save(const struct machine_spec *spec, struct err *e)
{
	struct qemu_features f = { 0 };
	int r = qemu_probe(spec->arch, &f, e);

	if (r < 0)
		return r;
	if (!f.templates)
		r = err_set(e, -EOPNOTSUPP, "QEMU %s cannot save a machine whose memory is a file",
			f.version);
	else if (spec->n_extra)
		r = err_set(e, -EOPNOTSUPP,
			"further arguments for QEMU may mean devices that cannot be saved");
	else if (has_nvme(spec->os))
		r = err_set(e, -EOPNOTSUPP, "QEMU does not save NVMe disks");
	/* Its timers of EL2 are not in the state (target/arm/machine.c), and a kernel there ticks by them. */
	else if (spec->accel == ACCEL_NESTED && streq(spec->arch, "aarch64"))
		r = err_set(e, -EOPNOTSUPP, "QEMU does not save the timers of Arm's EL2");
	qemu_features_release(&f);
	return r;
}

static void save(void *state, int fd, machine_saved_cb cb, void *arg)
{
	qemu_save(((struct state *)state)->qemu, fd, cb, arg);
}

static void cont(void *state)
{
	qemu_cont(((struct state *)state)->qemu);
}

static bool ran(void *state)
{
	return qemu_ran(((struct state *)state)->qemu);
}

static void times(void *state, struct machine_times *ret)
{
	struct qemu_times t = qemu_times(((struct state *)state)->qemu);

	*ret = (struct machine_times){ t.started_us, t.answered_us, t.loaded_us, t.runs_us };
}

static int serial_fd(void *state, unsigned i)
{
	return qemu_port(((struct state *)state)->qemu, i - 1);
}

static void write_console(void *state, const char *data, size_t len)
{
	qemu_console_write(((struct state *)state)->qemu, data, len);
}

static int exit_value(void *state)
{
	return qemu_exit_value(((struct state *)state)->qemu);
}

static void command(void *state, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg)
{
	qemu_command(((struct state *)state)->qemu, execute, arguments, cb, arg);
}

static bool talks(void *state)
{
	return qemu_talks(((struct state *)state)->qemu);
}

static void ask(void *state, enum machine_ask how)
{
	static const enum qemu_ask map[] = {
		[MACHINE_ASK_BUTTON] = QEMU_ASK_BUTTON,
		[MACHINE_ASK_QUIT] = QEMU_ASK_QUIT,
		[MACHINE_ASK_TERM] = QEMU_ASK_TERM,
	};

	qemu_ask(((struct state *)state)->qemu, map[how]);
}

/* KVM's machines are bound to the process that made them. */
static int can_copy(const struct machine_spec *spec, struct err *e)
{
	_cleanup_free_ char *library = NULL;

	if (spec->accel == ACCEL_KVM)
		return err_set(e, -EOPNOTSUPP, "a machine of KVM cannot be copied");
	return path_libexec(FORK_LIBRARY, &library, e);
}

static void pause_guest(void *state, machine_saved_cb cb, void *arg)
{
	qemu_pause(((struct state *)state)->qemu, cb, arg);
}

static int copy(void *state, const struct machine_handlers *h, engine_event_cb event,
	struct machine *m, struct err *e)
{
	struct state *from = state, *s;
	struct qemu_handlers qh;
	int r;

	s = state_new(h, event, from->uart, from->fs_ports, &qh);
	r = qemu_fork(from->qemu, &qh, &s->qemu, e);
	if (r < 0) {
		free(s);
		return r;
	}
	m->state = s;
	return 0;
}

static void inject_nmi(void *state)
{
	qemu_inject_nmi(((struct state *)state)->qemu);
}

static void sysrq(void *state, char key)
{
	qemu_sysrq(((struct state *)state)->qemu, key);
}

static json_t *greeting(void *state)
{
	return qemu_greeting(((struct state *)state)->qemu);
}

static size_t console_unsent(void *state)
{
	return qemu_console_unsent(((struct state *)state)->qemu);
}

static void press(void *state, json_t *commands, qmp_reply_cb cb, void *arg)
{
	qemu_press(((struct state *)state)->qemu, commands, cb, arg);
}

static void screen(void *state, qemu_screen_cb cb, void *arg)
{
	qemu_screen(((struct state *)state)->qemu, cb, arg);
}

static void stop(void *state)
{
	qemu_stop(((struct state *)state)->qemu);
}

static void usage(void *state, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib)
{
	qemu_usage(((struct state *)state)->qemu, ret_cpu_us, ret_maxrss_kib);
}

static void release(void *state)
{
	struct state *s = state;

	qemu_free(s->qemu);
	free(s);
}

const struct engine_ops engine_qemu = {
	.name = "qemu",
	.describe = describe,
	.version = version,
	.start = start,
	.channel_fd = channel_fd,
	.fs_fd = fs_fd,
	.save = save,
	.cont = cont,
	.ran = ran,
	.times = times,
	.can_save = can_save,
	.serial_fd = serial_fd,
	.write = write_console,
	.exit_value = exit_value,
	.command = command,
	.talks = talks,
	.ask = ask,
	.can_copy = can_copy,
	.pause = pause_guest,
	.copy = copy,
	.inject_nmi = inject_nmi,
	.sysrq = sysrq,
	.greeting = greeting,
	.console_unsent = console_unsent,
	.press = press,
	.screen = screen,
	.stop = stop,
	.usage = usage,
	.free = release,
};
