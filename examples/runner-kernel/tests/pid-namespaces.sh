#!/bin/sh
# SPDX-License-Identifier: MIT
# In a namespace of processes the first one is number 1 and sees only its own.
. ./tests/lib.sh

test "$(unshare -pf --mount-proc sh -c 'echo $$')" = 1
unshare -pf --mount-proc sh -c 'set -- /proc/[0-9]*; test $# = 1' || fail "it sees others' processes"
