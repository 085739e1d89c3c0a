#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh [DIR]: makes DIR/gnumach.iso (default: here) of Debian's GNU Mach: apt downloads and checks its package, which
# is unpacked and not installed. Needs grub-pc-bin, grub-common, mtools and xorriso (tools/deps installs them).
set -eu
package=gnumach-image-1.8-486
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

fail() {
	cat "$work/log" >&2
	echo "build.sh: $1" >&2
	exit 1
}

mkdir -p "$work/deb" "$work/root" "$work/iso/boot/grub"
chmod 755 "$work" "$work/deb"
(cd "$work/deb" && apt-get download "$package" >"$work/log" 2>&1) ||
	fail "apt cannot download $package: \`apt-get update\` as root, and try again"
dpkg-deb -x "$work"/deb/*.deb "$work/root"
gzip -dc "$work"/root/boot/gnumach-*.gz >"$work/iso/boot/gnumach"
cp "$here/grub.cfg" "$work/iso/boot/grub/"
grub-mkrescue -d /usr/lib/grub/i386-pc --install-modules="normal multiboot serial terminal" --fonts= --themes= --locales= \
	-o "$out/gnumach.iso" "$work/iso" >"$work/log" 2>&1 || fail "grub-mkrescue failed"
