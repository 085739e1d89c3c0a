/* SPDX-License-Identifier: MIT */
/* The values that the templates are filled with. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "doctor/doctor.h"
#include "pipeline/private.h"
#include "pipeline/template.h"

#define INSTALLED "installed"
#define NO_IMAGE  "none"

/* GitHub's own actions, by the commits of these versions: a tag may be moved, a commit not. */
#define CHECKOUT "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
#define CACHE    "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5"
#define UPLOAD   "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"
#define DOWNLOAD "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1"

#define NOT_BENCH "github.event_name != 'workflow_dispatch'"
#define FORK_GUARD                                \
	"github.event_name != 'pull_request' || " \
	"github.event.pull_request.head.repo.full_name == github.repository"

/* Of a job, in minutes: what it takes to get vmrig there, and to hand in reports, comes on top of the tests' own limits. */
#define SETUP_MIN   20
#define REPORTS_MIN 10
#define TESTS_MIN   10
#define TESTS_MAX   330 /* GitHub ends every job after 360 */
#define FETCH_MIN   60
#define COMPILE_MIN 240
#define MINUTE_MS   60000

static void set(struct strv *v, const char *name, const char *value)
{
	strv_addf(v, "%s=%s", name, value ? value : "");
}

static void set_flag(struct strv *v, const char *name, bool on)
{
	set(v, name, on ? "1" : "");
}

static void set_number(struct strv *v, const char *name, int64_t n)
{
	strv_addf(v, "%s=%lld", name, (long long)n);
}

/* As a scalar of YAML in single quotes, in which only they mean anything. */
static void set_yaml(struct strv *v, const char *name, const char *value)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (const char *p = value ? value : ""; *p; p++)
		buf_addf(&b, *p == '\'' ? "''" : "%c", *p);
	strv_addf(v, "%s='%s'", name, buf_str(&b));
}

static void set_shell(struct strv *v, const char *name, const struct strv *words)
{
	_cleanup_free_ char *line = strv_shell(words);

	set(v, name, line);
}

static void set_word(struct strv *v, const char *name, const char *word)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (word)
		buf_add_shell_word(&b, word);
	set(v, name, buf_str(&b));
}

/* ---- how vmrig gets there ---- */

static int no_vmrig(const struct pipeline_traits *t, struct err *e)
{
	err_set(e, -EINVAL, "how vmrig comes to the runners of %s is not said", t->name);
	return err_hint(e,
		"--vmrig URL@REF lets it be built of a git repository, at a tag or commit; --vmrig FOLDER of "
		"this repository's; --vmrig installed where the image has it.");
}

static int from_folder(
	const struct pipeline_options *o, struct strv *v, const char *folder, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(folder, o->repository);
	_cleanup_free_ char *deps = path_join(path, "tools/deps"), *name = NULL;

	if (!path_below(path, o->repository) || !file_exists(deps)) {
		err_set(e, -EINVAL, "%s is no folder of the repository that holds vmrig's source",
			folder);
		return err_hint(e, "Write URL@REF for one that lies elsewhere.");
	}
	name = xstrdup(streq(path, o->repository) ? "." : path + strlen(o->repository) + 1);
	set_word(v, "vmrig_source", name);
	return 0;
}

static int set_vmrig(const struct pipeline_options *o, const struct pipeline_traits *t,
	const char *temp, struct strv *v, struct err *e)
{
	const char *from = o->vmrig ? o->vmrig : t->own_machines ? INSTALLED : NULL;
	const char *at = from ? strrchr(from, '@') : NULL,
		   *scheme = from ? strstr(from, "://") : NULL;
	_cleanup_free_ char *url = NULL;

	if (!from)
		return no_vmrig(t, e);
	if (streq(from, INSTALLED)) {
		set_flag(v, "installed", true);
		return 0;
	}
	if (!scheme && !strchr(from, ':'))
		return from_folder(o, v, from, e);
	if (!at || at == from || !at[1] || strchr(at, '/') || (!scheme && at < strchr(from, ':'))) {
		err_set(e, -EINVAL, "%s names no tag or commit", from);
		return err_hint(e, "Write URL@REF: a pipeline must not change when a branch does.");
	}
	url = xstrndup(from, (size_t)(at - from));
	if (scheme && strchr(url, '@'))
		return err_set(e, -EINVAL,
			"the URL of --vmrig holds a user or a password, which everybody would read in the pipeline");
	set_word(v, "vmrig_url", url);
	set_word(v, "vmrig_ref", at + 1);
	strv_addf(v, "vmrig_source=\"%s/vmrig\"", temp);
	return 0;
}

/* ---- where it runs ---- */

static int set_place(const struct pipeline_options *o, const struct pipeline_traits *t,
	const struct units *u, struct strv *v, struct err *e)
{
	const char *image = o->image ? o->image : t->image, *runner = o->runner;
	bool container = !streq(image, NO_IMAGE), github = streq(t->template, "github.yml");
	const char *temp = container || !github ? "/tmp" : "$RUNNER_TEMP";

	if (container && !t->images)
		return err_set(e, -EINVAL, "on %s the jobs run on the agent's machine: no --image",
			t->name);
	if (!container && !t->machine)
		return err_set(e, -EINVAL,
			"on %s the jobs run in containers: --image cannot be none", t->name);
	if (!runner)
		runner = u->needs_kvm && t->kvm_runner ? t->kvm_runner : t->runner;
	for (size_t i = 0; i < u->n && !container && github && !t->own_machines; i++)
		if (u->v[i].how && streq(u->v[i].how, "fetch")) {
			err_set(e, -EINVAL,
				"kernel %s is a package of Debian's, and the runners of %s are no Debian",
				u->v[i].kernel, t->name);
			return err_hint(
				e, "Without --image none the jobs run in a container that is one.");
		}
	set_flag(v, "container", container);
	set_flag(v, "host", !container);
	set(v, "image", image);
	set(v, "runner", runner);
	set(v, "sudo", container ? "" : "sudo ");
	set(v, "temp", temp);
	set(v, "temp_yaml", container || !github ? "/tmp" : "${{ runner.temp }}");
	set_flag(v, "selfhosted", o->platform == PIPELINE_SELF_HOSTED);
	set_flag(v, "udev", !container && o->platform != PIPELINE_SELF_HOSTED && github);
	return set_vmrig(o, t, temp, v, e);
}

static void set_kvm(const struct units *u, struct strv *v)
{
	_cleanup_strv_ struct strv rule = STRV_INIT, require = STRV_INIT;
	_cleanup_free_ char *text = doctor_udev_rule("0666"), *names = NULL;

	text[strcspn(text, "\n")] = '\0';
	strv_add(&rule, text);
	set_shell(v, "udev_rule", &rule);
	set_flag(v, "kvm", u->may_kvm);
	set_flag(v, "kvm_required", u->needs_kvm);
	if (u->needs_kvm)
		strv_add(&require, "kvm");
	if (u->needs_nested)
		strv_add(&require, "nested");
	if (!require.n)
		strv_add(&require, "tcg");
	names = strv_join(&require, ",");
	set(v, "require", names);
}

/* ---- units ---- */

static int64_t tests_minutes(const struct unit *x)
{
	int64_t n = (x->total_ms + MINUTE_MS - 1) / MINUTE_MS + TESTS_MIN;

	return n < TESTS_MAX ? n : TESTS_MAX;
}

/* What names a unit where only letters, digits and '-' may. */
static char *unit_id(const struct unit *x)
{
	char *id = xstrdup(x->name);

	for (char *p = id; *p; p++)
		*p = *p == '.' ? '-' : *p;
	return id;
}

/* Whether a step makes it, and hands something on. */
static bool is_made(const struct unit *x)
{
	return x->how || (x->command && x->files.n);
}

static char *test_command(const struct units *u, const struct unit *x, const char *results)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_add(&words, "vmrig");
	strv_add(&words, "test");
	strv_add(&words, u->dir);
	strv_addv(&words, &x->args);
	strv_add(&words, "--timeout");
	strv_addf(&words, "%lldm", (long long)tests_minutes(x));
	strv_add(&words, "--output");
	strv_add(&words, results);
	return strv_shell(&words);
}

static void set_titled(struct strv *v, const char *name, const char *verb, const struct unit *x)
{
	_cleanup_free_ char *title = xasprintf("%s %s", verb, x->name);

	set_yaml(v, name, title);
}

static void set_unit(struct strv *v, const struct pipeline_traits *t, const struct units *u,
	const struct unit *x)
{
	_cleanup_free_ char *id = unit_id(x), *args = strv_shell(&x->args);
	_cleanup_free_ char *results =
		t->shared_workspace ? xasprintf("results-%s", id) : xstrdup("results");
	_cleanup_free_ char *test = test_command(u, x, results);
	_cleanup_free_ char *files = strv_shell(&x->files);

	set_yaml(v, "name_yaml", x->name);
	set(v, "id", id);
	set(v, "kernel", x->kernel);
	set_yaml(v, "spec_yaml", x->spec);
	set_word(v, "spec_word", x->spec);
	set(v, "arch", x->arch);
	set(v, "how", x->how);
	set(v, "prepare_command", x->command);
	set_yaml(v, "prepare_command_yaml", x->command);
	set_shell(v, "files", &x->files);
	set_yaml(v, "files_yaml", files);
	set_yaml(v, "to_yaml", x->how ? "$VMRIG_CACHE_DIR" : is_made(x) ? u->dir : "");
	set_flag(v, "made", is_made(x));
	set_yaml(v, "args_yaml", args);
	set(v, "bench_args", args);
	set(v, "test_command", test);
	set(v, "results", results);
	set_titled(v, "prepare_yaml", "prepare", x);
	set_titled(v, "test_yaml", "test", x);
	set_titled(v, "bench_yaml", "bench", x);
	strv_addf(v, "limit=%lldm", (long long)tests_minutes(x));
	set_number(v, "minutes", tests_minutes(x) + SETUP_MIN);
}

static void set_units(
	struct template_values *v, const struct pipeline_traits *t, const struct units *u)
{
	_cleanup_strv_ struct strv needs = STRV_INIT;
	_cleanup_free_ char *joined = NULL, *previous = NULL;
	bool prepared = false, tests = false, compiled = false, kernels = false, systems = false;

	for (size_t i = 0; i < u->n; i++) {
		const struct unit *x = &u->v[i];

		if (is_made(x))
			set_unit(template_entry(v, "prepares"), t, u, x);
		if (x->tested)
			set_unit(template_entry(v, "tests"), t, u, x);
		if (x->tested && u->bench) {
			struct strv *bench = template_entry(v, "benches");

			set_unit(bench, t, u, x);
			set(bench, "previous", previous);
			free(previous);
			previous = unit_id(x);
		}
		prepared |= is_made(x);
		systems |= !x->how && is_made(x);
		kernels |= x->how != NULL;
		tests |= x->tested;
		compiled |= x->how && streq(x->how, "build");
	}
	set_flag(&v->values, "prepared", prepared);
	set_flag(&v->values, "kernels", kernels);
	set_flag(&v->values, "systems", systems);
	set_flag(&v->values, "tests", tests);
	set_flag(&v->values, "bench", u->bench);
	set_number(&v->values, "prepare_minutes",
		SETUP_MIN + REPORTS_MIN + (compiled ? COMPILE_MIN : FETCH_MIN));
	if (prepared)
		strv_add(&needs, "prepare");
	if (tests)
		strv_add(&needs, "test");
	if (tests && u->bench)
		strv_add(&needs, "bench");
	joined = strv_join(&needs, ", ");
	set(&v->values, "needs", joined);
	strv_addf(&v->values, "results_yaml=%s%s", prepared ? "${{ needs.prepare.result }} " : "",
		!tests ? ""
		: u->bench
			? "${{ github.event_name == 'workflow_dispatch' && needs.bench.result || needs.test.result }}"
			: "${{ needs.test.result }}");
}

/* ---- the whole ---- */

static void add_notes(const struct pipeline_options *o, const struct units *u, struct strv *notes)
{
	_cleanup_free_ char *files = strv_join(&u->files, " ");

	if (u->files.n && !o->packages->n)
		strv_addf(notes,
			"Tests need %s and are skipped on a runner without: --package NAME installs the packages "
			"that have them.",
			files);
}

static void double_dollars(struct buf *b)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < b->len; i++) {
		/* The head is no text of the platform's, and read by us. */
		if (b->data[i] == '$')
			buf_addc(&out, '$');
		buf_addc(&out, b->data[i]);
	}
	buf_release(b);
	*b = out;
}

/* What is typed becomes parts of lines of YAML. */
static int check_options(const struct pipeline_options *o, struct err *e)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
	_cleanup_strv_ struct strv all = STRV_INIT;
	const char *runner = o->runner ? o->runner : "";

	if (o->image && (!*o->image || strspn(o->image, letters) != strlen(o->image)))
		return err_set(e, -EINVAL, "'%s' is no name of an image", o->image);
	for (; *runner; runner++)
		if (!strchr(letters, *runner) && !strchr("[], ", *runner))
			return err_set(e, -EINVAL, "'%s' names no runners", o->runner);
	strv_addv(&all, o->kernels);
	strv_addv(&all, o->packages);
	strv_add(&all, o->vmrig ? o->vmrig : "");
	strv_add(&all, o->prepare ? o->prepare : "");
	for (size_t i = 0; i < all.n; i++)
		if (strpbrk(all.v[i], "\n\r"))
			return err_set(e, -EINVAL, "'%s' has more than one line", all.v[i]);
	return 0;
}

int pipeline_make(const struct pipeline_options *o, const struct strv *command, struct buf *ret,
	struct strv *ret_notes, struct err *e)
{
	const struct pipeline_traits *t = pipeline_traits(o->platform);
	_cleanup_buf_ struct buf head = BUF_INIT, body = BUF_INIT;
	struct template_values v = { 0 };
	struct units u = { 0 };
	_cleanup_free_ char *title = NULL;
	int r = check_options(o, e);

	if (r == 0)
		r = units_make(o, &u, ret_notes, e);
	if (r < 0)
		return r;
	r = set_place(o, t, &u, &v.values, e);
	if (r == 0) {
		title = xasprintf("vmrig %s", u.name);
		set_yaml(&v.values, "title", title);
		set_word(&v.values, "suite", u.dir);
		set_shell(&v.values, "packages", o->packages);
		set_flag(&v.values, "tree", u.tree);
		set(&v.values, "checkout", CHECKOUT);
		set(&v.values, "cache", CACHE);
		set(&v.values, "upload", UPLOAD);
		set(&v.values, "download", DOWNLOAD);
		set(&v.values, "fork_guard", FORK_GUARD);
		strv_addf(&v.values, "test_condition=!cancelled()%s%s",
			u.bench ? " && " NOT_BENCH : "",
			o->platform == PIPELINE_SELF_HOSTED ? " && (" FORK_GUARD ")" : "");
		set_kvm(&u, &v.values);
		set_units(&v, t, &u);
		head_write(&u, command, &head);
		add_notes(o, &u, ret_notes);
		template_fill(t->template, &v, &body);
		if (t->doubles_dollars)
			double_dollars(&body);
		buf_addf(ret, "%s\n%s", buf_str(&head), buf_str(&body));
	}
	template_values_release(&v);
	units_release(&u);
	return r;
}
