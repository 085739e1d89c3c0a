#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a test program and makes its skips proper TAP: cmocka writes "not ok N # SKIP NAME", which is a failure to
# read, and gives no reason.
out=$("$@")
status=$?
printf '%s\n' "$out" | awk '
/^# skipped: / { reason = $0; sub(/^# skipped: [^:]*: /, "", reason) }
/^not ok [0-9]+ # SKIP / { print "ok " $3 " - " $6 " # SKIP " reason; next }
{ print }'
exit $status
