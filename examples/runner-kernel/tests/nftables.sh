#!/bin/sh
# SPDX-License-Identifier: MIT
# A ruleset is loaded, counts what passes and drops what it should, by port and in a set.
. ./tests/lib.sh

ip link set lo up
nft -f - <<-'END'
	table inet runner {
		set blocked { type inet_service; elements = { 7001, 7002 } }
		chain out {
			type filter hook output priority 0; policy accept;
			icmp type echo-request counter accept
			tcp dport @blocked counter reject with tcp reset
		}
	}
END
ping -c 3 -W 5 -q 127.0.0.1
nft list chain inet runner out
nft list chain inet runner out | grep -q 'echo-request counter packets 3 ' || fail "three packets were not counted"
refused busybox nc -w 2 127.0.0.1 7001
nft list chain inet runner out | grep -q '@blocked counter packets 1 ' || fail "the set matched nothing"
nft delete table inet runner
