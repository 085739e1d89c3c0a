/* SPDX-License-Identifier: MIT */
/* Whole outputs of kernels, captured or true to their sources: see samples/README. */
#include "harness.h"

static const struct sample {
	const char *name;
	struct {
		enum splat_kind kind;
		const char *title;
	} splats[3];
} samples[] = {
	{ "panic-sysrq", { { SPLAT_PANIC, "kernel panic: sysrq triggered crash" } } },
	{ "panic-glued", { { SPLAT_PANIC, "kernel panic: sysrq triggered crash" } } },
	{ "panic-nokaslr", { { SPLAT_PANIC, "kernel panic: sysrq triggered crash" } } },
	{ "panic-init-killed",
		{ { SPLAT_PANIC, "kernel panic: Attempted to kill init! exitcode=0x00000100" } } },
	{ "panic-no-init", { { SPLAT_PANIC, "kernel panic: No working init found" } } },
	{ "panic-no-root",
		{ { SPLAT_PANIC,
			"kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)" } } },
	{ "panic-out-of-memory",
		{ { SPLAT_PANIC,
			"kernel panic: Out of memory: system-wide panic_on_oom is enabled" } } },
	{ "panic-oops",
		{ { SPLAT_OOPS, "BUG: kernel NULL pointer dereference in crash_null" },
			{ SPLAT_PANIC,
				"kernel panic: Fatal exception (BUG: kernel NULL pointer dereference in crash_null)" } } },
	{ "panic-on-warn",
		{ { SPLAT_WARN, "WARNING at crashme.c:19 in crash_warn" },
			{ SPLAT_PANIC,
				"kernel panic: kernel: panic_on_warn set (WARNING at crashme.c:19 in crash_warn)" } } },
	{ "oops-null", { { SPLAT_OOPS, "BUG: kernel NULL pointer dereference in crash_null" } } },
	{ "oops-no-time",
		{ { SPLAT_OOPS, "BUG: kernel NULL pointer dereference in crash_null" } } },
	{ "oops-null-call",
		{ { SPLAT_OOPS, "BUG: kernel NULL pointer dereference in crashme_init" } } },
	{ "oops-page-fault", { { SPLAT_OOPS, "BUG: unable to handle page fault in crash_page" } } },
	{ "oops-general-protection", { { SPLAT_OOPS, "general protection fault in crash_gpf" } } },
	{ "oops-invalid-opcode", { { SPLAT_OOPS, "invalid opcode in crash_ud" } } },
	{ "oops-stack-overflow",
		{ { SPLAT_OOPS, "BUG: stack guard page was hit in eat" },
			{ SPLAT_PANIC,
				"kernel panic: Fatal exception in interrupt (BUG: stack guard page was hit in eat)" } } },
	{ "bug", { { SPLAT_BUG, "kernel BUG at crashme.c:18 in crash_bug" } } },
	{ "list-corruption", { { SPLAT_BUG, "list_add corruption in crash_list" } } },
	{ "refcount",
		{ { SPLAT_BUG, "refcount_t: addition on 0; use-after-free in crash_refcount" },
			{ SPLAT_BUG,
				"refcount_t: decrement hit 0; leaking memory in crashme_init" } } },
	{ "warn", { { SPLAT_WARN, "WARNING at crashme.c:19 in crash_warn" } } },
	{ "scheduling-while-atomic",
		{ { SPLAT_LOCKDEP, "BUG: scheduling while atomic in crash_atomic" },
			{ SPLAT_WARN, "WARNING at init/main.c:1322 in do_one_initcall" } } },
	{ "hung-task",
		{ { SPLAT_STALL, "task hung in hung" }, { SPLAT_STALL, "task hung in hung" } } },
	{ "soft-lockup", { { SPLAT_STALL, "BUG: soft lockup in crash_soft" } } },
	{ "rcu-stall", { { SPLAT_STALL, "RCU stall in crash_rcu" } } },
	{ "out-of-memory", { { SPLAT_NONE, NULL } } },
	{ "end-reboot", { { SPLAT_NONE, NULL } } },
	{ "end-power-off", { { SPLAT_NONE, NULL } } },
	{ "end-halt", { { SPLAT_NONE, NULL } } },

	{ "written/kasan",
		{ { SPLAT_SANITIZER, "KASAN: slab-use-after-free Read in foo_release" } } },
	{ "written/kasan-memcpy",
		{ { SPLAT_SANITIZER, "KASAN: slab-out-of-bounds Write in bar_copy" } } },
	{ "written/kasan-null", { { SPLAT_OOPS, "general protection fault in baz_get" } } },
	{ "written/kmsan", { { SPLAT_SANITIZER, "KMSAN: uninit-value in sock_check" } } },
	{ "written/kcsan",
		{ { SPLAT_SANITIZER,
			"KCSAN: data-race in tick_sched_do_timer / tick_nohz_next_event" } } },
	{ "written/kfence", { { SPLAT_SANITIZER, "KFENCE: use-after-free read in ring_pop" } } },
	{ "written/ubsan-old", { { SPLAT_UBSAN, "UBSAN: shift-out-of-bounds in shift_reg" } } },
	{ "written/ubsan-new",
		{ { SPLAT_UBSAN, "UBSAN: array-index-out-of-bounds in table_get" } } },
	{ "written/lockdep-circular",
		{ { SPLAT_LOCKDEP, "possible circular locking dependency in take_ba" } } },
	{ "written/lockdep-rcu", { { SPLAT_LOCKDEP, "suspicious RCU usage in list_find" } } },
	{ "written/sleeping",
		{ { SPLAT_LOCKDEP,
			"BUG: sleeping function called from invalid context in nap_under_lock" } } },
	{ "written/arm64-oops",
		{ { SPLAT_OOPS, "BUG: kernel NULL pointer dereference in foo_show" },
			{ SPLAT_PANIC,
				"kernel panic: Oops: Fatal exception (BUG: kernel NULL pointer dereference in foo_show)" } } },
	{ "written/arm64-bug",
		{ { SPLAT_BUG, "kernel BUG at drivers/foo/core.c:77 in foo_write" } } },
	{ "written/riscv-oops",
		{ { SPLAT_OOPS, "BUG: unable to handle page fault in queue_push" } } },
	{ "written/double-fault",
		{ { SPLAT_OOPS, "double fault in deep_call" },
			{ SPLAT_PANIC,
				"kernel panic: Fatal exception in interrupt (double fault in deep_call)" } } },
	{ "written/slub", { { SPLAT_BUG, "BUG kmalloc-64: Poison overwritten in pool_take" } } },
	{ "written/warn-new", { { SPLAT_WARN, "WARNING at lib/tests/foo.c:31 in foo_warn" } } },
};

static void each_sample_has_its_splats(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];
		_cleanup_splats_ struct splats *s = splats_of_sample(sample->name);
		size_t n;

		for (n = 0; sample->splats[n].title; n++)
			assert_splat(s, n, sample->splats[n].kind, sample->splats[n].title);
		if (splats_count(s) != n)
			fail_msg("%s: %zu splats, not %zu", sample->name, splats_count(s), n);
	}
}

static void feed_in_chunks(struct splats *s, const struct buf *text, size_t chunk)
{
	for (size_t at = 0; at < text->len; at += chunk)
		splats_feed(s, text->data + at, text->len - at < chunk ? text->len - at : chunk);
	splats_end(s);
}

static void assert_same(const struct splats *a, const struct splats *b)
{
	assert_int_equal(splats_count(a), splats_count(b));
	for (size_t i = 0; i < splats_count(a); i++) {
		assert_string_equal(splats_at(a, i)->title, splats_at(b, i)->title);
		assert_string_equal(splats_at(a, i)->signature, splats_at(b, i)->signature);
		assert_string_equal(splats_at(a, i)->text, splats_at(b, i)->text);
	}
}

static void chunks_of_any_size_give_the_same(void **state)
{
	static const size_t chunks[] = { 1, 2, 7, 64, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		_cleanup_splats_ struct splats *whole = splats_of_sample(samples[i].name);

		sample_read(samples[i].name, &text);
		for (size_t k = 0; k < ARRAY_SIZE(chunks); k++) {
			_cleanup_splats_ struct splats *s = splats_new();

			feed_in_chunks(s, &text, chunks[k]);
			assert_same(whole, s);
		}
	}
}

/* What a UART makes of it: "\r\n", as every kernel's serial console prints. */
static void carriage_returns_change_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT, crlf = BUF_INIT;
		_cleanup_splats_ struct splats *whole = splats_of_sample(samples[i].name);
		_cleanup_splats_ struct splats *s = splats_new();

		sample_read(samples[i].name, &text);
		for (size_t k = 0; k < text.len; k++) {
			if (text.data[k] == '\n')
				buf_addc(&crlf, '\r');
			buf_addc(&crlf, text.data[k]);
		}
		feed_in_chunks(s, &crlf, crlf.len);
		assert_same(whole, s);
	}
}

static void ends_are_told(void **state)
{
	_cleanup_splats_ struct splats *off = splats_of_sample("end-power-off");
	_cleanup_splats_ struct splats *reboot = splats_of_sample("end-reboot");
	_cleanup_splats_ struct splats *halt = splats_of_sample("end-halt");
	_cleanup_splats_ struct splats *init = splats_of_sample("panic-init-killed");
	_cleanup_splats_ struct splats *oom = splats_of_sample("out-of-memory");

	assert_true(splats_kernel_end(off)->powering_down);
	assert_false(splats_kernel_end(off)->restarting);
	assert_true(splats_kernel_end(reboot)->restarting);
	assert_true(splats_kernel_end(halt)->halted);
	assert_true(splats_kernel_end(init)->no_init);
	assert_true(splats_kernel_end(oom)->out_of_memory);
	assert_false(splats_kernel_end(oom)->no_init);
}

static const char *signature(const char *sample, size_t i, char ret[static 17])
{
	_cleanup_splats_ struct splats *s = splats_of_sample(sample);

	strcpy(ret, splats_at(s, i)->signature);
	return ret;
}

/* Three boots with other addresses, times and glued text; and two oopses with nothing in common. */
static void signatures_stay_over_boots(void **state)
{
	char a[17], b[17];

	assert_string_equal(signature("panic-sysrq", 0, a), signature("panic-nokaslr", 0, b));
	assert_string_equal(a, signature("panic-glued", 0, b));
	assert_string_equal(signature("oops-null", 0, a), signature("oops-no-time", 0, b));
	assert_string_equal(a, signature("panic-oops", 0, b));
	assert_string_not_equal(a, signature("oops-page-fault", 0, b));
	assert_string_equal(signature("hung-task", 0, a), signature("hung-task", 1, b));
}

static void reports_of_two_callers_are_kept_apart(void **state)
{
	_cleanup_splats_ struct splats *s = splats_of_sample("written/callers");

	assert_int_equal(splats_count(s), 2);
	assert_splat(s, 0, SPLAT_WARN, "WARNING at drivers/foo/b.c:9 in second_path");
	assert_splat(s, 1, SPLAT_OOPS, "BUG: unable to handle page fault in first_path");
	assert_null(strstr(splats_at(s, 0)->text, "T10"));
	assert_null(strstr(splats_at(s, 1)->text, "T11"));
	assert_ptr_equal(splats_worst(s, SPLAT_WARN), splats_at(s, 1));
	assert_null(splats_worst(s, SPLAT_PANIC));
}

static void text_reaches_from_start_to_end_and_no_further(void **state)
{
	_cleanup_splats_ struct splats *kasan = splats_of_sample("written/kasan");
	_cleanup_splats_ struct splats *lockdep = splats_of_sample("written/lockdep-circular");
	_cleanup_splats_ struct splats *warn = splats_of_sample("warn");
	const char *text = splats_at(kasan, 0)->text;

	assert_non_null(strstr(text, "[   41.100001] ====="));
	assert_non_null(strstr(text, "Freed by task"));
	assert_non_null(strstr(text, "[   41.100045] ====="));
	assert_null(strstr(text, "eth0"));
	text = splats_at(lockdep, 0)->text;
	assert_non_null(strstr(text, "</TASK>"));
	assert_null(strstr(text, "module loaded"));
	text = splats_at(warn, 0)->text;
	assert_non_null(strstr(text, "cut here"));
	assert_non_null(strstr(text, "the value 42 is wrong"));
	assert_non_null(strstr(text, "---[ end trace"));
	assert_null(strstr(text, "reboot:"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sample_has_its_splats),
		cmocka_unit_test(chunks_of_any_size_give_the_same),
		cmocka_unit_test(carriage_returns_change_nothing),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(signatures_stay_over_boots),
		cmocka_unit_test(reports_of_two_callers_are_kept_apart),
		cmocka_unit_test(text_reaches_from_start_to_end_and_no_further),
	};

	return cmocka_run_group_tests_name("console-samples", tests, NULL, NULL);
}
