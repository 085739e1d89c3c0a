#!/bin/sh
# SPDX-License-Identifier: MIT
# The example says what it should, where there is a KVM.
if ! { : <>/dev/kvm; } 2>/dev/null; then
	echo "no usable /dev/kvm"
	exit 77
fi
[ "$("$1")" = "Hello from a VM" ]
