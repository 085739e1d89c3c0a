#!/bin/bash
# SPDX-License-Identifier: MIT
# The example of kvmio on a complete KVM; its tests run there by tests/unit/kvmio/run.sh.
. "$(dirname "$0")/lib.sh"

BUILD=$(dirname "$VMRIG")

test_the_example_says_hello() {
	vmrig run --accel nested --memory 1G -- "$BUILD/examples/kvm-hello"
	code_is 0
	same "$(cat out)" "Hello from a VM"
}

run_tests "$@"
