#!/bin/bash
# SPDX-License-Identifier: MIT
# vmrig where KVM works: on this machine if it does, else in a guest whose /dev/kvm comes from emulated SVM.
. "$(dirname "$0")/lib.sh"

# Runs the script in the file inside.sh on a machine with a working KVM; $PROGRAM is vmrig there, $KERNEL Debian's 6.1 in the
# cache.
with_kvm() {
	export PROGRAM=$VMRIG
	KERNEL=$VMRIG_CACHE_DIR/kernels/$("$VMRIG" kernel resolve debian:6.1 | cut -d' ' -f1)
	export KERNEL
	if "$VMRIG" run --accel kvm --root none -- true >out 2>err; then
		code=0
		bash -e inside.sh >out 2>err || code=$?
		return
	fi
	# Where it stands still, the console tells what its processes wait for.
	vmrig run --accel nested --memory 3G --env PROGRAM --env KERNEL --timeout 10m --idle-timeout 4m --verbose -- bash -e inside.sh
}

test_a_kvm_that_works_is_found_and_runs_guests_with_true_verdicts() {
	cat >inside.sh <<-'EOF'
		"$PROGRAM" run --json -- sh -c 'echo out; uname -r; exit 7' 2>record && exit 1 || echo "command $?"
		grep -o '"accel":"[a-z]*"' record
		grep -o '"machine_type":"[a-z0-9]*"' record
		"$PROGRAM" run --accel kvm -- sh -c 'echo c >/proc/sysrq-trigger' 2>err.crash || echo "panic $?"
		"$PROGRAM" run --accel kvm --timeout 3s -- sleep 1000 2>err.time || echo "limit $?"
		"$PROGRAM" run --accel kvm --machine q35 -- sh -c 'grep -c x2apic /proc/cpuinfo; echo o >/proc/sysrq-trigger; sleep 100' 2>err.off || echo "off $?"
	EOF
	with_kvm
	code_is 0
	has out "command 7"
	has out '"accel":"kvm"'
	has out '"machine_type":"microvm"'
	has out "panic 122"
	has out "limit 124"
	has out "off 123"
}

# The cache is a tmpfs: the root's overlay has no files without a name (O_TMPFILE), as templates and snapshots begin.
test_guests_under_kvm_are_cloned_and_resumed_at_the_moment_of_failure() {
	cat >inside.sh <<-'EOF'
		VMRIG_CACHE_DIR=$(mktemp -d /dev/shm/vmrig-XXXXXX) VMRIG_KERNEL=debian:6.1
		export VMRIG_CACHE_DIR VMRIG_KERNEL
		trap 'rm -rf "$VMRIG_CACHE_DIR"' EXIT
		mkdir "$VMRIG_CACHE_DIR/kernels"
		cp -a "$KERNEL" "$VMRIG_CACHE_DIR/kernels/"
		for i in 1 2; do
			"$PROGRAM" run --accel kvm --isolate clone --json -- sh -c '
				cat /proc/sys/kernel/random/boot_id /etc/machine-id; od -An -tx1 -N16 /dev/urandom; date +wall\ %s' 2>record
			date +wall\ %s
			grep -o '"isolate":"[a-z]*"' record
		done
		"$PROGRAM" run --accel kvm --isolate clone -- sh -c 'echo c >/proc/sysrq-trigger' 2>err.crash || echo "panic $?"
		"$PROGRAM" run --accel kvm --keep-failed="$VMRIG_CACHE_DIR/kept" -- sh -c 'echo mine >/run/left; exit 3' 2>err.kept || echo "failed $?"
		for i in 1 2; do
			"$PROGRAM" shell --at "$VMRIG_CACHE_DIR"/kept/* -- sh -c 'echo "left $(cat /run/left)"; echo changed >/run/left'
		done
	EOF
	with_kvm
	code_is 0
	same "$(grep -c '"isolate":"clone"' out)" 2
	same "$(grep -cE '^[-0-9a-f ]{32,}$' out)" 6
	same "$(grep -E '^[-0-9a-f ]{32,}$' out | sort | uniq -d)" ""
	# In turn a clone's and its host's: the second clone of a clock that went on from the template would be behind.
	awk '/^wall/ { if ($2 < last || (n % 2 && $2 > last + 30)) exit 1; last = $2; n++ } END { exit n != 4 }' out ||
		fail "the wall clock of a clone is not its host's"
	has out "panic 122"
	has out "failed 3"
	same "$(grep -c '^left mine$' out)" 2
}

test_nested_gives_a_command_a_kvm_that_works() {
	vmrig run --accel nested --user nobody -- sh -c 'test -w /dev/kvm && grep -o -w -m1 svm /proc/cpuinfo'
	code_is 0
	same "$(cat out)" svm
	has err "its times mean nothing"
	same "$(wc -l <err)" 1
}

# Loaded before, KVM keeps the kernel's first guess of the TSC's frequency, and the clocks of its guests may stand still.
test_nested_loads_kvm_once_the_clock_is_known() {
	vmrig run --accel nested -- sh -c 'dmesg |
		awk "/kvm: Nested Virtualization enabled/ { kvm = 1 } /Switched to clocksource tsc\$/ && kvm { exit 1 }
			END { print kvm ? \"kvm\" : \"none\" }"'
	code_is 0
	has out kvm
}

test_nested_refuses_a_kernel_without_kvm_and_names_the_option() {
	cp "$("$VMRIG" kernel resolve debian:6.1 | cut -d' ' -f3)" lonely
	vmrig run --accel nested --kernel lonely --root none -- true
	code_is 125
	has err CONFIG_KVM_AMD
}

# A QEMU as old as $1 says that it is.
old_qemu() {
	cat >qemu <<-EOF
		#!/bin/sh
		cat >/dev/null
		echo '{"QMP": {"version": {"qemu": {"major": ${1%.*}, "minor": ${1#*.}, "micro": 0}}}}'
		echo '{"return": [{"name": "pc", "alias": "q35"}, {"name": "arm", "alias": "virt"}], "id": "machines"}'
		echo '{"return": [{"name": "tcg-accel"}], "id": "accels"}'
		echo '{"return": [{"name": "virtio-9p-device"}], "id": "devices"}'
	EOF
	chmod +x qemu
}

test_nested_on_a_qemu_that_cannot_names_the_version_that_can() {
	mkdir cache # what it finds out of those QEMUs is kept here, not in the user's
	ln -s "$VMRIG_CACHE_DIR/kernels" "$VMRIG_CACHE_DIR/boot" cache/
	export VMRIG_CACHE_DIR=$PWD/cache
	for version in 7.1 6.2; do
		old_qemu $version
		VMRIG_QEMU=$PWD/qemu vmrig run --accel nested -- true
		code_is 125
		has err "(QEMU $version.0) cannot emulate a CPU that KVM runs on; QEMU 7.2 is the first"
	done
	for version in 7.2 10.0; do
		old_qemu $version
		VMRIG_QEMU=$PWD/qemu vmrig run --accel nested --dry-run -- true
		code_is 0
	done
}

test_a_suite_may_ask_for_a_nested_machine() {
	cat >vmrig.yaml <<-'EOF'
		machines: [ { name: plain }, { name: nested, accel: nested } ]
		tests:
		  - { name: has-kvm, run: test -c /dev/kvm, machines: [nested] }
		  - { name: has-none, run: '! test -e /dev/kvm', machines: [plain] }
	EOF
	vmrig test --output results
	code_is 0
	grep -q '"test":"has-kvm".*"verdict":"pass".*"accel":"nested"' results/results.jsonl
	grep -q '"test":"has-none".*"verdict":"pass"' results/results.jsonl
}

run_tests "$@"
