#!/bin/sh
# SPDX-License-Identifier: MIT
# The old tables, as container engines write them: a chain of one's own, comment and addrtype matches, NAT.
. ./tests/lib.sh

ip link set lo up
iptables-legacy -N RUNNER
iptables-legacy -A OUTPUT -m comment --comment "by the runner" -j RUNNER
iptables-legacy -A RUNNER -p icmp -m addrtype --dst-type LOCAL -j DROP
refused ping -c 1 -W 1 -q 127.0.0.1
iptables-legacy -nvL RUNNER
iptables-legacy -nvxL RUNNER | awk '$3 == "DROP" && $1 >= 1 { found = 1 } END { exit !found }' || fail "nothing was dropped"
iptables-legacy -F RUNNER
ping -c 1 -W 5 -q 127.0.0.1
iptables-legacy -t nat -A POSTROUTING -s 172.30.0.0/16 -j MASQUERADE
iptables-legacy -t nat -nL POSTROUTING | grep -q MASQUERADE
