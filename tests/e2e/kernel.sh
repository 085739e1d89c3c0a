#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig kernel build` on a real source: Debian's, tinyconfig with what a guest needs. The kernels stay in the
# cache, so that only the first run compiles (about 5 minutes for each on 2 cores). kernel_long.sh has what always compiles.
. "$(dirname "$0")/kernel_lib.sh"

variants() {
	cat >vmrig.yaml <<-END
		variants:
		  - { name: tiny, arch: [x86_64, aarch64], source: $source, base: tinyconfig, fragments: [guest] }
		kernels: [ 'variant:tiny' ]
		tests:
		  - { name: here, run: [uname, -r] }
	END
}

test_a_kernel_of_a_source_package_is_built_once_and_boots() {
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	key=$(cut -d' ' -f1 out)
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	same "$(cut -d' ' -f1 out)" "$key"
	hasnt err compiling
	vmrig run --kernel "$key" --explain -- uname -r
	code_is 0
	has out 6.12
	has err "a key of the cache: found"
	vmrig kernel list --json
	has out "\"key\": \"$key\""
	has out "tinyconfig"
}

test_a_variant_is_the_same_kernel_by_another_name() {
	variants
	vmrig kernel build --variant tiny-x86_64
	code_is 0
	hasnt err compiling
	vmrig run --kernel variant:tiny -- uname -m
	code_is 0
	has out x86_64
	vmrig test --output results
	code_is 0
	has results/results.jsonl '"verdict":"pass"'
	sed -i 's/fragments: \[guest\]/&, config: [CONFIG_A=y]/' vmrig.yaml
	vmrig run --kernel variant:tiny -- true
	code_is 125
	has err "the configuration of variant tiny-x86_64 is another now"
	has err "vmrig kernel build --variant tiny-x86_64"
}

# A tree whose "menu" sets one option and clears another.
fake_tree() {
	mkdir -p linux/arch linux/init
	touch linux/Kbuild
	printf 'config A\n\tbool "a"\n\nconfig B\n\tbool "b"\n' >linux/Kconfig
	cat >linux/Makefile <<-'END'
		.RECIPEPREFIX = >
		VERSION = 6
		PATCHLEVEL = 9
		defconfig:
		> @mkdir -p $(O) && echo CONFIG_B=y >$(O)/.config
		olddefconfig:
		> @sort -u $(O)/.config | grep ^CONFIG >$(O)/new && mv $(O)/new $(O)/.config
		menuconfig:
		> @echo CONFIG_A=y >$(O)/.config
	END
	git -C linux init -q
	git -C linux add -A
	git -C linux -c user.name=t -c user.email=t@t commit -qm x
}

test_what_the_menu_changes_becomes_a_fragment_of_the_variant() {
	fake_tree
	export VMRIG_CACHE_DIR=$PWD/cache
	printf 'variants:\n  - { name: v, source: ./linux }\n' >vmrig.yaml
	vmrig kernel menuconfig --variant v
	code_is 0
	has out "+CONFIG_A=y"
	has out "-CONFIG_B=y"
	has out "./v.config"
	has v.config CONFIG_A=y
	has v.config "# CONFIG_B is not set"
	vmrig kernel menuconfig --variant w
	code_is 125
	has err "no variant 'w'"
}

test_names_are_explained_and_the_cache_is_cleaned() {
	export VMRIG_CACHE_DIR=$PWD/cache
	vmrig kernel resolve --explain nothing-like-this
	code_is 125
	has err "a path: no file or folder"
	has err "a key of the cache: "
	vmrig kernel clean
	code_is 2
	vmrig kernel clean --keep 0
	code_is 0
	has out "0 MiB freed"
	vmrig kernel list --verify --json
	code_is 0
	same "$(cat out)" "[]"
	vmrig kernel build --variant x --base tinyconfig
	code_is 2
}

# All kernels of this file are compiled in the source's one folder, so that the first takes minutes and the others,
# which differ by an option, a moment.
test_a_feature_is_proven_with_its_options_and_without() {
	local out=$PWD
	cd "$TOP/examples/runner-kernel"
	code=0
	"$VMRIG" kernel check --prove virtio-rng --variant small --output "$out/proofs" >"$out/out" 2>"$out/err" || code=$?
	cd "$out"
	code_is 0
	has out "virtio-rng on small: proven"
	has out "virtio-rng@pc: pass"
	has out "virtio-rng@pc: fail: exit code "
	has out "1 of 1 proven"
}

test_what_cannot_be_proven_is_said() {
	cd "$TOP/examples/runner-kernel"
	code=0
	"$VMRIG" kernel check --prove virtio_rng 2>"$OLDPWD/err" || code=$?
	cd "$OLDPWD"
	code_is 2
	has err "Did you mean 'virtio-rng'?"
	vmrig kernel check --prove x
	code_is 2
	has err vmrig.yaml
}

test_an_option_that_cannot_be_had_is_refused_by_name() {
	vmrig kernel build "${recipe[@]}" --config CONFIG_SCHED_CLASS_EXT=y --config CONFIG_NO_SUCH_THING=y $source
	code_is 125
	has err CONFIG_SCHED_CLASS_EXT
	has err CONFIG_NO_SUCH_THING
	hasnt err compiling
}

test_a_kernel_for_aarch64_is_cross_compiled_and_boots() {
	command -v aarch64-linux-gnu-gcc >/dev/null || return 0
	variants
	vmrig kernel build --variant tiny-aarch64
	code_is 0
	cat >program.c <<-'END'
		#include <stdio.h>
		#include <sys/utsname.h>

		int main(void)
		{
			struct utsname u;

			uname(&u);
			printf("%s %s\n", u.machine, u.release);
			return 7;
		}
	END
	aarch64-linux-gnu-gcc -static -o program program.c
	vmrig run --arch aarch64 --kernel variant:tiny -- ./program
	code_is 7
	has out "aarch64 6.12"
}

# Both configurations are built in one folder; each compiles what HW_RANDOM is part of, no more: its
# name is in few files, where others are in a header that all include.
test_a_folder_that_held_another_configuration_gives_the_same_bytes() {
	vmrig kernel build "${recipe[@]}" $source
	code_is 0
	image=$(cut -d' ' -f2 out)
	before=$(sums_of "$image")
	vmrig kernel build "${recipe[@]}" --config CONFIG_HW_RANDOM=y --force $source
	code_is 0
	[ "$(cut -d' ' -f2 out)" != "$image" ]
	vmrig kernel build "${recipe[@]}" --force $source
	code_is 0
	same "$(sums_of "$image")" "$before"
}

for program in apt-get flex bison bc make; do
	command -v $program >/dev/null || { echo "1..0 # SKIP no $program to build a kernel with"; exit 0; }
done
run_tests "$@"
