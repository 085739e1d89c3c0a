#!/bin/sh
# SPDX-License-Identifier: MIT
# An ordinary user is root in a namespace of their own, and only there.
. ./tests/lib.sh

test "$(setpriv --reuid 65534 --regid 65534 --clear-groups unshare -r id -u)" = 0
setpriv --reuid 65534 --regid 65534 --clear-groups unshare -rm mount -t tmpfs none /mnt
refused setpriv --reuid 65534 --regid 65534 --clear-groups mount -t tmpfs none /mnt
refused setpriv --reuid 65534 --regid 65534 --clear-groups unshare -r cat /etc/shadow
