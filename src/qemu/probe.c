/* SPDX-License-Identifier: MIT */
/*
 * What a QEMU program can do, from QEMU itself: one run of its machine "none" with a monitor on
 * stdin and stdout. If that run fails with -sandbox, and succeeds without it, there is no sandbox.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "qemu/private.h"

#define ASK_TIMEOUT_MS 20000
#define ANSWER_VERSION "qemu-probe-5" /* of the cached file's form */

void qemu_features_release(struct qemu_features *f)
{
	free(f->program);
	free(f->version);
	*f = (struct qemu_features){ 0 };
}

/* ---- the cache ---- */

/* NULL where there is no cache; that costs a run of QEMU, no more. */
static char *cache_path(const char *program)
{
	_cleanup_free_ char *dir = NULL, *name = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct hash *h;
	int r;

	if (path_cache_sub("probe", &dir, NULL) < 0)
		return NULL;
	h = hash_new();
	hash_adds(h, ANSWER_VERSION);
	r = hash_add_file_identity(h, program, NULL);
	hash_final(h, hex);
	if (r < 0)
		return NULL;
	name = xasprintf("qemu-%.16s.json", hex);
	return path_join(dir, name);
}

static struct flag {
	const char *name;
	size_t offset;
} flags[] = {
	{ "machine_microvm", offsetof(struct qemu_features, machine_microvm) },
	{ "machine_q35", offsetof(struct qemu_features, machine_q35) },
	{ "machine_pc", offsetof(struct qemu_features, machine_pc) },
	{ "machine_virt", offsetof(struct qemu_features, machine_virt) },
	{ "accel_kvm", offsetof(struct qemu_features, accel_kvm) },
	{ "accel_tcg", offsetof(struct qemu_features, accel_tcg) },
	{ "sandbox", offsetof(struct qemu_features, sandbox) },
	{ "virtfs", offsetof(struct qemu_features, virtfs) },
	{ "tcg_x2apic", offsetof(struct qemu_features, tcg_x2apic) },
	{ "pvpanic", offsetof(struct qemu_features, pvpanic) },
	{ "vmgenid", offsetof(struct qemu_features, vmgenid) },
	{ "templates", offsetof(struct qemu_features, templates) },
};

static bool *flag_of(struct qemu_features *f, const struct flag *flag)
{
	return (bool *)((char *)f + flag->offset);
}

static bool cache_read(const char *path, struct qemu_features *f)
{
	_cleanup_json_ json_t *j = NULL;
	const char *version;

	if (json_read_file(path, &j, NULL) < 0)
		return false;
	version = json_string_value(json_object_get(j, "version"));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const json_t *v = json_object_get(j, flags[i].name);

		if (!version || !json_is_boolean(v))
			return false;
		*flag_of(f, &flags[i]) = json_is_true(v);
	}
	f->version = xstrdup(version);
	return true;
}

static void cache_write(const char *path, struct qemu_features *f)
{
	_cleanup_json_ json_t *j = json_object();
	_cleanup_buf_ struct buf b = BUF_INIT;

	json_object_set_new(j, "program", json_text(f->program, strlen(f->program)));
	json_object_set_new(j, "version", json_string(f->version));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_object_set_new(j, flags[i].name, json_boolean(*flag_of(f, &flags[i])));
	json_line(&b, j);
	file_write_atomic(path, b.data, b.len, 0600, NULL); /* a read-only cache is fine */
}

/* ---- asking ---- */

static const char questions[] =
	"{\"execute\":\"qmp_capabilities\"}\n"
	"{\"execute\":\"query-machines\",\"id\":\"machines\"}\n"
	"{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"accel\"},\"id\":\"accels\"}\n"
	"{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"device\"},\"id\":\"devices\"}\n"
	"{\"execute\":\"query-migrate-capabilities\",\"id\":\"migration\"}\n"
	"{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"memory-backend\"},"
	"\"id\":\"memory\"}\n"
	"{\"execute\":\"query-cpu-model-expansion\",\"arguments\":{\"type\":\"full\","
	"\"model\":{\"name\":\"max\"}},\"id\":\"cpu\"}\n"
	"{\"execute\":\"quit\"}\n";

static bool lists(const json_t *list, const char *field, const char *name)
{
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o) {
		const char *s = json_string_value(json_object_get(o, field));

		if (s && streq(s, name))
			return true;
	}
	return false;
}

static void take_version(const json_t *greeting, struct qemu_features *f)
{
	const json_t *v = json_object_get(json_object_get(greeting, "version"), "qemu");

	free(f->version);
	f->version = xasprintf("%lld.%lld.%lld",
		(long long)json_integer_value(json_object_get(v, "major")),
		(long long)json_integer_value(json_object_get(v, "minor")),
		(long long)json_integer_value(json_object_get(v, "micro")));
}

static void take_answer(const char *id, const json_t *ret, struct qemu_features *f)
{
	if (streq(id, "machines")) {
		f->machine_microvm = lists(ret, "name", "microvm");
		f->machine_q35 = lists(ret, "alias", "q35");
		f->machine_pc = lists(ret, "alias", "pc");
		f->machine_virt = lists(ret, "alias", "virt");
	} else if (streq(id, "accels")) {
		f->accel_tcg = lists(ret, "name", "tcg-accel");
		f->accel_kvm = lists(ret, "name", "kvm-accel");
	} else if (streq(id, "devices")) {
		f->virtfs = lists(ret, "name", "virtio-9p-device");
		f->pvpanic = lists(ret, "name", "pvpanic");
		f->vmgenid = lists(ret, "name", "vmgenid");
	} else if (streq(id, "migration")) {
		f->templates = lists(ret, "capability", "x-ignore-shared") &&
			       lists(ret, "capability", "events");
	} else if (streq(id, "memory")) {
		f->templates = f->templates && lists(ret, "name", "memory-backend-file");
	} else if (streq(id, "cpu")) {
		const json_t *props = json_object_get(json_object_get(ret, "model"), "props");

		f->tcg_x2apic = json_is_true(json_object_get(props, "x2apic"));
	}
}

static void take_line(const char *line, size_t len, struct qemu_features *f)
{
	_cleanup_json_ json_t *m = json_loadb(line, len, 0, NULL);
	const char *id = json_string_value(json_object_get(m, "id"));
	const json_t *greeting = json_object_get(m, "QMP");

	if (greeting)
		take_version(greeting, f);
	else if (id)
		take_answer(id, json_object_get(m, "return"), f);
}

static int ask(const char *program, bool sandbox, struct qemu_features *f, struct err *e)
{
	const char *argv[] = { program, "-machine", "none,accel=tcg:qtest", "-nodefaults",
		"-no-user-config", "-display", "none", "-qmp", "stdio", sandbox ? "-sandbox" : NULL,
		QEMU_SANDBOX, NULL };
	_cleanup_buf_ struct buf in = BUF_INIT, out = BUF_INIT, err = BUF_INIT, why = BUF_INIT;
	int status, r;

	buf_adds(&in, questions);
	r = proc_capture(argv, &in, &out, &err, ASK_TIMEOUT_MS, &status, e);
	if (r < 0)
		return r;
	for (const char *p = buf_str(&out), *nl; (nl = strchr(p, '\n')); p = nl + 1)
		take_line(p, (size_t)(nl - p), f);
	if (status == 0 && f->version && (f->machine_microvm || f->machine_q35 || f->accel_tcg)) {
		f->sandbox = sandbox;
		return 0;
	}
	proc_describe_status(&why, status);
	if (err.len > 0) {
		size_t len;
		const char *last = text_last_lines(err.data, err.len, 1, &len);

		buf_adds(&why, ": ");
		text_clean(&why, last, len);
		while (why.len > 0 && why.data[why.len - 1] == '\n')
			buf_truncate(&why, why.len - 1);
	}
	return err_set(e, -ENOEXEC, "%s does not answer as QEMU does (%s)", program, why.data);
}

/* ---- finding ---- */

static int hint_install(const char *arch, struct err *e)
{
	const char *package = streq(arch, "x86_64")    ? "qemu-system-x86"
			      : streq(arch, "aarch64") ? "qemu-system-arm"
						       : "qemu-system-misc";

	return err_hint(e,
		"Install QEMU 7.2 or newer (Debian and Ubuntu: apt install %s), or set VMRIG_QEMU to "
		"the program.",
		package);
}

static int find(const char *arch, char **ret, struct err *e)
{
	_cleanup_free_ char *name = xasprintf("qemu-system-%s", arch), *found = NULL;
	const char *named = getenv("VMRIG_QEMU");
	int r;

	if (named && !*named)
		named = NULL;
	r = path_program(named ? named : name, &found);
	if (r < 0) {
		if (named)
			err_set(e, r, "VMRIG_QEMU names %s, which is no program that can be run",
				named);
		else
			err_set(e, r, "there is no %s on PATH", name);
		return hint_install(arch, e);
	}
	*ret = path_absolute(found, NULL);
	return 0;
}

int qemu_probe(const char *arch, struct qemu_features *ret, struct err *e)
{
	_cleanup_free_ char *program = NULL, *cached = NULL;
	struct qemu_features f = { 0 };
	int r = find(arch, &program, e);

	if (r < 0)
		return r;
	cached = cache_path(program);
	if (!cached || !cache_read(cached, &f)) {
		r = ask(program, true, &f, NULL);
		if (r < 0)
			r = ask(program, false, &f, e);
		if (r < 0) {
			qemu_features_release(&f);
			return hint_install(arch, e);
		}
		f.program = xstrdup(program);
		if (cached)
			cache_write(cached, &f);
	}
	if (!f.program)
		f.program = TAKE_PTR(program);
	*ret = f;
	return 0;
}
