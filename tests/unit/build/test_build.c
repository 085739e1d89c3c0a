/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/cache.h"
#include "tree.h"

static void build(const char *dir, const struct build_spec *s, struct kernel *ret)
{
	struct err e = ERR_INIT;

	if (tree_build(dir, s, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void read_text(const char *dir, const char *name, struct buf *ret)
{
	_cleanup_free_ char *path = path_join(dir, name);

	assert_int_equal(file_read(path, 1 << 20, ret, NULL), 0);
}

static size_t count_stored(void)
{
	struct cache_entry *entries;
	size_t n;

	assert_int_equal(cache_list(&entries, &n, NULL), 0);
	cache_entries_free(entries, n);
	return n;
}

static void expect_failure(
	const char *dir, const struct build_spec *s, int code, const char *word, const char *other)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	expect_error(&e, tree_build(dir, s, &k, &e), code, word, other);
}

static void a_clean_tree_is_built_once_and_stored(void **state)
{
	_cleanup_free_ char *source = NULL, *key = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct cache_entry c;
	struct kernel k;

	build(*state, &s, &k);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
	assert_non_null(strstr(k.image, k.key));
	assert_string_equal(k.release, FIXTURE_RELEASE);
	assert_non_null(k.vmlinux);
	assert_non_null(k.system_map);
	assert_null(k.modules_dir);
	key = xstrdup(k.key);
	kernel_release(&k);
	build(*state, &s, &k);
	assert_string_equal(k.key, key);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
	kernel_release(&k);
	assert_int_equal(cache_load(key, &c, NULL), 0);
	assert_true(c.is_built);
	assert_string_equal(c.built.source_dir, source);
	assert_string_equal(c.built.base, "tinyconfig");
	assert_non_null(strstr(c.built.toolchain, "gcc"));
	assert_non_null(c.built.commit);
	assert_int_equal(c.built.steps, TREE_STEPS + 1);
	cache_entry_release(&c);
	assert_int_equal(count_names(*state, "cache/kernels", ".tmp"), 0);
}

static bool has_lines(const struct kernel *k)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;

	assert_non_null(k->vmlinux);
	assert_int_equal(file_read(k->vmlinux, 16 << 20, &elf, NULL), 0);
	return memmem(elf.data, elf.len, ".debug_line", strlen(".debug_line")) != NULL;
}

static void vmlinux_keeps_the_lines_that_a_kernel_was_asked_for(void **state)
{
	static const struct {
		const char *option, *more;
		bool lines;
	} cases[] = {
		{ NULL, NULL, false },
		{ "CONFIG_DEBUG_INFO=y", NULL, true },
		{ "CONFIG_DEBUG_INFO=y", "CONFIG_DEBUG_INFO_BTF=y", false },
	};
	_cleanup_free_ char *source = NULL, *compile = NULL;
	struct build_spec s = tree_spec(*state, &source);

	put_program(*state, "pahole", "echo v1.25");
	/* The real objcopy in the place of the tree's stand-in. */
	compile = xasprintf(
		"cd '%s' && rm bin/objcopy && printf 'int x(void)\\n{\\n\\treturn 1;\\n}\\n' > x.c && "
		"gcc -g -nostdlib -static -Wl,-e,x x.c -o vmlinux.in",
		(char *)*state);
	assert_int_equal(system(compile), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ struct strv options = STRV_INIT;
		struct kernel k;

		if (cases[i].option)
			strv_add(&options, cases[i].option);
		if (cases[i].more)
			strv_add(&options, cases[i].more);
		s.options = &options;
		build(*state, &s, &k);
		assert_int_equal(has_lines(&k), cases[i].lines);
		kernel_release(&k);
	}
}

struct told {
	int total;
	bool estimated;
};

static void keep_told(void *arg, int done, int total, bool estimated, int left_s)
{
	struct told *t = arg;

	*t = (struct told){ total, estimated };
}

static struct told build_watched(const struct build_spec *s)
{
	struct told told = { 0 };
	const struct build_watch watch = { .progress = keep_told, .arg = &told };
	const struct build_how how = { .watch = &watch, .force = true };
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	if (build_kernel(s, &how, &k, &e) < 0)
		fail_msg("%s", err_text(&e));
	kernel_release(&k);
	return told;
}

static void another_recipe_is_measured_by_the_nearest_one(void **state)
{
	_cleanup_free_ char *source = NULL, *builds = NULL;
	_cleanup_strv_ struct strv options = STRV_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct told told;

	strv_add(&options, "CONFIG_A=y");
	s.options = &options;
	told = build_watched(&s);
	assert_int_equal(told.total, 0);
	strv_add(&options, "CONFIG_B=y");
	told = build_watched(&s);
	assert_true(told.estimated);
	assert_int_equal(told.total, 2 * (TREE_STEPS + 1));
	/* What it took is known then, and what is left to do in a folder that holds it is not. */
	builds = path_join(*state, "cache/builds");
	assert_int_equal(dir_remove(builds, NULL), 0);
	told = build_watched(&s);
	assert_false(told.estimated);
	assert_int_equal(told.total, TREE_STEPS + 1);
	lay(*state, "linux/init/main.c", "int other;\n");
	told = build_watched(&s);
	assert_int_equal(told.total, 0);
}

static void the_tree_is_not_written_to(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	build(*state, &s, &k);
	kernel_release(&k);
	assert_false(exists(source, ".config"));
	assert_false(exists(source, "s10.o"));
	assert_false(exists(source, "vmlinux"));
}

static void what_was_built_of_a_tree_is_its_kernel(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k, found;

	build(*state, &s, &k);
	assert_int_equal(kernel_resolve(NULL, source, &found, NULL), 0);
	assert_string_equal(found.image, k.image);
	kernel_release(&found);
	kernel_release(&k);
	lay(*state, "linux/init/main.c", "int other;\n"); /* dirty */
	build(*state, &s, &k);
	assert_int_equal(kernel_resolve(source, NULL, &found, NULL), 0);
	assert_string_equal(found.image, k.image);
	assert_non_null(strstr(k.image, "/builds/"));
	kernel_release(&found);
	kernel_release(&k);
}

static void a_dirty_tree_is_built_and_never_stored(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	lay(*state, "linux/init/main.c", "int other;\n");
	build(*state, &s, &k);
	assert_non_null(strstr(k.image, "/builds/"));
	kernel_release(&k);
	assert_int_equal(count_stored(), 0);
}

/* The step that changes the tree is the compilation itself. */
static void a_tree_that_changes_while_it_is_built_is_not_stored(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	put_program(*state, "gcc",
		"case \"$*\" in *main.c*) echo 'int x;' > ../linux/init/late.c;; esac\n"
		"PATH=/usr/local/bin:/usr/bin:/bin\nexec gcc \"$@\"\n");
	build(*state, &s, &k);
	assert_non_null(strstr(k.image, "/builds/"));
	kernel_release(&k);
	assert_int_equal(count_stored(), 0);
}

static void the_next_build_of_a_tree_compiles_what_changed(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	build(*state, &s, &k);
	kernel_release(&k);
	lay(*state, "linux/init/main.c", "int other;\n");
	tree_commit(*state);
	build(*state, &s, &k);
	kernel_release(&k);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
}

static size_t count_in_log(const struct kernel *k, const char *text)
{
	_cleanup_free_ char *boot = path_dir(k->image), *dir = path_dir(boot),
			    *path = path_join(dir, "build.log");
	_cleanup_buf_ struct buf log = BUF_INIT;
	size_t n = 0;

	assert_int_equal(file_read(path, 1 << 20, &log, NULL), 0);
	for (const char *s = buf_str(&log); (s = strstr(s, text)); s++)
		n++;
	return n;
}

/* Both are made in one folder. */
static void a_log_is_that_of_one_build(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;
	size_t commands;

	build(*state, &s, &k);
	commands = count_in_log(&k, "\n$ ");
	assert_true(commands > 0);
	assert_int_equal(count_in_log(&k, "make ended with exit code 0"), commands);
	kernel_release(&k);
	lay(*state, "linux/init/main.c", "int other;\n");
	tree_commit(*state);
	build(*state, &s, &k);
	assert_int_equal(count_in_log(&k, "\n$ "), commands);
	kernel_release(&k);
}

static void wishes_are_laid_over_the_base_and_change_the_key(void **state)
{
	_cleanup_free_ char *source = NULL, *key = NULL;
	_cleanup_strv_ struct strv options = STRV_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct kconfig *config;
	struct kernel k;

	build(*state, &s, &k);
	key = xstrdup(k.key);
	kernel_release(&k);
	strv_add(&options, "CONFIG_A=y");
	s.options = &options;
	build(*state, &s, &k);
	assert_string_not_equal(k.key, key);
	assert_int_equal(kernel_config(&k, &config, NULL), 0);
	assert_int_equal(kconfig_tristate(config, "A"), 'y');
	kconfig_free(config);
	kernel_release(&k);
}

static void the_key_is_of_all_that_shapes_the_result(void **state)
{
	static const char *const bases[] = { "tinyconfig", "defconfig", "base.config" };
	_cleanup_strv_ struct strv keys = STRV_INIT;
	_cleanup_free_ char *source = NULL;
	struct build_how how = { 0 };
	struct build_spec s = tree_spec(*state, &source);

	lay(*state, "base.config", "CONFIG_B=y\n");
	for (int turn = 0; turn < 6; turn++) {
		struct build_plan p;
		struct err e = ERR_INIT;

		if (turn < 3)
			s.base = bases[turn];
		if (turn == 3)
			lay(*state, "base.config", "CONFIG_A=y\n");
		if (turn == 4)
			put_program(*state, "ld", "echo 'ld 99'\n");
		if (turn == 5) {
			lay(*state, "linux/init/main.c", "int other;\n");
			tree_commit(*state);
		}
		if (build_plan(&s, &how, &p, &e) < 0)
			fail_msg("%s", err_text(&e));
		assert_non_null(p.key);
		assert_false(strv_has(&keys, p.key));
		strv_add(&keys, p.key);
		build_plan_release(&p);
	}
	assert_int_equal(tree_steps(*state), 0);
}

static void options_that_do_not_take_are_named(void **state)
{
	_cleanup_free_ char *source = NULL;
	_cleanup_strv_ struct strv options = STRV_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	strv_add(&options, "CONFIG_NEVER=y");
	strv_add(&options, "CONFIG_EVER=m");
	strv_add(&options, "CONFIG_A=y");
	s.options = &options;
	expect_failure(*state, &s, -EINVAL, "CONFIG_NEVER", "CONFIG_EVER");
	assert_int_equal(tree_steps(*state), 0);
	s.allow_unmet = true;
	build(*state, &s, &k);
	kernel_release(&k);
}

static void modules_are_built_where_the_configuration_has_some(void **state)
{
	_cleanup_free_ char *source = NULL, *link = NULL;
	_cleanup_strv_ struct strv options = STRV_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	strv_add(&options, "CONFIG_MODULES=y");
	s.options = &options;
	build(*state, &s, &k);
	assert_non_null(k.modules_dir);
	assert_int_equal(modules_find(k.modules_dir, "a"), 'm');
	link = path_join(k.modules_dir, "build");
	assert_false(exists("/", link));
	kernel_release(&k);
}

static void the_callers_environment_does_not_reach_the_build(void **state)
{
	static const char *const names[] = { "CFLAGS", "MAKEFLAGS", "ARCH", "LOCALVERSION",
		"KBUILD_EXTMOD", "KCFLAGS", "CROSS_COMPILE", "LANG" };
	_cleanup_free_ char *source = NULL;
	_cleanup_buf_ struct buf env = BUF_INIT, flags = BUF_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		setenv(names[i], "-sentinel", 1);
	build(*state, &s, &k);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	kernel_release(&k);
	read_text(*state, "env.log", &env);
	assert_null(strstr(buf_str(&env), "sentinel"));
	assert_non_null(strstr(buf_str(&env), "KBUILD_BUILD_USER=vmrig"));
	assert_non_null(strstr(buf_str(&env), "LC_ALL=C"));
	read_text(*state, "make.log", &flags);
	assert_null(strstr(buf_str(&flags), "-Wno"));
	assert_null(strstr(buf_str(&flags), "sentinel"));
}

static void a_compilers_error_is_told_with_its_place_and_the_log(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;
	struct err e = ERR_INIT;

	lay(*state, "linux/init/main.c", "int f(void)\n{\n\treturn nothing;\n}\n");
	tree_commit(*state);
	assert_int_equal(tree_build(*state, &s, &k, &e), -EIO);
	assert_non_null(strstr(err_text(&e), "\n  init/main.c:3:"));
	assert_non_null(strstr(err_text(&e), "nothing"));
	assert_non_null(strstr(e.hint, "build.log"));
	assert_true(exists("/", strchr(e.hint, '/')));
	err_release(&e);
	/* and once it is right, what was compiled stays */
	lay(*state, "linux/init/main.c", "int f;\n");
	tree_commit(*state);
	build(*state, &s, &k);
	kernel_release(&k);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
}

static void missing_programs_are_named_with_their_packages(void **state)
{
	_cleanup_free_ char *source = NULL, *bin = path_join(*state, "bin");
	_cleanup_free_ char *flex = path_join(bin, "flex"), *old = xstrdup(getenv("PATH"));
	static const char *const kept[] = { "gcc", "ld", "make", "git", "sh", "env" };
	struct build_spec s = tree_spec(*state, &source);
	struct err e = ERR_INIT;
	struct kernel k;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		_cleanup_free_ char *script =
			xasprintf("PATH=/usr/local/bin:/usr/bin:/bin\nexec %s \"$@\"\n", kept[i]);

		put_program(*state, kept[i], script);
	}
	unlink(flex);
	setenv("PATH", bin, 1);
	assert_int_equal(tree_build(*state, &s, &k, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "flex"));
	assert_non_null(strstr(e.hint, "apt install flex"));
	err_release(&e);
	s.arch = "aarch64";
	assert_int_equal(tree_build(*state, &s, &k, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "aarch64-linux-gnu-gcc"));
	assert_non_null(strstr(e.hint, "gcc-aarch64-linux-gnu"));
	err_release(&e);
	setenv("PATH", old, 1);
}

static void a_tree_configured_in_place_is_built_in_place_or_refused(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k, found;

	lay(*state, "linux/.config", "CONFIG_B=y\n");
	expect_failure(*state, &s, -EINVAL, "configured in place", source);
	s.base = NULL;
	build(*state, &s, &k);
	assert_true(path_below(k.image, source));
	assert_int_equal(kernel_resolve(source, NULL, &found, NULL), 0);
	assert_string_equal(found.image, k.image);
	kernel_release(&found);
	kernel_release(&k);
	assert_false(exists(*state, "config.log")); /* its configuration is the caller's */
	assert_int_equal(count_stored(), 0);
}

static void a_configured_kbuild_output_is_used(void **state)
{
	_cleanup_free_ char *source = NULL, *out = path_join(*state, "out");
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	lay(*state, "out/.config", "CONFIG_B=y\n");
	setenv("KBUILD_OUTPUT", out, 1);
	s.base = NULL;
	build(*state, &s, &k);
	assert_true(path_below(k.image, out));
	kernel_release(&k);
	assert_int_equal(kernel_resolve(source, NULL, &k, NULL), 0);
	assert_true(path_below(k.image, out));
	kernel_release(&k);
	s.base = "tinyconfig";
	build(*state, &s, &k);
	assert_false(path_below(k.image, out));
	kernel_release(&k);
	unsetenv("KBUILD_OUTPUT");
}

static void configuring_alone_compiles_nothing(void **state)
{
	_cleanup_free_ char *source = NULL, *dst = path_join(*state, "got.config");
	_cleanup_strv_ struct strv options = STRV_INIT, unmet = STRV_INIT;
	struct build_spec s = tree_spec(*state, &source);
	struct build_how how = { 0 };
	struct err e = ERR_INIT;

	strv_add(&options, "CONFIG_A=y");
	strv_add(&options, "CONFIG_NEVER=y");
	s.options = &options;
	if (build_configure(&s, &how, dst, &unmet, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_true(exists(*state, "got.config"));
	assert_int_equal(unmet.n, 1);
	assert_int_equal(tree_steps(*state), 0);
}

static void a_damaged_entry_is_built_again(void **state)
{
	_cleanup_free_ char *source = NULL, *key = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct kernel k;

	build(*state, &s, &k);
	assert_int_equal(truncate(k.image, 10), 0);
	key = xstrdup(k.key);
	kernel_release(&k);
	build(*state, &s, &k);
	assert_string_equal(k.key, key);
	kernel_release(&k);
}

static void a_kernel_in_use_is_not_replaced_by_force(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	struct build_how how = { .force = true };
	struct kernel k, again = { 0 };
	struct err e = ERR_INIT;

	build(*state, &s, &k);
	expect_error(&e, build_kernel(&s, &how, &again, &e), -EBUSY, k.key, "in use");
	kernel_release(&k);
	assert_int_equal(build_kernel(&s, &how, &again, NULL), 0);
	kernel_release(&again);
}

static void one_kernel_may_have_several_names(void **state)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(*state, &source);
	static const char *const labels[] = { "variant:a", "variant:b" };
	struct kernel k;

	for (size_t i = 0; i < 2; i++) {
		s.label = labels[i];
		build(*state, &s, &k);
		kernel_release(&k);
	}
	assert_int_equal(tree_steps(*state), TREE_STEPS);
	for (size_t i = 0; i < 2; i++) {
		struct cache_entry c;

		assert_int_equal(cache_find_built(labels[i], "x86_64", NULL, &c, NULL, NULL), 1);
		cache_entry_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(a_clean_tree_is_built_once_and_stored),
		in_tree(vmlinux_keeps_the_lines_that_a_kernel_was_asked_for),
		in_tree(another_recipe_is_measured_by_the_nearest_one),
		in_tree(the_tree_is_not_written_to),
		in_tree(what_was_built_of_a_tree_is_its_kernel),
		in_tree(a_dirty_tree_is_built_and_never_stored),
		in_tree(a_tree_that_changes_while_it_is_built_is_not_stored),
		in_tree(the_next_build_of_a_tree_compiles_what_changed),
		in_tree(a_log_is_that_of_one_build),
		in_tree(wishes_are_laid_over_the_base_and_change_the_key),
		in_tree(the_key_is_of_all_that_shapes_the_result),
		in_tree(options_that_do_not_take_are_named),
		in_tree(modules_are_built_where_the_configuration_has_some),
		in_tree(the_callers_environment_does_not_reach_the_build),
		in_tree(a_compilers_error_is_told_with_its_place_and_the_log),
		in_tree(missing_programs_are_named_with_their_packages),
		in_tree(a_tree_configured_in_place_is_built_in_place_or_refused),
		in_tree(a_configured_kbuild_output_is_used),
		in_tree(configuring_alone_compiles_nothing),
		in_tree(a_damaged_entry_is_built_again),
		in_tree(a_kernel_in_use_is_not_replaced_by_force),
		in_tree(one_kernel_may_have_several_names),
	};

	return cmocka_run_group_tests_name("building", tests, NULL, NULL);
}
