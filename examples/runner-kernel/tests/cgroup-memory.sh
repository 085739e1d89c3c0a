#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory beyond the limit is refused to the group, and to nobody else.
. ./tests/lib.sh
. ./tests/cgroup.sh

cgroup_with memory
echo 16M >$cg/box/memory.max
sh -c "echo \$\$ >$cg/box/cgroup.procs; exec dd if=/dev/zero of=$work/small bs=1M count=4 2>/dev/null"
grep -q 'oom_kill 0' $cg/box/memory.events
# 64 MiB of a tmpfs are charged to who writes them.
refused sh -c "echo \$\$ >$cg/box/cgroup.procs; exec dd if=/dev/zero of=$work/large bs=1M count=64 2>/dev/null"
grep -q 'oom_kill [1-9]' $cg/box/memory.events || fail "nobody was killed: $(cat $cg/box/memory.events)"
dd if=/dev/zero of=$work/outside bs=1M count=64 2>/dev/null
