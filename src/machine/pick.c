/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/arch.h"
#include "base/text.h"
#include "machine/machine.h"

static const char *repair(enum kvm_state state)
{
	switch (state) {
	case KVM_WORKS:
		break;
	case KVM_ABSENT:
		return "Load the module kvm_intel or kvm_amd, enable virtualisation in the firmware "
		       "(or nested virtualisation on the host of this VM), or use --accel tcg.";
	case KVM_DENIED:
		return "Add yourself to group kvm (usermod -aG kvm USER, then log in again), or use "
		       "--accel tcg.";
	case KVM_BROKEN:
		return "Use a host with hardware virtualisation, or --accel tcg.";
	}
	return "";
}

/* Another machine's instructions are all emulated, whatever KVM can do here. */
static int pick_foreign(enum machine_accel wish, const char *arch, enum machine_accel *ret,
	char why[static 240], struct err *e)
{
	if (wish == ACCEL_KVM) {
		err_set(e, -ENODEV, "KVM runs guests of this machine, not of %s", arch);
		return err_hint(e, "Use --accel tcg.");
	}
	snprintf(why, 240, "tcg: the guest is %s, this machine is %s", arch, arch_host());
	*ret = ACCEL_TCG;
	return 0;
}

int machine_pick_accel(enum machine_accel wish, const char *arch, enum machine_accel *ret,
	char why[static 240], struct err *e)
{
	struct kvm_probe p;

	if (wish == ACCEL_TCG) {
		snprintf(why, 240, "tcg: asked for");
		*ret = ACCEL_TCG;
		return 0;
	}
	if (wish ==
		ACCEL_NESTED) { /* also where KVM works: that its guest's KVM is complete is what counts */
		snprintf(why, 240,
			"nested: KVM in the guest is %s that QEMU emulates; its times mean nothing",
			streq(arch, "aarch64") ? "Arm's, on an EL2" : "kvm-amd on an SVM");
		*ret = ACCEL_NESTED;
		return 0;
	}
	if (!streq(arch, arch_host()))
		return pick_foreign(wish, arch, ret, why, e);
	machine_probe_kvm(false, &p);
	if (p.state == KVM_WORKS) {
		snprintf(why, 240, "kvm: /dev/kvm %s", p.why);
		*ret = ACCEL_KVM;
		return 0;
	}
	if (wish == ACCEL_KVM) {
		err_set(e, -ENODEV, "KVM is not usable: /dev/kvm: %s", p.why);
		return err_hint(e, "%s", repair(p.state));
	}
	snprintf(why, 240, "tcg: /dev/kvm: %s", p.why);
	*ret = ACCEL_TCG;
	return 0;
}
