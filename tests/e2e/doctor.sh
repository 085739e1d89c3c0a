#!/bin/bash
# SPDX-License-Identifier: MIT
# The same machine examined as it is, and as others would find it.
. "$(dirname "$0")/lib.sh"

# check NAME KEY: of the JSON in the file out.
check() {
	python3 - "$1" "$2" <<-'EOF'
		import json, sys
		checks = {c["name"]: c for c in json.load(open("out"))["checks"]}
		print(checks[sys.argv[1]][sys.argv[2]])
	EOF
}

# In a mount namespace of its own: the words of $1, then vmrig doctor with the rest.
doctor_behind() {
	local change=$1
	shift
	code=0
	unshare --mount --map-root-user sh -c "$change"' && exec "$@"' sh "$VMRIG" doctor "$@" >out 2>err || code=$?
}

test_the_table_says_what_was_found_and_what_to_do() {
	vmrig doctor
	code_is 0
	has out "  good  tcg "
	has out "All that is required is good: tcg."
	same "$(grep -c "$(printf '\033')" out)" 0
}

test_json_says_the_same_of_every_check() {
	vmrig doctor --json
	code_is 0
	same "$(check tcg state)" good
	same "$(check tcg required)" True
	same "$(check kvm required)" False
	same "$(python3 -c 'import json; print(all(c["found"] and c["matters"] for c in json.load(open("out"))["checks"]))')" True
}

# A KVM that opens but cannot run Linux is told from one that works by what it does.
test_a_payload_tells_what_kvm_is_worth() {
	vmrig doctor --json --require kvm
	if "$VMRIG" run --accel kvm --root none -- true >/dev/null 2>&1; then
		code_is 0
		same "$(check kvm state)" good
	elif [ -c /dev/kvm ] && [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		code_is 5
		same "$(check kvm kind)" broken
		same "$(check kvm-device state)" good
	else
		same "$([ "$code" = 3 ] || [ "$code" = 4 ] && echo told)" told
	fi
}

test_without_dev_kvm_it_says_absent() {
	doctor_behind 'mount -t tmpfs none /dev' --json --require kvm
	code_is 3
	same "$(check kvm kind)" absent
	same "$(check kvm-device kind)" absent
	same "$(check tcg state)" good
}

test_a_file_bound_over_dev_kvm_is_no_kvm() {
	[ -e /dev/kvm ] || return 0
	doctor_behind 'mount --bind /dev/null /dev/kvm' --json --require kvm
	same "$([ "$code" = 3 ] || [ "$code" = 5 ] && echo told)" told
	same "$(check kvm state)" bad
}

# A node of root's alone, in the place of the machine's, looked at by an ordinary user.
test_without_rights_it_says_denied_and_how_to_get_them() {
	if [ "$(id -u)" = 0 ]; then
		cat >closed <<-'EOF'
			mount -t tmpfs none /dev && mknod -m 0600 /dev/kvm c 10 232 && mknod -m 0666 /dev/null c 1 3
		EOF
		code=0
		unshare --mount sh -c "$(cat closed)"' && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh \
			env HOME=/nonexistent VMRIG_CACHE_DIR= "$VMRIG" doctor --json --require kvm --fix >out 2>err || code=$?
	elif [ -e /dev/kvm ] && [ ! -w /dev/kvm ]; then
		vmrig doctor --json --require kvm --fix
	else
		return 0
	fi
	code_is 4
	same "$(check kvm-access kind)" denied
	python3 -c 'import json; print({c["name"]: c for c in json.load(open("out"))["checks"]}["kvm-access"]["repair"])' >repair
	has repair 'KERNEL=="kvm", GROUP="kvm", MODE="0660"'
	has err "to be done as root"
	has err "usermod -aG kvm"
}

test_without_qemu_it_says_missing_and_what_to_install() {
	mkdir bin
	VMRIG_QEMU= PATH=$PWD/bin vmrig doctor --json
	code_is 6
	/usr/bin/env python3 - >said <<-'EOF'
		import json
		checks = {c["name"]: c for c in json.load(open("out"))["checks"]}
		print(checks["tcg"]["kind"], checks["qemu"]["kind"], checks["qemu"]["repair"])
	EOF
	has said "missing missing"
	has said "qemu-system"
}

test_inside_a_guest_with_nested_kvm_all_is_good() {
	vmrig run --accel nested --memory 1G --env VMRIG -- "$VMRIG" doctor --require kvm,x2apic
	code_is 0
	has out "  good  kvm "
	has out "All that is required is good: kvm, x2apic."
	has out "svm (AMD-V)"
}

test_a_check_that_does_not_exist_is_refused_with_the_nearest() {
	vmrig doctor --require kvm,x2apci
	code_is 2
	has err "no check is called 'x2apci'; did you mean 'x2apic'?"
}

run_tests "$@"
