#!/bin/bash
# SPDX-License-Identifier: MIT
# Faults on a real kernel, caused and not imagined: none of them reads as a pass (docs/faults.md).
. "$(dirname "$0")/lib.sh"

PROVOKE=$(realpath "${PROVOKE:-$(dirname "$VMRIG")/tests/guest/provoke}")
DATA=$(cd "$(dirname "$0")/data" && pwd)
SHARED=$(mktemp -d "${TMPDIR:-/tmp}/vmrig-faults.XXXXXX")
trap 'rm -rf "$SHARED"' EXIT

# ---- the suite of faults inside a guest: run once, by the first test that asks for it ----

# Watches the memory of process $1 until it ends; its peak in KiB is in the file hwm.
watch_memory() {
	local line
	while line=$(grep VmHWM "/proc/$1/status" 2>/dev/null); do
		echo "${line//[!0-9]/}" >hwm
		sleep 0.05
	done
}

sanitized() {
	grep -q __asan_init "$VMRIG"
}

# Sanitizers need memory of their own.
memory_was_bounded() {
	sanitized || [ "$(cat hwm)" -lt 65536 ] || fail "peak of memory: $(cat hwm) KiB"
}

the_faults() {
	RESULTS=$SHARED/out/results.jsonl
	[ ! -e "$SHARED/code" ] || return 0
	cp "$DATA/faults.yaml" "$SHARED/vmrig.yaml"
	cp "$PROVOKE" "$SHARED/provoke"
	(
		cd "$SHARED" || exit
		"$VMRIG" test -j 3 -o out >log 2>&1 &
		watch_memory $! &
		code=0
		wait %1 || code=$?
		wait
		echo $code >code
	)
}

# came_to ID VERDICT OK TEXT: what the record of this case says; TEXT stands in its reason.
came_to() {
	local rec verdict ok reason
	rec=$(grep -F "\"id\":\"$1\"" "$RESULTS") || fail "no record of $1: $(tail -n 20 "$SHARED/log")"
	verdict=${rec#*\"verdict\":\"} verdict=${verdict%%\"*}
	ok=${rec#*\"ok\":} ok=${ok%%,*}
	reason=${rec#*\"reason\":\"} reason=${reason%%\",*}
	same "$1: $verdict, ok: $ok" "$1: $2, ok: $3"
	[[ $reason == *"$4"* ]] || fail "$1: expected in the reason: $4: $reason"
}

# said ID TEXT: this stands in the record.
said() {
	grep -F "\"id\":\"$1\"" "$RESULTS" | grep -qF -e "$2" || fail "$1: expected in the record: $2"
}

test_a_panic_is_a_crash() {
	the_faults
	came_to panic crash false "sysrq triggered crash"
	came_to panic-expected crash true "sysrq triggered crash"
	came_to panic-by-oops crash false "Fatal exception"
	came_to report-passes-but-panic crash false "sysrq triggered crash"
	said panic '"kind":"panic"'
}

test_an_oops_is_a_crash_though_the_kernel_and_the_test_go_on() {
	the_faults
	came_to oops crash false "NULL pointer dereference in dummy_init_module"
	came_to oops-invalid-opcode crash false "invalid opcode"
	came_to oops-in-setup crash false "NULL pointer dereference"
	came_to oops-in-teardown crash false "NULL pointer dereference"
	came_to oops-with-passing-report crash false "NULL pointer dereference"
	came_to oops-then-poweroff crash false "NULL pointer dereference"
	came_to oops-then-hang crash false "and the guest hung"
	came_to stack-overflow crash false "stack guard page was hit"
	# The agent's record of the kernel's log lost it: that is noticed, and the console heard.
	came_to oops-in-a-flood crash false ""
	hasnt "$SHARED/out/cases/oops-in-a-flood/kernel.log" "NULL pointer"
	said oops '"kind":"oops"'
	said oops '"exit_code":0'
}

test_a_triple_fault_is_a_crash() {
	the_faults
	came_to triple-fault crash false "triple fault"
}

test_a_stall_is_a_crash_though_the_test_passes() {
	the_faults
	came_to soft-lockup crash false "soft lockup"
	said soft-lockup '"exit_code":0'
}

test_a_guest_that_hangs_is_a_timeout() {
	the_faults
	came_to hang-interrupts-on timeout false "soft lockup"
	came_to hang-interrupts-off timeout false "limit: test"
	came_to hang-halted timeout false "limit: test"
	came_to hang-heartbeat timeout false "limit: heartbeat"
	came_to cpu-taken timeout false "limit: test"
	said hang-heartbeat '"limit":"heartbeat"'
	# Neither answers a magic SysRq; an NMI reaches both.
	for id in hang-interrupts-off hang-halted hang-heartbeat; do
		has "$SHARED/out/cases/$id/console.log" "NMI"
		has "$SHARED/out/cases/$id/console.log" "dummy_init_module"
	done
}

test_power_off_reset_and_halt_are_lost() {
	the_faults
	came_to poweroff lost false "powered off"
	came_to poweroff-expected-crash lost false "powered off"
	came_to poweroff-in-setup lost false "powered off"
	came_to poweroff-in-teardown lost false "powered off"
	came_to reboot lost false "reset"
	came_to reboot-by-triple-fault lost false "reset"
	came_to halt lost false "halted"
}

test_a_dead_agent_is_a_crash_and_a_stopped_one_a_timeout() {
	the_faults
	came_to agent-broken crash false "Attempted to kill init"
	came_to agent-stopped timeout false "limit: test"
	came_to agent-signalled fail false "exit code 3"
	came_to everything-hidden fail false "exit code 3"
}

test_forged_frames_are_no_result() {
	the_faults
	came_to frames-on-channel lost false "channel broke"
	came_to frames-on-stdout fail false "exit code 3"
	came_to frames-on-consoles fail false "exit code 3"
	cmp "$SHARED/out/cases/frames-on-stdout/stdout" "$SHARED/out/cases/frames-on-stdout/stderr"
	has "$SHARED/out/cases/frames-on-consoles/stdout" "all busy"
}

test_printed_words_are_neither_a_pass_nor_a_panic() {
	the_faults
	came_to words-of-a-pass fail false "it is not"
	came_to words-of-a-panic pass true ""
	came_to words-of-a-panic-then-reboot lost false "reset"
	came_to words-of-a-panic-then-poweroff lost false "powered off"
	came_to words-of-an-oops-then-poweroff lost false "powered off"
	came_to words-of-a-panic-then-hang timeout false "limit: test"
}

test_a_report_that_is_not_whole_fails() {
	the_faults
	came_to report-cut-short fail false "#2"
	came_to report-lacks-planned fail false "#2"
	came_to report-repeats fail false "comes twice"
	came_to report-missing fail false "no test result"
	came_to report-passes-but-exit-code fail false "exit code is 5"
	came_to no-newline fail false "no newline"
}

test_a_command_that_ends_badly_fails() {
	the_faults
	came_to killed-as-last-command fail false "exit code 139"
	came_to killed fail false "killed by SIGSEGV"
	came_to endless-unexpected timeout false "limit: test"
	came_to endless timeout true "limit: test"
}

test_processes_that_outlive_the_test_are_killed_and_counted() {
	the_faults
	came_to forks-and-exits pass true ""
	said forks-and-exits '"leftover":' # the subshell, and its sleep where it had begun
	hasnt "$SHARED/out/cases/forks-and-exits/console.log" "sysrq: Trigger"
}

test_a_flood_of_output_is_capped_and_said_so() {
	the_faults
	came_to flood fail false "exit code 6"
	said flood '"stdout_bytes":209715200'
	said flood '"output_truncated":true'
	same "$(stat -c %s "$SHARED/out/cases/flood/stdout")" 67108864
	cd "$SHARED" || exit
	memory_was_bounded
}

test_memory_and_disk_that_run_out_fail_the_test_and_spare_the_agent() {
	the_faults
	came_to out-of-memory fail false "killed by SIGKILL"
	came_to out-of-memory-unnoticed fail false "exit code 3"
	has "$SHARED/out/cases/out-of-memory-unnoticed/stdout" "still here"
	came_to out-of-memory-panics crash false "Out of memory"
	came_to tmpfs-full fail false "exit code 1"
	has "$SHARED/out/cases/tmpfs-full/stderr" "No space left"
}

test_a_suite_of_faults_fails_as_a_whole() {
	the_faults
	same "$(cat "$SHARED/code")" 1
	same "$(wc -l <"$RESULTS")" "$(grep -c '^  - name:' "$DATA/faults.yaml")"
	same "$(grep -c '"ok":true' "$RESULTS")" 4
	xmllint --noout --schema "$DATA/../../data/junit.xsd" "$SHARED/out/junit.xml" 2>err || fail "junit.xml is not valid"
}

# ---- the same on other machines, roots and channels ----

test_faults_come_to_the_same_on_every_machine() {
	cp "$DATA/faults.yaml" vmrig.yaml
	cp "$PROVOKE" provoke
	cat >>vmrig.yaml <<-'END'
		machines:
		  - { name: microvm, type: microvm, memory: 256M }
		  - { name: two, cpus: 2, memory: 256M }
	END
	vmrig test -j 2 -o out.d -f panic -f oops -f triple-fault -f poweroff -f reboot -f halt \
		-f hang-halted@microvm
	code_is 1
	RESULTS=out.d/results.jsonl
	for on in microvm two; do
		came_to "panic@$on" crash false "sysrq triggered crash"
		came_to "oops@$on" crash false "NULL pointer"
		came_to "triple-fault@$on" crash false "triple fault"
		came_to "poweroff@$on" lost false "powered off"
		came_to "reboot@$on" lost false "reset"
		came_to "halt@$on" lost false "halted"
	done
	came_to hang-halted@microvm timeout false "limit: test"
}

test_faults_come_to_the_same_on_a_root_over_fuse() {
	local kernel
	kernel=$("$VMRIG" kernel list | sed -n 's/^\([^ ]*-cloud\) .*/\1/p' | head -n 1)
	[ -n "$kernel" ] || kernel=debian:6.1-cloud
	cp "$DATA/faults.yaml" vmrig.yaml
	cp "$PROVOKE" provoke
	vmrig test -k "$kernel" -j 2 -o out.d -f panic -f poweroff -f agent-broken -f killed -f flood
	code_is 1
	RESULTS=out.d/results.jsonl
	came_to panic crash false "sysrq triggered crash"
	came_to poweroff lost false "powered off"
	came_to agent-broken crash false "Attempted to kill init"
	came_to killed fail false "killed by SIGSEGV"
	came_to flood fail false "exit code 6"
}

test_faults_come_to_the_same_over_a_uart() {
	mkdir alone
	cp "$(kernel_image)" alone/vmlinuz
	vmrig run --kernel alone/vmlinuz --root none -- /bin/busybox sh -c 'echo out; sleep 1; echo c >/proc/sysrq-trigger'
	code_is 122
	has out out
	has err "sysrq triggered crash"
	vmrig run --kernel alone/vmlinuz --root none -- /bin/busybox poweroff -f
	code_is 123
	# The test cannot write to the agent's UART (TIOCEXCL, and root may): then the stream is broken, no more.
	vmrig run --kernel alone/vmlinuz --root none -- /bin/busybox sh -c 'echo garbage >/dev/ttyS1; sleep 2; exit 3'
	[ "$code" = 3 ] || [ "$code" = 123 ] || fail "garbage on the UART came to $code"
	vmrig run --kernel alone/vmlinuz --root none -- /bin/busybox sh -c 'head -c 1000000 /dev/zero; exit 4'
	code_is 4
	same "$(wc -c <out)" 1000000
}

# ---- while booting ----

# Which of the rig's own codes it is depends on the engine; the command's own it is not.
never_passed() {
	case $code in
	122 | 123 | 124 | 125) ;;
	*) fail "expected one of 122 to 125" ;;
	esac
}

test_no_init_is_a_crash() {
	vmrig run --cmdline 'rdinit=/nonexistent' -- true
	code_is 122
	has err "crash: kernel panic"
}

test_a_panic_before_init_is_a_crash() {
	vmrig run --cmdline mem=40M -- true
	code_is 122
	has err "crash: kernel panic"
	has err "memory"
}

test_a_guest_too_small_to_boot_never_passes() {
	vmrig run --memory 64M --boot-timeout 6s -- true
	never_passed
}

# ---- the engine ----

qemu_of() {
	for pid in $(cat "/proc/$1/task/$1/children"); do
		[[ $(cat "/proc/$pid/comm") == qemu* ]] && echo "$pid"
	done
}

not_there() {
	! kill -0 "$1" 2>/dev/null
}

test_a_killed_engine_is_a_failure_of_the_rig() {
	"$VMRIG" run -- sh -c 'echo ready; sleep 1000' >out 2>err &
	local pid=$!
	eventually grep -q ready out
	kill -KILL "$(qemu_of $pid)"
	code=0
	wait $pid || code=$?
	code_is 125
	has err "killed by SIGKILL"
}

test_an_engine_that_is_missing_is_named_with_its_package() {
	VMRIG_QEMU=/nonexistent vmrig run -- true
	code_is 125
	has err /nonexistent
	code=0
	PATH=/nonexistent "$VMRIG" run -- /bin/true >out 2>err || code=$?
	code_is 125
	has err qemu-system-x86
}

test_an_engine_that_refuses_its_options_is_a_failure_of_the_rig() {
	vmrig run --qemu-arg -no-such-option -- true
	code_is 125
	has err no-such-option
}

# ---- the kernel's image ----

kernel_image() {
	"$VMRIG" kernel resolve debian:6.1 | cut -d' ' -f3
}

test_a_damaged_kernel_image_is_refused() {
	local image
	image=$(kernel_image)
	head -c 3000000 "$image" >cut.img
	vmrig run --kernel ./cut.img --root none -- /bin/busybox true
	code_is 125
	has err cut.img
	cp "$image" holed
	dd if=/dev/zero of=holed bs=1k seek=3000 count=64 conv=notrunc status=none
	vmrig run --kernel ./holed --root none -- /bin/busybox true
	code_is 125
	has err holed
	head -c 100000 /dev/urandom >noise
	vmrig run --kernel ./noise --root none -- /bin/busybox true
	code_is 125
	has err noise
	: >empty
	vmrig run --kernel ./empty --root none -- /bin/busybox true
	code_is 125
	has err empty
}

test_a_kernel_whose_code_is_damaged_never_passes() {
	local vmlinux size
	vmlinux=$("$VMRIG" run --dry-run -- true | sed -n 's/.* -kernel \([^ ]*\) .*/\1/p')
	size=$(stat -c %s "$vmlinux")
	cp "$vmlinux" damaged
	dd if=/dev/zero of=damaged bs=4k seek=768 count=$((size / 4096 / 8)) conv=notrunc status=none
	vmrig run --kernel ./damaged --root none --boot-timeout 6s -- /bin/busybox true
	never_passed
}

test_a_kernel_without_virtio_falls_back_to_the_uart() {
	mkdir alone
	cp "$(kernel_image)" alone/vmlinuz
	vmrig run --kernel alone/vmlinuz --root none -- /bin/busybox sh -c 'echo out; echo err >&2; exit 9'
	code_is 9
	same "$(cat out)" out
	same "$(grep -v '^vmrig: ' err)" err
	vmrig run --kernel alone/vmlinuz -- true
	code_is 125
	has err virtio
}

# ---- the cache ----

test_a_damaged_cache_is_built_anew() {
	own_cache cache
	vmrig run -- true
	code_is 0
	for file in cache/boot/*/vmlinux cache/boot/*/initramfs-*; do
		truncate -s $(($(stat -c %s "$file") / 2)) "$file"
	done
	vmrig run -- true
	code_is 0
	for file in cache/boot/*/facts.json cache/probe/*.json; do
		echo '{"schema":' >"$file"
	done
	vmrig run -- sh -c 'exit 3'
	code_is 3
}

# ---- output ----

test_a_gigabyte_of_output_arrives_whole_in_bounded_memory() {
	"$VMRIG" run -- head -c 1073741824 /dev/zero > >(wc -c >count) 2>err &
	local pid=$!
	watch_memory $pid
	code=0
	wait $pid || code=$?
	code_is 0
	eventually test -s count
	same "$(cat count)" 1073741824
	memory_was_bounded
}

test_output_that_cannot_be_written_is_no_success() {
	code=0
	"$VMRIG" run -- echo lost >/dev/full 2>err || code=$?
	code_is 125
	has err "cannot write to standard output: No space left"
	# What never ends by itself is ended.
	code=0
	timeout 60 "$VMRIG" run -- yes >/dev/full 2>err || code=$?
	code_is 125
}

# ---- full disks ----

small_suite() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M }
		tests:
		  - name: prints
		    run: head -c 2M /dev/zero
		  - name: after
		    run: 'true'
	END
}

test_a_full_disk_is_a_failure_of_the_rig() {
	small_suite
	mkdir small
	if mount -t tmpfs -o size=300k none small 2>err; then
		code=0
		"$VMRIG" test -j 1 -o small/out >out 2>err || code=$?
		grep -c '"verdict":"pass"' small/out/results.jsonl >passes || true
		umount small
		code_is 125
		grep -q "No space left" out err || fail "no word of the full disk"
		same "$(cat passes)" 0
		mkdir cache
		mount -t tmpfs -o size=3m none cache
		cp -r "$VMRIG_CACHE_DIR/probe" cache/
		VMRIG_CACHE_DIR=$PWD/cache vmrig run --kernel "$(kernel_image)" -- true
		umount cache
		code_is 125
		has err "No space left"
	fi
	code=0
	(
		ulimit -f 300
		"$VMRIG" test -j 1 -o out.d >out 2>err
	) || code=$?
	code_is 125
	grep -q "File too large" out err || fail "no word of the limit"
	hasnt out.d/results.jsonl '"verdict":"pass"'
}

# ---- killed in the midst ----

# A suite whose second case does not end before the file "go" is there.
waiting_suite() {
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M }
		tests:
		  - name: first
		    run: 'true'
		  - name: waits
		    run: test -e go || { echo waiting >/dev/console; sleep 1000; }
		  - name: last
		    run: 'true'
	END
	# A shell lets what it puts in the background ignore SIGINT.
	env --default-signal=INT "$VMRIG" test -j 1 -o out.d >out 2>err &
	pid=$!
	eventually grep -qs waiting out.d/cases/waits/console.log
}

# The run goes on where it ended, and is whole.
it_can_be_resumed() {
	touch go
	vmrig test -j 2 --resume out.d
	code_is 0
	same "$(wc -l <out.d/results.jsonl)" 3
	same "$(grep -c '"verdict":"pass"' out.d/results.jsonl)" 3
	has out.d/results.tap 1..3
	hasnt out.d/results.tap "not ok"
	hasnt out.d/results.tap "Bail out!"
	hasnt out.d/junit.xml "run-incomplete"
	has out.d/run.json '"complete": true'
}

stopped_by() {
	local pid
	waiting_suite
	kill "-$1" $pid
	code=0
	wait $pid || code=$?
	code_is "$2"
	has out "SIG$1"
	has out --resume
	same "$(wc -l <out.d/results.jsonl)" 1
	has out.d/summary.txt "2 of 3 cases were not run"
	has out.d/junit.xml "run-incomplete"
	has out.d/results.tap 1..3
	has out.d/results.tap "Bail out!"
	has out.d/run.json '"complete": false'
	xmllint --noout --schema "$DATA/../../data/junit.xsd" out.d/junit.xml 2>>err || fail "junit.xml is not valid"
	it_can_be_resumed
}

test_sigint_stops_a_suite_in_order_and_it_can_be_resumed() {
	stopped_by INT 130
}

test_sigterm_stops_a_suite_in_order_and_it_can_be_resumed() {
	stopped_by TERM 143
}

test_sigkill_of_a_suite_leaves_nothing_behind_and_it_can_be_resumed() {
	local pid qemu
	waiting_suite
	vmrig test --resume out.d
	code_is 125
	has err "another vmrig writes"
	qemu=$(qemu_of $pid)
	kill -KILL $pid
	wait $pid || true
	eventually not_there "$qemu" || fail "the engine runs on"
	same "$(wc -l <out.d/results.jsonl)" 1
	# So does a record of which only a part was written.
	head -c 100 out.d/results.jsonl | sed 's/first/waits/g' | tr -d '\n' >>out.d/results.jsonl
	it_can_be_resumed
}

# ---- many at once ----

test_sixteen_at_once_do_not_meet() {
	own_cache cache
	cat >vmrig.yaml <<-'END'
		defaults: { memory: 256M, boot_timeout: 300s }
		tests: [{ name: one, run: [test, -d, /proc/self] }]
	END
	for i in $(seq 12); do
		(
			c=0
			"$VMRIG" run --memory 256M --boot-timeout 300s -- sh -c "echo $i; exit $i" >out.$i 2>err.$i || c=$?
			echo $c >code.$i
		) &
	done
	for i in 13 14 15 16; do
		(
			c=0
			"$VMRIG" test -j 1 >out.$i 2>err.$i || c=$?
			echo $c >code.$i
		) &
	done
	wait
	for i in $(seq 12); do
		same "$i: $(cat code.$i out.$i) $(cat err.$i)" "$i: $i
$i "
	done
	for i in 13 14 15 16; do
		[ "$(cat code.$i)" = 0 ] || fail "test run $i: $(cat code.$i out.$i err.$i)"
	done
	same "$(cat vmrig-results/*-*/results.jsonl | grep -c '"verdict":"pass"')" 4
}

# ---- faulty suite files ----

# refuses WHERE TEXT: the file in stdin is refused, by line and column.
refuses() {
	cat >bad.yaml
	code=0
	(
		sanitized || ulimit -v 1500000
		timeout 60 "$VMRIG" test bad.yaml >out 2>err
	) || code=$?
	code_is 2
	has err "bad.yaml${1:+:$1}"
	has err "$2"
	[ "$(wc -c <err)" -lt 4000 ] || fail "a message of $(wc -c <err) bytes"
}

test_a_faulty_suite_file_is_refused_by_line_and_column() {
	refuses 1:1: "did you mean 'tests'" <<<'tsets: []'
	refuses 1:8: "list is empty" <<<'tests: []'
	refuses 1:8: "expected a list" <<<'tests: {}'
	refuses 2:3: "lacks the key 'run'" <<<$'tests:\n- name: a'
	refuses 1:1: "expected" <<<'just words'
	refuses 2:28: "did you mean 'timeout'" <<<$'tests:\n- {name: a, run: "true",   tiemout: 5s}'
	refuses 2:35: "not a duration" <<<$'tests:\n- {name: a, run: "true", timeout: soon}'
	refuses 2:35: "found a list" <<<$'tests:\n- {name: a, run: "true", timeout: [1]}'
	refuses 2:36: "exit, tap, ktap" <<<$'tests:\n- {name: a, run: "true", protocol: xml}'
	refuses 2:34: "pass, fail, crash or timeout" <<<$'tests:\n- {name: a, run: "true", expect: boom}'
	refuses 1:19: "whole number" <<<$'defaults: {cpus:  many}\ntests: [{name: a, run: "true"}]'
	refuses 3:3: "a test 'a' already stands in line 2" <<<$'tests:\n- {name: a, run: "true"}\n- {name: a, run: "true"}'
	refuses 2:1: "tab" <<<$'tests:\n\t- name: a'
	refuses 2:1: "missing comma" <<<'tests: [{name: a, run: "true"'
	refuses 1:12: "unexpected alias" <<<'tests: &a *a'
	refuses 1:12: "cycle" <<<'tests: &a [*a]'
	refuses 1:1: "empty" <<<''
	refuses 2:11: "control byte" <<<$'tests:\n- {name: a\x01b, run: "true"}'
}

test_megabytes_of_junk_are_refused_in_bounded_time_and_memory() {
	head -c 10000000 /dev/urandom | refuses "" ""
	head -c 10000000 /dev/zero | refuses "" ""
	head -c 10000000 /dev/zero | tr '\0' '[' | refuses "" ""
	head -c 10000000 /dev/zero | tr '\0' '{' | refuses "" ""
	head -c 10000000 /dev/zero | tr '\0' 'a' | refuses "" ""
	head -c 10000000 /dev/zero | tr '\0' '\n' | refuses "" ""
	{ echo "tests:" && yes -- '- {name: a, run: b}' | head -c 9000000; } | refuses "" "too many values"
	{ echo "tests:" && yes -- '- {name: a, run: b}' | head -n 20000; } | refuses "" "already stands"
	seq -f 'key%.0f: v' 400000 | refuses 1:1: "unknown key"
	{ echo "tests: [{ name: a, run: b }]" && echo "kernels:" && seq -f '- k%.0f' 400000; } | refuses 1003:3: "more than 1000 kernels"
	seq 300000 | sed 's/.*/&: \&a& [x]/' | refuses "" ""
	head -c 20000000 /dev/zero | refuses "" "larger than"
	{
		echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
		for i in $(seq 20); do
			p=\*a$((i - 1))
			echo "a$i: &a$i [$p, $p, $p, $p, $p, $p, $p, $p, $p, $p]"
		done
		echo 'tests: *a20'
	} | refuses "" ""
}

run_tests "$@"
