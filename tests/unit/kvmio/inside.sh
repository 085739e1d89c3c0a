#!/bin/sh
# SPDX-License-Identifier: MIT
# In the guest: runs every test program of folder $1 and tells where each begins and how it ends, for report.awk.
for program in "$1"/test-kvmio-*; do
	{ [ -f "$program" ] && [ -x "$program" ]; } || continue
	echo "@ begin ${program##*/test-kvmio-}"
	CMOCKA_MESSAGE_OUTPUT=TAP "$program" 2>&1
	echo "@ end $?"
done
