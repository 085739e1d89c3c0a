#!/bin/sh
# SPDX-License-Identifier: MIT
# A root image packed by zstd is read, and cannot be written.
. ./tests/lib.sh

module loop
mkdir $work/root $work/mnt
seq 1 20000 >$work/root/numbers
mksquashfs $work/root $work/image -comp zstd -quiet -no-progress
mount -t squashfs -o loop $work/image $work/mnt
cmp $work/root/numbers $work/mnt/numbers
refused touch $work/mnt/new
