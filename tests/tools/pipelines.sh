#!/bin/bash
# SPDX-License-Identifier: MIT
# What `vmrig ci init` writes for each platform, judged by pipelines.py and the platforms' published schemas (tools/ci-schemas);
# and that the judge finds what is wrong.
#
#	pipelines.sh VMRIG
set -u
. "$(dirname "$0")/report.sh"
vmrig=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
judge=$top/tests/tools/pipelines.py
dir=$(mktemp -d "${TMPDIR:-/tmp}/vmrig-pipelines.XXXXXX")
trap 'rm -rf "$dir"' EXIT
schemas=$("$top/tools/ci-schemas" 2>"$dir/why") || schemas=

schema() {
	case $1 in
	gitlab) echo "$schemas/gitlab-ci.json" ;;
	drone) echo "$schemas/drone-ci.json" ;;
	buildkite) echo "$schemas/buildkite.json" ;;
	*) echo "$schemas/github-workflows.json" ;;
	esac
}

# A repository with a suite that has everything at once.
mkdir -p "$dir/repo/.git" "$dir/repo/tests" "$dir/repo/vmrig/tools"
: >"$dir/repo/vmrig/tools/deps"
cat >"$dir/repo/tests/vmrig.yaml" <<'EOF'
name: "it's all"
kernels: [debian:6.1, { name: next, kernel: 'git+https://example.org/linux.git#next' }, variant:mine]
variants:
  - { name: mine, source: "6.12", arch: aarch64, config: [CONFIG_ZRAM=y] }
machines:
  - { name: pc, accel: kvm }
  - { name: arm, arch: aarch64, accel: tcg }
  - { name: nested, accel: nested }
  - { name: own, iso: own.iso }
tests:
  - { name: net/quick, run: 'true', machines: [pc, nested] }
  - { name: fast, run: 'true', tags: bench, timeout: 5m }
  - { name: boots, machines: own, console: { pass: '^done' } }
EOF

# init PLATFORM SUITE-ARGUMENTS ...: into the file p.
init() {
	local platform=$1
	shift
	case $platform in
	self-hosted | buildkite) ;;
	*) set -- --vmrig "$source" "$@" ;;
	esac
	"$vmrig" ci init --platform "$platform" --stdout "$@" >"$dir/p" 2>"$dir/err" || cat "$dir/err"
}

judged() {
	if [ -n "$schemas" ]; then
		"$judge" "$1" "$dir/p" "$(schema "$1")"
	else
		"$judge" "$1" "$dir/p"
	fi 2>&1
}

for platform in github actuated self-hosted gitlab buildkite drone; do
	source=.
	for suite in hello runner-kernel; do
		report "${platform}_for_$suite" "$(init $platform "$top/examples/$suite" && judged $platform)"
	done
	report "${platform}_for_an_own_system" \
		"$(init $platform --prepare ./build.sh "$top/examples/bare-metal" && judged $platform)"
	source=vmrig
	report "${platform}_for_everything_at_once" \
		"$(init $platform --package nftables --prepare 'make own.iso' "$dir/repo/tests" && judged $platform)"
	source=https://example.org/vmrig.git@v1
	report "${platform}_with_vmrig_built_of_a_url" \
		"$(init $platform --vmrig "$source" "$top/examples/hello" && judged $platform)"
done
source=.
report github_without_a_container "$(init github --image none --kernel 6.12 "$top/examples/hello" && judged github)"
report self_hosted_with_one "$(init self-hosted --image debian:12 "$top/examples/hello" && judged self-hosted)"

# finds NAME PLATFORM SED-SCRIPT SAID: a pipeline that is spoilt so is found out.
finds() {
	local said
	init "$2" "$top/examples/hello"
	sed -i "$3" "$dir/p"
	said=$(judged "$2")
	case $said in
	*"$4"*) report "the_judge_finds_$1" "" ;;
	*) report "the_judge_finds_$1" "expected: $4
$said" ;;
	esac
}
finds an_action_that_is_not_pinned github 's/checkout@[0-9a-f]* # v.*/checkout@v7/' 'is not pinned'
finds rights_that_are_not_needed github 's/contents: read/contents: write/' 'permissions are more'
finds a_job_without_a_limit github 's/^    timeout-minutes: 90//' 'no time limit'
finds a_need_of_nothing github 's/needs: prepare/needs: prepared/' 'which is no job'
finds results_that_are_lost github 's/if: always()/if: success()/' 'not always kept'
finds a_slip_in_an_expression github 's/steps.kernel.outputs/steps.kernels.outputs/' 'is no step'
finds a_variable_of_no_row github 's/matrix.limit/matrix.limits/' 'in no row'
finds a_fault_of_the_shell github 's/"kernels\/\$key"/"kernels\/$key/' 'SC1'
finds a_need_of_nothing_on_gitlab gitlab "s/needs: \['prepare/needs: ['prepared/" 'which is no job'
finds a_dollar_that_is_replaced buildkite 's/\$\$HOME/$HOME/' 'single dollar'
finds a_step_that_waits_for_nothing drone 's/      - prepare-debian/      - prepared-debian/' 'which is no step'
if [ -n "$schemas" ]; then
	finds what_a_schema_forbids github 's/^    runs-on: ubuntu.*/    runs_on: ubuntu/' 'schema:'
else
	n=$((n + 1))
	echo "ok $n - the_published_schemas # SKIP $(tail -n 1 "$dir/why")"
fi
echo "1..$n"
exit $bad
