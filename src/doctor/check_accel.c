/* SPDX-License-Identifier: MIT */
/* What guests can run on. These are what `--require` is mostly asked for. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/text.h"
#include "doctor/private.h"
#include "kvmio.h"
#include "machine/machine.h"
#include "qemu/qemu.h"

#define INSTALL_QEMU                                                          \
	"Install QEMU: apt install qemu-system-x86 (for other architectures " \
	"qemu-system-arm, qemu-system-misc), or name one by VMRIG_QEMU."

/* False, with F said: there is none. */
static bool have_qemu(struct finding *f, struct qemu_features *ret)
{
	struct err e = ERR_INIT;
	bool ok = qemu_probe(arch_host(), ret, &e) == 0;

	if (!ok) {
		say_bad(f, DOCTOR_MISSING, "%s", err_text(&e));
		say_repair(f, "%s", e.hint ? e.hint : INSTALL_QEMU);
	}
	err_release(&e);
	return ok;
}

static void check_kvm(const struct doctor *d, struct finding *f)
{
	static const enum doctor_kind kinds[] = { [KVM_WORKS] = DOCTOR_FINE,
		[KVM_ABSENT] = DOCTOR_ABSENT,
		[KVM_DENIED] = DOCTOR_DENIED,
		[KVM_BROKEN] = DOCTOR_BROKEN };
	struct kvm_probe p;

	machine_probe_kvm(true, &p);
	if (p.state == KVM_WORKS) {
		say_good(f, "a payload of long mode %s", p.why);
		return;
	}
	say_bad(f, kinds[p.state], "%s", p.why);
	say_repair(f,
		p.state == KVM_BROKEN
			? "Use a runner with hardware virtualization; until then guests run by TCG, and those "
			  "that need KVM by --accel nested."
			: "See kvm-device and kvm-access below; until then guests run by TCG, and those that "
			  "need KVM by --accel nested.");
}

static void check_tcg(const struct doctor *d, struct finding *f)
{
	struct qemu_features q = { 0 };

	if (!have_qemu(f, &q))
		return;
	if (q.accel_tcg)
		say_good(f, "QEMU %s emulates %s", q.version, arch_host());
	else {
		say_bad(f, DOCTOR_MISSING, "QEMU %s was built without TCG", q.version);
		say_repair(f, INSTALL_QEMU);
	}
	qemu_features_release(&q);
}

static void check_nested(const struct doctor *d, struct finding *f)
{
	struct qemu_features q = { 0 };

	if (!have_qemu(f, &q))
		return;
	if (q.accel_tcg)
		say_good(f, "QEMU %s emulates %s: a guest's own /dev/kvm works, on any host",
			q.version,
			streq(arch_host(), "aarch64") ? "an EL2" : "AMD's SVM with nested paging");
	else {
		say_bad(f, DOCTOR_MISSING, "QEMU %s was built without TCG", q.version);
		say_repair(f, INSTALL_QEMU);
	}
	qemu_features_release(&q);
}

#if defined(__x86_64__)
/* CPUID leaf 1, ECX bit 21, of what KVM can show a guest. */
static bool kvm_has_x2apic(void)
{
	_cleanup_free_ struct kvm_cpuid_entry2 *v = xcalloc(KVMIO_MAX_CPUID, sizeof(*v));
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	bool has = false;
	int n;

	if (kvmio_system_open(&sys, NULL, 0) < 0)
		return false;
	n = kvmio_system_supported_cpuid(&sys, v, KVMIO_MAX_CPUID);
	for (int i = 0; i < n; i++)
		has |= v[i].function == 1 && (v[i].ecx >> 21 & 1);
	kvmio_system_release(&sys);
	return has;
}

static void check_x2apic(const struct doctor *d, struct finding *f)
{
	struct qemu_features q = { 0 };
	struct kvm_probe p;
	const char *by_kvm, *by_tcg;

	if (!have_qemu(f, &q))
		return;
	machine_probe_kvm(false, &p);
	by_kvm = p.state != KVM_WORKS ? "no (KVM is not usable)" : kvm_has_x2apic() ? "yes" : "no";
	by_tcg = q.tcg_x2apic ? "yes" : "no (since QEMU 9.0)";
	if (streq(by_kvm, "yes") || q.tcg_x2apic || q.accel_tcg)
		say_good(f, "under KVM %s, under TCG %s, under nested %s", by_kvm, by_tcg,
			q.accel_tcg ? "yes (the guest's KVM emulates it for its own guests)"
				    : "no");
	else {
		say_bad(f, DOCTOR_MISSING, "under KVM %s, under TCG %s", by_kvm, by_tcg);
		say_repair(f, INSTALL_QEMU);
	}
	qemu_features_release(&q);
}
#else
static void check_x2apic(const struct doctor *d, struct finding *f)
{
	say_bad(f, DOCTOR_ABSENT, "%s has no APIC; it is x86's", arch_host());
}
#endif

const struct check doctor_accel_checks[] = {
	{ "tcg", "accelerators", "guests run on it wherever KVM is not usable", check_tcg },
	{ "kvm", "accelerators",
		"guests run several times faster, and bare-metal payloads have real hardware below them",
		check_kvm },
	{ "nested", "accelerators", "tests that need a /dev/kvm run on machines without one",
		check_nested },
	{ "x2apic", "accelerators", "kernels that use the x2APIC's registers need it",
		check_x2apic },
	{ 0 },
};
