# SPDX-License-Identifier: MIT
# $cg: the version 2 hierarchy with the controller $1 given to children.
cg=/run/feature/cgroup
cgroup_with() {
	mkdir -p $cg
	mount -t cgroup2 none $cg
	grep -qw "$1" $cg/cgroup.controllers || fail "there is no controller $1: $(cat $cg/cgroup.controllers)"
	echo "+$1" >$cg/cgroup.subtree_control
	mkdir $cg/box
}
