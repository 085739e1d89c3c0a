#!/bin/sh
# SPDX-License-Identifier: MIT
# A limit of processes holds: the fork beyond it fails, and the kernel counts it.
. ./tests/lib.sh
. ./tests/cgroup.sh

cgroup_with pids
echo 3 >$cg/box/pids.max
refused sh -c "echo \$\$ >$cg/box/cgroup.procs; sleep 30 & sleep 30 & sleep 30 & sleep 30 & wait"
grep -q 'max [1-9]' $cg/box/pids.events || fail "no fork was refused: $(cat $cg/box/pids.events)"
echo 1 >$cg/box/cgroup.kill
