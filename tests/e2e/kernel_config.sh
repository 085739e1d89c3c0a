#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig kernel config` and `vmrig kernel check`: configurations of real kernels and of files.
. "$(dirname "$0")/lib.sh"

# A tree with an option that depends on one that is not set.
tree() {
	mkdir -p "$1"
	printf 'config %s\n\tbool "%s"\n%b' A a "\tdepends on B\n" B b '' >"$1/Kconfig"
	printf 'CONFIG_X86_64=y\n# CONFIG_B is not set\n' >"$1/.config"
}

test_the_configuration_of_a_kernel_is_shown() {
	vmrig kernel config show debian:6.1
	code_is 0
	has out CONFIG_VIRTIO_PCI=m
	has out "# CONFIG_KASAN is not set"
	vmrig kernel config show --json debian:6.1
	has out '"VIRTIO_PCI": "m"'
	has out '"KASAN": null'
}

test_what_differs_is_told_and_exits_1() {
	vmrig kernel config diff debian:6.1 debian:6.1-cloud
	code_is 1
	has out -CONFIG_9P_FS=m
	vmrig kernel config diff debian:6.1 debian:6.1
	code_is 0
	same "$(cat out)" ""
	echo CONFIG_A=y >a
	echo CONFIG_A=m >b
	vmrig kernel config diff a ./b
	same "$(cat out)" "-CONFIG_A=y
+CONFIG_A=m"
}

test_built_in_fragments_are_listed_and_printed() {
	vmrig kernel config fragments
	code_is 0
	same "$(cut -d' ' -f1 out | tr '\n' ' ')" "bpf container debug gcov guest kcov kvm "
	vmrig kernel config fragments kvm --arch aarch64
	has out CONFIG_KVM=y
	hasnt out KVM_AMD
	vmrig kernel config fragments kwm
	code_is 2
	has err "did you mean 'kvm'"
}

test_what_a_kernel_lacks_is_told_and_exits_1() {
	vmrig kernel check debian:6.1 --needs CONFIG_KASAN=y --needs VIRTIO_PCI=m
	code_is 1
	same "$(cat out)" "CONFIG_KASAN=y (--needs) is n"
	vmrig kernel check debian:6.1 --needs CONFIG_VIRTIO_PCI=m
	code_is 0
	same "$(cat out)" ""
	vmrig kernel check debian:6.1 --fragment kvm --json
	code_is 1
	has out '"ok": false'
	has out "CONFIG_KVM=y (fragment kvm) is m"
}

test_with_the_sources_the_reason_is_told() {
	tree src
	vmrig kernel check src --needs CONFIG_A=y
	code_is 1
	same "$(cat out)" "CONFIG_A=y (--needs) is n: it depends on B, which is n"
	mkdir build
	cp src/.config build
	ln -s ../src build/source
	vmrig kernel check build --needs CONFIG_A=y
	has out "depends on B"
	rm build/source
	vmrig kernel check build --source src --needs CONFIG_A=y
	has out "depends on B"
	vmrig kernel check build --source nowhere --needs CONFIG_A=y
	code_is 125
	has err "nowhere: no Kconfig can be read"
}

test_what_is_no_wish_is_refused() {
	tree src
	vmrig kernel check src --needs CONFIG_A
	code_is 2
	has err "'CONFIG_A' is not an option with its value"
	vmrig kernel check src --fragment gest
	code_is 2
	has err "did you mean 'guest'"
	printf 'CONFIG_B=y\nCONFIG_A=maybe\n' >mine.config
	vmrig kernel check src --fragment mine.config
	code_is 2
	has err "mine.config:2: 'maybe' cannot be the value of CONFIG_A"
	vmrig kernel check src
	code_is 2
	vmrig kernel check nowhere --needs CONFIG_A=y
	code_is 125
}

run_tests "$@"
