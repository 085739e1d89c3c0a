/* SPDX-License-Identifier: MIT */
/* /dev/kvm from the ground up: why it is not usable, where it is not. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "doctor/private.h"
#include "kvmio.h"

#define NODE "/dev/kvm"

/* What vmrig's own guests and kvmio's tests lean on. */
static const int wanted[] = {
	KVMIO_CAP_USER_MEMORY,
	KVMIO_CAP_IRQFD,
	KVMIO_CAP_IOEVENTFD,
	KVMIO_CAP_IMMEDIATE_EXIT,
#if defined(__x86_64__)
	KVMIO_CAP_IRQCHIP,
	KVMIO_CAP_SET_TSS_ADDR,
	KVMIO_CAP_EXT_CPUID,
	KVMIO_CAP_XSAVE,
	KVMIO_CAP_SPLIT_IRQCHIP,
#endif
};

static void check_cpu(const struct doctor *d, struct finding *f)
{
#if defined(__x86_64__)
	const char *module = doctor_kvm_module(d);

	if (module)
		say_good(f, "%s", streq(module, "kvm_intel") ? "vmx (Intel VT-x)" : "svm (AMD-V)");
	else {
		say_weak(f, DOCTOR_ABSENT, "neither vmx nor svm among the CPU's flags%s",
			doctor_cpu_flag(d, "hypervisor") ? "; this is a virtual machine itself"
							 : "");
		say_repair(f,
			doctor_cpu_flag(d, "hypervisor")
				? "Enable nested virtualization on the host of this machine (see 'cloud'), or "
				  "take a runner that has it."
				: "Enable VT-x or AMD-V (SVM) in the firmware's setup.");
	}
#else
	say_note(f, "not told by this architecture's /proc/cpuinfo; see kvm");
#endif
}

static void check_module(const struct doctor *d, struct finding *f)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd", "kvm_pvm", "kvm_hv" };
	const char *ours = doctor_kvm_module(d);

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		_cleanup_free_ char *path = xasprintf("/sys/module/%s", modules[i]);

		if (!doctor_exists(d, path))
			continue;
		if (streq(modules[i], "kvm_pvm")) {
			say_weak(f, DOCTOR_BROKEN,
				"kvm_pvm: a KVM without hardware virtualization, which boots no stock Linux");
			say_repair(f,
				"Take a runner with hardware virtualization where KVM is needed.");
		} else
			say_good(f, "%s", modules[i]);
		return;
	}
	if (doctor_exists(d, "/sys/module/kvm"))
		say_note(f, "kvm, built in or without a module of the CPU's");
	else if (ours) {
		say_weak(f, DOCTOR_ABSENT, "%s is not loaded", ours);
		say_repair(f, "modprobe %s (as root; vmrig doctor --fix does it)", ours);
	} else
		say_weak(f, DOCTOR_ABSENT, "no module of KVM, and no CPU for one");
}

static void check_nesting(const struct doctor *d, struct finding *f)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd" };
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		_cleanup_free_ char *path =
			xasprintf("/sys/module/%s/parameters/nested", modules[i]);

		if (!doctor_read(d, path, &b))
			continue;
		if (streq(buf_str(&b), "Y") || streq(buf_str(&b), "1"))
			say_good(f, "%s nested=%s", modules[i], buf_str(&b));
		else {
			say_note(f,
				"%s nested=%s: guests under KVM have no virtualization of their own",
				modules[i], buf_str(&b));
			say_repair(f,
				"echo 'options %s nested=1' >/etc/modprobe.d/kvm-nested.conf, and load the "
				"module anew; or use --accel nested",
				modules[i]);
		}
		return;
	}
	say_note(f, "no such parameter here; --accel nested does not need it");
}

/* Why there is none, and what would bring it. */
static void no_node(const struct doctor *d, struct finding *f)
{
	const char *in = doctor_container(d);
	const char *module = doctor_kvm_module(d);

	say_weak(f, DOCTOR_ABSENT, NODE " is not there%s%s", in ? ", in a container: " : "",
		in ? in : "");
	if (in && (streq(in, "docker") || streq(in, "podman")))
		say_repair(f, "Start the container with --device=/dev/kvm, if its host has one.");
	else if (in)
		say_repair(f, "Hand the host's /dev/kvm to the container.");
	else if (module)
		say_repair(f, "modprobe %s (as root; vmrig doctor --fix does it)", module);
	else
		say_repair(f, "Take a runner with hardware virtualization where KVM is needed.");
}

static void check_device(const struct doctor *d, struct finding *f)
{
	struct node_rights r;

	doctor_node_rights(d, NODE, &r);
	if (!r.exists)
		no_node(d, f);
	else if (!r.device || r.open_errno == ENODEV || r.open_errno == ENXIO) {
		say_weak(f, DOCTOR_ABSENT,
			r.device ? NODE " has no driver behind it" : NODE " is no device");
		say_repair(f, "Look at what was mounted over it, and at 'kvm-module'.");
	} else
		say_good(f, NODE ", mode %04o, group %s", r.mode,
			r.group ? r.group : "without a name");
	free(r.group);
}

static void denied(const struct node_rights *r, const char *user, const char *in, struct finding *f)
{
	_cleanup_free_ char *number = xasprintf("%u", r->gid);
	_cleanup_free_ char *rule = doctor_udev_rule(KVM_NODE_MODE);
	const char *group = r->group ? r->group : number;

	say_weak(f, DOCTOR_DENIED, "%s may not open " NODE " (mode %04o, group %s)", user, r->mode,
		group);
	if (r->allowed && !r->open)
		say_repair(f,
			"%s is of the group %s since this session began: log in again, or use "
			"newgrp %s.",
			user, group, group);
	else if (in && !r->group)
		say_repair(f,
			"Start the container with --group-add %u, the group of the host's node.",
			r->gid);
	else if (r->group_may && r->gid != 0)
		say_repair(f,
			"usermod -aG %s %s (as root), then log in again; vmrig doctor --fix does it",
			group, user);
	else
		say_repair(f,
			"As root: write '%.*s' to " KVM_UDEV_RULE_PATH
			", udevadm control --reload, "
			"udevadm trigger --name-match=kvm, usermod -aG kvm %s; vmrig doctor --fix does it",
			(int)strlen(rule) - 1, rule, user);
}

static void check_access(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *user = doctor_user(d);
	struct node_rights r;

	doctor_node_rights(d, NODE, &r);
	if (!r.exists || !r.device)
		say_note(f, "there is nothing to open");
	else if (r.open && r.allowed)
		say_good(f, "%s may open it", user);
	else if (r.open || r.open_errno == EACCES || r.open_errno == EPERM)
		denied(&r, user, doctor_container(d), f);
	else
		say_weak(f, DOCTOR_BROKEN, "cannot be opened: %s", strerror(r.open_errno));
	free(r.group);
}

static void check_api(const struct doctor *d, struct finding *f)
{
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	int r = kvmio_system_open(&sys, NODE, 0);

	if (r < 0) {
		say_note(f, "not asked: " NODE " cannot be opened");
		return;
	}
	r = kvmio_system_api_version(&sys);
	if (r == 12)
		say_good(f, "12");
	else if (r < 0)
		say_weak(f, DOCTOR_BROKEN, "KVM_GET_API_VERSION: %s", strerror(-r));
	else
		say_weak(f, DOCTOR_BROKEN, "%d instead of 12", r);
	kvmio_system_release(&sys);
}

static void check_caps(const struct doctor *d, struct finding *f)
{
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	_cleanup_strv_ struct strv missing = STRV_INIT;
	_cleanup_free_ char *names = NULL;

	if (kvmio_system_open(&sys, NODE, 0) < 0) {
		say_note(f, "not asked: " NODE " cannot be opened");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (kvmio_system_check_extension(&sys, wanted[i]) <= 0)
			strv_add(&missing, kvmio_cap_name(wanted[i]));
	names = strv_join(&missing, ", ");
	if (missing.n == 0)
		say_good(f, "all %zu that are looked for; %d vCPUs at most", ARRAY_SIZE(wanted),
			kvmio_system_max_vcpus(&sys));
	else {
		say_weak(f, DOCTOR_BROKEN, "%s missing", names);
		say_repair(f, "A newer kernel may have them.");
	}
	kvmio_system_release(&sys);
}

const struct check doctor_kvm_checks[] = {
	{ "cpu", "KVM", "without it a KVM is slow or broken", check_cpu },
	{ "kvm-module", "KVM", "it makes /dev/kvm", check_module },
	{ "kvm-device", "KVM", "--accel kvm opens it", check_device },
	{ "kvm-access", "KVM", "an ordinary user's guests run under KVM only with it",
		check_access },
	{ "kvm-api", "KVM", "12 is the one that has been stable since Linux 2.6.22", check_api },
	{ "kvm-caps", "KVM", "payloads and kvmio lean on them", check_caps },
	{ "nesting", "KVM", "a guest under --accel kvm has a KVM of its own only with it",
		check_nesting },
	{ 0 },
};
