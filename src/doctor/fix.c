/* SPDX-License-Identifier: MIT */
/* Repairs of /dev/kvm: the module, the node's group and mode by a udev rule, the user's membership. */
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "doctor/private.h"

#define NODE      "/dev/kvm"
#define STEP_MS   60000
#define RULE_MODE 0644
#define NODE_MODE 0660

char *doctor_udev_rule(const char *mode)
{
	return xasprintf("KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"%s\", "
			 "OPTIONS+=\"static_node=kvm\"\n",
		mode);
}

struct fixer {
	bool apply;
	void (*say)(void *arg, const char *step);
	void *arg;
	int steps;
};

static void tell(struct fixer *x, const char *step)
{
	x->steps++;
	x->say(x->arg, step);
}

/* Runs the words, ended by NULL. */
static int run(struct fixer *x, const char *const *argv, struct err *e)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	_cleanup_buf_ struct buf said = BUF_INIT;
	_cleanup_free_ char *line = NULL;
	int status, r;

	for (size_t i = 0; argv[i]; i++)
		strv_add(&words, argv[i]);
	line = strv_shell(&words);
	tell(x, line);
	if (!x->apply)
		return 0;
	r = proc_capture(argv, NULL, NULL, &said, STEP_MS, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", line);
	return status ? err_set(e, -EIO, "%s failed: %s", line, buf_str(&said)) : 0;
}

/* udev makes the node anew at each start; where there is no udev the node is changed as it stands. */
static int own_node(struct fixer *x, const struct group *kvm, struct err *e)
{
	struct stat st;
	_cleanup_free_ char *udevadm = NULL, *rule = doctor_udev_rule(KVM_NODE_MODE);
	_cleanup_free_ char *step = xasprintf("write " KVM_UDEV_RULE_PATH ": %s", rule);
	int r;

	tell(x, step);
	if (x->apply) {
		r = file_write_atomic(KVM_UDEV_RULE_PATH, rule, strlen(rule), RULE_MODE, e);
		if (r < 0)
			return r;
	}
	if (path_program("udevadm", &udevadm) == 0 && access("/run/udev/control", F_OK) == 0) {
		r = run(x, (const char *const[]){ "udevadm", "control", "--reload", NULL }, e);
		return r < 0 ? r
			     : run(x,
				       (const char *const[]){ "udevadm", "trigger",
					       "--name-match=kvm", "--settle", NULL },
				       e);
	}
	if (stat(NODE, &st) < 0)
		return 0;
	tell(x, "chgrp kvm " NODE "; chmod 0660 " NODE " (udev does not run here)");
	if (!x->apply)
		return 0;
	if (chown(NODE, (uid_t)-1, kvm ? kvm->gr_gid : st.st_gid) < 0 || chmod(NODE, NODE_MODE) < 0)
		return err_sys(e, errno, "cannot change " NODE);
	return 0;
}

static int grant(struct fixer *x, const struct doctor *d, struct err *e)
{
	_cleanup_free_ char *user = doctor_user(d);
	const char *group = "kvm";
	struct node_rights n;
	int r = 0;

	doctor_node_rights(d, NODE, &n);
	if (n.group && n.group_may && n.gid != 0)
		group = n.group;
	else {
		if (!getgrnam("kvm"))
			r = run(x, (const char *const[]){ "groupadd", "--system", "kvm", NULL }, e);
		if (r == 0)
			r = own_node(x, getgrnam("kvm"), e);
	}
	if (r == 0 && !streq(user, "root")) {
		r = run(x, (const char *const[]){ "usermod", "-aG", group, user, NULL }, e);
		if (r == 0 && x->apply)
			x->say(x->arg, "The group counts from the next login on.");
	}
	free(n.group);
	return r;
}

int doctor_fix(const struct doctor *d, bool apply, void (*say)(void *arg, const char *step),
	void *arg, struct err *e)
{
	struct fixer x = { apply, say, arg, 0 };
	const struct finding *module = doctor_find(d, "kvm-module");
	const struct finding *access = doctor_find(d, "kvm-access");
	const char *name = doctor_kvm_module(d);
	int r = 0;

	if (apply && geteuid() != 0) {
		err_set(e, -EPERM, "repairs need root");
		return err_hint(e, "sudo vmrig doctor --fix");
	}
	if (module && module->kind == DOCTOR_ABSENT && name)
		r = run(&x, (const char *const[]){ "modprobe", name, NULL }, e);
	if (r == 0 && access && access->kind == DOCTOR_DENIED)
		r = grant(&x, d, e);
	return r < 0 ? r : x.steps;
}
