#!/bin/bash
# SPDX-License-Identifier: MIT
# A kernel that needs x2APIC (tests/guest/x2apic) gets it in a nested guest, and says so where there is none.
. "$(dirname "$0")/lib.sh"

X2APIC=$(realpath "${X2APIC:-$(dirname "$VMRIG")/tests/guest/x2apic.elf}")
QEMU=(qemu-system-x86_64 -machine q35 -smp 2 -m 64 -nodefaults -display none -serial stdio -no-reboot
	-device "isa-debug-exit,iobase=0xf4,iosize=4" -kernel "$X2APIC")

# Its value for isa-debug-exit makes these QEMU's exit codes.
PASS=33 SKIP=37

test_a_nested_guest_gives_it_to_a_kernel_of_two_cpus() {
	vmrig run --accel nested --timeout 10m -- "${QEMU[@]}" -accel kvm -cpu host
	code_is $PASS
	has out PASS
}

test_a_cpu_without_it_is_told_and_eoi_by_msr_is_a_fault_there() {
	vmrig run --accel nested --timeout 10m -- "${QEMU[@]}" -accel kvm -cpu host,-x2apic
	code_is $SKIP
	has out "SKIP: no x2APIC: CPUID.1:ECX bit 21 is 0; EOI at MSR 0x80B is #GP"
}

# QEMU emulates an x2APIC since 9.0.
test_plain_emulation_has_it_or_the_kernel_says_that_it_has_not() {
	code=0
	timeout 300 "${QEMU[@]}" -accel tcg -cpu max >out 2>err || code=$?
	[ "$code" = $PASS ] || [ "$code" = $SKIP ] || fail "expected $PASS or $SKIP"
	if [ "$code" = $PASS ]; then
		has out PASS
	else
		has out "SKIP: no x2APIC"
	fi
}

run_tests "$@"
