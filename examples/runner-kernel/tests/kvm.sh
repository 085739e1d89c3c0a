#!/bin/sh
# SPDX-License-Identifier: MIT
# A runner that boots virtual machines itself: /dev/kvm is there and runs code (the program is kvmio's example).
. ./tests/lib.sh

test -c /dev/kvm || fail "there is no /dev/kvm"
test "$("$KVM_HELLO")" = "Hello from a VM"
