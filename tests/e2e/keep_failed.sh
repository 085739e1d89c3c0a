#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests of failed tests, saved and resumed; shells in guests.
. "$(dirname "$0")/lib.sh"

# A run whose tests fail, crash, hang, pass and fail as expected, in out.d. Guests that boot are saved as well as clones.
failing_run() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, timeout: 120s }
		tests:
		  - { name: fails, run: 'echo was here >/tmp/left; modprobe dummy numdummies=1; exit 3', teardown: rm /tmp/left }
		  - { name: booted, run: 'touch /tmp/left; exit 1', isolate: boot }
		  - { name: panics, run: 'echo c >/proc/sysrq-trigger' }
		  - { name: hangs, run: 'echo inside >/run/inside; sleep 1000', timeout: 5s }
		  - { name: fine, run: 'true' }
		  - { name: known, run: exit 1, expect: fail }
	END
	vmrig test -j 1 -o out.d "$@"
	code_is 1
}

has_snapshot() {
	[ -e "out.d/cases/$1/snapshot/manifest.json" ]
}

test_the_guest_of_a_failed_test_can_be_resumed_again_and_again() {
	failing_run --keep-failed=4
	for case in fails:fail booted:fail panics:crash hangs:timeout fine:pass known:xfail; do
		same "${case%:*}:$(field out.d/results.jsonl "${case%:*}" verdict)" "$case"
	done
	has out "vmrig shell --output out.d --at fails" || has err "vmrig shell --output out.d --at fails"
	! has_snapshot fine || fail "a test that passed was saved"
	! has_snapshot known || fail "a test that failed as expected was saved"
	same "$(find out.d/cases/*/snapshot -type f -perm /077)" ""
	sha256sum out.d/cases/*/snapshot/* >sums
	for i in 1 2; do
		vmrig shell -o out.d --at fails -- sh -c 'cat /tmp/left; ls /sys/class/net; echo more >>/tmp/left; cmp /bin/sh /proc/$$/exe; exit 7'
		code_is 7
		same "$(tr '\n' ' ' <out)" "was here dummy0 lo "
	done
	vmrig shell -o out.d --at booted -- test -e /tmp/left
	code_is 0
	vmrig shell -o out.d --at hangs -- sh -c 'cat /run/inside; pgrep -x sleep >/dev/null && exit 9'
	code_is 9
	same "$(cat out)" inside
	vmrig shell -o out.d --at panics -- true
	code_is 125
	has err "its kernel had come to its end"
	has err "--gdb"
	sha256sum --quiet -c sums || fail "a snapshot has changed"
	vmrig shell -o out.d --at fine -- true
	code_is 125
	has err "There is one of: fails, booted, panics, hangs"
	# What was written by others, or for others.
	sed -i.bak 's/"engine":"[^"]*"/"engine":"qemu 1.2.3"/' out.d/cases/fails/snapshot/manifest.json
	vmrig shell -o out.d --at fails -- true
	code_is 125
	has err "it was saved by qemu 1.2.3, and here is"
	sed 's/"host_cpu":"[^"]*"/"host_cpu":"Another CPU"/' out.d/cases/fails/snapshot/manifest.json.bak >out.d/cases/fails/snapshot/manifest.json
	vmrig shell -o out.d --at fails -- true
	has err "it was saved on Another CPU"
	echo garbage >>out.d/cases/booted/snapshot/state
	vmrig shell -o out.d --at booted -- true
	code_is 125
	has err "is not the file that was saved"
}

test_no_more_are_saved_than_allowed() {
	failing_run --keep-failed=1 --filter fails --filter booted
	has_snapshot fails
	! has_snapshot booted || fail "more than one was saved"
	same "$(grep -c 'further guests that fail are not saved: --keep-failed=1' err)" 1
	# A debugger finds it. There is nothing of that in the folder, however it ends.
	find out.d >before
	for signal in INT KILL; do
		"$VMRIG" shell -o out.d --at fails --gdb 2>debug.$signal &
		eventually grep -q "target remote" debug.$signal
		same "$(why_it_stands "$(sed -n "s/.*'target remote \(.*\)'/\1/p" debug.$signal)")" T
		kill -$signal $!
		code=0
		wait $! || code=$?
		[ $signal = KILL ] || code_is 0
		same "$(find out.d | diff before -)" ""
	done
}

# why_it_stands SOCKET: asks the debugger's stub there; its answer is a stop's, "$T05...".
why_it_stands() {
	python3 - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(60)
		s.connect(sys.argv[1])
		s.sendall(b"$?#3f")
		answer = b""
		while b"#" not in answer:
		    answer += s.recv(100)
		print(answer.lstrip(b"+$").decode()[0])
	END
}

test_a_shell_has_a_terminal_and_takes_commands_without_one() {
	vmrig shell -m 256M -- sh -c 'tty; exit 4'
	code_is 4
	has out "not a tty"
	cat >keys.py <<-'END'
		import fcntl, os, pty, select, struct, sys, termios, time
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		def size(rows, columns):
		    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
		def expect(word, seen=b""):
		    end = time.time() + 120
		    while word not in seen and time.time() < end:
		        if select.select([fd], [], [], 1)[0]:
		            seen += os.read(fd, 4096)
		    assert word in seen, (word, seen)
		size(33, 101)
		expect(b"# ")
		before = termios.tcgetattr(fd)
		os.write(fd, b"stty size; tty\n")
		expect(b"33 101")
		os.write(fd, b"echo be''gun; sleep 1000\n")
		expect(b"begun")
		time.sleep(1)
		os.write(fd, b"\x03")
		os.write(fd, b"echo ended by $?\n")
		expect(b"ended by 130")
		size(44, 55)
		time.sleep(1)
		os.write(fd, b"stty size; exit 9\n")
		expect(b"44 55")
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	code=0
	PS1='# ' python3 keys.py "$VMRIG" shell -m 256M >out 2>err || code=$?
	code_is 9
}

test_one_command_that_fails_is_kept_as_well() {
	local at
	vmrig run --keep-failed=kept/here --json -m 256M -- sh -c 'echo was here >/tmp/left; exit 3'
	code_is 3
	at=$(sed -n 's/.*to be resumed by: vmrig shell --at //p' err)
	[ -d "$at" ] && [ "$(dirname "$at")" = kept/here ] || fail "not there: $at"
	has err "\"resume\":\"vmrig shell --at $at\""
	for i in 1 2; do
		vmrig shell --at "$at" -- sh -c 'cat /tmp/left; echo more >>/tmp/left; exit 6'
		code_is 6
		same "$(cat out)" "was here"
	done
	# What does not fail is not saved, nor what cannot be, and files that were there before stay.
	vmrig run --keep-failed=kept/here -m 256M -- true
	code_is 0
	touch file
	vmrig run --keep-failed=file -m 256M -- false
	code_is 1
	has err "the guest could not be saved: "
	same "$(ls kept/here)" "$(basename "$at")"
	vmrig run --keep-failed -m 256M -- sh -c 'echo c >/proc/sysrq-trigger'
	code_is 122
	vmrig shell --at "$(sed -n 's/.*to be resumed by: vmrig shell --at //p' err)" -- true
	code_is 125
	has err "its kernel had come to its end"
}

# Two CPUs, other machines, and one with a KVM of its own; booted and cloned.
test_guests_of_every_kind_go_on() {
	local at hello
	hello=$(dirname "$VMRIG")/examples/kvm-hello
	for args in "--cpus 2" "--machine microvm --isolate boot" "--accel nested"; do
		for _ in 1 2 3; do
			# shellcheck disable=SC2086
			vmrig run --keep-failed $args -- sh -c 'nproc >/tmp/left; sleep 1000 & exit 3'
			grep -q "too busy for the guest's kernel to calibrate its timer" err || break
		done
		code_is 3
		at=$(sed -n 's/.*to be resumed by: vmrig shell --at //p' err)
		vmrig shell --at "$at" -- sh -c 'sleep 0.1; cat /tmp/left; nproc; exit 5'
		code_is 5
		same "$(sort -u out)" "$(if [ "$args" = "--cpus 2" ]; then echo 2; else echo 1; fi)"
	done
	[ -x "$hello" ] || return 0
	vmrig shell --at "$at" -- "$(realpath "$hello")"
	code_is 0
	has out "Hello from a VM"
}

# QEMU would write the state, and not read it again.
test_a_guest_that_runs_a_guest_at_that_moment_cannot_be_saved() {
	cat >spin.py <<-'END'
		import ctypes, fcntl, mmap, os, struct
		KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_RUN, KVM_SET_USER_MEMORY_REGION = 0xae01, 0xae41, 0xae80, 0x4020ae46
		vm = fcntl.ioctl(os.open("/dev/kvm", os.O_RDWR), KVM_CREATE_VM, 0)
		page = mmap.mmap(-1, 4096, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
		page[0xff0:0xff2] = b"\xeb\xfe"  # where a CPU begins: jmp .
		where = ctypes.addressof(ctypes.c_char.from_buffer(page))
		fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION, struct.pack("IIQQQ", 0, 0, 0xfffff000, 4096, where))
		cpu = fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)
		print("runs", flush=True)
		while True:
		    fcntl.ioctl(cpu, KVM_RUN, 0)
	END
	vmrig run --keep-failed --accel nested --idle-timeout 6s -- sh -c '
		python3 spin.py >/tmp/log & until grep runs /tmp/log; do echo .; sleep 0.3; done; wait'
	code_is 124
	has out runs
	# Now and then the CPU is just then in the kernel, whose guest it runs. Then it is saved, and goes on.
	if grep -q 'to be resumed by: ' err; then
		vmrig shell --at "$(sed -n 's/.*to be resumed by: vmrig shell --at //p' err)" -- pgrep -f spin.py
		code_is 0
		return
	fi
	has err "could not be saved: a CPU of it runs a guest of its own at this moment"
	[ -z "$(ls vmrig-results)" ] || fail "something is left of it"
}

test_what_cannot_be_saved_is_told_and_leaves_nothing() {
	mkdir writable
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, timeout: 120s }
		tests:
		  - { name: writes, run: 'exit 1', rw: writable }
		  - { name: setup, setup: 'echo 5 >/tmp/set; exit 4', run: 'true' }
		  - { name: tap, protocol: tap, run: 'echo 1..1; echo not ok 1 - x' }
	END
	vmrig test --keep-failed -o out.d
	code_is 1
	same "$(field out.d/results.jsonl writes verdict)" fail
	has err "the guest of a failed test could not be saved: it has folders of the host to write to"
	[ ! -e out.d/cases/writes/snapshot ] || fail "something is left of it"
	has_snapshot tap || fail "a test that reports a failure was not saved"
	vmrig shell -o out.d --at setup -- cat /tmp/set
	code_is 0
	same "$(cat out)" 5
}

run_tests "$@"
