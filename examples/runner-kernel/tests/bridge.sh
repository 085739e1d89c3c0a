#!/bin/sh
# SPDX-License-Identifier: MIT
# Two namespaces reach each other through a bridge of the host, as containers do, and not without it.
. ./tests/lib.sh

ip link add name br0 type bridge
ip link set br0 up
for n in 1 2; do
	ip netns add c$n
	ip link add v$n type veth peer name eth0 netns c$n
	ip link set v$n master br0 up
	ip -n c$n addr add 10.78.0.$n/24 dev eth0
	ip -n c$n link set eth0 up
done
ip netns exec c1 ping -c 2 -W 10 -q 10.78.0.2
ip link set v2 nomaster
refused ip netns exec c1 ping -c 1 -W 2 -q 10.78.0.2
