#!/bin/sh
# SPDX-License-Identifier: MIT
# The filesystem of cloud-init's seeds: long names, the default code page and character set.
. ./tests/lib.sh

module loop
truncate -s 8M $work/seed
mkfs.vfat -n CIDATA $work/seed
mkdir $work/mnt
mount -t vfat -o loop $work/seed $work/mnt
echo "#cloud-config" >$work/mnt/user-data
umount $work/mnt
mount -t vfat -o loop,ro,codepage=437,iocharset=iso8859-1 $work/seed $work/mnt
grep -q cloud-config $work/mnt/user-data
