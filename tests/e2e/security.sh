#!/bin/bash
# SPDX-License-Identifier: MIT
# What docs/security.md says a guest cannot do, tried.
. "$(dirname "$0")/lib.sh"

# The engines of this test, by process id.
engines() {
	local pid
	for pid in $(marked "$VMRIG_E2E_MARK"); do
		case $(readlink "/proc/$pid/exe") in *qemu-system*) echo "$pid" ;; esac
	done
}

no_engine() {
	[ -z "$(engines)" ]
}

# Sockets of process $1 that somebody outside could connect to: those that listen, and Unix sockets with a name.
doors() {
	local inodes
	inodes=$(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' | paste -sd ' ')
	awk -v inodes="$inodes" '
		BEGIN { n = split(inodes, list, " "); for (i = 1; i <= n; i++) mine[list[i]] = 1 }
		FILENAME ~ /unix$/ { if (($7 in mine) && NF > 7) print; next }
		($10 in mine) && $4 == "0A"' /proc/net/tcp /proc/net/tcp6 /proc/net/unix
}

test_the_engine_is_behind_seccomp_and_has_no_door() {
	local isolate pid n=0
	for isolate in boot clone; do
		"$VMRIG" run --isolate "$isolate" -- sh -c 'echo ready; sleep 1000' >"out.$isolate" 2>err &
		eventually grep -qs ready "out.$isolate"
		for pid in $(engines); do
			n=$((n + 1))
			same "$isolate $(awk '/^Seccomp:|^NoNewPrivs:/ { print $2 }' "/proc/$pid/status" | paste -sd ' ')" "$isolate 1 2"
			same "$(doors "$pid")" ""
		done
		kill -KILL $!
		wait $! || true
		eventually no_engine
	done
	[ "$n" -ge 2 ] || fail "no engine was seen"
}

three_engines() {
	[ "$(engines | wc -l)" -ge 3 ]
}

test_copies_of_a_guest_and_what_they_come_from_are_behind_seccomp() {
	printf 'tests:\n' >vmrig.yaml
	for i in 1 2 3 4 5 6; do
		printf '  - { name: t%s, run: "sleep 3" }\n' "$i" >>vmrig.yaml
	done
	"$VMRIG" test -v -j 2 >out 2>err &
	eventually three_engines
	for pid in $(engines); do
		same "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
		same "$(doors "$pid")" ""
	done
	wait $!
	has err "clones are copies of a guest that waits"
}

test_a_guest_has_no_network_and_reaches_no_socket_of_the_host() {
	python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("door"); s.listen(); time.sleep(1000)' &
	local server=$!
	eventually test -S door
	same "$(doors $server | wc -l)" 1
	vmrig run -- sh -c 'ls /sys/class/net; test -S door; python3 -c "
import socket
socket.socket(socket.AF_UNIX).connect(\"door\")" 2>&1 | tail -n 1'
	kill $server
	wait $server || true
	code_is 0
	same "$(head -n 1 out)" lo
	has out "ConnectionRefusedError"
}

test_a_link_in_a_writable_folder_leads_the_host_nowhere() {
	mkdir rw outside
	echo host >outside/file
	# shellcheck disable=SC2016
	vmrig run --rw rw -- sh -c 'ln -s ../outside rw/link; echo guest >rw/link/file; cat rw/link/file
		mkdir rw/sub; mv rw/sub rw/moved; ln -s ../outside/file rw/other; echo guest >rw/other; rm -r outside'
	code_is 0
	same "$(cat outside/file)" host
	same "$(readlink rw/link)" ../outside
}

test_a_suite_gives_its_guests_nothing_of_the_environment() {
	printf 'tests:\n  - { name: t, run: "env; exit 1" }\n' >vmrig.yaml
	TOKEN=very-secret vmrig test --output r
	code_is 1
	has r/cases/t/stdout VMRIG_TEST=
	! grep -r very-secret r out err || fail "a secret left the environment"
}

test_cache_and_saved_guests_are_for_their_owner_alone() {
	umask 0022
	make_cache cache
	printf 'tests:\n  - { name: t, run: "exit 1" }\n' >vmrig.yaml
	VMRIG_CACHE_DIR=$PWD/cache vmrig test --keep-failed --output r
	code_is 1
	same "$(find cache/boot cache/templates -maxdepth 1 -type d -perm /077)" ""
	same "$(find r/cases/t/snapshot -type f -perm /077)" ""
	[ -n "$(find r/cases/t/snapshot -type f)" ] || fail "nothing was saved"
}

run_tests "$@"
