/* SPDX-License-Identifier: MIT */
/* Repairs of /dev/kvm: the module, the node's group and mode by a udev rule, the user's membership. */
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "doctor/private.h"

#define NODE "/dev/kvm"

static int grant(struct steps *x, const struct doctor *d, struct err *e)
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
			r = steps_command(x, e, "groupadd", "--system", "kvm", NULL);
		if (r == 0)
			r = steps_own_node(x, e);
	}
	if (r == 0 && !streq(user, "root")) {
		r = steps_command(x, e, "usermod", "-aG", group, user, NULL);
		if (r == 0 && x->apply)
			x->say(x->arg, "The group counts from the next login on.");
	}
	free(n.group);
	return r;
}

int doctor_fix(const struct doctor *d, bool apply, void (*say)(void *arg, const char *step),
	void *arg, struct err *e)
{
	struct steps x = { .apply = apply, .say = say, .arg = arg };
	const struct finding *module = doctor_find(d, "kvm-module");
	const struct finding *access = doctor_find(d, "kvm-access");
	const char *name = doctor_kvm_module(d);
	int r = 0;

	if (apply && geteuid() != 0) {
		err_set(e, -EPERM, "repairs need root");
		return err_hint(e, "sudo vmrig doctor --fix");
	}
	if (module && module->kind == DOCTOR_ABSENT && name)
		r = steps_command(&x, e, "modprobe", name, NULL);
	if (r == 0 && access && access->kind == DOCTOR_DENIED)
		r = grant(&x, d, e);
	return r < 0 ? r : x.n;
}
