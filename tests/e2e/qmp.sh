#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that runs, seen from outside: `vmrig qmp` and `vmrig console`.
. "$(dirname "$0")/lib.sh"

PTY=$TOP/tests/lib/pty_console.py

# Starts a guest that repeats what it reads on its serial console, and waits until it does. Its vmrig is $run.
hold() {
	# shellcheck disable=SC2016
	"$VMRIG" run "$@" -- sh -c 'stty -F /dev/ttyS0 raw -echo icrnl
		echo "the guest is there" >/dev/ttyS0; echo up
		while read -r line; do [ "$line" = end ] && exit 7; echo "guest got $line"; done </dev/ttyS0 >/dev/ttyS0' \
		>run.out 2>run.err &
	run=$!
	for _ in $(seq 1200); do
		grep -q up run.out && return
		kill -0 "$run" 2>/dev/null || break
		sleep 0.1
	done
	cat run.err
	fail "the guest did not come up"
}

# release CODE: the guest's command ends, and its vmrig with this code.
release() {
	local code=0
	echo end | "$VMRIG" console sh >/dev/null
	wait "$run" || code=$?
	same "$code" 7
}

test_the_guides_commands_are_answered() {
	hold --machine q35 --qemu-arg -device --qemu-arg VGA
	for c in query-status query-cpus query-cpus-fast query-block query-vnc query-kvm stop; do
		vmrig qmp "$c"
		code_is 0
		python3 -c 'import json; json.load(open("out"))'
	done
	has err "note: stop"
	vmrig qmp query-status
	has out '"status": "paused"'
	vmrig qmp cont
	code_is 0
	vmrig qmp human-monitor-command command-line='info status'
	has out 'VM status: running'
	for k in ctrl-alt-delete f12 ret esc; do
		vmrig qmp --hmp sendkey "$k"
		code_is 0
	done
	vmrig qmp send-key 'keys=[{"type": "qcode", "data": "esc"}]' hold-time=50
	code_is 0
	vmrig qmp screendump "{\"filename\": \"$PWD/screen.ppm\"}"
	code_is 0
	same "$(head -c 2 screen.ppm)" P6
	vmrig qmp --key ctrl-alt-f2 --type 'Hello, world!' --screenshot screen.png
	code_is 0
	same "$(tail -c +2 screen.png | head -c 3)" PNG
	vmrig qmp query-cpus
	code_is 0
	has err "query-cpus-fast answers"
	has out '"thread-id"'
	vmrig qmp query-cpus-fas
	code_is 1
	has err "CommandNotFound"
	has err '"query-cpus-fast"'
	vmrig qmp system_powerdown
	code_is 0
	has err "note: system_powerdown"
	vmrig qmp --key ctrl-alt-delet
	code_is 1
	has err 'did you mean "delete"'
	printf '%s\n%s' '{"execute": "query-status"}' '{"execute": "query-name", "id": 4}' >commands
	code=0
	"$VMRIG" qmp - <commands >out 2>err || code=$?
	code_is 0
	has out '"running": true'
	vmrig qmp quit
	code=0
	wait "$run" || code=$?
	cp run.err err
	code_is 123
	has err "ended by the QMP command quit"
	hold
	vmrig qmp system_reset
	code_is 0
	code=0
	wait "$run" || code=$?
	same "$code" 123
}

test_a_person_attaches_types_and_detaches_and_others_watch() {
	hold
	vmrig console
	has out "sh"
	"$VMRIG" console --read-only sh </dev/null >watch1 &
	"$VMRIG" console --read-only sh </dev/null >watch2 &
	python3 "$PTY" "$VMRIG" console sh -- raw yes expect "the guest is there" \
		send 'one\r' expect "guest got one" send '\x1d' expect "detached from sh" end 0 raw no
	# Not even SIGKILL leaves the terminal raw.
	python3 "$PTY" "$VMRIG" console --no-history sh -- raw yes send 'two\r' expect "guest got two" kill 9 end 137 raw no
	python3 "$PTY" "$VMRIG" console sh -- raw yes kill 15 end 143 raw no
	# Who only watches is not heard.
	python3 "$PTY" "$VMRIG" console -r sh -- raw yes send 'three\r' send '\x1d' end 0
	release
	wait
	for w in watch1 watch2; do
		has "$w" "guest got two"
		hasnt "$w" "guest got three"
	done
}

test_a_console_is_offered_by_telnet_and_by_a_socket() {
	hold
	"$VMRIG" console --telnet sh >telnet.out &
	"$VMRIG" console --socket "$PWD/console.sock" sh >socket.out &
	eventually test -s telnet.out
	eventually test -s socket.out
	same "$(stat -c %a console.sock)" 600
	python3 - "$(sed 's/.* //' telnet.out)" <<-'END'
		import socket, sys
		def until(s, text):
		    seen = b""
		    while text not in seen:
		        data = s.recv(65536)
		        assert data, seen
		        seen += data
		    return seen
		t = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
		assert until(t, b"the guest is there").startswith(b"\xff\xfb\x01\xff\xfb\x03")
		t.sendall(b"\xff\xfd\x01by tel\xff\xfd\x03net\r\0")
		until(t, b"guest got by telnet")
		u = socket.socket(socket.AF_UNIX)
		u.settimeout(60)
		u.connect("console.sock")
		u.sendall(b"by socket\n")
		until(u, b"guest got by socket")
		until(t, b"guest got by socket")
	END
	for at in 0.0.0.0:5555 '[::]:5555' 192.168.0.1:5555; do
		vmrig console --telnet="$at" sh
		code_is 2
		has err "127.0.0.1 alone"
	done
	vmrig console --socket "$PWD/console.sock" sh
	code_is 125
	has err "there already"
	vmrig console --telnet=127.0.0.1:"$(sed 's/.* //' telnet.out)" sh
	code_is 125
	has err "Address already in use"
	release
	wait
	[ ! -e console.sock ]
}

test_a_killed_vmrig_leaves_no_guest_to_be_seen() {
	hold
	vmrig qmp --guest 'no such guest' query-status
	code_is 125
	has err "there are $run.1 (sh)"
	kill -9 "$run"
	wait "$run" || true
	vmrig console
	code_is 0
	has err "no guest of this user runs"
	vmrig qmp query-status
	code_is 125
}

test_guests_of_another_job_are_not_seen() {
	hold
	VMRIG_JOB=another vmrig qmp query-status
	code_is 125
	VMRIG_JOB=another vmrig console
	hasnt out "$run"
	vmrig console
	has out "$run.1"
	release
}

test_another_user_reaches_no_guest() {
	[ "$(id -u)" = 0 ] || return 0
	hold
	chmod 755 . ..
	python3 - "$run" <<-'END'
		import os, socket, sys
		name = ("\0vmrig/0:%s/%s.1" % (os.environ["VMRIG_JOB"], sys.argv[1])).encode()
		s = socket.socket(socket.AF_UNIX)
		s.connect(name)
		assert s.recv(10)
		os.setgroups([])
		os.setresgid(65534, 65534, 65534)
		os.setresuid(65534, 65534, 65534)
		s = socket.socket(socket.AF_UNIX)
		s.connect(name)
		try:
		    assert not s.recv(10), "another user was answered"
		except ConnectionResetError:
		    pass
	END
	release
}

# menu TEST STEPS: runs one test on a machine whose firmware offers its boot menu; PNGs are in $screens.
menu() {
	printf '%s\n' "machines: [{ name: menu, image: disk.img, memory: 64M, qemu_args: [-boot, 'menu=on,splash-time=60000'] }]" \
		"tests: [{ name: $1, steps: [$2] }]" >vmrig.yaml
	vmrig test
	screens=vmrig-results/latest/cases/$1/screens
}

test_a_boot_menu_is_driven_by_keys_and_screens() {
	head -c 1048576 /dev/zero >disk.img
	# A picture that no screen is like: what there is instead is kept.
	printf '\211PNG\r\n\032\n' >broken.png
	menu broken 'screen: broken.png'
	code_is 1
	has err 'broken.png is no PNG image'
	python3 - <<-'END'
		import struct, zlib
		def chunk(kind, data):
		    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
		rows = (b"\0" + b"\xff" * 720 * 3) * 400
		open("white.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 720, 400, 8, 2, 0, 0, 0)) +
		    chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
	END
	menu prompt '{screen: white.png, timeout: 4s}'
	code_is 1
	has err "pixels differ (100 %, allowed 0 %)"
	cp "$screens"/white.got.png prompt.png
	test -s "$screens"/white.diff.png
	test -s "$screens"/end.png
	local prompt='screen: {like: prompt.png, differ: 0.1%, regions: [720x200+0+0]}'
	menu choice "{$prompt}, {key: esc}, {screen: white.png, timeout: 3s}"
	code_is 1
	cp "$screens"/white.got.png menu.png
	! cmp -s prompt.png menu.png || fail "the key changed nothing"
	menu boots "{$prompt}, {screenshot: before}, {key: [esc]}, {screen: {like: menu.png, differ: 0.1%}}, {type: q}, {key: ctrl-alt-f2}"
	code_is 0
	test -s "$screens"/before.png
	test -s "$screens"/menu.png
	has vmrig-results/latest/results.jsonl '"artifacts":["screens/prompt.png","screens/before.png","screens/menu.png"]'
	for bad in 'key: ctrl-alt-delet' 'type: "\u00e9"' 'screenshot: ../up' 'screen: {like: a.png, differ: 2}' \
		'screen: {like: a.png, regions: [10x10]}'; do
		menu bad "{$bad}"
		code_is 2
		has err "vmrig.yaml:2:"
	done
}

run_tests "$@"
