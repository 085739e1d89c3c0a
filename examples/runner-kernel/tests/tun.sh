#!/bin/sh
# SPDX-License-Identifier: MIT
# A network device whose other end is a program: it can be made, addressed and taken away.
. ./tests/lib.sh

module tun
ip tuntap add dev tun7 mode tun
ip tuntap add dev tap7 mode tap
ip addr add 10.79.0.1/24 dev tap7
ip link set tap7 up
ip -d link show tun7 | grep -q 'tun type tun'
ip -d link show tap7 | grep -q 'tun type tap'
ip tuntap del dev tun7 mode tun
refused ip link show tun7
