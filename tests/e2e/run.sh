#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig run`: a command in a guest behaves as it does here.
. "$(dirname "$0")/lib.sh"

test_streams_are_separate_and_the_exit_code_is_the_commands() {
	vmrig run -- sh -c 'echo out; echo err >&2; exit 7'
	code_is 7
	same "$(cat out)" out
	same "$(cat err)" err
}

test_success_prints_nothing_of_its_own() {
	vmrig run -- true
	code_is 0
	[ ! -s out ] && [ ! -s err ] || fail "output of its own"
}

test_death_by_a_signal_exits_128_plus_its_number() {
	# shellcheck disable=SC2016
	vmrig run -- sh -c 'kill -SEGV $$'
	code_is 139
}

test_death_by_a_signal_as_the_last_command_of_a_shell_is_no_success() {
	# shellcheck disable=SC2016
	vmrig run -- bash -c 'echo before; exec sh -c "kill -ABRT \$\$"'
	code_is 134
	has out before
}

test_a_hundred_megabytes_of_stdin_arrive_whole() {
	head -c 100000000 /dev/urandom >data
	local sum
	sum=$(sha256sum <data)
	code=0
	"$VMRIG" run -- sha256sum <data >out 2>err || code=$?
	code_is 0
	same "$(cat out)" "$sum"
}

test_stdin_from_a_pipe_arrives_whole() {
	code=0
	seq 200000 | "$VMRIG" run -- md5sum >out 2>err || code=$?
	code_is 0
	same "$(cat out)" "$(seq 200000 | md5sum)"
}

test_binary_output_of_any_size_arrives_whole() {
	vmrig run -- sh -c 'cat /usr/bin/gcc* /usr/bin/x86_64*gcc* /usr/bin/clang* /bin/bash | head -c 50000000'
	code_is 0
	same "$(sha256sum <out)" "$(cat /usr/bin/gcc* /usr/bin/x86_64*gcc* /usr/bin/clang* /bin/bash | head -c 50000000 | sha256sum)"
}

test_every_byte_value_survives_on_all_three_streams() {
	for i in $(seq 0 255); do printf "\\$(printf %03o "$i")"; done >bytes
	code=0
	"$VMRIG" run -- sh -c 'tee /dev/stderr' <bytes >out 2>err || code=$?
	code_is 0
	cmp out bytes
	cmp err bytes
}

test_closed_standard_streams_are_fine() {
	code=0
	"$VMRIG" run -- sh -c 'cat; exit 3' <&- >&- 2>&- || code=$?
	code_is 3
}

test_a_reader_that_goes_away_ends_the_command() {
	code=0
	timeout 60 "$VMRIG" run -- sh -c 'yes' 2>err | head -n 1 >out
	same "$(cat out)" y
}

test_a_command_that_does_not_read_its_stdin_ends_all_the_same() {
	code=0
	head -c 3000000 /dev/zero | "$VMRIG" run -- true >out 2>err || code=$?
	code_is 0
}

test_it_runs_where_the_caller_stands_with_the_callers_environment() {
	mkdir "a folder" && cd "a folder"
	echo hello >here
	MINE='a b' "$VMRIG" run -- sh -c 'pwd; cat here; echo "$MINE"' >../out 2>../err
	cd ..
	same "$(sed -n 1p out)" "$PWD/a folder"
	same "$(sed -n 2p out)" hello
	same "$(sed -n 3p out)" "a b"
}

test_cwd_and_env_options_are_obeyed() {
	vmrig run --cwd /usr/lib --env A=1 -e B='x y' -- sh -c 'pwd; echo "$A $B"'
	code_is 0
	same "$(cat out)" "/usr/lib
1 x y"
}

test_the_command_line_passes_every_argument_unchanged() {
	vmrig run -- printf '[%s]' 'a b' '' '$HOME' "it's" $'new\nline' '--' '"' '\' '*'
	code_is 0
	same "$(cat out)" "$(printf '[%s]' 'a b' '' '$HOME' "it's" $'new\nline' '--' '"' '\' '*')"
}

test_host_files_cannot_change() {
	echo host >file
	vmrig run -- sh -c 'echo guest >file; cat file; echo new >new; rm -rf /usr/share/doc; rm -f file; echo x >/etc/vmrig-e2e'
	code_is 0
	same "$(cat out)" guest
	same "$(cat file)" host
	[ ! -e new ] && [ -d /usr/share/doc ] && [ ! -e /etc/vmrig-e2e ] || fail "the host changed"
}

test_rw_lets_the_guest_write_to_that_folder_alone() {
	mkdir rw ro
	vmrig run --rw rw -- sh -c 'echo a >rw/a; echo b >ro/b; mkdir rw/d; echo c >rw/d/c'
	code_is 0
	same "$(cat rw/a rw/d/c)" "a
c"
	[ ! -e ro/b ] || fail "wrote to ro"
}

test_a_writable_folder_that_is_missing_is_named() {
	vmrig run --rw no/such -- true
	code_is 125
	has err "no/such"
}

test_root_none_runs_the_command_from_the_initramfs() {
	vmrig run --root none -- ls /
	code_is 0
	has out vmrig
	hasnt out home
}

test_root_dir_is_the_guests_root() {
	mkdir -p root/bin root/proc root/dev root/sys root/tmp root/run
	cp /bin/busybox root/bin/busybox
	echo mine >root/mark
	vmrig run --root root -- /bin/busybox cat /mark
	code_is 0
	same "$(cat out)" mine
}

# The root's own /etc is in front of the one that holds the id, and a root without an id is to stay without one.
test_a_root_has_a_machine_id_of_its_own_only_where_it_had_one() {
	mkdir -p root/bin root/proc root/dev root/sys root/tmp root/run root/etc
	cp /bin/busybox root/bin/
	echo mine >root/etc/other
	chmod 0711 root/etc
	for how in clone boot; do
		rm -f root/etc/machine-id
		vmrig run --isolate $how --root root -- /bin/busybox sh -c '/bin/busybox ls /etc; /bin/busybox stat -c %a /etc'
		code_is 0
		same "$(cat out)" "other"$'\n'"711"
		echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
		vmrig run --isolate $how --root root -- /bin/busybox sh -c '/bin/busybox cat /etc/machine-id /etc/other; /bin/busybox stat -c %a /etc'
		code_is 0
		same "$(wc -l <out)" 3
		head -n 1 out | grep -qxE '[0-9a-f]{32}' || fail "no machine id: $(cat out)"
		hasnt out 0123456789abcdef0123456789abcdef
		same "$(tail -n 2 out)" "mine"$'\n'"711"
	done
}

test_user_runs_the_command_as_that_user() {
	vmrig run --user nobody -- id -un
	code_is 0
	same "$(cat out)" nobody
}

test_an_unknown_user_is_named() {
	vmrig run --user nosuchuser -- true
	code_is 126
	has err nosuchuser
}

test_a_command_that_is_not_there_exits_127() {
	vmrig run -- no-such-command
	code_is 127
	has err no-such-command
}

test_a_command_that_is_not_executable_exits_126() {
	echo data >file
	vmrig run -- ./file
	code_is 126
	has err ./file
}

test_cpus_and_memory_are_what_was_asked_for() {
	vmrig run --cpus 2 --memory 1G -- sh -c 'nproc; grep MemTotal /proc/meminfo'
	code_is 0
	same "$(sed -n 1p out)" 2
	local kib
	kib=$(awk '/MemTotal/ { print $2 }' out)
	[ "$kib" -gt 900000 ] && [ "$kib" -lt 1048576 ] || fail "memory: $kib"
}

test_cmdline_reaches_the_kernel() {
	vmrig run --cmdline 'vmrig.test=yes' -- cat /proc/cmdline
	code_is 0
	has out vmrig.test=yes
}

test_the_guest_is_not_the_host() {
	vmrig run -- uname -r
	code_is 0
	[ "$(cat out)" != "$(uname -r)" ] || fail "same kernel"
}

test_user_namespaces_work_in_the_guest() {
	vmrig run -- unshare --user --map-root-user true
	code_is 0
}

test_time_limit_of_the_command_exits_124_and_shows_backtraces() {
	vmrig run --verbose --timeout 3s -- sleep 100
	code_is 124
	grep -qE '^vmrig: after ms: asked [0-9.]+, engine .* agent .* end [0-9.]+$' err || fail "no times"
	has err "limit: test"
	has err "Show backtrace of all active CPUs"
}

test_time_limit_without_output_exits_124() {
	vmrig run --idle-timeout 2s -- sh -c 'for i in 1 2 3 4; do echo $i; sleep 1; done; sleep 100'
	code_is 124
	has err "limit: idle"
	has out 4
}

test_time_limit_of_booting_exits_124() {
	vmrig run --isolate boot --boot-timeout 100ms -- true
	code_is 124
	has err "limit: boot"
}

test_sigint_reaches_the_command() {
	"$VMRIG" run -- sh -c 'trap "echo got; exit 9" INT; echo ready; while :; do sleep 0.1; done' >out 2>err &
	local pid=$!
	eventually grep -q ready out
	kill -INT $pid
	code=0
	wait $pid || code=$?
	code_is 9
	has out got
}

test_sigterm_while_booting_ends_it() {
	"$VMRIG" run --isolate boot -- sleep 1000 >out 2>err &
	local pid=$!
	sleep 1
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	code_is 143
}

test_sigkill_leaves_nothing_behind() {
	"$VMRIG" run -- sh -c 'echo ready; sleep 1000' >out 2>err &
	local pid=$!
	eventually grep -q ready out
	kill -KILL $pid
	wait $pid || true
}

test_processes_left_running_do_not_hold_it_up() {
	vmrig run -- sh -c 'sleep 1000 & echo done'
	code_is 0
	same "$(cat out)" "done"
	has err "left 1 process running"
}

test_a_read_only_home_is_fine() {
	chmod 500 "$HOME"
	env -u VMRIG_CACHE_DIR TMPDIR="$PWD" "$VMRIG" run --kernel "$(kernel_image)" --root none -- /bin/busybox echo fine >out 2>err || fail "failed"
	chmod 700 "$HOME"
	same "$(cat out)" fine
}

test_a_kernel_is_told_to_machines_as_json() {
	vmrig kernel resolve --json debian:6.1
	code_is 0
	has out '"label":"debian:6.1"'
	has out '"arch":"x86_64"'
	test -f "$(sed 's/.*"image":"\([^"]*\)".*/\1/' out)"
	mv out resolved
	vmrig kernel fetch --json debian:6.1
	code_is 0
	same "$(cat out)" "$(cat resolved)"
	vmrig kernel resolve --json --key debian:6.1
	code_is 2
}

# As a folder baked into a container's image, or mounted from elsewhere.
test_kernels_of_a_cache_that_cannot_be_written_are_listed_and_found() {
	make_cache cache
	find cache -type d -exec chmod 755 {} +
	as_nobody() {
		code=0
		if [ "$(id -u)" = 0 ]; then set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else chmod a-w cache/kernels; fi
		"$@" >out 2>err || code=$?
	}
	as_nobody env HOME=/nonexistent VMRIG_CACHE_DIR="$PWD/cache" "$VMRIG" kernel list
	code_is 0
	has out 6.1.
	as_nobody env HOME=/nonexistent VMRIG_CACHE_DIR="$PWD/cache" "$VMRIG" kernel resolve debian:6.1
	code_is 0
	as_nobody env HOME=/nonexistent VMRIG_CACHE_DIR="$PWD/cache" "$VMRIG" kernel clean --keep 0
	code_is 125
	has err "cache"
	find cache/kernels -name manifest.json | grep -q .
}

test_an_ordinary_user_can_do_it() {
	[ "$(id -u)" = 0 ] || { vmrig run -- true; code_is 0; return; }
	mkdir out.d
	make_cache cache
	find cache out.d -type d -exec chown 65534:65534 {} +
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent VMRIG_CACHE_DIR="$PWD/cache" \
		"$VMRIG" run --rw out.d -- sh -c 'id -u; echo mine >out.d/file' >out 2>err || code=$?
	code_is 0
	same "$(cat out)" 0
	same "$(stat -c %u out.d/file)" 65534
}

test_dry_run_prints_the_command_line_and_runs_nothing() {
	vmrig run --dry-run -- touch here
	code_is 0
	has out qemu-system-x86_64
	has out vmrig.channel=
	[ ! -e here ]
}

test_json_is_one_record_on_stderr() {
	vmrig run --json -- sh -c 'exit 3'
	code_is 3
	has err '"verdict":"fail"'
	has err '"exit_code":3'
	same "$(wc -l <err)" 1
}

test_without_kvm_it_says_why_when_kvm_was_asked_for() {
	if vmrig run --accel kvm -- true; [ "$code" != 0 ]; then
		code_is 125
		has err kvm
	fi
}

test_unknown_options_suggest_the_nearest() {
	vmrig run --tiemout 5s -- true
	code_is 2
	has err "did you mean '--timeout'"
}

test_unknown_commands_suggest_the_nearest_and_help_takes_a_command() {
	vmrig rnu -- true
	code_is 2
	has err "unknown command 'rnu'; did you mean 'run'?"
	vmrig help kernel build
	code_is 0
	has out "Usage: vmrig kernel build"
	vmrig help kernel biuld
	code_is 2
	has err "did you mean 'build'?"
	vmrig shell --at nothing
	code_is 125
	has err "--output"
}

# on_a_terminal ROWS COMMAND ...: what it shows on a terminal of so many rows, to the file out.
on_a_terminal() {
	code=0
	python3 - "$@" >out 2>err <<-'END' || code=$?
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if pid == 0:
		    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", int(sys.argv[1]), 80, 0, 0))
		    os.execvp(sys.argv[2], sys.argv[2:])
		shown = b""
		while True:
		    try:
		        data = os.read(fd, 4096)
		    except OSError:
		        break
		    if not data:
		        break
		    shown += data
		sys.stdout.buffer.write(shown)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

test_help_that_is_longer_than_the_screen_is_paged() {
	export TERM=xterm PAGER='sed s/^/paged:/'
	on_a_terminal 24 "$VMRIG" run --help
	code_is 0
	has out "paged:Usage: vmrig run"
	on_a_terminal 100 "$VMRIG" run --help
	code_is 0
	hasnt out paged
	on_a_terminal 24 "$VMRIG" --help
	code_is 0
	hasnt out paged
	PAGER=no-such-pager on_a_terminal 24 "$VMRIG" run --help
	code_is 0
	has out "Usage: vmrig run"
	vmrig run --help
	code_is 0
	hasnt out paged
}

test_a_person_who_waits_is_told_and_a_silent_console_is_named() {
	TERM=xterm on_a_terminal 24 "$VMRIG" run --isolate boot --memory 16M --boot-timeout 2s true
	code_is 124
	has out "waiting for the guest: kernel $VMRIG_KERNEL"
	has out "$(printf '\r\033[K')vmrig: timeout"
	has out "the console said nothing"
	vmrig run --isolate boot --memory 16M --boot-timeout 2s true
	code_is 124
	hasnt err waiting
}

test_bad_values_are_refused_with_their_option() {
	vmrig run --timeout 5parsecs -- true
	code_is 2
	has err "--timeout"
	has err "5parsecs"
	vmrig run --cpus 0 -- true
	code_is 2
	vmrig run
	code_is 2
}

kernel_image() {
	"$VMRIG" kernel resolve debian:6.1 | cut -d' ' -f3
}

run_tests "$@"
