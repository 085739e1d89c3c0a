/* SPDX-License-Identifier: MIT */
/* The kernel's command line for a machine: Documentation/admin-guide/kernel-parameters.txt. */
#include "base/buf.h"
#include "machine/private.h"

/* Arm's: PSCI resets and powers off, and the clock is architectural. */
static void cmdline_virt(struct buf *ret)
{
	buf_adds(ret, "console=ttyAMA0 panic=-1 sysrq_always_enabled=1 panic_print=0x40"
		      " random.trust_cpu=on cryptomgr.notests vmrig.channel=virtio");
}

static bool emulated(const struct machine_spec *spec)
{
	return spec->accel == ACCEL_TCG || spec->accel == ACCEL_NESTED;
}

void machine_cmdline_tsc(const struct machine_spec *spec, uint32_t tsc_khz, struct buf *ret)
{
	if (ret->len > 0)
		buf_addc(ret, ' ');
	if (spec->type == MACHINE_VIRT) {
		cmdline_virt(ret);
		return;
	}
	buf_adds(ret, "console=ttyS0");
	/* A panic ends the machine, by ACPI's reset register, so that a triple fault is always a fault. */
	buf_adds(ret, " panic=-1 reboot=a");
	/* An NMI or a SysRq must bring the backtraces of all CPUs, whatever the guest has set up. On
	 * microvm the NMI reads as a failed bus, since no port 0x61 denies it. */
	buf_adds(ret, " sysrq_always_enabled=1 unknown_nmi_panic=1"
		      " sysctl.kernel.panic_on_unrecovered_nmi=1 panic_print=0x40");
	buf_adds(ret, " random.trust_cpu=on");
	/* A third of a distribution kernel's boot under TCG. "cryptomgr.notests=0" behind it undoes it. */
	buf_adds(ret, " cryptomgr.notests");
	if (emulated(spec)) {
		/* The check of the PIT's interrupt, in wall time, loses against a busy host. */
		buf_adds(ret, " no_timer_check");
		if (tsc_khz)
			buf_addf(ret, " tsc_early_khz=%u tsc=reliable", tsc_khz);
	}
	/* QEMU 7.2 now and then loses an interrupt of a CPU that emulates SVM, as its helpers write the word of requests
	 * without a lock. The local APIC tells again with the next one; so one must always come: a timer that repeats by
	 * itself, where one shot that is lost would be the last. */
	if (spec->accel == ACCEL_NESTED)
		buf_adds(ret, " highres=off nohz=off");
	buf_adds(ret, spec->channel == CHANNEL_UART ? " 8250.nr_uarts=2 vmrig.channel=uart"
						    : " 8250.nr_uarts=1 vmrig.channel=virtio");
}

void machine_cmdline(const struct machine_spec *spec, struct buf *ret)
{
	machine_cmdline_tsc(spec, emulated(spec) ? machine_host_tsc_khz() : 0, ret);
}
