#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests that docs/kvmio-tests.md and tests/unit/kvmio/accepted-skips name exist. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
n=0 bad=0

for file in docs/kvmio-tests.md tests/unit/kvmio/accepted-skips; do
	wrong=
	# names, exit, system, vm, vcpu, irq, run, modes: PROGRAM/TEST
	names=$(grep -oE '\b[a-z]+(_x86_64|_aarch64)?/[a-z0-9]+(_[a-z0-9]+){2,}' "$file" | sort -u)
	for name in $names; do
		grep -qE "(with_rig|cmocka_unit_test)\(${name#*/}\)" "tests/unit/kvmio/test_${name%%/*}.c" || wrong="$wrong $name"
	done
	n=$((n + 1))
	if [ -n "$names" ] && [ -z "$wrong" ]; then
		echo "ok $n - $file"
	else
		echo "not ok $n - $file"
		echo "# no such test:$wrong"
		bad=1
	fi
done
n=$((n + 1))
if grep -E '^x86_64[^ ]* (run|modes)_' tests/unit/kvmio/accepted-skips | sed 's/^/# /' | grep .; then
	echo "not ok $n - no_payload_of_x86_64_is_skipped_in_a_guest"
	bad=1
else
	echo "ok $n - no_payload_of_x86_64_is_skipped_in_a_guest"
fi
echo "1..$n"
exit $bad
