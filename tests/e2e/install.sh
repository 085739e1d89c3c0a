#!/bin/bash
# SPDX-License-Identifier: MIT
# What is installed is whole: kvmio by its pkg-config name, shared and static, in C and C++.
. "$(dirname "$0")/lib.sh"

BUILD=${KVMIO_BUILD:-$(dirname "$VMRIG")}
read -ra SANITIZE <<<"${SANITIZE:-}"

# Into the folder "root" of this test; CFLAGS and LIBS are pkg-config's for it.
install_there() {
	meson install -C "$BUILD" --no-rebuild --quiet --destdir "$PWD/root" >out 2>err || fail "meson install"
	local pc
	pc=$(find root -name kvmio.pc)
	export PKG_CONFIG_LIBDIR=$PWD/${pc%/*}
	prefix=$PWD/root$(pkg-config --variable=prefix kvmio)
	read -ra CFLAGS <<<"$(pkg-config --define-variable=prefix="$prefix" --cflags kvmio)"
	read -ra LIBS <<<"$(pkg-config --define-variable=prefix="$prefix" --libs kvmio)"
	lib=$(pkg-config --define-variable=prefix="$prefix" --variable=libdir kvmio)
}

build() {
	"$@" "${SANITIZE[@]}" >out 2>err || fail "$*"
}

test_an_installed_kvmio_builds_the_example_shared_and_static() {
	install_there
	build cc -o shared "$TOP/examples/kvm-hello.c" "${CFLAGS[@]}" "${LIBS[@]}"
	build cc -o static "$TOP/examples/kvm-hello.c" "${CFLAGS[@]}" -Wl,-Bstatic "${LIBS[@]}" -Wl,-Bdynamic
	cat >hello.cpp <<-'END'
		#include <cstdio>
		#include <kvmio.h>

		int main()
		{
			kvmio_system sys = KVMIO_SYSTEM_INIT;
			int version = kvmio_system_open(&sys, nullptr, 0) == 0 ? kvmio_system_api_version(&sys) : -1;

			kvmio_system_release(&sys);
			std::printf("API %d\n", version);
		}
	END
	build c++ -std=gnu++20 -o cpp hello.cpp "${CFLAGS[@]}" "${LIBS[@]}"
	readelf -d shared | grep -q 'NEEDED.*\[libkvmio\.so\.0\]' || fail "not linked to the shared library"
	! readelf -d static | grep -q 'NEEDED.*kvmio' || fail "linked to the shared library"
	# The name without a version is for linking; what runs must not need it.
	rm "$lib/libkvmio.so"
	export LD_LIBRARY_PATH=$lib
	vmrig run --accel nested --memory 1G --env LD_LIBRARY_PATH -- sh -c './shared && ./static && ./cpp'
	code_is 0
	same "$(cat out)" "Hello from a VM
Hello from a VM
API 12"
}

test_the_installed_vmrig_runs_from_there() {
	install_there
	code=0
	"$prefix/bin/vmrig" run -- echo fine >out 2>err || code=$?
	code_is 0
	same "$(cat out)" fine
	find root -name kvmio.3 | grep -q . || fail "no man page"
	! find root -name '*.h' -exec grep -l "$TOP" {} + | grep . || fail "the source's path in a header"
}

run_tests "$@"
