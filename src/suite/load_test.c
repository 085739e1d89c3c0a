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
	struct loader *l, const struct key *k, const struct yaml_node *n, void *field)
{
	const struct strv *got = field;
	int r = read_strv(l, k, n, field);

	for (size_t i = 0; r >= 0 && i < got->n; i++)
		if (!config_ok(got->v[i]))
			return load_expected(l, n->kind == YAML_LIST ? n->v[i] : n, k,
				"an option as CONFIG_NAME or CONFIG_NAME=value");
	return r;
}

static int read_needs(struct loader *l, const struct key *k, const struct yaml_node *n, void *test)
{
#define FIELD(f) offsetof(struct suite_test, f)
	static const struct key keys[] = {
		{ "config", read_config, FIELD(needs_config) },
		{ "files", read_strv, FIELD(needs_files) },
		{ "cpus", read_number, FIELD(needs_cpus), .min = 1, .max = 1024 },
	};

	return load_mapping(l, n, "'needs'", keys, ARRAY_SIZE(keys), test);
}

/* "root" is what NULL says already. */
static int read_user(struct loader *l, const struct key *k, const struct yaml_node *n, void *field)
{
	char **user = field;
	int r = read_name(l, k, n, field);

	if (r >= 0 && streq(*user, "root"))
		str_replace(user, NULL);
	return r;
}

/* What both a test and `defaults` may say. Offsets are those in struct suite_test. */
#define TEST_KEYS                                                                                \
	{ "protocol", read_enum, FIELD(protocol), .parse = parse_protocol,                       \
		.expected = "exit, tap, ktap, kselftest or automake" },                          \
		{ "timeout", read_duration, FIELD(timeout_ms) },                                 \
		{ "expect", read_enum, FIELD(expect), .parse = parse_expect,                     \
			.expected = "pass, fail, crash or timeout" },                            \
		{ "env", read_env, FIELD(env) }, { "cwd", read_text, FIELD(cwd) },               \
		{ "user", read_user, FIELD(user) }, { "tags", read_strv, FIELD(tags) },          \
		{ "needs", read_needs, 0 }, { "artifacts", read_strv, FIELD(artifacts) },        \
		{ "setup", read_command, FIELD(setup) },                                         \
		{ "teardown", read_command, FIELD(teardown) }, { "rw", read_paths, FIELD(rw) },  \
		{ "machines", read_strv, FIELD(machines) },                                      \
		{ "kernels", read_strv, FIELD(kernels) },                                        \
	{                                                                                        \
		"fail_on", read_enum, FIELD(fail_on),                                            \
			.parse = parse_splat,                                                    \
			.expected = "warn, stall, lockdep, ubsan, sanitizer, bug, oops or panic" \
	}

static const struct key test_keys[] = {
	{ "name", read_name, FIELD(name), .required = true },
	{ "run", read_command, FIELD(run), .required = true },
	{ "description", read_text, FIELD(description) },
	TEST_KEYS,
};
#undef FIELD

static int read_root(struct loader *l, const struct key *k, const struct yaml_node *n, void *field)
{
	char **root = field;
	char *absolute;
	int r = read_text(l, k, n, field);

	if (r < 0 || streq(*root, "none"))
		return r;
	absolute = path_absolute(*root, l->s->dir);
	free(*root);
	*root = absolute;
	if (streq(absolute, "/"))
		str_replace(root, NULL);
	return 0;
}

int load_defaults(struct loader *l, const struct yaml_node *n)
{
#define FIELD(f) (offsetof(struct defaults, test) + offsetof(struct suite_test, f))
#define OWN(f)   offsetof(struct defaults, f)
	static const struct key keys[] = {
		TEST_KEYS,
		{ "cpus", read_number, OWN(cpus), .min = 1, .max = 1024 },
		{ "memory", read_memory, OWN(memory_mib) },
		{ "boot_timeout", read_duration, OWN(boot_ms) },
		{ "idle_timeout", read_duration, OWN(idle_ms) },
		{ "total_timeout", read_duration, OWN(total_ms) },
		{ "root", read_root, OWN(root) },
	};

	return load_mapping(l, n, "'defaults'", keys, ARRAY_SIZE(keys), &l->defaults);
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
static void set_cwd(struct loader *l, struct suite_test *t)
{
	char *absolute = path_absolute(t->cwd ? t->cwd : ".", l->defaults.root ? "/" : l->s->dir);

	free(t->cwd);
	t->cwd = absolute;
}

int load_test(struct loader *l, const struct yaml_node *n)
{
	struct suite *s = l->s;
	struct suite_test *t;
	int r;

	s->tests = xrealloc(s->tests, (s->n_tests + 1) * sizeof(*s->tests));
	t = &s->tests[s->n_tests++];
	suite_test_copy(t, &l->defaults.test);
	t->line = n->line;
	r = load_mapping(l, n, "a test", test_keys, ARRAY_SIZE(test_keys), t);
	if (r < 0)
		return r;
	set_cwd(l, t);
	return 0;
}
