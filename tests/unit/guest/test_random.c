/* SPDX-License-Identifier: MIT */
/*
 * Sessions at random, from a fixed seed: an agent that mostly does what it was asked to, and now and then says
 * anything else, damages a frame, or dies; a caller that pauses and cancels; time that goes by. What must hold is
 * checked against a record of what was really said. A failing session is found again by its number:
 * VMRIG_TEST_SESSION=N runs it alone.
 */
#include "rig.h"

#define SESSIONS 10000
#define STEPS    60

/* What the agent was asked for, and what it has said. */
static struct {
	uint32_t id; /* of the last request */
	uint8_t request;
	bool exited[COMMANDS_MAX], started[COMMANDS_MAX], bye, hello;
	unsigned rooted;
} told;

static uint64_t random_state;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return next_random() % n;
}

static bool one_in(size_t n)
{
	return below(n) == 0;
}

static size_t command_of(uint32_t id)
{
	return id - ID_COMMAND < COMMANDS_MAX ? id - ID_COMMAND : 0;
}

static void listen_to_host(void)
{
	struct wire_frame f;
	struct wire_dec d;

	while (hear(&f)) {
		dec_init(&d, &f);
		if (f.type == WIRE_STDIN || f.type == WIRE_SIGNAL || f.type == WIRE_WELCOME)
			continue;
		told.request = f.type;
		told.id = f.type == WIRE_SHUTDOWN ? 0 : dec_u32(&d);
	}
}

/* ---- the agent ---- */

static void exited(uint32_t id)
{
	told.exited[command_of(id)] = true;
	say_exited_raw(id, one_in(10), one_in(3) ? (uint32_t)below(300) : 0, below(1000));
}

static void started(size_t i)
{
	told.started[i] = true;
	say_started(i);
}

static void any_payload(uint8_t type)
{
	uint8_t data[300];
	size_t len = one_in(2) ? below(sizeof(data)) : below(60);

	for (size_t i = 0; i < len; i++)
		data[i] = one_in(2) ? 0 : (uint8_t)next_random();
	if (one_in(2) && len >= 4)
		memcpy(data, &told.id, 4);
	say(type, data, len);
}

/* Something that may or may not be due. */
static void say_anything(void)
{
	static const char *const paths[] = { "a", "b/c", "b", "../x", "", "a/b/c/d" };
	const uint32_t id = one_in(4) ? (uint32_t)next_random() : told.id;

	switch (below(16)) {
	case 0:
		told.hello = true;
		say_hello();
		break;
	case 1:
		told.rooted |= id == ID_ROOT;
		say_done(id, one_in(2) ? 0 : (int32_t)next_random(), "anything");
		break;
	case 2:
		started(below(COMMANDS_MAX));
		break;
	case 3:
		exited(id);
		break;
	case 4:
		say_credit(id, (uint32_t)below(1000));
		break;
	case 5:
		told.bye = true;
		say_bye();
		break;
	case 6:
		say_file(paths[below(ARRAY_SIZE(paths))], below(100));
		break;
	case 7:
		say_file_data(one_in(2) ? "" : "data");
		break;
	case 8:
		say_trouble("trouble");
		break;
	case 9: /* may well be a message that counts */
		told.bye = told.hello = true;
		told.rooted = true;
		for (size_t i = 0; i < COMMANDS_MAX; i++)
			told.exited[i] = told.started[i] = true;
		any_payload(one_in(4) ? (uint8_t)next_random() : (uint8_t)(WIRE_HELLO + below(13)));
		break;
	default:
		say_beat();
	}
}

static void say_noise(void)
{
	static unsigned seq;
	char record[80];

	switch (below(5)) {
	case 0:
		say_output(one_in(2) ? WIRE_STDOUT : WIRE_STDERR, command_of(told.id),
			one_in(4) ? "" : "some output\n");
		break;
	case 1:
		snprintf(record, sizeof(record), "%zu,%u,%u,-;some record\n", below(20), seq,
			seq * 1000);
		seq += one_in(10) ? 2 : 1;
		say_kmsg(record);
		break;
	default:
		say_beat();
	}
}

/* What an agent does next. */
static void answer(void)
{
	size_t i = command_of(told.id);

	switch (told.request) {
	case 0:
		told.hello = true;
		say_hello();
		break;
	case WIRE_ROOT:
		told.rooted = true;
		say_done(ID_ROOT, one_in(20) ? -ENODEV : 0, "");
		break;
	case WIRE_EXEC:
		if (one_in(20))
			say_done(told.id, -ENOENT, "cannot execute");
		else if (!told.started[i])
			started(i);
		else if (one_in(2))
			exited(told.id);
		else
			say_noise();
		break;
	case WIRE_PULL:
		if (one_in(2)) {
			say_file(one_in(2) ? "x" : "y/z", 4);
			say_file_data("data");
			say_file_data("");
		}
		say_done(ID_PULL, one_in(10) ? -EFBIG : 0, "");
		break;
	case WIRE_SHUTDOWN:
		told.bye = true;
		say_bye();
		break;
	}
}

static void damage(void)
{
	uint8_t frame[64], beat[16] = { 0 };
	size_t n = frame_bytes(WIRE_HEARTBEAT, beat, sizeof(beat), frame);

	if (one_in(2))
		frame[below(n)] ^= (uint8_t)(1 << below(8));
	say_bytes(frame, one_in(3) ? below(n) : n);
}

/* ---- a session ---- */

static void step(void)
{
	switch (below(60)) {
	case 0:
		damage();
		break;
	case 1:
		fake_end((enum machine_end)(MACHINE_POWERED_OFF + below(3)), NULL);
		turn();
		break;
	case 2:
		job_cancel(rig.job);
		turn();
		break;
	case 3:
	case 4:
		job_pause_output(rig.job, one_in(2));
		turn();
		break;
	case 5:
	case 6:
		pass((int64_t)below(3000));
		break;
	case 7:
	case 8:
		fake_console(one_in(10) ? "[    1.000000] reboot: System halted\n" : "words\n");
		break;
	case 9:
		if (rig.room)
			job_stdin(rig.job, "x", 1);
		rig.room = 0;
		break;
	case 10:
		job_signal(rig.job, 15);
		break;
	case 11:
	case 12:
	case 13:
		say_anything();
		break;
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
		say_noise();
		break;
	case 19:
		rig.muffled = !rig.muffled;
		break;
	default:
		answer();
	}
}

static void choose_spec(void)
{
	size_t n = below(COMMANDS_MAX + 1);

	use_commands(n, one_in(2));
	for (size_t i = 0; i < n; i++) {
		rig.commands[i].has_stdin = one_in(2);
		rig.commands[i].timeout_ms = one_in(2) ? 2000 : 0;
	}
	if (one_in(2))
		use_artifacts();
	if (one_in(3))
		rig.spec.boot_ms = 1000;
	if (one_in(3))
		rig.spec.idle_ms = 1000;
	if (one_in(3))
		rig.spec.heartbeat_ms = 1000;
	if (one_in(3))
		rig.spec.total_ms = 3000;
	if (one_in(3))
		machine.on_sysrq = "[    1.000000] sysrq: Show backtrace\n";
	rig.spec.artifacts_max = one_in(2) ? 20 : 0;
}

static void check_report(void)
{
	const struct job_report *r = rig.report;

	assert_int_equal(rig.dones, 1);
	assert_int_equal(machine.ended, 1);
	assert_true(r->end != MACHINE_RUNNING);
	assert_true(!r->connected || told.hello);
	assert_true(!r->ready || (r->connected && told.rooted));
	assert_true(!r->bye || (r->ready && told.bye));
	assert_true(!r->kmsg_whole || r->bye || r->lived_on);
	assert_true(!r->lived_on || r->limit != LIMIT_NONE);
	for (size_t i = 0; i < r->n_exits; i++) {
		const struct job_exit *x = &r->exits[i];

		assert_true(!x->started || (r->ready && told.started[i]));
		assert_true(!x->ended || (x->started && told.exited[i]));
		assert_true(!x->exec_error || !x->started);
		assert_true(x->code >= 0 && x->code <= 255 && x->wall_us >= 0);
	}
	assert_true(r->n_console <= splats_count(r->console));
	assert_true(!r->broken || r->end != MACHINE_RUNNING);
	if (r->broken || r->infra)
		assert_true(machine.stops > 0 || r->end != MACHINE_STOPPED);
	assert_true(file_is("x", NULL));
}

static void session(uint64_t number, size_t *reached)
{
	random_state = number * 0x2545f4914f6cdd1d + 1;
	memset(&told, 0, sizeof(told));
	choose_spec();
	start();
	for (int i = 0; i < STEPS && !rig.dones; i++) {
		listen_to_host();
		step();
	}
	rig.muffled = false;
	if (one_in(4) && !rig.dones) { /* free it wherever it is */
		rig_again();
		return;
	}
	if (!rig.dones)
		job_cancel(rig.job);
	pass(100);
	check_report();
	reached[0] += rig.report->connected;
	reached[1] += rig.report->ready;
	reached[2] += rig.report->n_exits && rig.report->exits[0].ended;
	reached[3] += rig.report->bye;
	reached[4] += rig.report->broken != NULL;
	reached[5] += rig.report->limit != LIMIT_NONE;
	reached[6] += rig.report->artifacts.n > 0;
	rig_again();
	dir_remove("artifacts", NULL);
}

static void whatever_is_said_the_report_holds_no_more_than_that(void **state)
{
	const char *one = getenv("VMRIG_TEST_SESSION");
	size_t reached[7] = { 0 };
	size_t fds = count_fds();

	rig_again();
	for (uint64_t i = one ? strtoull(one, NULL, 10) : 0; i < SESSIONS; i++) {
		session(i, reached);
		if (count_fds() != fds)
			fail_msg("session %llu left a descriptor", (unsigned long long)i);
		if (one)
			return;
	}
	/* The dice reach every place. */
	for (size_t i = 0; i < ARRAY_SIZE(reached); i++)
		if (reached[i] < SESSIONS / 50)
			fail_msg("place %zu was reached %zu times", i, reached[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(whatever_is_said_the_report_holds_no_more_than_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
