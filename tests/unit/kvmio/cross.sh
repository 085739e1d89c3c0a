#!/bin/sh
# SPDX-License-Identifier: MIT
# kvmio compiles without a warning for the architectures that this machine is not. TAP.
cd "$(dirname "$0")/../../.." || exit 1
flags="-std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wcast-qual -Wvla -Wconversion -Wno-unused-parameter -Iinclude -Isrc -fsyntax-only"
n=0
echo 1..3
for arch in x86_64 aarch64 riscv64; do
	n=$((n + 1))
	cc=$arch-linux-gnu-gcc
	if ! command -v "$cc" >/dev/null; then
		echo "ok $n - $arch # SKIP no $cc"
		continue
	fi
	bad=
	for f in src/kvmio/*.c; do
		case $f in
		*_x86_64.c | *_aarch64.c | *_riscv64.c) case $f in *_"$arch".c) ;; *) continue ;; esac ;;
		*/vcpu_events.c) [ "$arch" != riscv64 ] || continue ;;
		esac
		# shellcheck disable=SC2086 # a list of words
		"$cc" $flags "$f" || bad=1
	done
	echo "${bad:+not }ok $n - $arch"
done
