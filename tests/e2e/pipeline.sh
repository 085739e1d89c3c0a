#!/bin/bash
# SPDX-License-Identifier: MIT
# Pipelines written, compared, and their commands run here as a runner would run them.
. "$(dirname "$0")/lib.sh"

unset VMRIG_KERNEL

# A repository with the example suite in it, below the folder "repo".
repository() {
	mkdir -p repo/.git
	cp -r "$TOP/examples/hello" repo/hello
	cd repo
}

init() {
	vmrig ci init --platform "$1" --vmrig https://example.org/vmrig.git@v1 "${@:2}" hello
}

test_init_writes_where_the_platform_looks_and_replaces_nothing() {
	local p
	repository
	for p in github:.github/workflows/vmrig.yml gitlab:.gitlab-ci.yml buildkite:.buildkite/pipeline.yml drone:.drone.yml; do
		init "${p%:*}"
		code_is 0
		has out "/repo/${p#*:}"
		has "${p#*:}" "# Made by: vmrig ci init --platform ${p%:*} --vmrig https://example.org/vmrig.git@v1 hello/vmrig.yaml"
	done
	echo mine >.drone.yml
	init drone
	code_is 125
	has err "is there already"
	same "$(cat .drone.yml)" mine
	init drone --force
	code_is 0
	has .drone.yml "kind: pipeline"
	init drone --output there/x.yml
	code_is 0
	cmp there/x.yml .drone.yml
}

test_check_knows_what_became_of_the_suite() {
	repository
	init github
	init gitlab
	vmrig ci check
	code_is 0
	has out ".github/workflows/vmrig.yml is as it would be made now"
	has out ".gitlab-ci.yml is as it would be made now"
	echo 'kernels: [debian:6.1, debian:6.12]' >>hello/vmrig.yaml
	cd hello
	vmrig ci check
	code_is 1
	has out "the suite now has: kernel debian:6.12 for x86_64, tested"
	has out "+          - { name: 'debian-6.12', kernel: 'debian:6.12', arch: x86_64, how: fetch }"
	has out "+'test debian-6.12':"
	cd ..
	init github --force
	vmrig ci check .github/workflows/vmrig.yml
	code_is 0
	sed -i 's/contents: read/contents: write/' .github/workflows/vmrig.yml
	vmrig ci check .github/workflows/vmrig.yml
	code_is 1
	has out "changed by hand"
	has out "-  contents: write"
}

test_check_says_what_it_cannot_compare() {
	repository
	vmrig ci check
	code_is 2
	has err "has no pipeline that vmrig made"
	echo 'kind: pipeline' >.drone.yml
	vmrig ci check .drone.yml
	code_is 2
	has err "do not say that vmrig made it"
	echo '# Made by: vmrig ci init --platform drone --nonsense' >.drone.yml
	vmrig ci check
	code_is 2
	has err "the command in its first line is none"
	init github
	rm hello/vmrig.yaml
	rm .drone.yml
	vmrig ci check
	code_is 2
	has err "vmrig.yaml"
}

test_what_is_missing_is_said() {
	repository
	vmrig ci init hello
	code_is 2
	has err "no --platform is named"
	vmrig ci init --platform githbu hello
	code_is 2
	has err "did you mean 'github'?"
	vmrig ci init --platform github hello
	code_is 2
	has err "--vmrig URL@REF"
	rmdir .git
	init github
	code_is 2
	has err "lies in no git repository"
}

test_the_key_is_that_of_the_kernel() {
	vmrig kernel resolve --key debian:6.1
	code_is 0
	key=$(cat out)
	vmrig kernel resolve debian:6.1
	# Where the cache has an older one than apt offers now, they differ: then it is the key of what a fetch gets.
	[ "$key" = "$(cut -d ' ' -f 1 out)" ] || same "${#key}" 64
	vmrig kernel resolve --key
	code_is 2
}

# The scripts of both jobs as they stand in the file, but for the installing and with other folders; of the tests, two.
test_the_commands_of_a_pipeline_work() {
	local step folder=$PWD
	repository
	init github
	mkdir -p ../bin ../steps ../cache
	ln -s "$VMRIG" ../bin/vmrig
	"$TOP/tests/tools/pipelines.py" --scripts github .github/workflows/vmrig.yml ../steps
	sed -i -e "s|/tmp/prepared|$folder/prepared|" -e 's|--kernel debian:6.1|& --filter shell --filter ktap|' ../steps/*.sh
	# The kernel of this machine's cache is what a runner's cache would have given back; the job that tests has its own.
	sed -i "s|/tmp/vmrig-cache|$VMRIG_CACHE_DIR|" ../steps/prepare-*.sh
	sed -i "s|/tmp/vmrig-cache|$folder/cache|" ../steps/test-*.sh
	export PATH=$folder/bin:$PATH GITHUB_OUTPUT=$folder/output
	for step in ../steps/prepare-*.sh ../steps/test-*.sh; do
		grep -qE 'apt-get|tools/deps|mknod' "$step" && continue
		echo "$step" >>../ran
		bash --noprofile --norc -eo pipefail "$step" >../out 2>../err || { cat "$step" ../out ../err; exit 1; }
	done
	has ../output "key="
	same "$(wc -l <../ran)" 5
	[ -s results/junit.xml ]
	same "$(grep -c '"verdict":"pass"' results/results.jsonl)" 2
	ls ../cache/kernels | grep -qE '^[0-9a-f]{64}$'
}

# Another machine's files, in a folder: this one stays as it is.
test_runner_says_what_is_to_be_done_and_does_it_once() {
	local here
	here=$(cat /etc/passwd /etc/group | sha256sum)
	mkdir -p image/etc image/var/lib/dpkg
	echo 'root:x:0:0:root:/root:/bin/sh' >image/etc/passwd
	echo 'root:x:0:' >image/etc/group
	: >image/etc/shadow
	: >image/etc/gshadow
	vmrig ci runner --root image --user ci --service ci.service --hugepages 1G
	code_is 0
	has out "To be done as root"
	has out "/image/etc/udev/rules.d/99-vmrig-kvm.rules: KERNEL=="
	has out "      ci - memlock unlimited"
	[ ! -e image/etc/udev ]
	sed -n 's/.*--no-install-recommends //p' out | tr ' ' '\n' | while read -r package; do
		printf 'Package: %s\nStatus: install ok installed\nMaintainer: x\nArchitecture: all\nVersion: 1\nDescription: x\n\n' "$package"
	done >image/var/lib/dpkg/status
	if [ "$(id -u)" != 0 ]; then
		vmrig ci runner --root image --user ci --apply
		code_is 125
		has err "a runner is set up by root"
		return
	fi
	vmrig ci runner --root image --user ci --service ci.service --hugepages 1G --apply
	code_is 0
	grep -q '^ci:.*:/home/ci:/bin/bash$' image/etc/passwd
	grep -q '^kvm:.*:ci$' image/etc/group
	has image/etc/udev/rules.d/99-vmrig-kvm.rules 'KERNEL=="kvm", GROUP="kvm", MODE="0660"'
	has image/etc/security/limits.d/99-vmrig.conf "ci - rtprio 99"
	has image/etc/systemd/system/ci.service.d/vmrig.conf "LimitMEMLOCK=infinity"
	has image/etc/sysctl.d/60-vmrig.conf "vm.nr_hugepages = 512"
	[ -d image/home/ci ]
	vmrig ci runner --root image --user ci --service ci.service --hugepages 1G --apply
	code_is 0
	has out "nothing: it is so already"
	same "$(cat /etc/passwd /etc/group | sha256sum)" "$here"
	vmrig ci runner --root nowhere
	code_is 2
	vmrig ci runner --user 'a:b'
	code_is 2
}

run_tests "$@"
