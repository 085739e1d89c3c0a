#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header of kvmio compiles alone, as C for each architecture that has a compiler here, and as C++. TAP.
cd "$(dirname "$0")/../../../include" || exit 1
n=0

# $1: compiler, $2: language and its standard, $3: architecture
each_header() {
	n=$((n + 1))
	if ! command -v "$1" >/dev/null; then
		echo "ok $n - $2 $3 # SKIP no $1"
		return
	fi
	bad=
	for h in kvmio.h kvmio/*.h; do
		case $h in
		*/x86_64.h | */aarch64.h | */riscv64.h) [ "$h" = "kvmio/$3.h" ] || continue ;;
		*/vcpu_events.h) [ "$3" != riscv64 ] || continue ;;
		esac
		printf '#include "%s"\nextern int not_empty;\n' "$h" |
			"$1" -x "${2%% *}" "-std=${2#* }" -Wall -Wextra -Werror -pedantic -I. -fsyntax-only - || bad=1
	done
	echo "${bad:+not }ok $n - $2 $3"
}

echo 1..4
for arch in x86_64 aarch64 riscv64; do
	each_header "$arch-linux-gnu-gcc" "c gnu17" "$arch"
done
each_header c++ "c++ gnu++17" "$(uname -m)"
