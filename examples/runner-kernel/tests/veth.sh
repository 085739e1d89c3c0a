#!/bin/sh
# SPDX-License-Identifier: MIT
# Two network namespaces, joined by a pair of devices, reach each other.
. ./tests/lib.sh

ip netns add left
ip netns add right
ip link add l0 netns left type veth peer name r0 netns right
ip -n left addr add 10.77.0.1/24 dev l0
ip -n right addr add 10.77.0.2/24 dev r0
ip -n left link set l0 up
ip -n right link set r0 up
ip netns exec left ping -c 2 -W 5 -q 10.77.0.2
