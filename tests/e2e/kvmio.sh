#!/bin/bash
# SPDX-License-Identifier: MIT
# kvmio on a complete KVM: its unit tests in a guest whose /dev/kvm comes from emulated SVM, with nothing
# skipped but what is not there to be had.
. "$(dirname "$0")/lib.sh"

BUILD=${KVMIO_BUILD:-$(dirname "$VMRIG")}
UNIT=$BUILD/tests/unit/kvmio

# What Debian's 6.1 kernel is too old for, and what QEMU's emulated CPU lacks.
CANNOT='no KVM_CAP_GUEST_MEMFD|no KVM_CAP_MEMORY_ATTRIBUTES|no /dev/sev|no KVM_CAP_TSC_CONTROL|this KVM has no hardware breakpoints'

test_every_unit_test_passes_on_a_complete_kvm() {
	ls "$UNIT"/test-kvmio-names "$UNIT"/test-kvmio-modes_x86_64 >/dev/null
	cat >inside.sh <<-'EOF'
		export CMOCKA_MESSAGE_OUTPUT=TAP
		for t in "$UNIT"/test-kvmio-*; do
			[ -f "$t" ] || continue
			"$TOP/tests/lib/tap.sh" "$t" || echo "failed: $t $?"
		done
	EOF
	export UNIT TOP
	vmrig run --accel nested --memory 1G --env UNIT --env TOP --timeout 10m -- bash inside.sh
	code_is 0
	hasnt out "failed: "
	hasnt out "not ok"
	local passed
	passed=$(grep '^ok ' out | grep -vc '# SKIP')
	[ "$passed" -ge 100 ] || fail "only $passed passed"
	if grep '# SKIP ' out | grep -vE "# SKIP ($CANNOT)\$"; then
		fail "skipped what a complete KVM can do"
	fi
}

test_the_example_says_hello() {
	vmrig run --accel nested --memory 1G -- "$BUILD/examples/kvm-hello"
	code_is 0
	same "$(cat out)" "Hello from a VM"
}

run_tests "$@"
