#!/bin/bash
# SPDX-License-Identifier: MIT
# vmrig where KVM works: on this machine if it does, else in a guest whose /dev/kvm comes from emulated SVM.
. "$(dirname "$0")/lib.sh"

# Runs the script in the file inside.sh on a machine with a working KVM; $PROGRAM is vmrig there.
with_kvm() {
	export PROGRAM=$VMRIG
	if "$VMRIG" run --accel kvm --root none -- true >out 2>err; then
		code=0
		bash -e inside.sh >out 2>err || code=$?
		return
	fi
	vmrig run --machine q35 --cpus 2 --memory 3G --qemu-arg=-cpu --qemu-arg=max,+svm,+npt \
		--env PROGRAM --timeout 10m -- bash -ec 'modprobe kvm-amd; . ./inside.sh'
}

test_a_kvm_that_works_is_found_and_runs_guests_with_true_verdicts() {
	cat >inside.sh <<-'EOF'
		"$PROGRAM" run --json -- sh -c 'echo out; uname -r; exit 7' 2>record && exit 1 || echo "command $?"
		grep -o '"accel":"[a-z]*"' record
		grep -o '"machine_type":"[a-z0-9]*"' record
		"$PROGRAM" run --accel kvm -- sh -c 'echo c >/proc/sysrq-trigger' 2>err.crash || echo "panic $?"
		"$PROGRAM" run --accel kvm --timeout 3s -- sleep 1000 2>err.time || echo "limit $?"
		"$PROGRAM" run --accel kvm --machine q35 -- sh -c 'grep -c x2apic /proc/cpuinfo; echo o >/proc/sysrq-trigger; sleep 100' 2>err.off || echo "off $?"
	EOF
	with_kvm
	code_is 0
	has out "command 7"
	has out '"accel":"kvm"'
	has out '"machine_type":"microvm"'
	has out "panic 122"
	has out "limit 124"
	has out "off 123"
}

run_tests "$@"
