/* SPDX-License-Identifier: MIT */
/* Seeds are read back by libarchive, which knows nothing of how we write them. */
#include <archive.h>
#include <archive_entry.h>

#include "base/hash.h"
#include "disk/disk.h"
#include "fixture.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake tester"

struct world {
	const char *dir;
	struct disk_seed s;
	struct strv vars;
	char *user, *meta, *network, *key, *out; /* owned */
	struct err e;
};

static void world_close(struct world *w)
{
	char *owned[] = { w->user, w->meta, w->network, w->key, w->out };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	strv_release(&w->vars);
	err_release(&w->e);
}
#define _world_ __attribute__((cleanup(world_close))) struct world

static int make(struct world *w, const char *user, const char *meta, const char *network)
{
	err_release(&w->e);
	w->e = (struct err)ERR_INIT;
	free(w->user);
	free(w->meta);
	free(w->network);
	w->user = user ? put(w->dir, "user", user, strlen(user)) : NULL;
	w->meta = meta ? put(w->dir, "meta", meta, strlen(meta)) : NULL;
	w->network = network ? put(w->dir, "net", network, strlen(network)) : NULL;
	w->s.user_data = w->user;
	w->s.meta_data = w->meta;
	w->s.network_config = w->network;
	w->s.vars = &w->vars;
	if (!w->out)
		w->out = path_join(w->dir, "seed");
	return disk_seed_write(&w->s, w->out, true, &w->e);
}

/* The file NAME of the ISO 9660 volume; the caller owns the string. JOLIET: by its Joliet names alone. */
static char *read_back(const struct world *w, const char *name, bool joliet)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	char *found = NULL;

	archive_read_support_format_iso9660(a);
	archive_read_set_options(a, joliet ? "!rockridge" : "!joliet");
	assert_int_equal(archive_read_open_filename(a, w->out, 4096), ARCHIVE_OK);
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		if (!streq(archive_entry_pathname(entry), name))
			continue;
		assert_null(found);
		found = xcalloc(1, (size_t)archive_entry_size(entry) + 1);
		assert_int_equal(archive_read_data(a, found, (size_t)archive_entry_size(entry)),
			archive_entry_size(entry));
		assert_int_equal(archive_entry_mtime(entry), 0);
	}
	archive_read_free(a);
	return found;
}

static void holds(const struct world *w, const char *name, const char *text)
{
	for (int joliet = 0; joliet < 2; joliet++) {
		_cleanup_free_ char *is = read_back(w, name, joliet);

		assert_non_null(is);
		assert_non_null(strstr(is, text));
	}
}

static void seed_holds_what_it_was_given(void **state)
{
	_world_ w = { .dir = *state };

	strv_add(&w.vars, "HOST=box");
	assert_int_equal(make(&w, "#cloud-config\nhostname: @HOST@ # @@HOST@ a@b\n",
				 "instance-id: i-1\n", "version: 2\nethernets: {}\n"),
		0);
	holds(&w, "user-data", "hostname: box # @HOST@ a@b\n");
	holds(&w, "meta-data", "instance-id: i-1\n");
	holds(&w, "network-config", "version: 2\n");
}

static void empty_and_large_files_come_back(void **state)
{
	_world_ w = { .dir = *state };
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *is = NULL;

	buf_adds(&b, "#!/bin/sh\n");
	while (b.len < 1000000)
		buf_addf(&b, "echo %zu\n", b.len);
	assert_int_equal(make(&w, buf_str(&b), NULL, NULL), 0);
	is = read_back(&w, "user-data", false);
	assert_string_equal(is, buf_str(&b));
	w.s.vfat = true;
	assert_int_equal(make(&w, buf_str(&b), NULL, NULL), 0);
}

static void same_input_gives_same_bytes_and_another_gives_another_instance(void **state)
{
	_world_ w = { .dir = *state };

	for (int vfat = 0; vfat < 2; vfat++) {
		char one[HASH_HEX_LEN + 1], two[HASH_HEX_LEN + 1];

		w.s.vfat = vfat;
		assert_int_equal(make(&w, "#!/bin/sh\n", NULL, NULL), 0);
		assert_int_equal(hash_file(w.out, one, NULL), 0);
		assert_int_equal(make(&w, "#!/bin/sh\n", NULL, NULL), 0);
		assert_int_equal(hash_file(w.out, two, NULL), 0);
		assert_string_equal(one, two);
		assert_int_equal(make(&w, "#!/bin/sh\ntrue\n", NULL, NULL), 0);
		assert_int_equal(hash_file(w.out, two, NULL), 0);
		assert_string_not_equal(one, two);
	}
}

static void key_goes_into_meta_data_or_where_it_is_asked_for(void **state)
{
	_world_ w = { .dir = *state };
	_cleanup_free_ char *meta = NULL;

	w.key = put(w.dir, "key.pub", KEY "\n", strlen(KEY) + 1);
	w.s.ssh_key = w.key;
	assert_int_equal(make(&w, NULL, NULL, NULL), 0);
	holds(&w, "meta-data", "public-keys:\n  - \"" KEY "\"\n");
	holds(&w, "meta-data", "instance-id: vmrig-");
	holds(&w, "user-data", "#cloud-config\n");
	assert_int_equal(
		make(&w, "#cloud-config\nssh_authorized_keys:\n  - @SSH_KEY@\n", NULL, NULL), 0);
	holds(&w, "user-data", "  - " KEY "\n");
	meta = read_back(&w, "meta-data", false);
	assert_null(strstr(meta, "public-keys"));
	assert_int_equal(make(&w, NULL, "public-keys: [a]\n", NULL), -EINVAL);
	assert_int_equal(make(&w, NULL, "{instance-id: a}\n", NULL), -EINVAL);
	free(w.key);
	w.key = put(w.dir, "key", "-----BEGIN OPENSSH PRIVATE KEY-----\n", 36);
	w.s.ssh_key = w.key;
	assert_int_equal(make(&w, NULL, NULL, NULL), -EINVAL);
	assert_non_null(strstr(err_text(&w.e), "private key"));
}

static void host_key_is_given_by_vendor_data(void **state)
{
	_world_ w = { .dir = *state };
	_cleanup_free_ char *private = put_text(*state, "host", "-----BEGIN\nabc\n"),
			    *public = put_text(*state, "host.pub", KEY "\n"), *vendor = NULL;

	assert_int_equal(make(&w, NULL, NULL, NULL), 0);
	vendor = read_back(&w, "vendor-data", false);
	assert_null(vendor);
	w.s.host_key = private;
	w.s.host_key_public = public;
	assert_int_equal(make(&w, "#cloud-config\n", NULL, "version: 2\n"), 0);
	holds(&w, "vendor-data",
		"#cloud-config\nssh_deletekeys: true\nssh_keys:\n  ed25519_private: |\n    -----BEGIN\n    abc\n"
		"  ed25519_public: |\n    " KEY "\n");
	holds(&w, "user-data", "#cloud-config\n");
	w.s.vfat = true;
	assert_int_equal(make(&w, "#cloud-config\n", NULL, "version: 2\n"), 0);
}

static void mistakes_are_told_with_their_place(void **state)
{
	static const struct {
		const char *user, *meta, *network, *says;
	} cases[] = {
		{ "hostname: a\n", NULL, NULL, "user:1: " },
		{ "\n#cloud-config\n", NULL, NULL, "user:1: " },
		{ "# cloud-config\n", NULL, NULL, "did you mean '#cloud-config'" },
		{ "#cloud-confg\n", NULL, NULL, "did you mean '#cloud-config'" },
		{ "\xef\xbb\xbf#cloud-config\n", NULL, NULL, "byte order mark" },
		{ "#cloud-config\na: [\n", NULL, NULL, "user:" },
		{ "#cloud-config\n- a\n", NULL, NULL, "expected a mapping" },
		{ "#cloud-config\nhostname: a\nrun_cmd: [a]\n", NULL, NULL,
			"user:3:1: cloud-config has no key 'run_cmd'; did you mean 'runcmd'" },
		{ "#cloud-config\nruncmd: echo\n", NULL, NULL,
			"user:2:9: runcmd: expected a list" },
		{ "#cloud-config\nruncmd:\n  - echo a: b\n", NULL, NULL, "user:3:5: runcmd: " },
		{ "#cloud-config\nwrite_files:\n  - content: a\n", NULL, NULL, "with 'path'" },
		{ "#cloud-config-archive\na: b\n", NULL, NULL, "is a list" },
		{ "#!/bin/sh\n\necho @HOTS@\n", NULL, NULL,
			"user:3: the variable @HOTS@ has no value; did you mean @HOST@?" },
		{ NULL, "- a\n", NULL, "meta-data: expected a mapping" },
		{ NULL, "instance-id:\n", NULL, "instance-id: expected text" },
		{ NULL, NULL, "ethernets: {}\n", "'version: 1' or 'version: 2'" },
		{ NULL, NULL, "version: 3\n", "net:1:10: " },
		{ NULL, NULL, "version: 1\n", "lacks 'config'" },
		{ NULL, NULL, "network:\n  version: 2\n  ethernet: {}\n",
			"did you mean 'ethernets'" },
	};
	_world_ w = { .dir = *state };

	strv_add(&w.vars, "HOST=box");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(make(&w, cases[i].user, cases[i].meta, cases[i].network), -EINVAL);
		if (!strstr(err_text(&w.e), cases[i].says))
			fail_msg("%s: not '%s'", err_text(&w.e), cases[i].says);
		assert_false(file_exists(w.out));
	}
}

static void what_cloud_init_takes_is_let_through(void **state)
{
	static const char *const good[] = { "#cloud-config\n", "#cloud-config\n{}\n",
		"#cloud-config \r\nusers: [default]\nruncmd:\n  - [ls, -l]\n  - ls\n",
		"#!/bin/sh\n: x: [\n", "#include\nhttp://example.org/a\n",
		"Content-Type: multipart/mixed; boundary=\"x\"\n\n",
		"## template: jinja\n#cloud-config\nhostname: {{ v1.x }}\n",
		"#cloud-boothook\n#!/bin/sh\n",
		"#cloud-config-archive\n- type: text/cloud-config\n" };
	_world_ w = { .dir = *state };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (make(&w, good[i], NULL, "version: 1\nconfig: []\n") < 0)
			fail_msg("%s: %s", good[i], err_text(&w.e));
}

static void variables_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "a=b", "A", "=b", "A B=c", "A=b\nc" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_world_ w = { .dir = *state };

		strv_add(&w.vars, bad[i]);
		assert_int_equal(make(&w, NULL, NULL, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(seed_holds_what_it_was_given),
		in_folder(empty_and_large_files_come_back),
		in_folder(same_input_gives_same_bytes_and_another_gives_another_instance),
		in_folder(key_goes_into_meta_data_or_where_it_is_asked_for),
		in_folder(host_key_is_given_by_vendor_data),
		in_folder(mistakes_are_told_with_their_place),
		in_folder(what_cloud_init_takes_is_let_through),
		in_folder(variables_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("disk-seed", tests, NULL, NULL);
}
