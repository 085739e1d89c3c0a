#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests of kvmio in BUILD, each by itself, as TAP. What instrumented programs ran through lands in BUILD, as ever.
#
#	run.sh here BUILD            on this machine's /dev/kvm; they skip what it cannot do
#	run.sh x86_64 BUILD          in a guest, on emulated SVM: no skip but those of accepted-skips
#	run.sh x86_64-6.12 BUILD     the same with a newer kernel
#	run.sh aarch64 BUILD         in a guest, on emulated EL2
#	run.sh aarch64-6.12 BUILD    the same with a newer kernel and all that QEMU's CPUs of aarch64 have
#
#	VMRIG    the program that boots the guests
set -eu -o pipefail
here=$(realpath "$(dirname "$0")")
where=$1 build=$(realpath "$2")
units=$build/tests/unit/kvmio

# The root of an Arm guest: a shell, the C library that the programs were linked with, cmocka.
arm_root() {
	local packages=$1 root=$2 lib
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/lib"
	cp "$packages/bin/busybox" "$root/bin/"
	ln -s busybox "$root/bin/sh"
	for lib in ld-linux-aarch64.so.1 libc.so.6; do
		cp "$(aarch64-linux-gnu-gcc -print-file-name=$lib)" "$root/lib/"
	done
	cp "$packages"/usr/lib/aarch64-linux-gnu/libcmocka.so.0 "$root/lib/"
	cp "$here/inside.sh" "$root/"
}

kernel=debian:6.1
[ "${where%-6.12}" = "$where" ] || kernel=debian:6.12

guest() {
	"$VMRIG" kernel fetch --arch "${where%-*}" $kernel >&2
	"$VMRIG" run --kernel $kernel --accel nested --memory 1G --timeout 5m "$@"
}

run() {
	case $where in
	here)
		"$here/inside.sh" "$units"
		;;
	x86_64*)
		local rw=()
		[ -z "$(find "$build/src/kvmio" -name '*.gcno' -print -quit)" ] || rw=(--rw "$build")
		guest "${rw[@]}" -- "$here/inside.sh" "$units"
		;;
	aarch64*)
		local cpu=()
		[ $kernel = debian:6.1 ] || cpu=(--qemu-arg -cpu --qemu-arg max,pauth-impdef=on)
		arm_root "$("$here/../../../tools/arm64-packages")" "$build/guest-root"
		guest --arch aarch64 --root "$build/guest-root" --rw "$build" "${cpu[@]}" -- /bin/sh /inside.sh "$units"
		;;
	*)
		echo "run.sh: no such place: $where" >&2
		return 2
		;;
	esac
}

skips=$here/accepted-skips
[ "$where" != here ] || skips=
# As a list of its own, not behind "||": there bash forgets set -e.
run | awk -v where="$where" -v skips="$skips" -f "$here/report.awk"
