/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "os/seed.h"

/* Of QEMU 7.2. */
#define HEAD                 \
	"Hub -1 (net0):\r\n" \
	"  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"

static void the_forwarded_port_is_found_by_the_guests(void **state)
{
	static const char text[] = HEAD
		"  TCP[ESTABLISHED]   9       127.0.0.1 36925       10.0.2.15    22     0     0\r\n"
		"  TCP[HOST_FORWARD]   8       127.0.0.1 36926       10.0.2.15    22     0     0\r\n"
		"  TCP[HOST_FORWARD]   3       127.0.0.1 45147       10.0.2.15    80     0     0\r\n";

	assert_int_equal(os_forwarded(text, 22), 36926);
	assert_int_equal(os_forwarded(text, 80), 45147);
	assert_int_equal(os_forwarded(text, 8), 0);
	assert_int_equal(os_forwarded(HEAD, 22), 0);
	assert_int_equal(os_forwarded("", 22), 0);
	assert_int_equal(os_forwarded("TCP[HOST_FORWARD] 8 127.0.0.1 99999 10.0.2.15 22", 22), 0);
}

static void lines_for_the_console_take_the_key(void **state)
{
	struct os_keys keys = { SSH_KEY_INIT, SSH_KEY_INIT, -1, NULL };
	struct os_plan p = { .keys = &keys };
	_cleanup_free_ char *without = os_fill_key(&p, "echo @SSH_KEY@"), *with = NULL,
			    *plain = NULL;

	assert_string_equal(without, "echo @SSH_KEY@");
	assert_int_equal(ssh_key_make("c", &keys.user, NULL), 0);
	with = os_fill_key(&p, "echo '@SSH_KEY@' >>keys");
	assert_true(str_starts(with, "echo 'ssh-ed25519 AAAA"));
	assert_true(str_ends(with, " c' >>keys"));
	plain = os_fill_key(&p, "ls");
	assert_string_equal(plain, "ls");
	ssh_key_release(&keys.user);
}

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000"
#define RSA     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC0000000000000000000000"

/* Only a line that is a key and nothing else, and not the one that we ourselves have written there. */
static void host_keys_are_read_where_the_system_shows_them(void **state)
{
	static char ours[] = "ssh-ed25519 AAAAours111111111111111111111111111111111111111111 vmrig";
	static const char *const lines[] = {
		"-----BEGIN SSH HOST KEY KEYS-----",
		"echo " ED25519,
		"ssh-ed25519 short",
		"ssh-ed25519 AAAA|not base64 0000000000000000000000000000000000000",
		"ssh-dss AAAAB3NzaC1kc3MAAACBAPLZAAAAB3NzaC1kc3MAAACBAPLZ",
		ours,
		ED25519 " root@box",
		RSA,
		ED25519 " root@again",
	};
	static char user[] = "u";
	struct os_keys keys = { SSH_KEY_INIT, SSH_KEY_INIT, -1, NULL };
	struct os_ssh ssh = { .user = user, .host_key = OS_HOST_KEY_CONSOLE };
	struct os_plan p = { .keys = &keys, .wish.ssh = &ssh };
	struct os o = { .spec.plan = &p };

	keys.user.public = ours;
	assert_true(os_host_key_awaited(&o));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		os_host_key_line(&o, lines[i], strlen(lines[i]));
	assert_int_equal(o.host_keys.n, 2);
	assert_string_equal(o.host_keys.v[0], ED25519);
	assert_string_equal(o.host_keys.v[1], RSA);
	assert_false(os_host_key_awaited(&o));
	strv_release(&o.host_keys);
	ssh.host_key = OS_HOST_KEY_FIRST;
	assert_false(os_host_key_awaited(&o));
	os_host_key_line(&o, ED25519, strlen(ED25519));
	assert_int_equal(o.host_keys.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_forwarded_port_is_found_by_the_guests),
		cmocka_unit_test(lines_for_the_console_take_the_key),
		cmocka_unit_test(host_keys_are_read_where_the_system_shows_them),
	};

	return cmocka_run_group_tests_name("os-ssh", tests, NULL, NULL);
}
