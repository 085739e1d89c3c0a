#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages are without fault to lintian, and work in a system that has nothing else: the smallest Debian with
# the packages that they depend on and recommend nothing of. That system is kept as an archive in the cache folder.
. "$(dirname "$0")/lib.sh"

# As root of namespaces of its own; an ordinary user has a range of ids in /etc/subuid for that.
as_root() {
	local user=()
	[ "$(id -u)" = 0 ] || user=(--user --map-auto --map-root-user)
	unshare "${user[@]}" --mount --pid --fork --kill-child "$@"
}

# Found before a test has a HOME of its own: what was compiled once is not compiled again.
if command -v ccache >/dev/null; then
	CCACHE_DIR=$(ccache -k cache_dir)
	export CCACHE_DIR CCACHE_NOHASHDIR=1
fi

# The system that package $1 depends on, to the archive named in $base.
make_base() {
	local depends key
	depends=$(dpkg-deb -f "$1" Depends | sed 's/([^)]*)//g; s/ //g')
	key=$(echo "$depends" | sha256sum | cut -c 1-16)
	base=$VMRIG_CACHE_DIR/test-systems/bookworm-$key.tar
	[ ! -f "$base" ] || return 0
	mkdir -p "${base%/*}"
	mmdebstrap --quiet --variant=minbase --format=tar --include="$depends" bookworm "$base.$$" >out 2>err ||
		{ rm -f "$base.$$"; fail "mmdebstrap"; }
	mv "$base.$$" "$base"
}

test_the_packages_please_lintian_and_run_in_a_bare_debian() {
	"$TOP/tools/deb" "$PWD/packages" >out 2>err || fail "tools/deb"
	make_base packages/vmrig_*_amd64.deb
	# The system lies in memory, and is gone with the namespace.
	cat >inside <<-'END'
		set -e
		mkdir -p system
		mount -t tmpfs -o size=2g tmpfs system
		tar -x --exclude='./dev/*' -f "$1" -C system
		for dir in proc dev; do
			mount --rbind "/$dir" "system/$dir"
		done
		mkdir -p system/root/.cache/vmrig/kernels system/packages
		mount --bind "$VMRIG_CACHE_DIR/kernels" system/root/.cache/vmrig/kernels
		mount --bind packages system/packages
		chroot system /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -ec '
			dpkg -i /packages/vmrig_*.deb /packages/libkvmio0_*.deb
			cd /usr/share/doc/vmrig/examples/hello
			vmrig run --kernel debian:6.1 -- sh -c "cat /etc/hostname; uname -m; exit 7" || echo "code $?"
			vmrig test --kernel debian:6.1 --output /tmp/results --filter ktap --filter crash
			echo tested
			man=$(dpkg -L vmrig | grep -c "/man1/vmrig.*gz$")
			test "$man" -gt 20 && test -f /usr/share/bash-completion/completions/vmrig
			dpkg --purge vmrig >/dev/null
			! test -e /usr/libexec/vmrig && echo purged'
	END
	code=0
	as_root bash inside "$base" >out 2>err || code=$?
	code_is 0
	has out "x86_64"
	has out "code 7"
	has out tested
	has err "2/2"
	has out purged
	for name in 0 -dev; do
		dpkg-deb -x packages/libkvmio"$name"_*.deb kvmio || fail "libkvmio$name"
	done
	export PKG_CONFIG_LIBDIR=$PWD/kvmio/usr/lib/x86_64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/kvmio
	# shellcheck disable=SC2046 # they are words
	cc -o hello kvmio/usr/share/doc/libkvmio-dev/examples/kvm-hello.c $(pkg-config --cflags --libs kvmio) >out 2>err ||
		fail "the example of libkvmio-dev"
}

test_a_static_vmrig_needs_the_c_library_alone() {
	# ccache would leave a folder there.
	env -u XDG_RUNTIME_DIR CCACHE_BASEDIR="$TOP" sh -ec '
		meson setup static "$1" -Dstatic=true -Dtests=disabled
		ninja -j 2 -C static' - "$TOP" >out 2>err || fail "building"
	same "$(readelf -d static/vmrig | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort | xargs)" "libc.so.6 libm.so.6"
	VMRIG=$PWD/static/vmrig
	vmrig run -- uname -m
	code_is 0
	same "$(cat out)" x86_64
}

run_tests "$@"
