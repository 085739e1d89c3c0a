/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "doctor/private.h"

#define TEXT_MAX (16u << 20)

static const struct check *const tables[] = { doctor_accel_checks, doctor_kvm_checks,
	doctor_engine_checks, doctor_host_checks };

const char *doctor_state_name(enum doctor_state s)
{
	static const char *const names[] = { [DOCTOR_GOOD] = "good",
		[DOCTOR_NOTE] = "note",
		[DOCTOR_WEAK] = "weak",
		[DOCTOR_BAD] = "bad" };

	return names[s];
}

const char *doctor_kind_name(enum doctor_kind k)
{
	switch (k) {
	case DOCTOR_FINE:
		return "fine";
	case DOCTOR_ABSENT:
		return "absent";
	case DOCTOR_DENIED:
		return "denied";
	case DOCTOR_BROKEN:
		return "broken";
	case DOCTOR_MISSING:
		return "missing";
	}
	return "?";
}

/* ---- what a check says ---- */

static void say(struct finding *f, enum doctor_state state, enum doctor_kind kind, const char *fmt,
	va_list ap)
{
	f->state = state;
	f->kind = kind;
	free(f->found);
	f->found = xvasprintf(fmt, ap);
}

void say_good(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, DOCTOR_GOOD, DOCTOR_FINE, fmt, ap);
	va_end(ap);
}

void say_note(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, DOCTOR_NOTE, DOCTOR_FINE, fmt, ap);
	va_end(ap);
}

void say_weak(struct finding *f, enum doctor_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, DOCTOR_WEAK, kind, fmt, ap);
	va_end(ap);
}

void say_bad(struct finding *f, enum doctor_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, DOCTOR_BAD, kind, fmt, ap);
	va_end(ap);
}

void say_repair(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	free(f->repair);
	va_start(ap, fmt);
	f->repair = xvasprintf(fmt, ap);
	va_end(ap);
}

/* ---- what several checks look at ---- */

static char *below_root(const struct doctor *d, const char *path)
{
	return xasprintf("%s%s", d->root ? d->root : "", path);
}

bool doctor_read(const struct doctor *d, const char *path, struct buf *ret)
{
	_cleanup_free_ char *full = below_root(d, path);

	buf_clear(ret);
	if (file_read(full, TEXT_MAX, ret, NULL) < 0)
		return false;
	while (ret->len && ret->data[ret->len - 1] == '\n')
		buf_truncate(ret, ret->len - 1);
	return true;
}

bool doctor_exists(const struct doctor *d, const char *path)
{
	_cleanup_free_ char *full = below_root(d, path);

	return access(full, F_OK) == 0;
}

bool doctor_cpu_flag(const struct doctor *d, const char *flag)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *line = NULL;
	const char *start;
	size_t n = strlen(flag);

	if (!doctor_read(d, "/proc/cpuinfo", &b))
		return false;
	start = strstr(buf_str(&b), "\nflags");
	if (!start)
		return false;
	line = xstrndup(start + 1, strcspn(start + 1, "\n"));
	for (const char *p = line; (p = strstr(p, flag)); p += n)
		if (p > line && p[-1] == ' ' && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

const char *doctor_kvm_module(const struct doctor *d)
{
	return doctor_cpu_flag(d, "vmx")   ? "kvm_intel"
	       : doctor_cpu_flag(d, "svm") ? "kvm_amd"
					   : NULL;
}

const char *doctor_container(const struct doctor *d)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (doctor_exists(d, "/.dockerenv"))
		return "docker";
	if (doctor_exists(d, "/run/.containerenv"))
		return "podman";
	if (doctor_exists(d, "/var/run/secrets/kubernetes.io"))
		return "kubernetes";
	if (!doctor_read(d, "/run/systemd/container", &b))
		return NULL;
	return streq(buf_str(&b), "lxc")              ? "lxc"
	       : streq(buf_str(&b), "systemd-nspawn") ? "systemd-nspawn"
						      : "a container";
}

/* ---- all of them ---- */

void doctor_examine(struct doctor *d)
{
	size_t cap = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct check *c = tables[t]; c->name; c++) {
			struct finding f = { c->name, c->group, c->matters, DOCTOR_NOTE,
				DOCTOR_FINE, NULL, NULL };

			c->examine(d, &f);
			VEC_GROW(d->v, d->n, cap);
			d->v[d->n++] = f;
		}
}

void doctor_release(struct doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].found);
		free(d->v[i].repair);
	}
	free(d->v);
	d->v = NULL;
	d->n = 0;
}

const struct finding *doctor_find(const struct doctor *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (streq(d->v[i].name, name))
			return &d->v[i];
	return NULL;
}

void doctor_names(struct strv *ret)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct check *c = tables[t]; c->name; c++)
			strv_add(ret, c->name);
}
