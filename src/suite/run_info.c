/* SPDX-License-Identifier: MIT */
/* run.json. */
#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/run_dir.h"

void run_info_release(struct run_info *i)
{
	free(i->suite_path);
	free(i->suite_arg);
	free(i->suite_name);
	free(i->started);
	free(i->ended);
	free(i->accel);
	free(i->arch);
	strv_release(&i->filters);
	strv_release(&i->tags);
	strv_release(&i->kernels);
	strv_release(&i->plan);
	*i = (struct run_info){ 0 };
}

static void put_text(json_t *o, const char *key, const char *s)
{
	if (s)
		json_object_set_new(o, key, json_text(s, strlen(s)));
}

static json_t *host_facts(void)
{
	json_t *o = json_object();
	struct utsname u;

	if (uname(&u) == 0) {
		put_text(o, "name", u.nodename);
		put_text(o, "kernel", u.release);
		put_text(o, "arch", u.machine);
	}
	json_object_set_new(o, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(o, "memory_mib",
		json_integer((json_int_t)(sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) /
					  1024)));
	return o;
}

int run_info_write(const struct run_dir *d, const struct run_info *i, struct err *e)
{
	_cleanup_free_ char *path = path_join(d->path, "run.json");
	_cleanup_json_ json_t *o = json_object();
	json_t *sel = json_object();
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	json_object_set_new(o, "schema", json_integer(RUN_SCHEMA));
	put_text(o, "vmrig", VMRIG_VERSION);
	put_text(o, "suite", i->suite_path);
	put_text(o, "suite_arg", i->suite_arg);
	put_text(o, "suite_name", i->suite_name);
	put_text(o, "started", i->started);
	put_text(o, "ended", i->ended);
	json_object_set_new(o, "complete", json_boolean(i->complete));
	if (i->ended)
		json_object_set_new(o, "exit_code", json_integer(i->exit_code));
	json_object_set_new(sel, "filters", json_strv(&i->filters));
	json_object_set_new(sel, "tags", json_strv(&i->tags));
	json_object_set_new(sel, "kernels", json_strv(&i->kernels));
	put_text(sel, "accel", i->accel);
	put_text(sel, "arch", i->arch);
	json_object_set_new(o, "selection", sel);
	json_object_set_new(o, "host", host_facts());
	json_object_set_new(o, "plan", json_strv(&i->plan));
	text = json_dumps(o, JSON_INDENT(2));
	buf_addf(&b, "%s\n", text);
	return file_write_atomic(path, b.data, b.len, 0644, e);
}

static int read_fields(const json_t *o, struct run_info *i, struct err *e)
{
	const json_t *sel = json_object_get(o, "selection");
	int64_t schema;
	int r = json_field_i64(o, "schema", 0, &schema, e);

	if (r >= 0 && schema != RUN_SCHEMA)
		r = err_set(
			e, -EPROTONOSUPPORT, "schema %lld is not known here", (long long)schema);
	if (r >= 0)
		r = json_field_str(o, "suite", &i->suite_path, e);
	if (r >= 0)
		r = json_field_str(o, "suite_arg", &i->suite_arg, e);
	if (r >= 0)
		r = json_field_str(o, "started", &i->started, e);
	if (r >= 0)
		r = json_field_strv(o, "plan", &i->plan, e);
	if (r >= 0 && (!json_is_object(sel) || !i->suite_path))
		r = err_set(e, -EINVAL, "it lacks what was asked for");
	if (r >= 0)
		r = json_field_strv(sel, "filters", &i->filters, e);
	if (r >= 0)
		r = json_field_strv(sel, "tags", &i->tags, e);
	if (r >= 0)
		r = json_field_strv(sel, "kernels", &i->kernels, e);
	if (r >= 0)
		r = json_field_str(sel, "accel", &i->accel, e);
	if (r >= 0)
		r = json_field_str(sel, "arch", &i->arch, e);
	return r;
}

int run_info_read(const char *dir, struct run_info *ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "run.json");
	_cleanup_json_ json_t *o = NULL;
	struct run_info i = { 0 };
	int r = json_read_file(path, &o, e);

	if (r < 0)
		return r;
	r = read_fields(o, &i, e);
	if (r < 0) {
		run_info_release(&i);
		return err_wrap(e, "%s", path);
	}
	*ret = i;
	return 0;
}

int run_resume_suite(const char *dir, char **ret_path, struct err *e)
{
	struct run_info i;
	int r = run_info_read(dir, &i, e);

	if (r < 0)
		return r;
	*ret_path = TAKE_PTR(i.suite_path);
	run_info_release(&i);
	return 0;
}
