/* SPDX-License-Identifier: MIT */
/* The logs are those of OpenSSH 9.2, cut to what matters. */
#include "fixture.h"
#include "ssh/private.h"

#define HEAD                                                             \
	"OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.22 25 Aug 2026\r\n" \
	"debug1: Connecting to 127.0.0.1 [127.0.0.1] port 22922.\r\n"    \
	"debug1: Connection established.\r\n"
#define SENT \
	HEAD "Authenticated to 127.0.0.1 ([127.0.0.1]:22922) using \"publickey\".\r\ndebug1: Sending command: kill $PPID\r\n"
#define TAIL                                                              \
	"Transferred: sent 3480, received 3324 bytes, in 0.2 seconds\r\n" \
	"Bytes per second: sent 20658.2, received 19732.2\r\n"            \
	"debug1: Exit status -1\r\n"

static void fate_is_what_the_guest_told(void **state)
{
	assert_int_equal(
		ssh_log_fate(SENT
			"debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\r\n" TAIL),
		SSH_FATE_EXITED);
	assert_int_equal(
		ssh_log_fate(SENT
			"debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0\r\n" TAIL),
		SSH_FATE_SIGNALLED);
	assert_int_equal(ssh_log_fate(SENT TAIL), SSH_FATE_BROKEN);
	assert_int_equal(ssh_log_fate(HEAD), SSH_FATE_UNSENT);
	assert_int_equal(ssh_log_fate(""), SSH_FATE_UNSENT);
}

static void reason_is_the_last_line_that_is_no_debugging(void **state)
{
	static const struct {
		const char *log, *reason;
	} cases[] = {
		{ HEAD "debug1: No more authentication methods to try.\r\nci@127.0.0.1: Permission denied (publickey).\r\n",
			"ci@127.0.0.1: Permission denied (publickey)." },
		{ HEAD "No ED25519 host key is known for guest and you have requested strict checking.\r\n"
		       "Host key verification failed.\r\ndebug1: x\r\n",
			"Host key verification failed." },
		{ "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 127.0.0.1 port 4\r\n",
			"Connection reset by 127.0.0.1 port 4" },
		{ SENT TAIL, NULL },
		{ "", NULL },
		{ "bad \033[31mred\033[0m\x01 line", "bad red\\x01 line" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *reason = ssh_log_reason(cases[i].log);

		if (!cases[i].reason)
			assert_null(reason);
		else
			assert_string_equal(reason, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fate_is_what_the_guest_told),
		cmocka_unit_test(reason_is_the_last_line_that_is_no_debugging),
	};

	return cmocka_run_group_tests_name("ssh-log", tests, NULL, NULL);
}
