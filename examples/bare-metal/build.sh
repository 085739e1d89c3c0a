#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh [DIR]: makes DIR/kernel.elf and DIR/bare-metal.iso (default: here), which boots by BIOS and by UEFI.
# Needs gcc, grub-pc-bin, grub-efi-amd64-bin, grub-common, mtools and xorriso (tools/deps installs them).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

${CC:-gcc} -m64 -march=x86-64 -std=gnu17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pie -no-pie -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only -mcmodel=small -nostdlib -static \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096 -T "$here/kernel.ld" -o "$out/kernel.elf" "$here/boot.S" "$here/kernel.c"
mkdir -p "$work/iso/boot/grub"
cp "$out/kernel.elf" "$work/iso/boot/"
cp "$here/grub.cfg" "$work/iso/boot/grub/"
grub-mkrescue --install-modules="normal multiboot2 serial terminal all_video" --fonts= --themes= --locales= \
	-o "$out/bare-metal.iso" "$work/iso" >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	exit 1
}
