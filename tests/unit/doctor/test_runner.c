/* SPDX-License-Identifier: MIT */
/* Machines to be made runners, as folders: what is left to do on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "doctor/doctor.h"

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

struct world {
	char root[64];
	struct strv said;
	struct doctor_runner r;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->root, "/tmp/vmrig-runner.XXXXXX");
	if (!mkdtemp(w->root))
		return -1;
	w->r.root = w->root;
	w->r.user = "ci";
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	strv_release(&w->said);
	dir_remove(w->root, NULL);
	free(w);
	return 0;
}

static void put(struct world *w, const char *path, const char *text)
{
	_cleanup_free_ char *full = xasprintf("%s%s", w->root, path), *dir = path_dir(full);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(full, text, strlen(text), 0644, NULL), 0);
}

static void say(void *arg, const char *step)
{
	strv_add(arg, step);
}

static int plan(struct world *w)
{
	strv_release(&w->said);
	w->said = (struct strv)STRV_INIT;
	return doctor_runner_set_up(&w->r, false, say, &w->said, NULL);
}

/* The step that holds TEXT; NULL: none does. */
static const char *step(const struct world *w, const char *text)
{
	for (size_t i = 0; i < w->said.n; i++)
		if (strstr(w->said.v[i], text))
			return w->said.v[i];
	return NULL;
}

/* As dpkg would record them: each package that the step names. */
static void pretend_installed(struct world *w, const char *names)
{
	_cleanup_free_ char *copy = xstrdup(names);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *rest;

	for (char *p = strtok_r(copy, " ", &rest); p; p = strtok_r(NULL, " ", &rest))
		buf_addf(&b,
			"Package: %s\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\n"
			"Version: 1\nDescription: x\n\n",
			p);
	put(w, "/var/lib/dpkg/status", buf_str(&b));
}

static void a_bare_machine_needs_everything(void **state)
{
	struct world *w = *state;
	const char *found;
	int n;

	w->r.service = "gitlab-runner.service";
	w->r.hugepages_mib = 1024;
	n = plan(w);
	assert_int_equal(n, w->said.n);
	found = step(w, "apt-get install");
	assert_non_null(found);
	assert_true(str_starts(found, "chroot /tmp/vmrig-runner."));
	assert_non_null(strstr(found, " qemu-system-x86 "));
	assert_non_null(step(w, "groupadd --prefix"));
	assert_non_null(step(w, "--create-home --shell /bin/bash ci"));
	assert_non_null(step(w, "-aG kvm ci"));
	assert_non_null(
		step(w, "99-vmrig-kvm.rules: KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\""));
	assert_non_null(step(w, "ci - memlock unlimited\nci - rtprio 99\n"));
	assert_non_null(
		step(w, "/etc/systemd/system/gitlab-runner.service.d/vmrig.conf:\n[Service]\n"));
	assert_non_null(step(w, "60-vmrig.conf: vm.nr_hugepages = 512"));
	/* Another machine's kernel and daemons are not ours to talk to. */
	assert_null(step(w, "udevadm"));
	assert_null(step(w, "modprobe"));
	assert_null(step(w, "sysctl --load"));
	assert_null(step(w, "systemctl"));
}

static void what_is_there_is_no_step(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *rule = doctor_udev_rule("0660");

	plan(w);
	pretend_installed(w, strstr(step(w, "apt-get"), "qemu-system-x86"));
	put(w, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nci:x:1000:1000::/home/ci:/bin/bash\n");
	put(w, "/etc/group", "root:x:0:\nkvm:x:104:other,ci\n");
	put(w, "/etc/udev/rules.d/99-vmrig-kvm.rules", rule);
	assert_int_equal(plan(w), 1);
	assert_non_null(step(w, "99-vmrig.conf"));
	put(w, "/etc/security/limits.d/99-vmrig.conf", strchr(w->said.v[0], '\n') + 1);
	assert_int_equal(plan(w), 0);
	/* Somebody else is in the group. */
	put(w, "/etc/group", "kvm:x:104:other\n");
	assert_int_equal(plan(w), 1);
	assert_non_null(step(w, "usermod"));
}

static void a_package_that_tests_need_is_installed_too(void **state)
{
	struct world *w = *state;
	_cleanup_strv_ struct strv more = STRV_INIT;

	plan(w);
	pretend_installed(w, strstr(step(w, "apt-get"), "qemu-system-x86"));
	plan(w);
	assert_null(step(w, "apt-get"));
	strv_add(&more, "nftables");
	w->r.packages = &more;
	plan(w);
	assert_true(str_ends(step(w, "apt-get"), "--no-install-recommends nftables"));
}

static void root_is_no_new_user(void **state)
{
	struct world *w = *state;

	w->r.user = "root";
	plan(w);
	assert_null(step(w, "useradd"));
	assert_null(step(w, "usermod"));
}

static void only_root_may_apply(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	if (geteuid() == 0 && seteuid(65534) < 0)
		skip();
	assert_int_equal(doctor_runner_set_up(&w->r, true, say, &w->said, &e), -EPERM);
	assert_int_equal(w->said.n, 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bare_machine_needs_everything),
		TEST(what_is_there_is_no_step),
		TEST(a_package_that_tests_need_is_installed_too),
		TEST(root_is_no_new_user),
		TEST(only_root_may_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
