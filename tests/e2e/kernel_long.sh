#!/bin/bash
# SPDX-License-Identifier: MIT
# What `vmrig kernel build` does that takes whole builds to show, each some minutes on 2 cores: `make check-kernels`
# runs this, and `make check` does not.
. "$(dirname "$0")/kernel_lib.sh"

# The source as the cache has it, which is never written to.
tree_of_the_cache() {
	"$VMRIG" kernel build --dry-run "${recipe[@]}" $source | sed -n 's/^source *//p'
}

test_the_same_key_is_the_same_bytes() {
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	first=$(cut -d' ' -f2 out)
	export VMRIG_CACHE_DIR=$PWD/elsewhere CCACHE_DISABLE=1
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	same "$(sums_of "$(cut -d' ' -f2 out)")" "$(sums_of "$first")"
}

# LKDTM does to the kernel what its names say; the report of KASAN is the verdict, though the command goes on.
test_kasan_of_the_debug_fragment_finds_what_a_test_does_to_the_kernel() {
	vmrig kernel build "${recipe[@]}" --fragment debug --config CONFIG_DEBUG_FS=y \
		--config CONFIG_RUNTIME_TESTING_MENU=y --config CONFIG_LKDTM=y $source
	code_is 0
	key=$(cut -d' ' -f1 out)
	vmrig run --kernel "$key" -- sh -c 'dmesg | grep -c "KernelAddressSanitizer initialized"'
	code_is 0
	for isolate in boot clone; do
		vmrig run --kernel "$key" --isolate $isolate -- \
			sh -c 'echo WRITE_AFTER_FREE >/sys/kernel/debug/provoke-crash/DIRECT; echo it goes on'
		code_is 122
		has out "it goes on"
		has err "crash: KASAN: slab-use-after-free Write in lkdtm_WRITE_AFTER_FREE"
	done
}

test_a_tree_of_ones_own_is_built_where_it_was_configured_and_nowhere_else() {
	cp -a "$(tree_of_the_cache)" linux
	chmod -R u+w linux
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	mkdir out.dir
	cp "$(dirname "$(cut -d' ' -f2 out)")"/config-* out.dir/.config

	touch stamp
	export KBUILD_OUTPUT=$PWD/out.dir
	vmrig kernel build ./linux
	code_is 0
	has out "$PWD/out.dir/arch/x86/boot/bzImage"
	same "$(find linux -newer stamp)" ""
	vmrig run --kernel ./linux -- uname -r
	code_is 0
	has out 6.12

	# One file more is one file compiled.
	echo 'const char edited[] = "edited by hand";' >>linux/init/version.c
	vmrig kernel build ./linux
	code_is 0
	has out.dir/vmrig-build.log init/version.o
	hasnt out.dir/vmrig-build.log kernel/fork.o
	grep -q "edited by hand" out.dir/vmlinux
	unset KBUILD_OUTPUT

	# What make would have to be told by hand: another recipe in a tree that was configured in place.
	cp out.dir/.config linux/.config
	vmrig kernel build "${recipe[@]}" ./linux
	code_is 125
	has err mrproper
	vmrig kernel build ./linux
	code_is 0
	has out "$PWD/linux/arch/x86/boot/bzImage"
	vmrig run --kernel ./linux -- uname -r
	code_is 0
	has out 6.12
}

run_tests "$@"
