/* SPDX-License-Identifier: MIT */
#include "base/arch.h"
#include "tree.h"
#include "variant/variant.h"

static void load(const char *dir, const char *text, struct variants *ret)
{
	_cleanup_free_ char *path = put_text(dir, "vmrig.yaml", text);
	struct err e = ERR_INIT;

	if (variants_load(path, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void expect_load_error(
	const char *dir, const char *text, const char *place, const char *word)
{
	_cleanup_free_ char *path = put_text(dir, "vmrig.yaml", text);
	struct variants v;
	struct err e = ERR_INIT;

	expect_error(&e, variants_load(path, &v, &e), -EINVAL, place, word);
}

static void one_variant_is_called_as_it_stands_there(void **state)
{
	struct variants v;
	struct build_spec s;

	load(*state,
		"tests: []\n"
		"variants:\n"
		"  - name: tiny\n"
		"    source: ./linux\n"
		"    base: tinyconfig\n"
		"    fragments: [guest, ./a.config]\n"
		"    config: { CONFIG_A: y, B: m }\n"
		"    llvm: true\n",
		&v);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.v[0].name, "tiny");
	assert_string_equal(v.v[0].label, "variant:tiny");
	assert_string_equal(v.v[0].arch, arch_host());
	s = variant_spec(&v, &v.v[0]);
	assert_string_equal(s.dir, *state);
	assert_string_equal(s.llvm, "1");
	assert_string_equal(s.options->v[1], "B=m");
	assert_string_equal(s.options_origin, "vmrig.yaml:7");
	assert_int_equal(s.fragments->n, 2);
	variants_release(&v);
}

static void a_matrix_has_a_name_for_each(void **state)
{
	static const char *const names[] = { "r-x86_64-6.12", "r-x86_64-next", "r-aarch64-6.12",
		"r-aarch64-next" };
	const struct variant **found;
	struct variants v;
	size_t n;

	load(*state,
		"variants:\n"
		"  - name: r\n"
		"    arch: [x86_64, arm64]\n"
		"    source: { '6.12': '6.12', next: git+file:///x#v7 }\n"
		"  - name: b\n"
		"    arch: aarch64\n"
		"    config: CONFIG_A=y\n"
		"    source:\n"
		"      - { name: one, source: '6.1', patches: [p.patch], config: [CONFIG_B=y] }\n"
		"      - ./linux\n",
		&v);
	assert_int_equal(v.n, 6);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(v.v[i].name, names[i]);
	assert_string_equal(v.v[1].source, "git+file:///x#v7");
	assert_string_equal(v.v[4].name, "b-one");
	assert_string_equal(v.v[4].patches.v[0], "p.patch");
	assert_int_equal(v.v[4].options.n, 2);
	assert_string_equal(v.v[5].name, "b-._linux");
	assert_int_equal(variants_named(&v, "r", NULL, &found, &n, NULL), 0);
	assert_int_equal(n, 4);
	free(found);
	assert_int_equal(variants_named(&v, "r", "aarch64", &found, &n, NULL), 0);
	assert_int_equal(n, 2);
	free(found);
	variants_release(&v);
}

static void errors_have_their_place(void **state)
{
	static const struct {
		const char *text, *place, *word;
	} cases[] = {
		{ "variants: {}\n", ":1:", "list" },
		{ "variants:\n  - name: a\n", ":2:5", "'source'" },
		{ "variants:\n  - name: a\n    source: x\n    fragmets: [guest]\n", ":4:5",
			"fragments" },
		{ "variants:\n  - name: a b\n    source: x\n", ":2:11", "letters" },
		{ "variants:\n  - name: a\n    source: x\n    arch: [x86_64, vax]\n", ":4:20",
			"vax" },
		{ "variants:\n  - name: a\n    source: x\n    config: [CONFIG_A]\n", ":4:14",
			"config" },
		{ "variants:\n  - name: a\n    source: []\n", ":3:", "at least one" },
		{ "variants:\n  - {name: a, source: x}\n  - {name: a, source: y}\n", ":3:5",
			"line 2" },
		{ "variants:\n  - name: a\n    source: [{name: q}]\n", ":3:14", "'source'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_load_error(*state, cases[i].text, cases[i].place, cases[i].word);
}

static void a_name_that_is_not_there_is_told_with_the_nearest(void **state)
{
	const struct variant **found;
	struct err e = ERR_INIT;
	struct variants v;
	size_t n;

	load(*state, "variants:\n  - {name: runner, source: x}\n", &v);
	assert_int_equal(variants_named(&v, "runer", NULL, &found, &n, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "runner"));
	err_release(&e);
	variants_release(&v);
}

/* ---- in the cache ---- */

#define TINY(more)                                                                \
	"variants:\n  - name: tiny\n    arch: x86_64\n    source: ./linux\n" more \
	"    base: tinyconfig\n"

static void build_tiny(const char *dir, struct kernel *ret)
{
	struct err e = ERR_INIT;
	struct variants v;
	struct build_spec s;

	assert_int_equal(variants_find(dir, &v, NULL), 0);
	s = variant_spec(&v, &v.v[0]);
	if (tree_build(dir, &s, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
	variants_release(&v);
}

static void expect_unresolved(const char *dir, const char *spec, const char *word, const char *hint)
{
	struct kernel k;
	struct err e = ERR_INIT;

	assert_int_equal(variant_resolve(spec, NULL, dir, NULL, &k, &e), -ENOENT);
	if (!strstr(err_text(&e), word))
		fail_msg("%s", err_text(&e));
	assert_non_null(strstr(e.hint, hint));
	err_release(&e);
}

static void a_variant_resolves_to_what_was_built_by_its_recipe_alone(void **state)
{
	struct kernel k, found;
	struct variants v;

	load(*state, TINY(""), &v);
	variants_release(&v);
	expect_unresolved(*state, "variant:tiny", "not built", "kernel build --variant tiny");
	build_tiny(*state, &k);
	assert_string_equal(k.label, "variant:tiny");
	assert_int_equal(variant_resolve("variant:tiny", NULL, *state, NULL, &found, NULL), 0);
	assert_string_equal(found.key, k.key);
	kernel_release(&found);
	load(*state, TINY("    config: CONFIG_A=y\n"), &v);
	variants_release(&v);
	expect_unresolved(*state, "variant:tiny", "stale", "kernel build --variant tiny");
	expect_unresolved(*state, "variant:tinny", "no variant", "tiny");
	kernel_release(&k);
	build_tiny(*state, &k);
	assert_int_equal(variant_resolve("variant:tiny", NULL, *state, NULL, &found, NULL), 0);
	assert_string_equal(found.key, k.key);
	kernel_release(&found);
	kernel_release(&k);
}

static void entries_of_another_recipe_or_compiler_are_stale(void **state)
{
	struct cache_entry *entries;
	struct variants v;
	struct kernel k;
	size_t n;

	load(*state, TINY(""), &v);
	variants_release(&v);
	build_tiny(*state, &k);
	kernel_release(&k);
	for (int turn = 0; turn < 3; turn++) {
		if (turn == 1)
			put_program(*state, "ld", "echo 'GNU ld 99'\n");
		if (turn == 2) {
			load(*state, TINY("    config: CONFIG_A=y\n"), &v);
			variants_release(&v);
		}
		assert_int_equal(cache_verify(NULL, NULL, &entries, &n, NULL), 0);
		assert_int_equal(n, 1);
		variant_judge(entries, n, *state);
		assert_int_equal(entries[0].state, turn ? CACHE_STALE : CACHE_FRESH);
		if (turn)
			assert_non_null(
				strstr(entries[0].why, turn == 1 ? "GNU ld 99" : "variant tiny"));
		cache_entries_free(entries, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(one_variant_is_called_as_it_stands_there),
		in_folder(a_matrix_has_a_name_for_each),
		in_folder(errors_have_their_place),
		in_folder(a_name_that_is_not_there_is_told_with_the_nearest),
		in_tree(a_variant_resolves_to_what_was_built_by_its_recipe_alone),
		in_tree(entries_of_another_recipe_or_compiler_are_stale),
	};

	return cmocka_run_group_tests_name("variants", tests, NULL, NULL);
}
