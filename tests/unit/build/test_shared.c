/* SPDX-License-Identifier: MIT */
/* Builds with a remote cache. Another machine is another VMRIG_CACHE_DIR. */
#include <unistd.h>

#include "base/hash.h"
#include "kernel/cache.h"
#include "tree.h"

static void on_machine(const char *dir, const char *name)
{
	_cleanup_free_ char *cache = path_join(dir, name);

	setenv("VMRIG_CACHE_DIR", cache, 1);
}

/* What was said of the remote cache. */
static void hear(void *arg, enum build_stage s, const char *line)
{
	buf_addf(arg, "%s\n", line);
}

static char *build(const char *dir, const char *remote, bool offline, struct buf *said)
{
	_cleanup_free_ char *source = NULL;
	struct build_spec s = tree_spec(dir, &source);
	struct build_watch watch = { .stage = hear, .arg = said };
	struct build_how how = { .jobs = 4, .remote = remote, .offline = offline, .watch = &watch };
	struct err e = ERR_INIT;
	struct kernel k = { 0 };
	char *key;

	buf_clear(said);
	if (build_kernel(&s, &how, &k, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_true(file_exists(k.image));
	key = xstrdup(k.key);
	kernel_release(&k);
	return key;
}

static void expect_said(const struct buf *said, const char *word)
{
	if (!strstr(buf_str(said), word))
		fail_msg("'%s' was not said: %s", word, buf_str(said));
}

static char *entry_of(const char *dir, const char *key)
{
	return xasprintf("%s/store/%s.tar.zst", dir, key);
}

static void what_one_machine_built_another_takes(void **state)
{
	_cleanup_free_ char *store = path_join(*state, "store"), *key = NULL, *again = NULL;
	_cleanup_free_ char *entry = NULL;
	_cleanup_buf_ struct buf said = BUF_INIT;
	struct cache_entry c;

	key = build(*state, store, false, &said);
	entry = entry_of(*state, key);
	assert_true(file_exists(entry));
	on_machine(*state, "cache2");
	again = build(*state, store, false, &said);
	assert_string_equal(again, key);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
	expect_said(&said, "was built elsewhere");
	assert_int_equal(cache_load(key, &c, NULL), 0);
	assert_non_null(c.built.commit);
	cache_entry_release(&c);
}

static void the_environment_names_the_store_and_offline_asks_none(void **state)
{
	_cleanup_free_ char *store = path_join(*state, "store"), *key = NULL, *again = NULL;
	_cleanup_buf_ struct buf said = BUF_INIT;

	setenv("VMRIG_KERNEL_REMOTE", store, 1);
	key = build(*state, NULL, true, &said);
	assert_false(exists(*state, "store"));
	on_machine(*state, "cache2");
	again = build(*state, NULL, false, &said);
	unsetenv("VMRIG_KERNEL_REMOTE");
	assert_int_equal(tree_steps(*state), 2 * TREE_STEPS);
	assert_int_equal(count_names(*state, "store", ".tar.zst"), 1);
}

/* Whatever the store has, a kernel comes of it, and then the store is right. */
static void a_bad_entry_is_warned_of_built_and_replaced(void **state)
{
	static const char *const bad[] = { "", "<!DOCTYPE html><html>Log in</html>", NULL };
	_cleanup_free_ char *store = path_join(*state, "store"), *key = NULL, *entry = NULL;
	_cleanup_buf_ struct buf said = BUF_INIT, good = BUF_INIT;

	key = build(*state, store, false, &said);
	entry = entry_of(*state, key);
	assert_int_equal(file_read(entry, 1 << 20, &good, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *machine = xasprintf("cache-%zu", i);
		_cleanup_free_ char *fresh = xasprintf("fresh-%zu", i);
		const char *data = bad[i] ? bad[i] : good.data;
		size_t len = bad[i] ? strlen(bad[i]) : good.len / 2;

		assert_int_equal(file_write_atomic(entry, data, len, 0644, NULL), 0);
		on_machine(*state, machine);
		free(build(*state, store, false, &said));
		expect_said(&said, "warning: the remote cache is of no help");
		assert_int_equal(tree_steps(*state), (i + 2) * TREE_STEPS);
		on_machine(*state, fresh);
		free(build(*state, store, false, &said));
		expect_said(&said, "was built elsewhere");
	}
}

static void a_store_that_is_away_or_cannot_be_written_fails_no_build(void **state)
{
	static const char *const stores[] = { "http://127.0.0.1:1/kernels", "/proc/no/store",
		"ftp://example.org/x" };
	_cleanup_buf_ struct buf said = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		_cleanup_free_ char *machine = xasprintf("cache-%zu", i);

		on_machine(*state, machine);
		free(build(*state, stores[i], false, &said));
		expect_said(&said, "warning: ");
		expect_said(&said, "is not in the remote cache");
		assert_int_equal(tree_steps(*state), (i + 1) * TREE_STEPS);
	}
}

/* As somebody does who can write to the store: the archive is right, the entry in it is not. */
static void an_entry_whose_manifest_lies_is_not_adopted(void **state)
{
	_cleanup_free_ char *store = path_join(*state, "store"), *key = NULL;
	_cleanup_buf_ struct buf said = BUF_INIT;
	struct cache_build b = CACHE_BUILD_INIT;
	struct err e = ERR_INIT;
	_cleanup_free_ char *source = NULL, *image = NULL;
	struct cache_entry c;

	key = build(*state, store, false, &said);
	assert_int_equal(cache_load(key, &c, NULL), 0);
	on_machine(*state, "cache2");
	assert_int_equal(cache_begin(key, NULL, NULL, &b, NULL), 0);
	assert_int_equal(dir_remove(b.aside, NULL), 0);
	assert_int_equal(rename(c.dir, b.aside), 0);
	image = xasprintf("%s/boot/vmlinuz-" FIXTURE_RELEASE, b.aside);
	source = xasprintf("%s/boot/config-" FIXTURE_RELEASE, b.aside);
	assert_int_equal(file_copy(source, image, 0644, NULL), 0);
	expect_error(&e, cache_adopt(&b, &e), -EBADMSG, "vmlinuz", "");
	cache_end(&b);
	assert_int_equal(count_names(*state, "cache2/kernels", ""), 1); /* the lock */
	cache_entry_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(what_one_machine_built_another_takes),
		in_tree(the_environment_names_the_store_and_offline_asks_none),
		in_tree(a_bad_entry_is_warned_of_built_and_replaced),
		in_tree(a_store_that_is_away_or_cannot_be_written_fails_no_build),
		in_tree(an_entry_whose_manifest_lies_is_not_adopted),
	};

	return cmocka_run_group_tests_name("build-shared", tests, NULL, NULL);
}
