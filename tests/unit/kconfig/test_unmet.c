/* SPDX-License-Identifier: MIT */
/* Made-up trees: what the kernel's tools would have made of the wish stands in the configuration. */
#include "harness.h"

/* The lines for WISH (a fragment's text), joined by newlines; NULL: an error. */
static char *unmet(const char *srctree, const char *got, const char *wish, struct err *e)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct kconfig_wishes w = { 0 };
	struct kconfig *k = config(got);
	int r;

	buf_adds(&text, wish);
	assert_int_equal(kconfig_wish_text(&w, &text, "w", NULL), 0);
	r = kconfig_unmet(&w, k, srctree, "x86_64", &lines, e);
	kconfig_wishes_release(&w);
	kconfig_free(k);
	return r < 0 ? NULL : strv_join(&lines, "\n");
}

static void expect_unmet(void **state, const char *got, const char *wish, const char *wanted)
{
	_cleanup_free_ char *lines = unmet(*state, got, wish, NULL);

	assert_non_null(lines);
	assert_string_equal(lines, wanted);
}

/* Only what stands behind "is VALUE: ". */
static void expect_reason(void **state, const char *got, const char *wish, const char *wanted)
{
	_cleanup_free_ char *lines = unmet(*state, got, wish, NULL);
	const char *reason = lines ? strstr(lines, " is ") : NULL;

	reason = reason ? strstr(reason, ": ") : NULL;
	assert_non_null(reason);
	assert_string_equal(reason + 2, wanted);
}

static void tree(void **state, const char *kconfig)
{
	put(*state, "Kconfig", kconfig);
}

static void granted_wishes_are_not_told(void **state)
{
	tree(state, "config A\n\tbool \"a\"\n");
	expect_unmet(state, "CONFIG_A=y\n", "CONFIG_A=y\n# CONFIG_B is not set\n", "");
	expect_unmet(state, "# CONFIG_A is not set\n", "# CONFIG_A is not set\n", "");
	expect_unmet(state, "CONFIG_N=5\nCONFIG_S=\"x\"\n", "CONFIG_N=5\nCONFIG_S=\"x\"\n", "");
}

static void line_names_wish_origin_value_and_chain(void **state)
{
	tree(state, "config A\n\tbool \"a\"\n\tdepends on B\n"
		    "config B\n\tbool \"b\"\n\tdepends on C\nconfig C\n\tbool \"c\"\n");
	expect_unmet(state, "# CONFIG_C is not set\n", "\nCONFIG_A=y\n",
		"CONFIG_A=y (w:2) is n: it depends on B, which is n: it depends on C, which is n");
}

static void m_is_not_y_and_y_is_not_m(void **state)
{
	tree(state, "config M\n\ttristate \"m\"\nconfig A\n\ttristate \"a\"\n\tdepends on M\n"
		    "config B\n\tbool \"b\"\n\tdepends on M && X\nconfig X\n\tbool \"x\"\n"
		    "config S\n\tbool \"s\"\n\tselect A\nconfig MODULES\n\tbool \"mod\"\n");
	expect_unmet(state, "CONFIG_MODULES=y\nCONFIG_M=m\nCONFIG_A=m\n", "CONFIG_A=y\n",
		"CONFIG_A=y (w:1) is m: it depends on M, which is m");
	expect_unmet(state, "CONFIG_MODULES=y\nCONFIG_M=y\nCONFIG_A=y\nCONFIG_S=y\n",
		"CONFIG_A=m\n", "CONFIG_A=m (w:1) is y: S selects it");
	expect_reason(state, "CONFIG_M=y\nCONFIG_A=y\n", "CONFIG_A=m\n",
		"there are no modules, since MODULES is n");
	/* A bool is content with a module. */
	expect_reason(state, "CONFIG_MODULES=y\nCONFIG_M=m\n", "CONFIG_B=y\n",
		"it depends on X, which is n");
}

static void what_stands_around_it_counts(void **state)
{
	put(*state, "arch/x86/Kconfig",
		"if OUTER\nmenu \"m\"\n\tdepends on MENU\n\tvisible if SEEN\n"
		"config A\n\tbool \"a\"\nendmenu\nendif\nconfig FREE\n\tbool \"f\"\n");
	tree(state,
		"source \"arch/$(SRCARCH)/Kconfig\"\nsource \"missing\"\n"
		"config OUTER\n\tbool \"o\"\nconfig MENU\n\tbool \"e\"\nconfig SEEN\n\tbool \"s\"\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_A=y\n",
		"it depends on OUTER, which is n, and on MENU, which is n");
	expect_reason(state, "CONFIG_OUTER=y\nCONFIG_MENU=y\n", "CONFIG_A=y\n",
		"to be asked for it depends on SEEN, which is n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_FREE=y\n",
		"it could be set: nothing that it depends on is missing");
}

static void all_that_is_missing_is_told_once(void **state)
{
	tree(state,
		"config A\n\tbool \"a\"\n\tdepends on B && C\n\tdepends on !D\nconfig B\n\tbool \"b\"\n"
		"config C\n\tbool \"c\"\n\tdepends on B && E\nconfig D\n\tbool \"d\"\n"
		"config E\n\tbool \"e\"\nconfig F\n\tbool \"f\"\n\tselect D\n");
	expect_reason(state, "CONFIG_F=y\nCONFIG_D=y\n", "CONFIG_A=y\n",
		"it depends on B, which is n, on C, which is n (it depends on E, which is n), and on !D, "
		"while D is y (F selects it)");
}

/* The values are those that the kernel's own conf makes of these trees. */
static void imply_gives_what_the_target_depends_on_allows(void **state)
{
	tree(state, "config A\n\tbool\n\tdepends on D\nconfig D\n\tbool \"d\"\n"
		    "config I\n\tbool \"i\"\n\timply A if C\nconfig C\n\tbool \"c\"\n"
		    "config J\n\tbool \"j\"\n\tdepends on C && D\n\timply A\n");
	expect_reason(state, "CONFIG_D=y\nCONFIG_C=y\n", "CONFIG_A=y\n",
		"it has no prompt, and only one of J and I could imply it; J is n");
	expect_reason(state, "CONFIG_D=y\nCONFIG_I=y\n", "CONFIG_A=y\n",
		"it has no prompt, and I, which is y, implies it only if C");
	expect_reason(state, "CONFIG_C=y\nCONFIG_I=y\n", "CONFIG_A=y\n",
		"it has no prompt, and I, which is y, implies it, but it depends on D, which is n");
	expect_reason(state, "CONFIG_C=y\nCONFIG_D=y\nCONFIG_I=y\nCONFIG_A=y\n",
		"# CONFIG_A is not set\n", "it has no prompt, and I implies it");
}

static void imply_holds_an_option_only_where_it_cannot_be_asked_for(void **state)
{
	tree(state, "config A\n\tbool \"a\" if P\nconfig P\n\tbool \"p\"\n"
		    "config I\n\tbool \"i\"\n\timply A\nconfig S\n\tbool \"s\"\n\tselect A\n"
		    "config N\n\tbool \"n\"\n\tdepends on !A\n");
	expect_reason(state, "CONFIG_I=y\nCONFIG_A=y\n", "# CONFIG_A is not set\n",
		"I implies it, and to be asked for it depends on P, which is n");
	expect_reason(state, "CONFIG_I=y\nCONFIG_S=y\nCONFIG_P=y\nCONFIG_A=y\n",
		"# CONFIG_A is not set\n", "S selects it");
	expect_reason(state, "CONFIG_I=y\nCONFIG_P=y\nCONFIG_A=y\n", "CONFIG_N=y\n",
		"it depends on !A, while A is y");
}

static void of_alternatives_the_nearest_is_told(void **state)
{
	tree(state,
		"config A\n\tbool \"a\"\n\tdepends on FAR || NEAR\n"
		"config FAR\n\tbool \"f\"\n\tdepends on P && Q\nconfig NEAR\n\tbool \"n\"\n\tdepends on P\n"
		"config P\n\tbool \"p\"\nconfig Q\n\tbool \"q\"\n"
		"config B\n\tbool \"b\"\n\tdepends on P || Q\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_A=y\n",
		"it depends on FAR || NEAR, of which none is set; nearest is NEAR: it depends on P, which is n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_B=y\n",
		"it depends on P || Q, of which none is set");
}

static void values_are_compared(void **state)
{
	tree(state,
		"config VERSION\n\tint\n\tdefault 7\nconfig A\n\tbool \"a\"\n\tdepends on VERSION >= 116\n"
		"config B\n\tbool \"b\"\n\tdepends on \"$(ARCH)\" = \"arm64\"\n"
		"config C\n\tbool \"c\"\n\tdepends on VERSION < 0x10 && NAME != \"z\" && D\nconfig D\n\tbool \"d\"\n");
	expect_reason(state, "CONFIG_VERSION=7\n", "CONFIG_A=y\n",
		"it depends on VERSION >= 116, while VERSION is 7");
	expect_reason(state, "CONFIG_VERSION=7\n", "CONFIG_B=y\n",
		"it depends on \"x86_64\" = \"arm64\"");
	expect_reason(state, "CONFIG_VERSION=7\n", "CONFIG_C=y\n", "it depends on D, which is n");
}

static void choice_tells_who_was_taken(void **state)
{
	tree(state,
		"choice\n\tprompt \"Which\"\n\tdepends on ON\n\tdefault ONE\nconfig ONE\n\tbool \"1\"\n"
		"config TWO\n\tbool \"2\"\nendchoice\nconfig ON\n\tbool \"on\"\n");
	expect_reason(state, "CONFIG_ON=y\nCONFIG_ONE=y\n", "CONFIG_TWO=y\n",
		"the choice \"Which\" took ONE");
	expect_reason(state, "CONFIG_ON=y\nCONFIG_ONE=y\n", "CONFIG_ONE=n\n",
		"the choice \"Which\" must take one, and no other was asked for");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_TWO=y\n", "it depends on ON, which is n");
}

static void without_prompt_others_decide(void **state)
{
	tree(state,
		"config A\n\tbool\nconfig B\n\tbool \"b\"\n\tselect A if C\n\tdepends on D\n"
		"config C\n\tbool \"c\"\nconfig D\n\tbool \"d\"\n"
		"config E\n\tdef_bool y\n\tdepends on D\nconfig F\n\tbool\n"
		"config G\n\tdef_bool $(cc-option,-fg)\nconfig H\n\tbool\nconfig I\n\tbool \"i\"\n\tselect H\n"
		"config J\n\tbool \"j\"\n\tselect H\nconfig K\n\tbool \"k\" if D\n\tdefault y\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_A=y\n",
		"it has no prompt, and only B could select it; B is n: it depends on D, which is n");
	expect_reason(state, "CONFIG_D=y\nCONFIG_B=y\n", "CONFIG_A=y\n",
		"it has no prompt, and B, which is y, selects it only if C");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_E=y\n",
		"it has no prompt, and by default depends on D, which is n");
	expect_reason(
		state, "CONFIG_X=y\n", "CONFIG_F=y\n", "it has no prompt, and nothing selects it");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_G=y\n",
		"it has no prompt, and is what $(cc-option,-fg) says");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_H=y\n",
		"it has no prompt, and only one of J and I could select it; J is n");
	expect_reason(state, "CONFIG_E=y\nCONFIG_D=y\n", "CONFIG_E=n\n",
		"it has no prompt, and this is its default");
	expect_reason(state, "CONFIG_K=y\n", "CONFIG_K=n\n",
		"to be asked for it depends on D, which is n");
}

static void value_of_another_type_is_told(void **state)
{
	tree(state,
		"config B\n\tbool \"b\"\nconfig S\n\tstring \"s\"\nconfig N\n\tint \"n\"\n\trange 2 LIMIT if B\n"
		"config H\n\thex \"h\"\nconfig LIMIT\n\tint\n\tdefault 8\n");
	expect_reason(state, "CONFIG_B=y\n", "CONFIG_B=m\n", "it is a bool: y or n");
	expect_reason(state, "CONFIG_S=\"\"\n", "CONFIG_S=5\n", "it is a string, in double quotes");
	expect_reason(state, "CONFIG_N=4\n", "CONFIG_N=y\n", "it is a number");
	expect_reason(
		state, "CONFIG_H=0x4\n", "CONFIG_H=4\n", "it is a number in hexadecimal, with 0x");
	expect_reason(state, "CONFIG_N=4\nCONFIG_B=y\nCONFIG_LIMIT=8\n", "CONFIG_N=9\n",
		"it must lie between 2 and 8");
	expect_reason(state, "CONFIG_N=4\nCONFIG_LIMIT=8\n", "CONFIG_N=9\n",
		"it could be set: nothing that it depends on is missing");
}

static void unknown_option_is_told_with_the_nearest_name(void **state)
{
	tree(state, "config KASAN\n\tbool \"k\"\n\tdepends on NOWHERE\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_KASN=y\n",
		"no Kconfig file declares it for x86; the nearest name is KASAN");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_KASAN=y\n",
		"it depends on NOWHERE, which no Kconfig file declares for x86");
	put(*state, "Kconfig", "source \"nowhere\"\nconfig B\n\tbool \"b\"\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_ZZZZ=y\n",
		"no Kconfig file declares it for x86 (1 of them could not be read)");
}

static void wish_if_known_is_told_where_it_is_known(void **state)
{
	tree(state, "config A\n\tbool \"a\"\n\tdepends on C\nconfig C\n\tbool \"c\"\n");
	expect_unmet(state, "CONFIG_X=y\n", "# if known\nCONFIG_A=y\nCONFIG_B=y\n",
		"CONFIG_A=y (w:2) is n: it depends on C, which is n");
}

static void without_sources_there_are_no_reasons(void **state)
{
	_cleanup_free_ char *lines = unmet(NULL, "# CONFIG_A is not set\nCONFIG_C=y\n",
		"CONFIG_C=m\n# if known\nCONFIG_A=y\nCONFIG_B=y\n", NULL);

	/* Known is what the configuration mentions. */
	assert_string_equal(lines, "CONFIG_C=m (w:1) is y\nCONFIG_A=y (w:3) is n");
}

static void tree_without_kconfig_is_an_error(void **state)
{
	struct err e = ERR_INIT;

	assert_null(unmet(*state, "CONFIG_X=y\n", "CONFIG_A=y\n", &e));
	expect_words(&e, e.code, -ENOENT, *state, "Kconfig");
	/* Nothing is read where all is granted. */
	free(unmet(*state, "CONFIG_A=y\n", "CONFIG_A=y\n", &e));
	assert_int_equal(e.code, 0);
}

static void circles_end(void **state)
{
	tree(state,
		"source \"Kconfig.loop\"\nconfig A\n\tbool \"a\"\n\tdepends on B\n"
		"config B\n\tbool \"b\"\n\tdepends on C || A\nconfig C\n\tbool\nconfig D\n\tbool \"d\"\n\tselect C\n"
		"\tdepends on A\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_A=y\n",
		"it depends on B, which is n: it depends on C || A, of which none is set; nearest is C: it has no "
		"prompt, and only D could select it; D is n");
	put(*state, "Kconfig", "source \"Kconfig\"\n");
	assert_null(unmet(*state, "CONFIG_X=y\n", "CONFIG_A=y\n", NULL));
}

static void odd_lines_are_passed_over(void **state)
{
	tree(state,
		"# comment\nmainmenu \"x\"\ncc-x := $(shell,echo \"a)\" (b)) \n$(error-if,$(x),no)\n"
		"config A\n\tbool 'a \"q\" # no comment' # one\n\thelp\n\t  depends on NOT_THIS\n\n"
		"\t  config NOR_THIS\n\n\tdepends on B && \\\n\t\t(C || \\\n\t\t D)\n\tnonsense ((\n"
		"config B\n\tbool\n\tprompt \"b\"\n\tdefault y if (\nconfig C\n\tboolean \"c\"\n"
		"config D\n\tbool \"d\"\nendif\nendmenu\ncomment \"x\"\n\tdepends on NEVER\n"
		"config E\n\tbool \"e\"\n");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_A=y\n",
		"it depends on B, which is n, and on C || D, of which none is set");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_E=y\n",
		"it could be set: nothing that it depends on is missing");
	expect_reason(state, "CONFIG_X=y\n", "CONFIG_NOR_THIS=y\n",
		"no Kconfig file declares it for x86");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(granted_wishes_are_not_told),
		in_folder(line_names_wish_origin_value_and_chain),
		in_folder(m_is_not_y_and_y_is_not_m),
		in_folder(what_stands_around_it_counts),
		in_folder(all_that_is_missing_is_told_once),
		in_folder(imply_gives_what_the_target_depends_on_allows),
		in_folder(imply_holds_an_option_only_where_it_cannot_be_asked_for),
		in_folder(of_alternatives_the_nearest_is_told),
		in_folder(values_are_compared),
		in_folder(choice_tells_who_was_taken),
		in_folder(without_prompt_others_decide),
		in_folder(value_of_another_type_is_told),
		in_folder(unknown_option_is_told_with_the_nearest_name),
		in_folder(wish_if_known_is_told_where_it_is_known),
		in_folder(without_sources_there_are_no_reasons),
		in_folder(tree_without_kconfig_is_an_error),
		in_folder(circles_end),
		in_folder(odd_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
