#!/bin/sh
# SPDX-License-Identifier: MIT
# A test that reports in KTAP; see Documentation/dev-tools/ktap.rst in a kernel tree.

echo "KTAP version 1"
echo "1..3"

if test -e /proc/version; then
	echo "ok 1 - proc is mounted"
else
	echo "not ok 1 - proc is mounted"
fi

# A group: its own plan and results, indented, and then the line that sums it up.
echo "  KTAP version 1"
echo "  # Subtest: arithmetic"
echo "  1..2"
failed=
for sum in "1+1=2" "6*7=42"; do
	n=$((n + 1))
	if test $((${sum%=*})) -eq "${sum#*=}"; then
		echo "  ok $n - $sum"
	else
		echo "  not ok $n - $sum"
		failed=yes
	fi
done
test "$failed" && echo "not ok 2 - arithmetic" || echo "ok 2 - arithmetic"

echo "ok 3 - a printer # SKIP there is none"
