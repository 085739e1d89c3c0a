#!/bin/sh
# SPDX-License-Identifier: MIT
# A file becomes a block device with a journalling filesystem that keeps what is written.
. ./tests/lib.sh

module loop
truncate -s 32M $work/disk
mkfs.ext4 -q $work/disk
mkdir $work/mnt
mount -o loop $work/disk $work/mnt
echo kept >$work/mnt/file
umount $work/mnt
mount -o loop,ro $work/disk $work/mnt
grep -q kept $work/mnt/file
umount $work/mnt
e2fsck -fn $work/disk
