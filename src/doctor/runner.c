/* SPDX-License-Identifier: MIT */
/* A machine made a runner: what its jobs need to run guests, and what they need not be root for. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "doctor/private.h"

#define INSTALL_MS  (30 * 60 * 1000)
#define GROUP       "kvm"
#define LIMITS_PATH "/etc/security/limits.d/99-vmrig.conf"
#define SYSCTL_PATH "/etc/sysctl.d/60-vmrig.conf"
#define MODULE_PATH "/etc/modules-load.d/vmrig.conf"
#define PAGE_MIB    2 /* a hugepage of x86_64 */

/* The engine, what suites fetch with, and what kernels are built with. */
static const char *const packages[] = { "qemu-system-x86", "qemu-system-arm", "qemu-utils", "ovmf",
	"qemu-efi-aarch64", "openssh-client", "ca-certificates", "git", "zstd", "xz-utils", "make",
	"gcc", "gcc-aarch64-linux-gnu", "flex", "bison", "bc", "libelf-dev", "libssl-dev", "cpio",
	"rsync", "kmod", "perl", "patch" };

/* ---- packages ---- */

/* Of those WANTED what dpkg does not have there; without dpkg, all. */
static void find_missing(const struct steps *x, const struct strv *wanted, struct strv *ret)
{
	_cleanup_strv_ struct strv words = STRV_INIT, have = STRV_INIT;
	_cleanup_free_ char *root = steps_path(x, "/");
	_cleanup_buf_ struct buf out = BUF_INIT;
	char *line, *rest;

	strv_add(&words, "dpkg-query");
	strv_addf(&words, "--root=%s", root);
	strv_add(&words, "-W");
	strv_add(&words, "-f=${db:Status-Abbrev} ${Package}\n");
	strv_addv(&words, wanted);
	if (proc_capture((const char *const *)words.v, NULL, &out, NULL, STEP_MS, NULL, NULL) < 0)
		buf_clear(&out);
	buf_addc(&out, '\n');
	for (line = strtok_r(out.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (str_starts(line, "ii"))
			strv_add(&have, strrchr(line, ' ') + 1);
	for (size_t i = 0; i < wanted->n; i++)
		if (!strv_has(&have, wanted->v[i]))
			strv_add(ret, wanted->v[i]);
}

static int install(struct steps *x, const struct doctor_runner *r, struct err *e)
{
	_cleanup_strv_ struct strv wanted = STRV_INIT, missing = STRV_INIT, words = STRV_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
		strv_add(&wanted, packages[i]);
	if (r->packages)
		strv_addv(&wanted, r->packages);
	find_missing(x, &wanted, &missing);
	if (!missing.n)
		return 0;
	if (!steps_here(x)) {
		strv_add(&words, "chroot");
		strv_add(&words, x->root);
	}
	strv_add(&words, "apt-get");
	strv_add(&words, "install");
	strv_add(&words, "-y");
	strv_add(&words, "--no-install-recommends");
	strv_addv(&words, &missing);
	return steps_run(x, &words, INSTALL_MS, e);
}

/* ---- who ---- */

static bool has_user(const struct steps *x, const char *name)
{
	_cleanup_free_ char *path = steps_path(x, "/etc/passwd");
	FILE *f = fopen(path, "re");
	const struct passwd *p = NULL;
	bool found = false;

	while (f && !found && (p = fgetpwent(f)))
		found = streq(p->pw_name, name);
	if (f)
		fclose(f);
	return found;
}

/* Whether the group is there; RET_MEMBER: with USER in it. */
static bool has_group(const struct steps *x, const char *name, const char *user, bool *ret_member)
{
	_cleanup_free_ char *path = steps_path(x, "/etc/group");
	FILE *f = fopen(path, "re");
	const struct group *g = NULL;
	bool found = false;

	*ret_member = false;
	while (f && !found && (g = fgetgrent(f))) {
		found = streq(g->gr_name, name);
		for (char **m = g->gr_mem; found && *m; m++)
			*ret_member |= streq(*m, user);
	}
	if (f)
		fclose(f);
	return found;
}

/* A program of shadow's, which takes the files of another machine by --prefix. */
static int account(struct steps *x, struct err *e, const char *program, const char *const *args)
{
	_cleanup_strv_ struct strv words = STRV_INIT;

	strv_add(&words, program);
	if (!steps_here(x)) {
		strv_add(&words, "--prefix");
		strv_add(&words, x->root);
	}
	for (; *args; args++)
		strv_add(&words, *args);
	return steps_run(x, &words, STEP_MS, e);
}

static int add_accounts(struct steps *x, const char *user, struct err *e)
{
	bool member, root = streq(user, "root");
	int r = 0;

	if (!has_group(x, GROUP, user, &member))
		r = account(x, e, "groupadd", (const char *const[]){ "--system", GROUP, NULL });
	/* Not a system's user: rootless containers and images want its subordinate ids. */
	if (r == 0 && !root && !has_user(x, user))
		r = account(x, e, "useradd",
			(const char *const[]){
				"--create-home", "--shell", "/bin/bash", user, NULL });
	if (r == 0 && !root && !member)
		r = account(x, e, "usermod", (const char *const[]){ "-aG", GROUP, user, NULL });
	return r;
}

/* ---- KVM and limits ---- */

static int load_module(struct steps *x, struct err *e)
{
	struct doctor d = DOCTOR_INIT;
	const char *name = steps_here(x) ? doctor_kvm_module(&d) : NULL;
	_cleanup_free_ char *line = name ? xasprintf("%s\n", name) : NULL;
	int r = line ? steps_write(x, MODULE_PATH, line, e) : 0;

	return r > 0 ? steps_command(x, e, "modprobe", name, NULL) : r;
}

static int set_limits(struct steps *x, const struct doctor_runner *r, struct err *e)
{
	_cleanup_free_ char *text =
		xasprintf("# Guests of jobs: memory that stays in place, vCPUs that go first.\n"
			  "%s - memlock unlimited\n"
			  "%s - rtprio 99\n",
			r->user, r->user);
	_cleanup_free_ char *path = NULL;
	int s = steps_write(x, LIMITS_PATH, text, e);

	if (s < 0 || !r->service)
		return s < 0 ? s : 0;
	/* PAM, which reads that file, is not asked when systemd starts a service. */
	path = xasprintf("/etc/systemd/system/%s.d/vmrig.conf", r->service);
	s = steps_write(x, path,
		"[Service]\nSupplementaryGroups=" GROUP "\nLimitMEMLOCK=infinity\nLimitRTPRIO=99\n",
		e);
	if (s > 0 && steps_here(x) && dir_exists("/run/systemd/system"))
		s = steps_command(x, e, "systemctl", "daemon-reload", NULL);
	return s < 0 ? s : 0;
}

static int reserve_hugepages(struct steps *x, uint32_t mib, struct err *e)
{
	_cleanup_free_ char *text = xasprintf("vm.nr_hugepages = %u\n", mib / PAGE_MIB);
	int r = mib ? steps_write(x, SYSCTL_PATH, text, e) : 0;

	return r > 0 && steps_here(x) ? steps_command(x, e, "sysctl", "--load", SYSCTL_PATH, NULL)
				      : r;
}

int doctor_runner_set_up(const struct doctor_runner *r, bool apply,
	void (*say)(void *arg, const char *step), void *arg, struct err *e)
{
	struct steps x = { .root = r->root, .apply = apply, .say = say, .arg = arg };
	int s;

	if (apply && geteuid() != 0) {
		err_set(e, -EPERM, "a runner is set up by root");
		return err_hint(e, "sudo vmrig ci runner --apply");
	}
	s = install(&x, r, e);
	if (s >= 0)
		s = add_accounts(&x, r->user, e);
	if (s >= 0)
		s = load_module(&x, e);
	if (s >= 0)
		s = steps_own_node(&x, e);
	if (s >= 0)
		s = set_limits(&x, r, e);
	if (s >= 0)
		s = reserve_hugepages(&x, r->hugepages_mib, e);
	return s < 0 ? s : x.n;
}
