/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "kernel/debian_spec.h"
#include "kernel/kernel.h"
#include "packages.h"

static const char *arch(void)
{
	struct debian_spec s;
	const char *a;

	assert_int_equal(debian_spec_parse("debian:1", &s, NULL), 0);
	a = s.arch;
	debian_spec_release(&s);
	return a;
}

static char *release_of(const char *abi)
{
	return xasprintf("%s-%s", abi, arch());
}

/* apt that offers the kernel ABI. */
static void offer(const char *dir, const char *abi)
{
	_cleanup_free_ char *release = release_of(abi);
	_cleanup_free_ char *names = xasprintf("linux-image-%s - Linux\n", release);
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_kernel_deb(release, &deb);
	lay_apt(dir, names, "6.1.100-1", &deb);
}

static void keep_line(void *arg, const char *line)
{
	strv_add(arg, line);
}

static void fetch(const char *spec, bool force, struct kernel *ret)
{
	struct err e = ERR_INIT;

	if (kernel_fetch(spec, force, NULL, NULL, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void expect_fetch_error(const char *spec, int code, const char *word, const char *other)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	expect_error(&e, kernel_fetch(spec, false, NULL, NULL, &k, &e), code, word, other);
}

static size_t count_cached(void)
{
	struct kernel *all;
	size_t n;

	assert_int_equal(kernel_list(&all, &n, NULL, NULL), 0);
	for (size_t i = 0; i < n; i++)
		kernel_release(&all[i]);
	free(all);
	return n;
}

static size_t count_leftovers(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "cache/kernels");
	DIR *d = opendir(path);
	struct dirent *f;
	size_t n = 0;

	while (d && (f = readdir(d)))
		n += str_ends(f->d_name, ".tmp");
	if (d)
		closedir(d);
	return n;
}

static void package_is_fetched_into_the_cache(void **state)
{
	_cleanup_free_ char *release = release_of("6.1.0-5"), *dep = NULL;
	struct kernel k;

	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	assert_string_equal(k.label, "debian:6.1");
	assert_string_equal(k.release, release);
	assert_string_equal(k.arch, "x86_64");
	assert_int_equal(k.kind, IMAGE_BZIMAGE);
	assert_int_equal(strlen(k.key), 64);
	assert_true(file_exists(k.image));
	assert_true(file_exists(k.config));
	assert_null(k.system_map); /* a stub */
	dep = path_join(k.modules_dir, "modules.dep");
	assert_true(file_exists(dep));
	assert_int_equal(modules_find(k.modules_dir, "a"), 'm');
	assert_int_equal(count_leftovers(*state), 0);
	kernel_release(&k);
}

static void cached_package_needs_no_apt(void **state)
{
	struct kernel k, again;
	size_t calls;

	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	calls = apt_calls(*state, "\n");
	fetch("debian:6.1", false, &again);
	assert_string_equal(k.key, again.key);
	kernel_release(&again);
	assert_int_equal(kernel_resolve("debian:6.1", NULL, &again, NULL), 0);
	assert_string_equal(k.key, again.key);
	assert_int_equal(apt_calls(*state, "\n"), calls);
	kernel_release(&again);
	kernel_release(&k);
}

static void newest_package_is_chosen_by_number(void **state)
{
	_cleanup_free_ char *release = release_of("6.1.0-50");
	_cleanup_buf_ struct buf deb = BUF_INIT, names = BUF_INIT;
	static const char *const abis[] = { "6.1.0-9", "6.1.0-50", "6.1.0-7", "6.12.1",
		"6.1.0-99-cloud" };
	struct kernel k;

	for (size_t i = 0; i < ARRAY_SIZE(abis); i++)
		buf_addf(&names, "linux-image-%s-%s - Linux\n", abis[i], arch());
	buf_addf(&names, "linux-image-6.1.0-98-%s-unsigned - Linux\n", arch());
	make_kernel_deb(release, &deb);
	lay_apt(*state, names.data, "6.1.100-1", &deb);
	fetch("debian:6.1", false, &k);
	assert_string_equal(k.release, release);
	assert_int_equal(apt_calls(*state, "download linux-image-6.1.0-50-"), 1);
	kernel_release(&k);
}

static void force_asks_for_a_newer_one(void **state)
{
	_cleanup_free_ char *newer = release_of("6.1.0-6");
	struct kernel k;

	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	kernel_release(&k);
	offer(*state, "6.1.0-6");
	fetch("debian:6.1", true, &k);
	assert_string_equal(k.release, newer);
	kernel_release(&k);
	assert_int_equal(count_cached(), 2);
	assert_int_equal(apt_calls(*state, " update"), 1);
	/* and what is known already is not downloaded twice */
	fetch("debian:6.1", true, &k);
	kernel_release(&k);
	assert_int_equal(apt_calls(*state, " download"), 2);
}

static void absent_apt_is_an_error_that_says_what_to_do(void **state)
{
	struct kernel k = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(kernel_fetch("debian:6.1", false, NULL, NULL, &k, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "debian:6.1"));
	assert_non_null(strstr(err_text(&e), "apt-cache is not here"));
	assert_non_null(strstr(e.hint, "path"));
	err_release(&e);
}

static void unknown_series_is_an_error_that_names_it(void **state)
{
	offer(*state, "6.1.0-5");
	expect_fetch_error("debian:5.10", -ENOENT, "debian:5.10", "apt knows no package");
}

static void failing_download_is_told_in_apts_words(void **state)
{
	offer(*state, "6.1.0-5");
	lay_program(*state, "apt-get",
		"case \"$*\" in *download*) echo 'E: the mirror is down' >&2; exit 100;; esac\n");
	expect_fetch_error("debian:6.1", -EIO, "exit code 100", "the mirror is down");
	assert_int_equal(count_cached(), 0);
	assert_int_equal(count_leftovers(*state), 0);
}

static void stale_lists_are_replaced_by_our_own(void **state)
{
	struct kernel k;
	_cleanup_free_ char *script =
		xasprintf("PATH=/usr/bin:/bin\n"
			  "case \" $* \" in\n"
			  "*Dir::State=*' download '*) cp %s/pool.deb ./package_1_all.deb;;\n"
			  "*' download '*) echo 'E: 404 Not Found' >&2; exit 100;;\n"
			  "esac\n",
			(const char *)*state);

	offer(*state, "6.1.0-5");
	lay_program(*state, "apt-get", script);
	fetch("debian:6.1", false, &k);
	kernel_release(&k);
}

static void truncated_download_is_an_error(void **state)
{
	_cleanup_free_ char *pool = path_join(*state, "pool.deb");

	offer(*state, "6.1.0-5");
	assert_int_equal(truncate(pool, 1000), 0);
	expect_fetch_error("debian:6.1", -EBADMSG, "damaged", "SHA-256");
	assert_int_equal(count_cached(), 0);
	assert_int_equal(count_leftovers(*state), 0);
}

static void package_without_a_kernel_is_an_error(void **state)
{
	_cleanup_free_ char *names = xasprintf("linux-image-6.1.0-5-%s - Linux\n", arch());
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_deb((const struct package_file[]){ { "./boot/readme", "x", 1, NULL }, { 0 } }, &deb);
	lay_apt(*state, names, "6.1.100-1", &deb);
	expect_fetch_error("debian:6.1", -ENOENT, "linux-image-6.1.0-5", "vmlinuz");
	assert_int_equal(count_cached(), 0);
	assert_int_equal(count_leftovers(*state), 0);
}

static void package_that_escapes_is_refused(void **state)
{
	_cleanup_free_ char *names = xasprintf("linux-image-6.1.0-5-%s - Linux\n", arch());
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_deb((const struct package_file[]){ { "./../../x", "x", 1, NULL }, { 0 } }, &deb);
	lay_apt(*state, names, "6.1.100-1", &deb);
	expect_fetch_error("debian:6.1", -EBADMSG, "leads outside", "linux-image-6.1.0-5");
}

/* ---- damage ---- */

static void cut_image(const struct kernel *k)
{
	assert_int_equal(truncate(k->image, 100), 0);
}

static void remove_image(const struct kernel *k)
{
	assert_int_equal(unlink(k->image), 0);
}

static void remove_modules(const struct kernel *k)
{
	assert_int_equal(dir_remove(k->modules_dir, NULL), 0);
}

static char *manifest_of(const struct kernel *k)
{
	_cleanup_free_ char *boot = path_dir(k->image), *dir = path_dir(boot);

	return path_join(dir, "manifest.json");
}

static void cut_manifest(const struct kernel *k)
{
	_cleanup_free_ char *path = manifest_of(k);

	assert_int_equal(truncate(path, 20), 0);
}

static void remove_manifest(const struct kernel *k)
{
	_cleanup_free_ char *path = manifest_of(k);

	assert_int_equal(unlink(path), 0);
}

static void escape_manifest(const struct kernel *k)
{
	_cleanup_free_ char *path = manifest_of(k);
	static const char text[] = "{\"schema\":1,\"label\":\"x\",\"release\":\"x\",\"arch\":\"x\","
				   "\"package\":\"x\",\"package_version\":\"1\","
				   "\"image\":\"../../../../etc/passwd\",\"image_size\":1}";

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void damaged_entry_is_named_and_rebuilt(void **state)
{
	static void (*const damage[])(const struct kernel *) = { cut_image, remove_image,
		remove_modules, cut_manifest, remove_manifest, escape_manifest };
	struct kernel k, again;

	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		_cleanup_strv_ struct strv damaged = STRV_INIT, lines = STRV_INIT;
		_cleanup_free_ char *told = NULL;
		struct kernel *all;
		struct err e = ERR_INIT;
		size_t n;

		damage[i](&k);
		assert_int_equal(kernel_list(&all, &n, &damaged, NULL), 0);
		free(all);
		assert_int_equal(n, 0);
		assert_int_equal(damaged.n, 1);
		assert_non_null(strstr(damaged.v[0], k.key));
		/* never taken for a kernel, never in silence */
		expect_error(&e, kernel_resolve("debian:6.1", NULL, &again, &e), -ENOENT, k.key,
			"damaged");
		assert_int_equal(
			kernel_fetch("debian:6.1", false, keep_line, &lines, &again, &e), 0);
		told = strv_join(&lines, "\n");
		assert_non_null(strstr(told, k.key));
		assert_string_equal(again.key, k.key);
		assert_int_equal(count_cached(), 1);
		kernel_release(&again);
	}
	kernel_release(&k);
}

static void fetch_that_was_killed_leaves_nothing_that_counts(void **state)
{
	_cleanup_free_ char *ready = path_join(*state, "ready"), *script = NULL;
	struct kernel k;
	pid_t child;
	int status;

	offer(*state, "6.1.0-5");
	script = xasprintf(
		"PATH=/usr/bin:/bin\ncase \"$*\" in *download*) : > %s; sleep 60;; esac\n", ready);
	lay_program(*state, "apt-get", script);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		kernel_fetch("debian:6.1", false, NULL, NULL, &k, NULL);
		_exit(0);
	}
	while (!file_exists(ready))
		usleep(2000);
	/* while it lives, its work is not taken away */
	assert_int_equal(count_leftovers(*state), 1);
	assert_int_equal(count_cached(), 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(count_cached(), 0);
	offer(*state, "6.1.0-7");
	fetch("debian:6.1", false, &k);
	assert_int_equal(count_leftovers(*state), 0);
	assert_int_equal(count_cached(), 1);
	kernel_release(&k);
}

static void work_of_a_living_process_is_not_swept(void **state)
{
	_cleanup_free_ char *lock = path_join(*state, "cache/kernels/other.lock");
	struct kernel k;
	int fd;

	lay(*state, "cache/kernels/other.tmp/boot/x", "");
	fd = lock_take(lock, false, clock_ms(), NULL);
	assert_true(fd >= 0);
	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	assert_int_equal(count_leftovers(*state), 1);
	fd_close(fd);
	kernel_release(&k);
	offer(*state, "6.1.0-6");
	fetch("debian:6.1", true, &k);
	assert_int_equal(count_leftovers(*state), 0);
	kernel_release(&k);
}

static void newest_and_plainest_is_listed_first(void **state)
{
	static const char *const abis[] = { "6.1.0-9-cloud", "6.1.0-9", "6.1.0-50-cloud",
		"6.1.0-7" };
	static const char *const order[] = { "6.1.0-50-cloud", "6.1.0-9", "6.1.0-9-cloud",
		"6.1.0-7" };
	struct kernel *all, k;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		_cleanup_free_ char *spec = xasprintf("debian:%s", abis[i]);

		offer(*state, abis[i]);
		fetch(spec, false, &k);
		kernel_release(&k);
	}
	assert_int_equal(kernel_list(&all, &n, NULL, NULL), 0);
	assert_int_equal(n, ARRAY_SIZE(order));
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *label = xasprintf("debian:%s", order[i]);

		assert_string_equal(all[i].label, label);
		kernel_release(&all[i]);
	}
	free(all);
	/* the default, and by a part of its key */
	assert_int_equal(kernel_resolve(NULL, *state, &k, NULL), 0);
	assert_string_equal(k.label, "debian:6.1.0-50-cloud");
	{
		_cleanup_free_ char *part = xstrndup(k.key, 12);
		struct kernel by_key;

		assert_int_equal(kernel_resolve(part, *state, &by_key, NULL), 0);
		assert_string_equal(by_key.key, k.key);
		kernel_release(&by_key);
	}
	kernel_release(&k);
}

static void kernel_of_another_machine_is_fetched_by_lists_of_its_own_and_never_the_default(
	void **state)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;
	struct err e = ERR_INIT;
	struct kernel k;

	if (streq(arch(), "arm64"))
		skip();
	offer(*state, "6.1.0-5");
	fetch("debian:6.1", false, &k);
	kernel_release(&k);
	assert_int_equal(apt_calls(*state, "APT::Architecture"), 0);
	make_kernel_deb("6.1.0-60-arm64", &deb);
	lay_apt(*state, "linux-image-6.1.0-60-arm64 - Linux\n", "6.1.100-2", &deb);
	fetch("debian:6.1:arm64", false, &k);
	assert_string_equal(k.arch, "aarch64");
	assert_string_equal(k.release, "6.1.0-60-arm64");
	kernel_release(&k);
	/* update, search, show and download */
	assert_int_equal(apt_calls(*state, "APT::Architecture=arm64 "), 4);
	assert_int_equal(apt_calls(*state, "/cache/apt-arm64/lists "), 4);

	assert_int_equal(kernel_resolve(NULL, *state, &k, NULL), 0);
	assert_string_equal(k.label, "debian:6.1.0-5");
	kernel_release(&k);
	assert_int_equal(kernel_resolve_arch(NULL, "aarch64", *state, &k, NULL), 0);
	assert_string_equal(k.label, "debian:6.1.0-60:arm64");
	kernel_release(&k);
	assert_int_equal(kernel_resolve_arch("debian:6.1", "aarch64", *state, &k, NULL), 0);
	assert_string_equal(k.label, "debian:6.1:arm64");
	expect_error(&e, kernel_resolve_arch(k.key, "x86_64", *state, &k, &e), -EINVAL, "aarch64",
		"x86_64");
	kernel_release(&k);
	expect_error(&e, kernel_resolve_arch("debian:6.9", "aarch64", *state, &k, &e), -ENOENT,
		"debian:6.9:arm64", "in the cache");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(package_is_fetched_into_the_cache),
		in_world(cached_package_needs_no_apt),
		in_world(newest_package_is_chosen_by_number),
		in_world(force_asks_for_a_newer_one),
		in_world(absent_apt_is_an_error_that_says_what_to_do),
		in_world(unknown_series_is_an_error_that_names_it),
		in_world(failing_download_is_told_in_apts_words),
		in_world(stale_lists_are_replaced_by_our_own),
		in_world(truncated_download_is_an_error),
		in_world(package_without_a_kernel_is_an_error),
		in_world(package_that_escapes_is_refused),
		in_world(damaged_entry_is_named_and_rebuilt),
		in_world(fetch_that_was_killed_leaves_nothing_that_counts),
		in_world(work_of_a_living_process_is_not_swept),
		in_world(newest_and_plainest_is_listed_first),
		in_world(
			kernel_of_another_machine_is_fetched_by_lists_of_its_own_and_never_the_default),
	};

	return cmocka_run_group_tests_name("kernel fetch", tests, NULL, NULL);
}
