/* SPDX-License-Identifier: MIT */
/* The real QEMU under TCG with guests of a few instructions; skipped where there is none. */
#include <unistd.h>

#include "tiny_guest.h"

static struct qemu_features features;

static struct qemu_config config(const char *kernel)
{
	return (struct qemu_config){ .features = &features,
		.machine = QEMU_MICROVM,
		.accel = QEMU_TCG,
		.cpus = 1,
		.memory_mib = 64,
		.kernel = kernel,
		.sandbox = true };
}

static void run(const char *dir, const struct buf *code, struct record *r)
{
	_cleanup_free_ char *path = tiny_write(dir, code);
	struct qemu_config c = config(path);

	if (!features.program) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	record_start(r, &c);
	record_run(r);
	assert_int_equal(r->ends, 1);
}

static void ends(const char *dir, struct buf *code, enum qemu_end end, const char *why)
{
	struct record r = { 0 };

	tiny_halt(code);
	run(dir, code, &r);
	assert_string_equal(buf_str(&r.console), "hello\n");
	assert_string_equal(r.why, why);
	assert_int_equal(r.end, end);
	record_release(&r);
}

static void a_power_off_is_told(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;

	tiny_print(&code, "hello\n");
	TINY_POWER_OFF(&code);
	ends(*state, &code, QEMU_GUEST_SHUTDOWN, "the guest powered off");
}

static void a_reset_is_told(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;

	tiny_print(&code, "hello\n");
	TINY_RESET(&code);
	ends(*state, &code, QEMU_GUEST_RESET, "the guest reset itself");
}

static void a_triple_fault_is_told_from_a_reset(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;

	tiny_print(&code, "hello\n");
	tiny_triple_fault(&code);
	ends(*state, &code, QEMU_TRIPLE_FAULT,
		"triple fault: the CPU found no handler for an exception");
}

static void a_panic_does_not_cut_off_the_console(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;

	if (!features.pvpanic) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	tiny_print(&code, "hel");
	tiny_out(&code, 0x505, 1);
	tiny_print(&code, "lo\n");
	TINY_RESET(&code);
	ends(*state, &code, QEMU_GUEST_PANIC, "the guest kernel reported a panic (pvpanic)");
}

static void it_can_be_stopped_before_its_first_instruction(void **state)
{
	const char *const extra[] = { "-S" };
	struct qemu_config c = config(NULL);
	struct record r = { 0 };

	if (!features.program) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	c.extra = extra;
	c.n_extra = 1;
	record_start(&r, &c);
	loop_turn(r.loop, 100);
	qemu_stop(r.qemu);
	record_run(&r);
	assert_int_equal(r.end, QEMU_STOPPED);
	assert_string_equal(buf_str(&r.console), "");
	record_release(&r);
}

static void note_status(void *arg, json_t *ret, const struct qmp_error *error)
{
	char **status = arg;
	const char *s = json_string_value(json_object_get(ret, "status"));

	*status = xstrdup(s ? s : error->desc);
}

static void commands_are_answered(void **state)
{
	const char *const extra[] = { "-S" };
	struct qemu_config c = config(NULL);
	_cleanup_free_ char *status = NULL, *error = NULL;
	struct record r = { 0 };

	if (!features.program) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	c.extra = extra;
	c.n_extra = 1;
	record_start(&r, &c);
	qemu_command(r.qemu, "query-status", NULL, note_status, &status);
	qemu_command(r.qemu, "no-such-command", NULL, note_status, &error);
	qemu_command(r.qemu, "quit", NULL, NULL, NULL);
	record_run(&r);
	assert_string_equal(status, "prelaunch");
	assert_non_null(strstr(error, "no-such-command"));
	assert_int_equal(r.end, QEMU_STOPPED);
	record_release(&r);
}

static void a_break_and_its_key_come_in_order(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	struct qemu_config c;
	struct record r = { 0 };

	if (!features.program) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	tiny_print(&code, ">");
	tiny_echo(&code);
	path = tiny_write(*state, &code);
	c = config(path);
	record_start(&r, &c);
	while (r.console.len < 1)
		loop_turn(r.loop, 1000);
	qemu_sysrq(r.qemu, 'a');
	qemu_sysrq(r.qemu, 'b');
	/* A break arrives as a byte of zeros. */
	while (r.console.len < 5)
		loop_turn(r.loop, 1000);
	assert_memory_equal(r.console.data, ">\0a\0b", 5);
	qemu_stop(r.qemu);
	record_run(&r);
	record_release(&r);
}

static void on_saved(void *arg, const char *error)
{
	struct record *r = arg;

	if (error)
		fail_msg("%s", error);
	loop_stop(r->loop);
}

/* Starts QEMU on the memory FDS[0]; with the state FDS[1] where that is not 0. */
static void start_on(struct record *r, struct qemu_config *c, const int fds[2])
{
	_cleanup_free_ char *memory = xasprintf("/dev/fd/%d", fds[0]);

	c->memory = memory;
	c->memory_shared = !fds[1];
	c->state_fd = fds[1];
	c->keep_fds = fds;
	c->n_keep_fds = fds[1] ? 2 : 1;
	record_start(r, c);
	c->memory = NULL;
}

static void echoes(struct record *r, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < len; i++) {
		size_t before = r->console.len;

		qemu_console_write(r->qemu, word + i, 1);
		while (r->console.len == before)
			loop_turn(r->loop, 1000);
	}
	assert_memory_equal(r->console.data + r->console.len - len, word, len);
}

static void a_guest_that_was_saved_goes_on_as_often_as_one_likes(void **state)
{
	_cleanup_buf_ struct buf code = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int memory = fd_memfd("memory", "", 0), saved = fd_memfd("state", "", 0);
	struct qemu_config c;
	struct record r = { 0 };

	if (!features.templates) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	assert_int_equal(ftruncate(memory, 64 << 20), 0);
	tiny_print(&code, ">");
	tiny_echo(&code);
	path = tiny_write(*state, &code);
	c = config(path);
	start_on(&r, &c, (int[]){ memory, 0 });
	while (r.console.len < 1)
		loop_turn(r.loop, 1000);
	qemu_save(r.qemu, saved, on_saved, &r);
	record_run(&r);
	qemu_stop(r.qemu);
	record_run(&r);
	assert_string_equal(buf_str(&r.console), ">");
	record_release(&r);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lseek(saved, 0, SEEK_SET), 0);
		start_on(&r, &c, (int[]){ memory, saved });
		while (!qemu_ran(r.qemu))
			loop_turn(r.loop, 1000);
		echoes(&r, "again");
		assert_true(qemu_ran(r.qemu));
		assert_string_equal(buf_str(&r.console), "again");
		record_release(&r);
	}
}

static void on_paused(void *arg, const char *error)
{
	struct record *r = arg;

	if (error)
		fail_msg("%s", error);
	loop_stop(r->loop);
}

/* Into TO, whose loop is the one of FROM. */
static void copy(struct record *from, struct record *to)
{
	struct qemu_handlers h = { record_console, record_end, to };
	struct err e = ERR_INIT;

	*to = (struct record){ .loop = from->loop };
	if (qemu_fork(from->qemu, &h, &to->qemu, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void drop(struct record *copy)
{
	qemu_free(copy->qemu);
	buf_release(&copy->console);
	free(copy->why);
}

/* A guest that echoes and powers off at a dot, in a QEMU that can be copied, and stands still. */
static void start_parked(const char *dir, struct record *r)
{
	_cleanup_buf_ struct buf code = BUF_INIT;
	_cleanup_free_ char *path = NULL, *library = NULL;
	struct qemu_config c;

	if (!features.program || path_libexec("vmrig-forkserver.so", &library, NULL) < 0) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	tiny_print(&code, ">");
	tiny_echo(&code);
	path = tiny_write(dir, &code);
	c = config(path);
	c.fork_library = library;
	record_start(r, &c);
	while (r->console.len < 1)
		loop_turn(r->loop, 1000);
	qemu_pause(r->qemu, on_paused, r);
	record_run(r);
}

static void copies_of_a_process_go_on_each_for_itself(void **state)
{
	struct record r = { 0 }, a, b, c;

	start_parked(*state, &r);
	copy(&r, &a);
	copy(&r, &b);
	echoes(&a, "first");
	echoes(&b, "second");
	echoes(&a, "more");
	assert_string_equal(buf_str(&a.console), "firstmore");
	assert_string_equal(buf_str(&b.console), "second");
	assert_string_equal(buf_str(&r.console), ">");
	drop(&a);
	echoes(&b, "still");
	copy(&r, &c);
	echoes(&c, "third");
	drop(&b);
	drop(&c);
	assert_true(qemu_alive(r.qemu));
	record_release(&r);
}

static void a_copy_outlives_what_it_was_copied_from_and_tells_its_end(void **state)
{
	struct record r = { 0 }, a;
	struct err e = ERR_INIT;
	struct qemu *none = NULL;

	start_parked(*state, &r);
	copy(&r, &a);
	qemu_stop(r.qemu);
	record_run(&r);
	assert_int_equal(r.end, QEMU_STOPPED);
	assert_int_equal(qemu_fork(r.qemu, &(struct qemu_handlers){ 0 }, &none, &e), -EPIPE);
	err_release(&e);
	echoes(&a, "alive");
	qemu_stop(a.qemu);
	record_run(&a);
	assert_int_equal(a.ends, 1);
	assert_int_equal(a.end, QEMU_STOPPED);
	drop(&a);
	record_release(&r);
}

static void a_state_that_is_none_is_a_death_before_the_guest_ran(void **state)
{
	_cleanup_close_ int memory = fd_memfd("memory", "", 0), bad = fd_memfd("state", "none", 4);
	struct qemu_config c = config(NULL);
	struct record r = { 0 };

	if (!features.templates) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	assert_int_equal(ftruncate(memory, 64 << 20), 0);
	start_on(&r, &c, (int[]){ memory, bad });
	record_run(&r);
	assert_int_equal(r.end, QEMU_DIED);
	assert_false(qemu_ran(r.qemu));
	record_release(&r);
}

static void a_command_line_it_refuses_is_a_death_with_its_words(void **state)
{
	const char *const extra[] = { "-no-such-option" };
	struct qemu_config c = config(NULL);
	struct record r = { 0 };

	if (!features.program) {
		print_message("# skipped: %s: no QEMU here has what this needs\n", __func__);
		skip();
	}
	c.extra = extra;
	c.n_extra = 1;
	record_start(&r, &c);
	record_run(&r);
	assert_int_equal(r.end, QEMU_DIED);
	assert_non_null(strstr(r.why, "exit code 1; its last words: "));
	assert_non_null(strstr(r.why, "-no-such-option"));
	record_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(a_power_off_is_told),
		in_folder(a_reset_is_told),
		in_folder(a_triple_fault_is_told_from_a_reset),
		in_folder(a_panic_does_not_cut_off_the_console),
		cmocka_unit_test(it_can_be_stopped_before_its_first_instruction),
		cmocka_unit_test(commands_are_answered),
		in_folder(a_break_and_its_key_come_in_order),
		in_folder(a_guest_that_was_saved_goes_on_as_often_as_one_likes),
		in_folder(copies_of_a_process_go_on_each_for_itself),
		in_folder(a_copy_outlives_what_it_was_copied_from_and_tells_its_end),
		cmocka_unit_test(a_state_that_is_none_is_a_death_before_the_guest_ran),
		cmocka_unit_test(a_command_line_it_refuses_is_a_death_with_its_words),
	};
	int r;

	if (qemu_probe("x86_64", &features, NULL) < 0 || !features.machine_microvm)
		qemu_features_release(&features);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	qemu_features_release(&features);
	return r;
}
