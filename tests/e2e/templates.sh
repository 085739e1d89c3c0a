#!/bin/bash
# SPDX-License-Identifier: MIT
# Clones of a template: alike in all that a test may count on, different in all that must differ.
. "$(dirname "$0")/lib.sh"

PROVOKE=$(realpath "${PROVOKE:-$(dirname "$VMRIG")/tests/guest/provoke}")

templates() {
	find "$VMRIG_CACHE_DIR/templates" -mindepth 1 -maxdepth 1 -type d 2>/dev/null | wc -l
}

the_template() {
	same "$(templates)" 1
	find "$VMRIG_CACHE_DIR/templates" -mindepth 1 -maxdepth 1 -type d
}

# clone COMMAND ...: in a guest that is one. On a busy host microvm's kernel now and then fails to calibrate its timer
# while it boots, which the rig tells; then it is booted once more.
clone() {
	for _ in 1 2 3; do
		vmrig run --isolate clone --json "$@"
		grep -q "too busy for the guest's kernel to calibrate its timer" err || break
	done
	has err '"isolate":"clone"'
}

# What no two guests may have in common, a line each; then what they must agree on with the host: the wall clock, and
# the monotonic clock at two moments.
write_draws() {
	cat >draws.py <<-'END'
		import array, fcntl, os, socket, tempfile, time, uuid
		for path in "/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/proc/sys/kernel/random/uuid":
		    print(open(path).read().strip())
		print(os.getrandom(16).hex())
		print(open("/dev/urandom", "rb").read(16).hex())
		print(uuid.uuid4())
		print(os.path.basename(tempfile.mktemp()))
		print(open("/sys/class/net/dummy7/address").read().strip())
		# Names that any other guest may take as well, at the same time.
		tcp, unix = socket.create_server(("127.0.0.1", 4711)), socket.socket(socket.AF_UNIX)
		unix.bind("\0vmrig-test")
		unix.listen()
		for server, name in (tcp, ("127.0.0.1", 4711)), (unix, "\0vmrig-test"):
		    client = socket.socket(server.family)
		    client.connect(name)
		    peer = server.accept()[0]
		    client.sendall(b"mine")
		    assert peer.recv(10) == b"mine"
		# Devices that have an address by which others know them: network cards (1) and vsock (19).
		for device in os.listdir("/sys/bus/virtio/devices"):
		    kind = int(open(f"/sys/bus/virtio/devices/{device}/device").read(), 16)
		    assert kind not in (1, 19), f"a device of kind {kind}"
		before = time.monotonic()
		time.sleep(0.01)
		print(int(time.time()), before, time.monotonic())
	END
	echo 'modprobe dummy numdummies=0 && ip link add dummy7 type dummy && { uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid; } && python3 draws.py' >draws.sh
}

# drawn FILE SINCE: one guest's output is as it should be, where the host's clock was SINCE before; adds to the file all.
drawn() {
	same "$(wc -l <"$1")" 10
	head -n 9 "$1" >>all
	tail -n 1 "$1" | {
		read -r wall first second
		[ "$wall" -ge "$2" ] && [ "$wall" -le "$(date +%s)" ] || fail "the wall clock is wrong: $wall"
		python3 -c "import sys; sys.exit(not 0 < $first < $second < 1000)" || fail "a monotonic clock of $first, $second"
	}
}

all_differ() {
	same "$(wc -l <all)" "$1"
	same "$(sort all | uniq -d)" ""
}

# Linux measures the TSC for a second and changes to it then: no clone is to do that anew.
test_a_clone_begins_with_the_clock_that_stays() {
	clone -- cat /sys/devices/system/clocksource/clocksource0/current_clocksource
	code_is 0
	hasnt out tsc-early
}

test_clones_share_no_number_that_must_be_their_own() {
	local since
	write_draws
	since=$(date +%s)
	for machine in "" "--machine microvm" "--accel nested"; do
		for i in 1 2; do
			# shellcheck disable=SC2086
			clone $machine -- sh draws.sh
			code_is 0
			drawn out "$since"
		done
	done
	all_differ 54
}

# Whatever the command did to the file: no two clones have the same, and none has what it wrote.
test_a_setup_that_writes_the_machine_id_leaves_each_clone_its_own() {
	local n=0
	for setup in 'echo longer than any machine id is, and by far >/etc/machine-id' \
		'echo mine >/etc/new && mv /etc/new /etc/machine-id' 'rm /etc/machine-id'; do
		n=$((n + 1))
		cat >vmrig.yaml <<-END
			defaults: { memory: 256M, timeout: 120s, isolate: clone }
			template: { setup: "$setup" }
			tests:
			  - { name: t1, run: cat /etc/machine-id }
			  - { name: t2, run: cat /etc/machine-id }
		END
		vmrig test -j 1 -o $n.d
		code_is 0
		same "$(cat $n.d/cases/t[12]/stdout | grep -cxE '[0-9a-f]{32}')" 2
		same "$(cat $n.d/cases/t[12]/stdout | sort -u | wc -l)" 2
	done
}

# A setup's own files beside it keep neither the id nor its folder's mode where the root has other ones.
test_a_setup_on_a_root_without_a_machine_id_finds_none_and_leaves_none() {
	mkdir -p root/bin root/proc root/dev root/sys root/tmp root/run root/etc
	cp /bin/busybox root/bin/
	chmod 0711 root/etc
	cat >vmrig.yaml <<-END
		defaults: { memory: 256M, timeout: 120s, isolate: clone, root: root }
		template: { setup: [/bin/busybox, sh, -c, 'cd /etc; /bin/busybox stat -c %a:%n . * >/before; echo >new'] }
		tests:
		  - { name: t, run: [/bin/busybox, sh, -c, '/bin/busybox cat /before; cd /etc; /bin/busybox stat -c %a:%n . *'] }
	END
	vmrig test -j 1 -o out.d
	code_is 0
	has out.d/results.jsonl '"isolate":"clone"'
	same "$(grep -v '*' out.d/cases/t/stdout)" "711:."$'\n'"711:."$'\n'"644:new"
}

# What programs draw, and where they lie, also once the kernel has stirred its generator.
test_clones_that_are_to_be_alike_draw_the_same_numbers() {
	cat >draws.py <<-'END'
		import ctypes, os, tempfile, time, uuid
		libc = ctypes.CDLL(None, use_errno=True)
		def call(address, size, flags):
		    ctypes.set_errno(0)
		    return libc.getrandom(address, size, flags), os.strerror(ctypes.get_errno())
		for wait in 0, 2:
		    time.sleep(wait)
		    print(os.urandom(16).hex(), uuid.uuid4(), os.path.basename(tempfile.mktemp()), hash("x"))
		print(len(os.getrandom(100000)), call(None, 0, 0), call(8, 8, 0), *(call(ctypes.create_string_buffer(8), 8, flags)[1] for flags in (64, 6, 3)))
		print([line.split()[0] for line in open("/proc/self/maps") if "[stack]" in line or "[heap]" in line])
	END
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, timeout: 120s, deterministic: true }
		tests:
		  - { name: t1, run: python3 draws.py && mktemp -u }
		  - { name: t2, run: python3 draws.py && mktemp -u }
		  - { name: own, run: python3 draws.py, deterministic: false }
	END
	for i in 1 2; do
		vmrig test -j 1 -o $i.d
		code_is 0
		for t in t1 t2; do
			same "$(cat $i.d/cases/$t/stdout)" "$(cat 1.d/cases/t1/stdout)"
		done
	done
	same "$(head -n 2 1.d/cases/t1/stdout | sort -u | wc -l)" 2
	has 1.d/cases/t1/stdout "100000 (0, 'Success') (-1, 'Bad address') Invalid argument Invalid argument Success"
	same "$(cat 1.d/cases/t1/stdout [12].d/cases/own/stdout | grep -v ^100000 | sort | uniq -d)" ""
}

# What else docs/suite.md promises of `deterministic`.
test_clones_that_are_to_be_alike_are() {
	local made
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, timeout: 120s, deterministic: true }
		tests:
	END
	# shellcheck disable=SC2016
	for i in 1 2 3 4; do
		echo "- { name: t$i, run: 'cat /proc/sys/kernel/random/boot_id /etc/machine-id; grep -w _text /proc/kallsyms; date +%s'}"
	done >>vmrig.yaml
	echo '- { name: own, run: cat /proc/sys/kernel/random/boot_id /etc/machine-id; date +%s, deterministic: false }' >>vmrig.yaml
	vmrig test -j 1 --filter t1 -o first.d
	code_is 0
	made=$(date +%s)
	sleep 4
	vmrig test -v -j 1 -o out.d --junit junit.xml
	code_is 0
	hasnt err "copies of a guest"
	same "$(grep -c '"isolate":"clone","deterministic":true' out.d/results.jsonl)" 4
	same "$(grep -c '<property name="deterministic" value="true"/>' junit.xml)" 4
	same "$(field out.d/results.jsonl own deterministic)" ""
	for i in 1 2 3 4; do
		same "$(head -n 3 out.d/cases/t$i/stdout)" "$(head -n 3 first.d/cases/t1/stdout)"
		# The clock goes on from when the template was made, which is that much ago.
		[ "$(($(date +%s) - $(tail -n 1 out.d/cases/t$i/stdout)))" -ge 4 ] || fail "t$i has the host's clock"
	done
	[ "$(tail -n 1 out.d/cases/own/stdout)" -ge $((made + 4)) ] || fail "a clone of its own has an old clock"
	same "$(cat first.d/cases/t1/stdout out.d/cases/own/stdout | head -n 7 | sort | uniq -d)" ""
	# Where nothing is alike nothing is said to be.
	vmrig test -j 1 --isolate boot --filter t1 --filter t2 -o boot.d
	code_is 0
	hasnt boot.d/results.jsonl deterministic
	same "$(head -qn 1 boot.d/cases/*/stdout | sort -u | wc -l)" 2
}

test_a_boot_id_stays_the_same_within_a_clone() {
	clone -- sh -c 'cat /proc/sys/kernel/random/boot_id; cat /proc/sys/kernel/random/boot_id'
	code_is 0
	same "$(sort -u out | wc -l)" 1
	hasnt /proc/sys/kernel/random/boot_id "$(head -n 1 out)"
}

test_time_goes_on_where_a_template_has_aged() {
	own_cache cache
	clone -- true
	sleep 30
	# shellcheck disable=SC2016
	clone -- sh -c 'date +%s; cut -d. -f1 /proc/uptime; sleep 1; sleep 0.2; cut -d. -f1 /proc/uptime; dmesg'
	code_is 0
	local off=$(($(date +%s) - $(sed -n 1p out)))
	[ ${off#-} -lt 20 ] || fail "the wall clock is off by $off s"
	[ "$(sed -n 3p out)" -gt "$(sed -n 2p out)" ] || fail "the monotonic clock stands still"
	[ "$(sed -n 2p out)" -lt 30 ] || fail "the monotonic clock jumped"
	! grep -iE '\bstall|hung task|lockup|unstable|blocked for more' out || fail "something fired that should not"
	hasnt err '"splats"'
}

test_nothing_of_a_test_reaches_the_next() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, timeout: 120s, isolate: clone }
		tests:
		  - name: module
		    run: modprobe dummy && test -d /sys/module/dummy && touch /usr/bin/left /tmp/left /run/left
		  - name: sysctl
		    run: echo 4711 >/proc/sys/kernel/pid_max; hostname elsewhere; echo 1 >/proc/sys/vm/drop_caches
		  - name: memory
		    run: head -c 400m /dev/zero | tail
		    expect: fail
		  - name: daemon
		    run: setsid sleep 1000 & mount -t tmpfs none /mnt
		  - name: panic
		    run: echo c >/proc/sysrq-trigger
		    expect: crash
		  - name: poweroff
		    run: busybox poweroff -f
		  - name: clean
		    run: >
		      test ! -d /sys/module/dummy && test ! -e /usr/bin/left && test ! -e /tmp/left && test ! -e /run/left &&
		      test $(cat /proc/sys/kernel/pid_max) != 4711 && test $(hostname) = vmrig && ! mountpoint -q /mnt &&
		      ! pgrep sleep && test $(cat /proc/sys/kernel/tainted) = 0
	END
	vmrig test -j 1 -o out.d
	same "$(grep -c '"isolate":"clone"' out.d/results.jsonl)" 7
	for case in module:pass sysctl:pass memory:xfail daemon:pass panic:crash poweroff:lost clean:pass; do
		same "${case%:*}:$(field out.d/results.jsonl "${case%:*}" verdict)" "$case"
	done
}

test_the_hosts_files_are_there_and_folders_can_be_written() {
	mkdir shared
	echo content >shared/file
	clone --rw shared -- sh -c 'cat shared/file; echo more >>shared/file; cmp /bin/sh /proc/$$/exe'
	code_is 0
	same "$(cat out)" content
	same "$(tail -n 1 shared/file)" more
	# The same template for another folder, and for none of this machine's files at all.
	mkdir other
	clone --rw other -- sh -c 'touch other/made; ls shared'
	[ -e other/made ] || fail "nothing was written"
}

test_verdicts_and_exit_codes_are_those_of_a_boot() {
	clone -- sh -c 'echo c >/proc/sysrq-trigger'
	code_is 122
	clone -- busybox poweroff -f
	code_is 123
	clone --timeout 3s -- sleep 1000
	code_is 124
	has err "backtrace"
	clone -- sh -c 'exit 7'
	code_is 7
	clone -- /nonexistent
	code_is 127
	# shellcheck disable=SC2016
	clone -- sh -c 'kill -SEGV $$'
	code_is 139
}

test_a_kernel_that_does_not_come_up_is_told_as_ever() {
	own_cache cache
	vmrig run --isolate clone --json --cmdline rdinit=/nonexistent -- true
	code_is 122
	has err '"isolate":"boot"'
	vmrig run --isolate clone --json --boot-timeout 100ms -- true
	code_is 124
	same "$(templates)" 0
	same "$(find "$VMRIG_CACHE_DIR/templates" -name '*.tmp' | wc -l)" 0
}

test_what_cannot_be_cloned_is_booted_and_told_so() {
	vmrig run --isolate clone --json --qemu-arg=-device --qemu-arg=virtio-rng-pci -- true
	code_is 0
	has err '"isolate":"boot"'
	same "$(grep -c 'booted, not cloned: .*QEMU' err)" 1
	vmrig run --isolate boot --json -- true
	has err '"isolate":"boot"'
	hasnt err "not cloned"
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M }
		machines: [{ name: odd, qemu_args: [-device, virtio-rng-pci] }]
		tests: [{ name: a, run: [true] }, { name: b, run: [true] }]
	END
	sed -i 's/\[true\]/["true"]/g' vmrig.yaml
	vmrig test -o out.d
	code_is 0
	same "$(grep -c 'booted, not cloned' err)" 1
	same "$(grep -c '"isolate":"boot".*further arguments' out.d/results.jsonl)" 2
}

test_the_suite_says_which_test_is_a_clone() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M }
		tests:
		  - { name: as-ever, run: 'true' }
		  - { name: cold, run: 'true', isolate: boot }
	END
	vmrig test -o out.d
	code_is 0
	same "$(field out.d/results.jsonl as-ever isolate)" clone
	same "$(grep -c '"steps_us":{"engine":.*"runs":.*"agent":.*"root":.*"command":.*"exit":.*"end":' out.d/results.jsonl)" 2
	same "$(field out.d/results.jsonl cold isolate)" boot
	vmrig test --isolate boot -o all.d
	same "$(field all.d/results.jsonl as-ever isolate)" boot
	echo "tests: [{ name: a, run: x, isolate: alone }]" >vmrig.yaml
	vmrig test
	code_is 2
	has err "1:37"
}

test_shared_tests_see_each_other_and_a_crash_gives_a_fresh_guest() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, isolate: shared }
		tests:
		  - { name: leaves, run: 'touch /run/left; echo first; sleep 1000 &' }
		  - { name: finds, run: 'test -e /run/left && echo second; ! pgrep sleep', artifacts: /proc/uptime }
		  - { name: fails, run: 'test -e /run/left && exit 3' }
		  - { name: crashes, run: 'test -e /run/left && echo c >/proc/sysrq-trigger', expect: crash }
		  - { name: fresh, run: test ! -e /run/left }
		  - { name: alone, run: test ! -e /run/left, isolate: clone }
		  - { name: oops, run: 'echo 1 >/proc/sys/kernel/panic_on_oops; touch /run/left; exit 0' }
		  - { name: last, run: test -e /run/left }
	END
	vmrig test -j 2 -o out.d
	code_is 1
	for case in leaves:pass finds:pass fails:fail crashes:crash fresh:pass alone:pass oops:pass last:pass; do
		same "${case%:*}:$(field out.d/results.jsonl "${case%:*}" verdict)" "$case"
	done
	same "$(grep -c '"isolate":"shared"' out.d/results.jsonl)" 7
	same "$(cat out.d/cases/leaves/stdout out.d/cases/finds/stdout | tr '\n' ' ')" "first second "
	[ -s out.d/cases/finds/artifacts/proc/uptime ] || fail "no artifact"
	hasnt out.d/cases/finds/console.log "Linux version"
	has out.d/cases/crashes/console.log "sysrq triggered crash"
}

test_a_damaged_template_is_named_and_made_anew() {
	own_cache cache
	local dir
	clone -- true
	dir=$(the_template)
	chmod u+w "$dir"
	echo garbage >"$dir/state"
	clone -- sh -c 'exit 5'
	code_is 5
	has err "$dir is damaged: its state is not the one that was saved"
	clone -- true
	hasnt err damaged
	chmod u+w "$dir"
	truncate -s 1M "$dir/memory"
	clone -- true
	has err "is damaged: its memory"
	# One that is whole and means nothing to the engine.
	chmod u+w "$dir" "$dir/manifest.json"
	echo garbage >"$dir/state"
	sed -i "s/\"state_sha256\":\"[0-9a-f]*\"/\"state_sha256\":\"$(sha256sum <"$dir/state" | cut -d' ' -f1)\"/" "$dir/manifest.json"
	clone -- sh -c 'exit 6'
	code_is 6
	has err "could not be resumed"
	clone -- true
	same "$(grep -c vmrig: err)" 0
}

test_eight_at_once_make_one_template() {
	own_cache cache
	for i in $(seq 8); do
		(
			c=0
			"$VMRIG" run --isolate clone --json --memory 256M --boot-timeout 300s -- sh -c "echo $i; exit $i" >out.$i 2>err.$i || c=$?
			echo $c >code.$i
		) &
	done
	wait
	for i in $(seq 8); do
		same "$(cat code.$i out.$i | tr '\n' ' ')" "$i $i "
		has err.$i '"isolate":"clone"'
	done
	same "$(templates)" 1
}

# No process of this test; those that look are none of it.
nothing_runs() (
	unset VMRIG_E2E_MARK
	eventually none_marked "$1"
)

test_sigkill_leaves_no_process_and_no_file() {
	own_cache cache
	local pid
	for moment in 0.3 1 1.5 2 3; do
		"$VMRIG" run --isolate clone -- sleep 1000 >out 2>err &
		pid=$!
		sleep $moment
		kill -KILL $pid
		wait $pid || true
		nothing_runs "$VMRIG_E2E_MARK" || fail "something runs on"
	done
	clone -- sh -c 'exit 3'
	code_is 3
	same "$(find "$VMRIG_CACHE_DIR/templates" -mindepth 1 -maxdepth 1 ! -name '*.lock' | wc -l)" 1
}

# copies TEXT N: a suite of N tests that are TEXT; most of them run in copies of one guest.
copies() {
	echo 'defaults: { memory: 256M, timeout: 120s }' >vmrig.yaml
	echo 'tests:' >>vmrig.yaml
	for i in $(seq "$2"); do printf -- '- name: t%s\n  run: |\n    %s\n' "$i" "$1"; done >>vmrig.yaml
}

test_copies_of_a_waiting_guest_share_nothing() {
	local since
	write_draws
	cat >guest.sh <<-'EOF'
		sh draws.sh
		sysctl -n kernel.msgmax
		! ls /tmp/was /run/was /etc/was 2>/dev/null || exit 1
		touch /tmp/was /run/was /etc/was
		sysctl -q kernel.msgmax=9000
	EOF
	since=$(date +%s)
	copies 'sh ./guest.sh' 8
	cat >>vmrig.yaml <<-'EOF'
		- { name: panics, run: 'echo c >/proc/sysrq-trigger', expect: crash }
		- { name: after, run: 'test ! -e /tmp/was && ! grep -q "^dummy " /proc/modules' }
		- { name: boots, run: 'test ! -e /tmp/was', isolate: boot }
	EOF
	vmrig test -v -j 2 -o out.d
	code_is 0
	has err "clones are copies of a guest that waits"
	same "$(grep -c '"isolate":"clone"' out.d/results.jsonl)" 10
	same "$(field out.d/results.jsonl boots isolate)" boot
	hasnt out.d/results.jsonl isolate_why
	for i in 1 2 3 4 5 6 7 8; do
		same "$(tail -n 1 out.d/cases/t$i/stdout)" 8192
		head -n -1 out.d/cases/t$i/stdout >drawn
		drawn drawn "$since"
		has out.d/cases/t$i/kernel.log "Linux version"
	done
	all_differ 72
	# Nor is there one where none is wanted.
	vmrig test -v -j 2 --no-pool --filter 't*' -o alone.d
	code_is 0
	hasnt err "copies of a guest"
}

# sockets_of PID: those of each of its children, a line each; the number of children is in the file engines.
sockets_of() {
	tr ' ' '\n' <"/proc/$1/task/$1/children" | grep . >engines || true
	while read -r child; do
		find "/proc/$child/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | sort -u
	done <engines
}

# The guest that waits and two copies of it are there, or more, and each socket is the one's or the other's alone. A copy
# that is being made has those of its original for a moment.
share_no_socket() {
	sockets_of "$1" >sockets
	[ "$(wc -l <engines)" -ge 3 ] && [ "$(wc -l <sockets)" -ge 6 ] && [ -z "$(sort sockets | uniq -d)" ]
}

test_copies_and_what_they_come_from_die_with_vmrig() {
	local pid n=0
	copies 'sleep 0.2' 200
	for signal in KILL TERM; do
		"$VMRIG" test -j 2 -o "out-$signal" >out 2>err &
		pid=$!
		until [ "$(wc -l <"out-$signal/results.jsonl")" -ge 6 ] || [ $((n++)) -gt 600 ]; do sleep 0.1; done 2>/dev/null
		eventually share_no_socket $pid || fail "engines share sockets: $(sort sockets | uniq -d)"
		kill -"$signal" $pid
		wait $pid || true
		[ "$(wc -l <"out-$signal/results.jsonl")" -lt 200 ] || fail "it was over before SIG$signal"
		nothing_runs "$VMRIG_E2E_MARK" || fail "something runs on after SIG$signal"
	done
}

test_every_machine_root_and_channel_can_be_cloned() {
	for args in "--machine microvm" "--cpus 2" "-k debian:6.1-cloud" "--root none" "--user nobody"; do
		for i in 1 2; do
			# shellcheck disable=SC2086
			clone $args -- /bin/busybox sh -c 'echo out; exit 4'
			code_is 4
			same "$(cat out)" out
		done
	done
	mkdir alone
	cp "$("$VMRIG" kernel list --json | grep -o '"image": "[^"]*6.1.0[^"]*-amd64"' | grep -v cloud | head -n 1 | cut -d'"' -f4)" alone/vmlinuz
	for i in 1 2; do
		clone --kernel alone/vmlinuz --root none -- /bin/busybox sh -c 'head -c 100000 /dev/zero; exit 4'
		code_is 4
		same "$(wc -c <out)" 100000
	done
}

test_a_clone_has_its_kvm_up() {
	for i in 1 2; do
		clone --accel nested -- sh -c 'exec 3<>/dev/kvm && cat /sys/module/kvm_amd/parameters/npt'
		code_is 0
		same "$(cat out)" Y
	done
}

test_a_foreign_guest_can_be_cloned() {
	"$VMRIG" kernel list | grep -q ':arm64' || return 0
	[ -x "$(dirname "$VMRIG")/agent/vmrig-agent-aarch64" ] || return 0
	local program
	program=$(dirname "$VMRIG")/agent/vmrig-agent-aarch64
	for i in 1 2; do
		# The agent is a program of that architecture, and says that it is none to run.
		clone -k debian:6.1:arm64 -- "$(realpath "$program")"
		code_is 2
		has err "not a program to run"
	done
}

test_what_a_template_needs_is_prepared_once_for_all() {
	mkdir counted
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M }
		template:
		  setup: >
		    modprobe dummy numdummies=2 && echo 4711 >/proc/sys/kernel/pid_max &&
		    date +%s.%N >/usr/bin/prepared && cat /proc/sys/kernel/random/boot_id >>/usr/bin/prepared
		tests:
		  - { name: one, run: test -d /sys/class/net/dummy1 && cat /usr/bin/prepared /proc/sys/kernel/random/boot_id }
		  - { name: two, run: test $(cat /proc/sys/kernel/pid_max) = 4711 && cat /usr/bin/prepared /proc/sys/kernel/random/boot_id }
		  - { name: three, run: test -d /sys/class/net/dummy1 && cat /usr/bin/prepared /proc/sys/kernel/random/boot_id, isolate: boot }
	END
	vmrig test -j 1 -o out.d
	code_is 0
	same "$(field out.d/results.jsonl one isolate) $(field out.d/results.jsonl two isolate) $(field out.d/results.jsonl three isolate)" "clone clone boot"
	# Once for the clones, and for the one that boots; each has a boot id of its own, and none that of the preparation.
	same "$(head -qn 1 out.d/cases/{one,two}/stdout | sort -u | wc -l)" 1
	same "$(head -qn 1 out.d/cases/*/stdout | sort -u | wc -l)" 2
	same "$(tail -qn 1 out.d/cases/*/stdout | sort -u | wc -l)" 3
	same "$(sed -n 2,3p out.d/cases/one/stdout | sort -u | wc -l)" 2
	# One that fails is the failure of each test.
	sed -i 's/modprobe dummy/echo no such thing; false/' vmrig.yaml
	vmrig test -j 1 -o bad.d
	code_is 1
	same "$(grep -c '"verdict":"fail"' bad.d/results.jsonl)" 3
	has bad.d/results.jsonl "template.setup: it ended by exit code 1: no such thing"
}

test_sigkill_amid_many_clones_leaves_nothing() {
	own_cache cache
	local pid before
	clone --memory 256M -- true
	before=$(find "$VMRIG_CACHE_DIR" | sort)
	echo 'defaults: { memory: 256M, timeout: 120s, isolate: clone }' >vmrig.yaml
	echo 'tests:' >>vmrig.yaml
	for i in $(seq 1000); do echo "- { name: t$i, run: 'true' }"; done >>vmrig.yaml
	"$VMRIG" test -j 2 -o out.d >out 2>err &
	pid=$!
	eventually grep -qs '"verdict"' out.d/results.jsonl || fail "no test was over in time"
	kill -KILL $pid
	wait $pid || true
	nothing_runs "$VMRIG_E2E_MARK" || fail "something runs on"
	same "$(grep -c '"verdict":"pass"' out.d/results.jsonl)" "$(wc -l <out.d/results.jsonl)"
	same "$(find "$VMRIG_CACHE_DIR" | sort)" "$before"
}

# The same as `make soak`, which makes 10,000 of them. A sanitizer keeps freed memory back, unless it is told not to.
test_clones_in_a_row_leak_nothing() {
	ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=0 "$TOP/tools/soak" --clones 30 --jobs 1 "$VMRIG"
}

test_cleanup_removes_what_it_is_told_to() {
	own_cache cache
	vmrig cleanup
	code_is 0
	has out "freed 0 MiB"
	clone --memory 256M -- true
	vmrig cleanup --older 1h
	same "$(templates)" 1
	vmrig cleanup --templates --dry-run
	code_is 0
	has out "would remove template"
	same "$(templates)" 1
	vmrig cleanup --max-size 1M
	code_is 0
	has out "removed template"
	same "$(templates)" 0
	vmrig cleanup --oldest
	code_is 2
	has err older
}

run_tests "$@"
