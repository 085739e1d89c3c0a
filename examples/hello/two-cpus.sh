#!/bin/sh
# SPDX-License-Identifier: MIT
# Both CPUs are there, and something runs on each.
set -e

test "$(nproc)" -ge 2
for cpu in 0 1; do
	taskset -c "$cpu" sh -c 'echo "on CPUs $(grep Cpus_allowed_list /proc/self/status | cut -f2)"'
done
