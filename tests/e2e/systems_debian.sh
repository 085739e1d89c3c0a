#!/bin/bash
# SPDX-License-Identifier: MIT
# Systems that cloud-init and SSH reach: examples/debian-cloud, and what goes wrong on the way there.
. "$(dirname "$0")/lib.sh"

results=out.d/results.jsonl

# Of the case, not of its steps.
verdict() {
	grep -o '"verdict":"[a-z]*"' "$results" | head -n 1 | cut -d'"' -f4
}

# A disk that nothing boots from: $1 goes into the machine, $2 are the steps.
suite() {
	truncate -s 1M disk.raw
	cat >vmrig.yaml <<-END
		machines: [{ name: pc, image: disk.raw, memory: 64M, $1 }]
		tests: [{ name: t, timeout: 60s, steps: [$2] }]
	END
}

test_a_guest_that_never_answers_is_a_timeout_with_the_reason() {
	suite 'seed: {}, ssh: ci' '{ ssh: "true", timeout: 3s }'
	vmrig test --output out.d
	code_is 1
	same "$(verdict)" timeout
	has err "step 1 (ssh true) was not done within 3.00 s (limit: step): "
}

test_the_limit_of_the_test_tells_the_reason_too() {
	suite 'seed: {}, ssh: ci' '{ ssh: "true" }'
	sed -i 's/60s/3s/' vmrig.yaml
	vmrig test --output out.d
	code_is 1
	same "$(verdict)" timeout
	has err "the guest"
}

test_a_guest_that_shows_no_host_key_is_not_spoken_to() {
	suite 'ssh: { user: ci, host_key: console }' '{ ssh: "true", timeout: 2s }'
	vmrig test --output out.d
	code_is 1
	same "$(verdict)" timeout
	has err "(limit: step): no serial port has shown the system's host key"
}

test_keys_lie_on_no_disk_even_while_the_guest_runs() {
	suite 'seed: {}, ssh: ci' '{ ssh: "true", timeout: 30s }'
	(exec -a vmrig "$VMRIG" test --output out.d >out 2>err) &
	eventually grep -q 'machine pc' err
	! grep -rlE 'PRIVATE KEY|ssh-ed25519' "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR" . || fail "a key on the disk"
	kill -9 $!
	wait $! || true
}

test_mistakes_in_a_seed_are_told_before_anything_boots() {
	suite 'seed: { user_data: ud }, ssh: ci' '{ ssh: "true" }'
	printf '#cloud-config\nrumcmd: []\n' >ud
	vmrig test --output out.d
	code_is 125
	same "$(verdict)" infra
	has err "ud:2:1: cloud-config has no key 'rumcmd'; did you mean 'runcmd'?"
	printf '#cloud-config\nusers: [a\n' >ud
	vmrig test --output out2.d
	code_is 125
	has err "ud:"
	printf '#cloud-config\nhostname: @NAME@\n' >ud
	vmrig test --output out3.d
	code_is 125
	has err "ud:2: the variable @NAME@ has no value"
}

test_mistakes_in_the_suite_are_told_with_their_place() {
	suite 'ssh: ci' '{ ssh: { run: x, exit: 256 } }'
	vmrig test --output out.d
	code_is 2
	has err "vmrig.yaml:2:"
	suite 'ssh: ci' '{ copy_out: { from: /etc/passwd, to: ../x } }'
	vmrig test --output out.d
	code_is 2
	has err "stays below the folder of artifacts"
	suite 'ssh: ci' '{ copy_out: "/var/log/*.log" }'
	vmrig test --output out.d
	code_is 2
	suite 'ssh: { user: ci, host_key: any }' '{ ssh: "true" }'
	vmrig test --output out.d
	code_is 2
	has err "'seed', 'first' or 'console'"
}

test_steps_over_ssh_need_a_user() {
	suite 'cpus: 1' '{ ssh: "true" }'
	vmrig test --output out.d
	code_is 2
	has err "vmrig.yaml:2:42: step 'ssh': machine 'pc' has no 'ssh', which says as whom to log in"
}

# The one boots once, and each test goes on from that moment with copies of its own. The other is what examples/hurd does to a
# Hurd, on the same image: over the serial line first. Both take a boot that is emulated, so they run side by side.
test_debian_is_seeded_its_tests_share_one_boot_and_the_hurds_flow_holds() {
	local hurd
	VMRIG=$VMRIG "$TOP/examples/debian-cloud/make-image" >image 2>make.log || fail "$(tail -n 20 make.log)"
	sha256sum "$(cat image)" >sum
	"$VMRIG" test "$TOP/examples/hurd" --filter whole-flow-on-linux --output hurd.d >hurd.out 2>&1 &
	hurd=$!
	vmrig test "$TOP/examples/debian-cloud" -j 2 --output out.d
	code_is 0
	has out "4 cases: 4 ok"
	for id in seeded provisioned untouched powered-off; do
		same "$(field "$results" $id isolate)" clone
	done
	same "$(field "$results" seeded ended_by)" quit
	has out.d/cases/provisioned/artifacts/report "provisioned on 6.1"
	has out.d/cases/provisioned/stdout "provisioned on 6.1"
	# One of them has the console of the boot; what the others have begins behind it.
	same "$(cat out.d/cases/*/console.log | grep -c 'login: ')" 1
	# Its clock stood still while it was a file.
	local late=$(($(date -d "$(field "$results" untouched started)" +%s) - $(tail -n 1 out.d/cases/untouched/stdout)))
	[ "$late" -le 1 ] || fail "the clock is $late s late"
	wait $hurd || fail "$(cat hurd.out)"
	same "$(field hurd.d/results.jsonl whole-flow-on-linux@debian ended_by)" ssh
	has hurd.d/cases/whole-flow-on-linux_debian/artifacts/results "ok packages are known"
	hasnt hurd.d/cases/whole-flow-on-linux_debian/artifacts/results FAILED
	sha256sum --quiet -c sum
}

run_tests "$@"
