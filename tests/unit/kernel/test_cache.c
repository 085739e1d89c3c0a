/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "kernel/cache.h"
#include "packages.h"
#include "source/source.h"

static void key_of(const char *name, char ret[static HASH_HEX_LEN + 1])
{
	struct hash *h = hash_new();

	hash_adds(h, name);
	hash_final(h, ret);
}

/* A kernel that was "built" of SOURCE, called LABEL, made at the time MADE (NULL: now). */
static void make_entry(const char *label, const char *source, const char *made)
{
	struct cache_build b = CACHE_BUILD_INIT;
	struct cache_entry c = { .is_built = true };
	char key[HASH_HEX_LEN + 1];
	struct err e = ERR_INIT;

	key_of(label, key);
	assert_int_equal(cache_begin(key, NULL, NULL, &b, NULL), 0);
	free(put_bzimage(b.aside, "boot/vmlinuz-" FIXTURE_RELEASE));
	lay(b.aside, "boot/config-" FIXTURE_RELEASE, "CONFIG_A=y\n");
	put_module(b.aside, "lib/modules/" FIXTURE_RELEASE "/kernel/a.ko", "", NULL);
	assert_int_equal(cache_find_aside(&b, &c.kernel, NULL), 0);
	c.kernel.label = xstrdup(label);
	c.built.source = xstrdup(source);
	c.built.asked = xstrdup(source);
	c.built.toolchain = xstrdup("gcc 1");
	c.built.aside = strstr(label, "without") != NULL;
	c.made = xstrdup(made);
	if (cache_commit(&b, &c, &e) < 0)
		fail_msg("%s", err_text(&e));
	cache_entry_release(&c);
	cache_end(&b);
}

static void load_entry(const char *label, struct cache_entry *ret)
{
	char key[HASH_HEX_LEN + 1];
	struct err e = ERR_INIT;

	key_of(label, key);
	if (cache_load(key, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static bool in_cache(const char *label)
{
	struct cache_entry c = { 0 };
	char key[HASH_HEX_LEN + 1];
	int r;

	key_of(label, key);
	r = cache_load(key, &c, NULL);
	cache_entry_release(&c);
	return r != -ENOENT;
}

/* The state of the only entry, and why. */
static enum cache_state state_of(bool verify, char **ret_why)
{
	struct cache_entry *v;
	enum cache_state s;
	size_t n;

	assert_int_equal(
		verify ? cache_verify(NULL, NULL, &v, &n, NULL) : cache_list(&v, &n, NULL), 0);
	assert_int_equal(n, 1);
	s = v[0].state;
	if (ret_why)
		*ret_why = xstrdup(v[0].why);
	cache_entries_free(v, n);
	return s;
}

/* Another byte in the middle of the file, its size as it was. */
static void damage(const char *path)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	char c;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(pread(fd, &c, 1, st.st_size / 2), 1);
	c = (char)~c;
	assert_int_equal(pwrite(fd, &c, 1, st.st_size / 2), 1);
	close(fd);
}

/* ---- the default ---- */

static void a_kernel_that_stands_aside_is_never_the_default(void **state)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	make_entry("variant-without-x", "6.9", "2031-01-01T00:00:00Z");
	assert_int_equal(kernel_resolve(NULL, "/", &k, &e), -ENOENT);
	err_release(&e);
	make_entry("variant", "6.9", "2030-01-01T00:00:00Z");
	assert_int_equal(kernel_resolve(NULL, "/", &k, NULL), 0);
	assert_string_equal(k.label, "variant");
	kernel_release(&k);
}

/* ---- states ---- */

static void a_changed_file_is_found_by_its_sum(void **state)
{
	static const char *const files[] = { "boot/vmlinuz-" FIXTURE_RELEASE,
		"boot/config-" FIXTURE_RELEASE, "lib/modules/" FIXTURE_RELEASE "/kernel/a.ko" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = NULL, *why = NULL;
		struct cache_entry c;

		make_entry("one", "6.9", NULL);
		load_entry("one", &c);
		path = path_join(c.dir, files[i]);
		cache_entry_release(&c);
		assert_int_equal(state_of(true, NULL), CACHE_FRESH);
		damage(path);
		assert_int_equal(state_of(false, NULL), CACHE_FRESH);
		assert_int_equal(state_of(true, &why), CACHE_CORRUPT);
		assert_non_null(strstr(why, i == 2 ? "lib/modules" : files[i]));
	}
}

static void a_file_that_is_cut_short_or_gone_is_named_without_reading(void **state)
{
	for (int turn = 0; turn < 3; turn++) {
		_cleanup_free_ char *why = NULL, *manifest = NULL;
		struct cache_entry c;

		make_entry("one", "6.9", NULL);
		load_entry("one", &c);
		manifest = path_join(c.dir, "manifest.json");
		if (turn == 0)
			assert_int_equal(truncate(c.kernel.image, 100), 0);
		else
			assert_int_equal(unlink(turn == 1 ? c.kernel.config : manifest), 0);
		cache_entry_release(&c);
		assert_int_equal(state_of(false, &why), CACHE_CORRUPT);
		assert_non_null(strstr(why, turn == 0   ? "instead of"
					    : turn == 1 ? "config-"
							: "manifest"));
	}
}

static void what_was_fetched_by_an_older_vmrig_is_read(void **state)
{
	static const char manifest[] =
		"{\"schema\":1,\"label\":\"debian:6.9\",\"release\":\"" FIXTURE_RELEASE
		"\",\"arch\":\"x86_64\",\"package\":\"linux-image-6.9\",\"package_version\":\"6.9-1\","
		"\"image\":\"boot/vmlinuz-" FIXTURE_RELEASE
		"\",\"image_kind\":1,\"fetched\":\"2026-01-01T00:00:00.000Z\"}\n";
	struct cache_entry c;

	make_entry("one", "6.9", NULL);
	load_entry("one", &c);
	lay(c.dir, "manifest.json", manifest);
	cache_entry_release(&c);
	load_entry("one", &c);
	assert_false(c.is_built);
	assert_string_equal(c.package, "linux-image-6.9");
	assert_string_equal(c.made, "2026-01-01T00:00:00.000Z");
	cache_entry_release(&c);
}

/* ---- cleaning ---- */

static int clean(const struct cache_clean *c)
{
	struct err e = ERR_INIT;
	int r = cache_clean(c, &e);

	err_release(&e);
	return r;
}

#define CLEAN(...) (&(const struct cache_clean){ __VA_ARGS__ })

static void make_three(void)
{
	make_entry("old", "6.1", "2020-01-01T00:00:00.000Z");
	make_entry("mid", "6.2", "2021-01-01T00:00:00.000Z");
	make_entry("new", "6.3", NULL);
}

static void keep_counts_the_newest_and_never_a_corrupt_one(void **state)
{
	struct cache_entry c;

	make_three();
	load_entry("new", &c);
	assert_int_equal(truncate(c.kernel.image, 100), 0);
	cache_entry_release(&c);
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 1, .dry_run = true)), 0);
	assert_true(in_cache("new") && in_cache("mid") && in_cache("old"));
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 1)), 0);
	assert_false(in_cache("new"));
	assert_true(in_cache("mid"));
	assert_false(in_cache("old"));
}

static void a_dry_run_writes_nothing(void **state)
{
	_cleanup_free_ char *cache = NULL, *lock = NULL;
	char key[HASH_HEX_LEN + 1];

	make_three();
	key_of("mid", key);
	assert_int_equal(path_cache(&cache, NULL), 0);
	lock = xasprintf("%s/kernels/%s.lock", cache, key);
	unlink(lock);
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 0, .dry_run = true)), 0);
	assert_true(in_cache("mid"));
	assert_false(file_exists(lock));
}

static void those_older_than_that_go(void **state)
{
	make_three();
	assert_int_equal(clean(CLEAN(.keep = -1, .older_ms = 86400000)), 0);
	assert_true(in_cache("new"));
	assert_false(in_cache("mid") || in_cache("old"));
}

static void a_key_names_what_goes(void **state)
{
	_cleanup_strv_ struct strv keys = STRV_INIT, wrong = STRV_INIT, brief = STRV_INIT;
	char key[HASH_HEX_LEN + 1];

	make_three();
	key_of("mid", key);
	key[8] = '\0';
	strv_add(&keys, key);
	strv_add(&wrong, "0123456789");
	strv_add(&brief, "01");
	assert_int_equal(clean(CLEAN(.keep = -1, .older_ms = -1, .keys = &wrong)), -ENOENT);
	assert_int_equal(clean(CLEAN(.keep = -1, .older_ms = -1, .keys = &brief)), -EINVAL);
	assert_int_equal(clean(CLEAN(.keep = -1, .older_ms = -1, .keys = &keys)), 0);
	assert_true(in_cache("new") && in_cache("old"));
	assert_false(in_cache("mid"));
}

static void a_kernel_in_use_stays(void **state)
{
	char key[HASH_HEX_LEN + 1];
	struct kernel k;

	make_three();
	key_of("old", key);
	assert_int_equal(kernel_resolve(key, NULL, &k, NULL), 0);
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 0)), 0);
	assert_true(in_cache("old"));
	assert_false(in_cache("mid") || in_cache("new"));
	kernel_release(&k);
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 0)), 0);
	assert_false(in_cache("old"));
}

static void what_hangs_on_a_kernel_goes_with_it_and_with_its_tree(void **state)
{
	_cleanup_free_ char *boot = NULL, *other = NULL, *gone = NULL, *here = NULL, *tree = NULL;
	char key[HASH_HEX_LEN + 1];

	make_three();
	key_of("old", key);
	boot = xasprintf("%s/cache/boot/%s", (char *)*state, key);
	lay(boot, "facts.json", "{}");
	key_of("new", key);
	other = xasprintf("%s/cache/boot/%s", (char *)*state, key);
	lay(other, "facts.json", "{}");
	key_of("gone", key);
	gone = xasprintf("%s/cache/builds/%s", (char *)*state, key);
	lay(gone, "vmrig-tree", "/no/such/tree");
	key_of("here", key);
	here = xasprintf("%s/cache/builds/%s", (char *)*state, key);
	tree = xstrdup(*state);
	lay(here, "vmrig-tree", tree);
	assert_int_equal(clean(CLEAN(.older_ms = -1, .keep = 1)), 0);
	assert_false(dir_exists(boot));
	assert_true(dir_exists(other));
	assert_false(dir_exists(gone));
	assert_true(dir_exists(here));
}

/* ---- names ---- */

static void offer_releases(const char *dir, const char *sums)
{
	_cleanup_free_ char *url = xasprintf("file://%s/mirror", dir);
	_cleanup_strv_ struct strv got = STRV_INIT;
	struct source_options o = { 0 };
	struct err e = ERR_INIT;

	lay(dir, "mirror/v6.x/sha256sums.asc", sums);
	setenv("VMRIG_KERNEL_MIRROR", url, 1);
	if (source_expand("6.12", &o, &got, NULL, &e) < 0)
		fail_msg("%s", err_text(&e));
}

#define SUM(version)                                                                       \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  linux-" version \
	".tar.xz\n"

static void a_release_is_what_was_built_of_it_and_no_other(void **state)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	make_entry("6.12.57", "6.12.57", NULL);
	assert_int_equal(kernel_resolve("6.12.57", NULL, &k, NULL), 0);
	kernel_release(&k);
	expect_error(&e, kernel_resolve("6.12.58", NULL, &k, &e), -ENOENT, "6.12.58", "6.12.58");
	expect_error(&e, kernel_resolve("6.1", NULL, &k, &e), -ENOENT, "6.1", "no kernel");
	/* while no list says what 6.12 is, the highest there is it */
	assert_int_equal(kernel_resolve("6.12", NULL, &k, NULL), 0);
	kernel_release(&k);
}

static void a_series_with_a_newer_release_is_an_error_that_names_both(void **state)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	make_entry("6.12.57", "6.12.57", NULL);
	offer_releases(*state, SUM("6.12.57") SUM("6.12.60") SUM("6.12.9"));
	assert_int_equal(kernel_resolve("6.12", NULL, &k, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "6.12.60"));
	assert_non_null(strstr(err_text(&e), "6.12.57"));
	assert_non_null(strstr(e.hint, "vmrig kernel build 6.12"));
	err_release(&e);
	make_entry("6.12.60", "6.12.60", NULL);
	assert_int_equal(kernel_resolve("6.12", NULL, &k, &e), 0);
	assert_non_null(strstr(k.origin, "6.12.60"));
	kernel_release(&k);
	unsetenv("VMRIG_KERNEL_MIRROR");
}

static void each_place_that_was_tried_is_told(void **state)
{
	static const char *const places[] = { "a path: ", "a URL: ", "a release: ", "a package: ",
		"an installed kernel: ", "a key of the cache: " };
	_cleanup_strv_ struct strv told = STRV_INIT;
	struct kernel k;
	size_t at = 0;

	assert_true(kernel_resolve_explain("6.99", NULL, *state, &told, &k, NULL) < 0);
	for (size_t i = 0; i < told.n && at < ARRAY_SIZE(places); i++)
		at += str_starts(told.v[i], places[at]);
	assert_int_equal(at, ARRAY_SIZE(places));
}

static void urls_and_source_packages_stand_for_what_was_built_of_them(void **state)
{
	static const char *const specs[] = { "git+https://example.org/linux.git#a/b",
		"debian:linux-source-6.12" };

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct err e = ERR_INIT;
		struct kernel k;

		assert_int_equal(kernel_resolve(specs[i], NULL, &k, &e), -ENOENT);
		assert_non_null(strstr(e.hint, "vmrig kernel build"));
		err_release(&e);
		make_entry(specs[i], specs[i], NULL);
		assert_int_equal(kernel_resolve(specs[i], NULL, &k, NULL), 0);
		assert_string_equal(k.label, specs[i]);
		kernel_release(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(a_kernel_that_stands_aside_is_never_the_default),
		in_world(a_changed_file_is_found_by_its_sum),
		in_world(a_file_that_is_cut_short_or_gone_is_named_without_reading),
		in_world(what_was_fetched_by_an_older_vmrig_is_read),
		in_world(keep_counts_the_newest_and_never_a_corrupt_one),
		in_world(a_dry_run_writes_nothing),
		in_world(those_older_than_that_go),
		in_world(a_key_names_what_goes),
		in_world(a_kernel_in_use_stays),
		in_world(what_hangs_on_a_kernel_goes_with_it_and_with_its_tree),
		in_world(a_release_is_what_was_built_of_it_and_no_other),
		in_world(a_series_with_a_newer_release_is_an_error_that_names_both),
		in_world(each_place_that_was_tried_is_told),
		in_world(urls_and_source_packages_stand_for_what_was_built_of_them),
	};

	return cmocka_run_group_tests_name("the cache of kernels", tests, NULL, NULL);
}
