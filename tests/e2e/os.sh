#!/bin/bash
# SPDX-License-Identifier: MIT
# Machines whose system is its own: a kernel from an ISO by BIOS and UEFI, GNU Mach, and a Linux that is none of ours,
# which is spoken to over its consoles.
. "$(dirname "$0")/lib.sh"

# A record's subtests have verdicts and reasons too, behind its own.
value() { # RESULTS.JSONL ID KEY
	grep -F "\"id\":\"$2\"" "$1" | grep -oP "\"$3\":(\"\K([^\"\\\\]|\\\\.)*|\K[0-9]+)" | head -n 1
}

verdict() { # RESULTS.JSONL ID VERDICT REASON-PART
	local reason
	same "$(value "$1" "$2" verdict)" "$3"
	reason=$(value "$1" "$2" reason)
	[[ $reason == *"$4"* ]] || fail "the reason of $2 lacks '$4': $reason"
}

bare_metal() {
	cp "$TOP"/examples/bare-metal/vmrig.yaml .
	"$TOP"/examples/bare-metal/build.sh .
}

test_a_kernel_of_its_own_is_judged_by_console_and_exit_port() {
	bare_metal
	sha256sum bare-metal.iso >sums
	vmrig test --output r
	code_is 0
	verdict r/results.jsonl tests@bios-tcg pass "7 results, exit port: 0x10"
	verdict r/results.jsonl tests@uefi-tcg pass "7 results, exit port: 0x10"
	verdict r/results.jsonl failing@fail xfail "exit port: 0x11; console: Error: 1 + 1 == 3 at"
	verdict r/results.jsonl hanging@hang timeout "nothing was written to the exit port within"
	verdict r/results.jsonl falling@fall crash "triple fault before a verdict"
	verdict r/results.jsonl lying@lie xfail "it spoke of 8 tests and told 7 results"
	verdict r/results.jsonl mute@mute timeout "nothing was written to the exit port within"
	verdict r/results.jsonl babbling@babble timeout "nothing was written to the exit port within"
	has r/results.jsonl '"name":"apic::x2apic"'
	has r/cases/hanging_hang/registers.txt RIP
	has r/cases/tests_bios-tcg/console.log "Booting"
	hasnt r/cases/tests_bios-tcg/stdout "Booting"
	# Every byte has its time.
	same "$(awk '{ n += $2 } END { print n }' r/cases/babbling_babble/console.timing)" \
		"$(stat -c %s r/cases/babbling_babble/console.log)"
	sha256sum --quiet -c sums
}

# QEMU 7.2 emulates no x2APIC; KVM does, also where its CPU is emulated.
test_a_kernel_that_needs_x2apic_gets_it_from_kvm_in_a_nested_guest() {
	bare_metal
	vmrig run --accel nested --memory 1G --timeout 5m -- sh -c \
		"$VMRIG test --filter tests@bios-kvm --output r && cat r/cases/tests_bios-kvm/stdout"
	code_is 0
	has err "ok    1/1 tests@bios-kvm"
	has out "apic::x2apic...	[ok]"
}

test_gnu_mach_boots_as_far_as_it_can_alone() {
	cp "$TOP"/examples/gnumach/vmrig.yaml .
	"$TOP"/examples/gnumach/build.sh .
	vmrig test --output r
	code_is 0
	verdict r/results.jsonl boots@mach-256M-tcg pass "4 steps, console: panic ../kern/bootstrap.c"
	verdict r/results.jsonl boots@mach-1024M-tcg pass "4 steps"
	same "$(value r/results.jsonl memory-512@mach-512M-tcg verdict)" pass
	[ "$(value r/results.jsonl boots@mach-512M-tcg engine_maxrss_kib)" -gt 0 ] || fail "no use of memory"
	[ "$(value r/results.jsonl boots@mach-512M-tcg boot_ms)" -gt 0 ] || fail "no boot time"
}

# A Linux that asks for a name and a password on its console, and says who it is on its second serial port.
make_linux() {
	local kernel
	mkdir -p root/bin root/dev root/proc
	cp "$(command -v busybox)" root/bin/busybox
	cat >root/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t devtmpfs none /dev
		mount -t proc none /proc
		echo 1 >/proc/sys/kernel/printk
		echo "hello from the second port" >/dev/ttyS1 2>/dev/null
		exec >/dev/ttyS0 2>&1 </dev/ttyS0
		while :; do
			printf 'box login: '
			read -r user
			printf 'Password: '
			read -r password
			[ "$user/$password" = "ci/secret" ] && break
			echo 'Login incorrect'
		done
		export PS1='# '
		exec setsid cttyhack sh
	END
	chmod +x root/init
	(cd root && find . | cpio -o -H newc --quiet) >initrd
	kernel=$("$VMRIG" run --dry-run -- true | sed -n 's/.* -kernel \([^ ]*\).*/\1/p')
	[ -f "$kernel" ] || fail "no kernel: $kernel"
	cat >vmrig.yaml <<-END
		machines:
		  - &linux
		    name: linux
		    kernel: $kernel
		    initrd: initrd
		    cmdline: console=ttyS0 quiet panic=-1
		    memory: 256M
		    accel: tcg
	END
}

test_steps_talk_to_a_system_over_its_consoles() {
	make_linux
	cat >>vmrig.yaml <<-'END'
		    disks: [{ size: 64M, bus: nvme }]
		  - { <<: *linux, name: deaf, shutdown: { acpi: 500ms } }
		tests:
		  - name: session
		    machines: linux
		    steps:
		      - { expect: hello from the second port, serial: 1 }
		      - login: { user: ci, password: secret }
		      - shell: test "$(cat /proc/cmdline | wc -w)" -gt 2
		      - send: echo "a$((6 * 7))b"
		      - expect: '^a42b$'
		      - qmp: query-status
		      - qmp: { execute: human-monitor-command, arguments: { command-line: info version } }
		      - send: poweroff -f
		      - ends: powered-off
		  - name: stays
		    machines: deaf
		    steps: [{ login: { user: ci, password: secret } }]
		  - name: refused
		    machines: linux
		    steps: [{ login: { user: ci, password: wrong } }]
		  - name: exits
		    machines: linux
		    steps: [{ login: { user: ci, password: secret } }, { shell: 'exit 3; true' , timeout: 20s }]
		  - name: unknown-command
		    machines: linux
		    steps: [{ qmp: no-such-command }]
		  - name: report
		    machines: linux
		    protocol: ktap
		    console: { start: '^BEGIN$', end: '^END$' }
		    steps:
		      - login: { user: ci, password: secret }
		      - shell: printf 'BEGIN\nKTAP version 1\n1..2\nok 1 one\nok 2 two\nEND\n'
	END
	vmrig test --output r
	code_is 1
	verdict r/results.jsonl report@linux pass "2 subtests"
	verdict r/results.jsonl session@linux pass "9 steps"
	verdict r/results.jsonl stays@deaf pass "1 steps"
	same "$(value r/results.jsonl stays@deaf ended_by)" quit
	has r/results.jsonl "the system did not power off within 500 ms of the power button"
	verdict r/results.jsonl refused@linux fail "step 1 (login ci): the login of ci was refused"
	verdict r/results.jsonl exits@linux crash "Attempted to kill init"
	verdict r/results.jsonl unknown-command@linux fail "step 1 (qmp no-such-command): "
	has r/cases/session_linux/serial1.log "hello from the second port"
}

test_tests_share_one_boot_where_the_machine_can_be_saved() {
	make_linux
	cat >>vmrig.yaml <<-'END'
		    prepare: [{ login: { user: ci, password: secret } }, { shell: 'echo 1 >/ready' }]
		  - { <<: *linux, name: nvme, disks: [{ size: 64M, bus: nvme }] }
		  - { <<: *linux, name: broken, prepare: [{ expect: 'no such word', timeout: 2s }] }
		tests:
		  - &one { name: one, machines: linux, steps: [{ shell: 'cat /ready && ! test -e /used && echo 1 >/used' }] }
		  - { <<: *one, name: two }
		  - { <<: *one, name: powered-on, isolate: boot }
		  - { <<: *one, name: three, machines: nvme }
		  - { <<: *one, name: four, machines: nvme }
		  - { <<: *one, name: five, machines: broken, expect: timeout }
		  - { <<: *one, name: six, machines: broken }
	END
	vmrig test -j 2 --output r
	code_is 1
	verdict r/results.jsonl one@linux pass "1 steps"
	verdict r/results.jsonl two@linux pass "1 steps"
	same "$(value r/results.jsonl one@linux isolate)/$(value r/results.jsonl two@linux isolate)" clone/clone
	same "$(cat r/cases/{one,two}_linux/console.log | grep -c 'login: ')" 1
	verdict r/results.jsonl powered-on@linux pass "1 steps"
	same "$(value r/results.jsonl powered-on@linux isolate)" boot
	verdict r/results.jsonl three@nvme pass "1 steps"
	verdict r/results.jsonl four@nvme pass "1 steps"
	same "$(value r/results.jsonl four@nvme isolate_why)" "QEMU does not save NVMe disks"
	has err "booted, not cloned: QEMU does not save NVMe disks"
	verdict r/results.jsonl five@broken timeout "the preparation's step 1 (expect no such word) was not done within"
	verdict r/results.jsonl six@broken timeout "machine 'broken' could not be prepared (with five@broken): the preparation's"
}

# QEMU loads a multiboot kernel of 32 bits by itself.
test_a_multiboot_kernel_boots_without_a_disk() {
	local kernel
	kernel=$(realpath "${X2APIC:-$(dirname "$VMRIG")/tests/guest/x2apic.elf}")
	cat >vmrig.yaml <<-END
		machines:
		  - { name: pc, kernel: $kernel, type: pc, cpus: 2, memory: 64M }
		  - { name: i386, kernel: $kernel, arch: i386, cpus: 2, memory: 64M }
		tests: [{ name: t, console: { pass: '^(PASS|SKIP)' }, exit_port: { pass: [0x10, 0x12] } }]
	END
	vmrig test --accel tcg --output r
	code_is 0
	verdict r/results.jsonl t@i386 pass "exit port: 0x1"
}

# The ISO is a disk as well: its first sector boots, on whatever bus it lies.
test_images_boot_from_every_bus_and_are_never_written_to() {
	bare_metal
	mv bare-metal.iso disk.img
	qemu-img convert -f raw -O qcow2 disk.img disk.qcow2
	sha256sum disk.img disk.qcow2 >sums
	chmod 400 disk.img disk.qcow2
	{
		sed -n '/^defaults:/,/^machines:/p' vmrig.yaml
		cat <<-'END'
			  - { name: pc-ide, type: pc, disks: [{ image: disk.img }] }
			  - { name: pc-sata, type: pc, disks: [{ image: disk.img, bus: sata }] }
			  - { name: sata, image: disk.qcow2 }
			  - { name: virtio, disks: [{ image: disk.qcow2, bus: virtio }, { size: 1G, bus: scsi }] }
			  - { name: scsi, disks: [{ image: disk.img, bus: scsi }] }
			  - { name: nvme, disks: [{ image: disk.qcow2, bus: nvme }] }
			  - { name: cpu, image: disk.img, cpu: 'qemu64,+x2apic' }
			tests: [{ name: t }]
		END
	} >suite.yaml
	vmrig test suite.yaml --accel tcg --output r
	code_is 0
	has out "7 cases: 7 ok"
	sha256sum --quiet -c sums
}

test_a_packed_image_is_unpacked_once() {
	bare_metal
	export VMRIG_CACHE_DIR=$PWD/cache
	gzip <bare-metal.iso >disk.img.gz
	sha256sum disk.img.gz >sums
	{
		sed -n '/^defaults:/,/^machines:/p' vmrig.yaml
		echo '  - { name: one, image: disk.img.gz }'
		echo '  - { name: two, disks: [{ image: ./disk.img.gz, bus: virtio }] }'
		echo 'tests: [{ name: t }]'
	} >suite.yaml
	vmrig test suite.yaml --accel tcg --output r
	code_is 0
	has out "2 cases: 2 ok"
	sha256sum --quiet -c sums
	cmp cache/images/*/disk.raw bare-metal.iso
}

# Arm's UEFI finds nothing to boot, and offers its shell: once for both tests, with variables of their own.
test_uefi_of_arm_is_driven_over_its_console() {
	mkdir disc
	echo nothing >disc/readme
	xorriso -as mkisofs -quiet -o disc.iso disc
	cat >vmrig.yaml <<-'END'
		machines:
		  - { name: arm, arch: aarch64, iso: disc.iso, firmware: uefi, prepare: [{ expect: 'Shell> ?$' }] }
		defaults: { timeout: 5m }
		tests:
		  - name: set
		    steps: [{ send: set seen 1 }, { send: 'echo [%seen%]' }, { expect: '^\[1\]$' }, { send: reset -s }, { ends: powered-off }]
		  - { name: unset, steps: [{ send: 'echo [%seen%]' }, { expect: '^\[\]$' }, { send: reset -s }, { ends: powered-off }] }
	END
	vmrig test --output r
	code_is 0
	verdict r/results.jsonl set pass "5 steps"
	verdict r/results.jsonl unset pass "4 steps"
	same "$(value r/results.jsonl set isolate)/$(value r/results.jsonl unset isolate)" clone/clone
}

test_a_run_that_is_killed_leaves_nothing() {
	local pid
	bare_metal
	"$VMRIG" test --accel tcg --filter 'hanging' --output r >out 2>err &
	pid=$!
	eventually grep -q Running r/cases/hanging_hang/console.log 2>/dev/null || fail "it does not start"
	kill -KILL $pid
	wait $pid || true
	same "$(find r -name '.*' -type f | wc -l)" 0
}

test_what_cannot_boot_is_told_before_anything_does() {
	bare_metal
	qemu-img create -q -f qcow2 disk.qcow2 64M
	truncate -s 100K disk.qcow2
	gzip -kc bare-metal.iso | head -c 10000 >half.iso.gz
	cat >vmrig.yaml <<-'END'
		machines:
		  - { name: cut, image: disk.qcow2 }
		  - { name: absent, iso: nowhere.iso }
		  - { name: packed, image: half.iso.gz }
		  - { name: ide, iso: bare-metal.iso, disks: [{ size: 1G, bus: ide }] }
		  - { name: other, iso: vmrig.yaml }
		tests: [{ name: t, exit_port: { pass: 0x10 } }]
	END
	vmrig test --output r
	code_is 125
	verdict r/results.jsonl t@cut infra "disk.qcow2"
	verdict r/results.jsonl t@absent infra "there is no file"
	verdict r/results.jsonl t@packed infra "half.iso.gz"
	verdict r/results.jsonl t@ide infra "board q35 has no IDE"
	verdict r/results.jsonl t@other infra "is no ISO image"
}

run_tests "$@"
