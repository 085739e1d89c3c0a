#!/bin/bash
# SPDX-License-Identifier: MIT
# What tools/differential-compare calls a disagreement, with runs made up here. TAP.
set -u
compare=$(realpath "$(dirname "$0")/../../tools/differential-compare")
dir=$(mktemp -d "${TMPDIR:-/tmp}/differential.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0 bad=0

# RUN HOW: two cases, one of them with a report.
make_run() {
	rm -rf "$1"
	mkdir -p "$1/cases/a" "$1/cases/k"
	echo printed >"$1/cases/a/stdout"
	echo "at 0x$RANDOM" >"$1/cases/k/stdout"
	cat >"$1/results.jsonl" <<-END
		{"id":"a","verdict":"pass","exit_code":0,"isolate":"$2","dir":"cases/a","duration_ms":$RANDOM}
		{"id":"k","verdict":"pass","exit_code":0,"isolate":"$2","dir":"cases/k","tags":["kselftest"],"subtests":[{"name":"x","verdict":"pass"},{"name":"y","verdict":"skip"}]}
	END
}

# NAME CODE TEXT COMMAND ...: after the command on the clones' run, the exit code and what is then said.
check() {
	local code=0
	make_run boot boot
	make_run clone clone
	(cd clone && "${@:4}")
	"$compare" boot=boot clone=clone >out 2>&1 || code=$?
	n=$((n + 1))
	if [ "$code" = "$2" ] && grep -qF -e "$3" out; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# exit code $code, not $2, or not there: $3"
		sed 's/^/# /' out
		bad=1
	fi
}

check what_is_alike_agrees 0 'Disagreements: 0.' true
check cases_and_subtests_are_counted 0 '2 cases with 2 subtests in 2 runs' true
check another_order_is_no_disagreement 0 'Disagreements: 0.' sh -c 'tac results.jsonl >x; mv x results.jsonl'
check another_verdict_is_one 1 '| a | verdict | pass | fail |' sed -i 's/"a","verdict":"pass"/"a","verdict":"fail"/' results.jsonl
check another_exit_code_is_one 1 '| a | exit code | 0 | 3 |' sed -i '1s/"exit_code":0/"exit_code":3/' results.jsonl
check no_exit_code_is_one 1 '| a | exit code | 0 | None |' sed -i '1s/"exit_code":0,//' results.jsonl
check another_subtest_is_one 1 '| k | subtests | y: skip | y: pass |' sed -i 's/"skip"/"pass"/' results.jsonl
check the_process_of_a_subtest_is_none 0 'Disagreements: 0.' sh -c \
	'sed -i "s/\"x\"/\"[84] x\"/" results.jsonl; sed -i "s/\"x\"/\"[81] x\"/" ../boot/results.jsonl'
check a_missing_subtest_is_one 1 '| k | subtests | y: skip | - |' sed -i 's/,{"name":"y","verdict":"skip"}//' results.jsonl
check a_missing_case_is_one 1 '| a | there | True | False |' sed -i 1d results.jsonl
check another_output_is_one 1 '| a | output | printed | else |' sh -c 'echo else >cases/a/stdout'
check a_boot_among_the_clones_is_one 1 '| a | isolation | as asked | boot |' sed -i '1s/clone/boot/' results.jsonl
check no_results_are_no_agreement 2 'no results' sh -c ': >results.jsonl'
check no_run_is_no_agreement 2 'No such file' rm results.jsonl

echo "1..$n"
exit $bad
