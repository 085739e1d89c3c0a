/* SPDX-License-Identifier: MIT */
/* The keys of a test, of `needs`, and of `defaults`. */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/load.h"

#define DEFAULT_TIMEOUT_MS 60000

static int parse_protocol(const char *s)
{
	enum protocol p;

	return protocol_parse(s, &p) < 0 ? -EINVAL : (int)p;
}

static int parse_expect(const char *s)
{
	enum expect x;

	return expect_parse(s, &x) < 0 ? -EINVAL : (int)x;
}

static int parse_splat(const char *s)
{
	enum splat_kind kind = streq(s, "warn") ? SPLAT_WARN : splat_kind_parse(s);

	return kind == SPLAT_NONE ? -EINVAL : (int)kind;
}

static int parse_isolate(const char *s)
{
	enum suite_isolate i;

	return suite_isolate_parse(s, &i) < 0 ? -EINVAL : (int)i;
}

/* An option as a .config spells it, with a value where one is asked for. */
static bool config_ok(const char *s)
{
	size_t n;

	if (!str_starts(s, "CONFIG_"))
		return false;
	s += strlen("CONFIG_");
	n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return n && (!s[n] || (s[n] == '=' && s[n + 1]));
}

static int read_config(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	const struct strv *got = field;
	int r = yaml_read_strv(l, k, n, field);

	for (size_t i = 0; r >= 0 && i < got->n; i++)
		if (!config_ok(got->v[i]))
			return yaml_expected(l, n->kind == YAML_LIST ? n->v[i] : n, k,
				"an option as CONFIG_NAME or CONFIG_NAME=value");
	return r;
}

static int read_needs(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *test)
{
#define FIELD(f) offsetof(struct suite_test, f)
	static const struct yaml_key keys[] = {
		{ "config", read_config, FIELD(needs_config) },
		{ "files", yaml_read_strv, FIELD(needs_files) },
		{ "cpus", yaml_read_number, FIELD(needs_cpus), .min = 1, .max = 1024 },
	};

	return yaml_read_map(l, n, "'needs'", keys, ARRAY_SIZE(keys), test);
}

/* A folder would not do, and "" would be one. */
static int read_put(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = yaml_read_paths(l, k, n, field);

	for (size_t i = 0; r >= 0 && i < (n->kind == YAML_LIST ? n->n : 1); i++) {
		const struct yaml_node *file = n->kind == YAML_LIST ? n->v[i] : n;

		if (!*file->text || str_ends(file->text, "/"))
			return yaml_expected(l, file, k, "the path of a file");
	}
	return r;
}

/* "root" is what NULL says already. */
static int read_user(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	char **user = field;
	int r = yaml_read_name(l, k, n, field);

	if (r >= 0 && streq(*user, "root"))
		str_replace(user, NULL);
	return r;
}

/* What both a test and `defaults` may say. Offsets are those in struct suite_test. */
#define TEST_KEYS                                                                                \
	{ "protocol", yaml_read_enum, FIELD(protocol), .parse = parse_protocol,                  \
		.expected = "exit, tap, ktap, kselftest or automake" },                          \
		{ "timeout", yaml_read_duration, FIELD(timeout_ms) },                            \
		{ "expect", yaml_read_enum, FIELD(expect), .parse = parse_expect,                \
			.expected = "pass, fail, crash or timeout" },                            \
		{ "env", yaml_read_env, FIELD(env) }, { "cwd", yaml_read_text, FIELD(cwd) },     \
		{ "user", read_user, FIELD(user) }, { "tags", yaml_read_strv, FIELD(tags) },     \
		{ "needs", read_needs, 0 }, { "artifacts", yaml_read_strv, FIELD(artifacts) },   \
		{ "setup", yaml_read_command, FIELD(setup) },                                    \
		{ "teardown", yaml_read_command, FIELD(teardown) },                              \
		{ "rw", yaml_read_paths, FIELD(rw) }, { "put", read_put, FIELD(put) },           \
		{ "machines", yaml_read_strv, FIELD(machines) },                                 \
		{ "kernels", yaml_read_strv, FIELD(kernels) },                                   \
		{ "isolate", yaml_read_enum, FIELD(isolate), .parse = parse_isolate,             \
			.expected = "clone, boot or shared" },                                   \
		{ "deterministic", yaml_read_bool, FIELD(deterministic) },                       \
		{ "console", os_read_grammar, FIELD(grammar) },                                  \
		{ "exit_port", os_read_exit_port, FIELD(exit_port) },                            \
	{                                                                                        \
		"fail_on", yaml_read_enum, FIELD(fail_on),                                       \
			.parse = parse_splat,                                                    \
			.expected = "warn, stall, lockdep, ubsan, sanitizer, bug, oops or panic" \
	}

static const struct yaml_key test_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "run", yaml_read_command, FIELD(run) },
	{ "steps", os_read_steps, FIELD(steps) },
	{ "description", yaml_read_text, FIELD(description) },
	TEST_KEYS,
};
#undef FIELD

static int read_root(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	char **root = field;
	int r;

	if (n->kind == YAML_SCALAR && streq(n->text, "none"))
		return yaml_read_text(l, k, n, field);
	r = yaml_read_path(l, k, n, field);
	if (r == 0 && streq(*root, "/"))
		str_replace(root, NULL);
	return r;
}

int load_defaults(struct yaml_reader *l, const struct yaml_node *n)
{
#define FIELD(f) (offsetof(struct defaults, test) + offsetof(struct suite_test, f))
#define OWN(f)   offsetof(struct defaults, f)
	static const struct yaml_key keys[] = {
		TEST_KEYS,
		{ "cpus", yaml_read_number, OWN(cpus), .min = 1, .max = 1024 },
		{ "memory", yaml_read_memory, OWN(memory_mib) },
		{ "boot_timeout", yaml_read_duration, OWN(boot_ms) },
		{ "idle_timeout", yaml_read_duration, OWN(idle_ms) },
		{ "total_timeout", yaml_read_duration, OWN(total_ms) },
		{ "root", read_root, OWN(root) },
	};

	return yaml_read_map(l, n, "'defaults'", keys, ARRAY_SIZE(keys), &loader_of(l)->defaults);
#undef FIELD
#undef OWN
}

void load_test_defaults(struct suite_test *t)
{
	*t = (struct suite_test){
		.protocol = PROTOCOL_EXIT,
		.expect = EXPECT_PASS,
		.timeout_ms = DEFAULT_TIMEOUT_MS,
		.fail_on = SPLAT_STALL,
	};
}

/* With a root of its own the suite file's folder may not exist in the guest. */
static void set_cwd(struct yaml_reader *l, struct suite_test *t)
{
	char *absolute =
		path_absolute(t->cwd ? t->cwd : ".", loader_of(l)->defaults.root ? "/" : l->dir);

	free(t->cwd);
	t->cwd = absolute;
}

static bool has_key(const struct yaml_node *map, const char *name)
{
	for (size_t i = 0; i + 1 < map->n; i += 2)
		if (streq(map->v[i]->text, name))
			return true;
	return false;
}

/* A command for our agent, or what a foreign system is told and heard by: a test has one of the two. */
static int check_means(struct yaml_reader *l, const struct yaml_node *n, struct suite_test *t)
{
	static const char *const foreign[] = { "steps", "console", "exit_port" };
	static const char *const ours[] = { "setup", "teardown", "artifacts", "user", "put", "rw",
		"kernels", "deterministic" };
	bool report = t->protocol == PROTOCOL_TAP || t->protocol == PROTOCOL_KTAP;

	for (size_t i = 0; i < ARRAY_SIZE(foreign) && t->run.n; i++)
		if (has_key(n, foreign[i]))
			return yaml_error(&l->y, n, l->e,
				"test '%s': 'run' is for kernels with our agent, '%s' for systems without it",
				t->name, foreign[i]);
	if (t->run.n) {
		os_grammar_release(&t->grammar);
		t->exit_port = (struct os_exit_port){ 0 };
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (has_key(n, ours[i]))
			return yaml_error(&l->y, n, l->e,
				"test '%s': '%s' needs our agent, and so a 'run'", t->name,
				ours[i]);
	if (has_key(n, "isolate") && t->isolate == SUITE_ISOLATE_SHARED)
		return yaml_error(&l->y, n, l->e,
			"test '%s': 'isolate: shared' needs our agent; a machine's 'prepare' is what systems share",
			t->name);
	if (!t->steps.n && !t->grammar.pass && !t->exit_port.port && !report)
		return yaml_error(&l->y, n, l->e,
			"a test lacks the key 'run', or for a system of its own one of 'steps', 'console: {pass: ...}', "
			"'exit_port' and 'protocol: ktap': nothing could tell whether '%s' passes",
			t->name);
	if (t->protocol != PROTOCOL_EXIT && !report)
		return yaml_error(&l->y, n, l->e,
			"test '%s': on a serial port the protocol is tap or ktap", t->name);
	return 0;
}

int load_test(struct yaml_reader *l, const struct yaml_node *n)
{
	struct suite *s = loader_of(l)->s;
	struct suite_test *t;
	int r;

	VEC_GROW(s->tests, s->n_tests, s->cap_tests);
	t = &s->tests[s->n_tests++];
	suite_test_copy(t, &loader_of(l)->defaults.test);
	t->line = n->line;
	r = yaml_read_map(l, n, "a test", test_keys, ARRAY_SIZE(test_keys), t);
	if (r < 0)
		return r;
	r = check_means(l, n, t);
	if (r < 0)
		return r;
	if (t->put.n && loader_of(l)->defaults.root && !streq(loader_of(l)->defaults.root, "none"))
		return yaml_error(&l->y, n, l->e,
			"test '%s': 'put' is for guests without a root, and this suite's is %s",
			t->name, loader_of(l)->defaults.root);
	if (t->deterministic &&
		(t->isolate == SUITE_ISOLATE_BOOT || t->isolate == SUITE_ISOLATE_SHARED))
		return yaml_error(&l->y, n, l->e,
			"test '%s': only clones can be 'deterministic', and its 'isolate' is %s",
			t->name, suite_isolate_name(t->isolate));
	set_cwd(l, t);
	return 0;
}
