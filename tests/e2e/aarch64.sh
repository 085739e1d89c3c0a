#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig run --arch aarch64`: a guest of another architecture, with static programs of its own.
. "$(dirname "$0")/lib.sh"

kernel=debian:6.1
unset VMRIG_KERNEL

program() {
	cat >program.c <<-'END'
		#include <fcntl.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/utsname.h>
		#include <unistd.h>

		int main(int argc, char **argv)
		{
			struct utsname u;
			char line[100] = "";
			FILE *data = fopen("data", "r");

			if (strcmp(argv[1], "panic") == 0) {
				write(open("/proc/sysrq-trigger", O_WRONLY), "c", 1);
				pause();
			}
			if (strcmp(argv[1], "hang") == 0)
				pause();
			uname(&u);
			puts(u.machine);
			fputs(fgets(line, sizeof(line), stdin) ? line : "no stdin\n", stdout);
			fputs(data && fgets(line, sizeof(line), data) ? line : "no data\n", stdout);
			fprintf(stderr, "kvm %d\n", open("/dev/kvm", O_RDWR) >= 0);
			return strcmp(argv[1], "pass") == 0 ? 0 : 7;
		}
	END
	aarch64-linux-gnu-gcc -static -Wno-unused-result -o program program.c
}

test_a_static_program_runs_there_with_its_streams_files_exit_code_and_a_kvm() {
	program
	echo "put here" >data
	code=0
	echo "from stdin" | "$VMRIG" run --arch aarch64 --kernel $kernel --accel nested --put data -- ./program run >out 2>err || code=$?
	code_is 7
	same "$(cat out)" "aarch64
from stdin
put here"
	has err "kvm 1"
	has err "its times mean nothing"
}

test_a_panic_there_exits_122_with_its_title() {
	program
	vmrig run --arch aarch64 --kernel $kernel -- ./program panic
	code_is 122
	has err "kernel panic: sysrq triggered crash"
}

test_a_time_limit_there_shows_backtraces() {
	program
	vmrig run --arch aarch64 --kernel $kernel --verbose --timeout 2s -- ./program hang
	code_is 124
	has err "limit: test"
	has err "Show backtrace of all active CPUs"
}

test_a_suite_may_have_machines_of_both() {
	program
	cat >vmrig.yaml <<-END
		kernels: [ $kernel ]
		machines: [ { name: pc }, { name: arm, arch: aarch64 } ]
		tests:
		  - { name: there, run: [./program, pass], put: data, machines: [arm] }
		  - { name: text, run: ./program pass, machines: [arm] }
		  - { name: lost, run: [./program, pass], put: [data, lost], machines: [arm] }
		  - { name: never, run: [./program, pass], machines: [pc], needs: { files: [no-such] } }
	END
	echo "put here" >data
	vmrig test --output results
	code_is 125
	grep -q '"test":"there".*"verdict":"pass"' results/results.jsonl
	has results/cases/*there*/stdout aarch64
	has results/cases/*there*/stdout "put here"
	has results/cases/*there*/stderr "kvm 0"
	has results/results.jsonl arm64
	has results/run.json '"complete": true'
	# What cannot run there is told with its place, and nothing boots for it.
	has results/results.jsonl "vmrig.yaml:5: 'run' of test 'text' is a text, which sh would run"
	has results/results.jsonl "vmrig.yaml:6: test 'lost': cannot put $PWD/lost into the guest: No such file"
	same "$(field results/results.jsonl text@arm verdict)" infra
	same "$(field results/results.jsonl lost@arm verdict)" infra
	[ ! -e results/cases/*text*/console.log ] || fail "text was booted"
}

test_list_takes_the_architecture_as_run_and_test_do() {
	cat >vmrig.yaml <<-END
		kernels: [ $("$VMRIG" kernel list --json | sed -n 's/.*"image": "\(.*amd64.*\)",*/\1/p' | head -n 1) ]
		tests: [ { name: t, run: [./program] } ]
	END
	vmrig list
	code_is 0
	hasnt out "no kernel"
	vmrig list --arch aarch64
	code_is 0
	has out "no kernel"
	vmrig list --arch vax
	code_is 2
	has err vax
}

test_what_cannot_run_there_is_refused_before_booting() {
	program
	vmrig run --arch aarch64 --kernel $kernel -- "$(command -v cat)" data
	code_is 125
	has err "cat is a program for x86_64; the guest is aarch64"
	vmrig run --arch aarch64 --kernel $kernel --root / -- ./program run
	code_is 125
	has err "cannot run in a guest of aarch64"
	vmrig run --kernel $kernel --root none -- ./program run
	code_is 125
	has err "./program is a program for aarch64; the guest is x86_64"
	vmrig run --arch aarch64 --kernel $kernel --put no/such -- ./program run
	code_is 125
	has err no/such
	vmrig run --arch aarch64 --kernel $kernel --accel kvm -- ./program run
	code_is 125
	has err "not of aarch64"
	vmrig run --arch aarch64 --kernel $kernel --machine q35 -- ./program run
	code_is 125
	has err q35
	vmrig run --arch vax -- ./program run
	code_is 2
	has err vax
}

test_the_default_kernel_is_never_of_another_architecture() {
	vmrig run --dry-run -- true
	code_is 0
	has out qemu-system-x86_64
	program
	vmrig run --arch aarch64 --dry-run -- ./program run
	code_is 0
	has out qemu-system-aarch64
}

# They need the kernel, which is fetched only where there are programs to run on it.
if ! command -v aarch64-linux-gnu-gcc >/dev/null; then
	echo "1..0 # SKIP no aarch64-linux-gnu-gcc to make programs for the guest"
	exit 0
fi
"$VMRIG" kernel fetch $kernel >&2 && "$VMRIG" kernel fetch --arch aarch64 $kernel >&2 ||
	{ echo "Bail out! no kernel for the guest"; exit 1; }
# QEMU does not save the timers of EL2: a clone stood still sooner or later.
test_a_guest_with_an_emulated_el2_is_booted_and_never_a_clone() {
	program
	vmrig run --arch aarch64 --kernel $kernel --accel nested --isolate clone --json -- ./program run
	has err '"isolate":"boot"'
	has err "QEMU does not save the timers of Arm's EL2"
}

run_tests "$@"
