#!/bin/sh
# SPDX-License-Identifier: MIT
# A compressed swap in memory: zstd packs what is written, and swapping to it works.
. ./tests/lib.sh

module zram
echo zstd >/sys/block/zram0/comp_algorithm
grep -q '\[zstd\]' /sys/block/zram0/comp_algorithm
echo 64M >/sys/block/zram0/disksize
yes packed | head -c 16M >/dev/zram0 2>/dev/null || yes packed | head -c 16777216 >/dev/zram0
sync
read -r data packed _ </sys/block/zram0/mm_stat
echo "$data bytes in $packed"
test "$packed" -lt $((data / 10)) || fail "not compressed"
echo 1 >/sys/block/zram0/reset
echo 64M >/sys/block/zram0/disksize
mkswap -q /dev/zram0
swapon /dev/zram0
grep -q zram0 /proc/swaps
