# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For checks that find faults: report NAME FAULTS is a TAP line, "ok" where FAULTS is empty. At the end: echo "1..$n"; exit "$bad".
n=0 bad=0

report() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$2" | sed 's/^/# /'
		bad=1
	fi
}
