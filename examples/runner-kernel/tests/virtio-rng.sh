#!/bin/sh
# SPDX-License-Identifier: MIT
# The machine's source of random numbers is the kernel's, and gives different ones.
. ./tests/lib.sh

module virtio_rng
grep -q virtio_rng /sys/class/misc/hw_random/rng_current
one=$(dd if=/dev/hwrng bs=32 count=1 2>/dev/null | md5sum)
two=$(dd if=/dev/hwrng bs=32 count=1 2>/dev/null | md5sum)
test "$one" != "$two"
