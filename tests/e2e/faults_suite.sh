#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig test`: what comes of each thing that a suite may say, and what is reported of it, and where.
. "$(dirname "$0")/lib.sh"

DATA=$(cd "$(dirname "$0")/data" && pwd)
SHARED=$(mktemp -d "${TMPDIR:-/tmp}/vmrig-suite.XXXXXX")
trap 'rm -rf "$SHARED"' EXIT
chmod 755 "$SHARED"

new_suite() {
	cp "$DATA/behaviour.yaml" vmrig.yaml
	mkdir -p meet
}

# The whole suite, run once as a job of GitHub Actions, by the first test that asks for it.
the_suite() {
	RESULTS=$SHARED/out/results.jsonl
	CASES=$SHARED/out/cases
	[ ! -e "$SHARED/code" ] || return 0
	(
		cd "$SHARED" || exit
		new_suite
		code=0
		GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$SHARED/step.md CI=true \
			"$VMRIG" test -j 2 -o out --junit copy.xml --tap-file copy.tap >stdout 2>stderr || code=$?
		echo $code >code
	)
}

# came_to ID VERDICT OK TEXT: what the record of this case says; TEXT stands in its reason.
came_to() {
	local rec verdict ok reason
	rec=$(grep -F "\"id\":\"$1\"" "$RESULTS") || fail "no record of $1: $(cat "$SHARED/stderr")"
	verdict=${rec#*\"verdict\":\"} verdict=${verdict%%\"*}
	ok=${rec#*\"ok\":} ok=${ok%%,*}
	reason=${rec#*\"reason\":\"} reason=${reason%%\",*}
	same "$1: $verdict, ok: $ok" "$1: $2, ok: $3"
	[[ $reason == *"$4"* ]] || fail "$1: expected in the reason: $4: $reason"
}

said() {
	grep -F "\"id\":\"$1\"" "$RESULTS" | grep -qF -e "$2" || fail "$1: expected in the record: $2"
}

# Each line of the file is a JSON object.
is_json_lines() {
	PYENV_VERSION=system python3 -c '
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    assert line.endswith("\n") and isinstance(json.loads(line), dict), line
' "$1" || fail "$1 is not lines of JSON"
}

# The file is one report of TAP: version, plan, points 1 to the plan's number, nothing else but their details.
is_tap() {
	awk '
		NR == 1 { if ($0 != "TAP version 14") exit 1; next }
		NR == 2 { if (sub(/^1\.\./, "") != 1) exit 1; plan = $0 + 0; next }
		/^ / || /^#/ { next }
		/^(not )?ok / { n++; num = $1 == "not" ? $3 : $2; if (num != n) exit 1; next }
		{ exit 1 }
		END { if (n != plan) exit 1 }
	' "$1" || fail "$1 is not a whole report of TAP"
}

no_escapes() {
	! grep -lP '[\x00-\x08\x0b-\x1f\x7f]' "$@" || fail "control characters"
}

test_setup_and_teardown_that_fail_fail_the_test() {
	the_suite
	came_to setup-shares-the-guest pass true ""
	came_to setup-fails fail false "setup: exit code 4"
	came_to setup-missing fail false "/no/such/program"
	came_to teardown-fails fail false "teardown: exit code 5"
	came_to teardown-after-failure fail false "exit code 3"
	same "$(cat "$CASES/setup-fails/stdout")" "from setup
from teardown"
	has "$CASES/teardown-after-failure/stdout" "from teardown"
}

test_what_a_test_needs_and_is_not_there_skips_it() {
	the_suite
	came_to needs-config skip true "CONFIG_NO_KERNEL_HAS_IT"
	came_to needs-file skip true "/no/such/file"
	came_to needs-cpus pass true ""
	said needs-cpus '"cpus":3'
	came_to skips skip true "77"
	[ ! -e "$CASES/needs-config" ] || fail "it was booted"
}

test_environment_and_user_are_what_the_suite_says() {
	the_suite
	came_to passes pass true ""
	came_to user pass true ""
	same "$(cat "$CASES/passes/stdout")" "defaults test passes"
	same "$(cat "$CASES/passes/stderr")" words
}

test_artifacts_arrive_of_passes_and_failures() {
	the_suite
	came_to artifacts pass true ""
	local dir=$CASES/artifacts/artifacts
	same "$(cat "$dir/made/a" "$dir/made/below/b")" "a
b"
	same "$(stat -c %s "$dir/made/big")" 3000000
	[ ! -e "$dir/made/link" ] && [ ! -L "$dir/made/link" ] || fail "a symbolic link was fetched"
	came_to artifacts-of-a-failure fail false "exit code 1"
	same "$(cat "$CASES/artifacts-of-a-failure/artifacts/why.txt")" why
	[ ! -e "$SHARED/made" ] && [ ! -e "$SHARED/why.txt" ] || fail "the host was written to"
}

test_expected_failures_are_well_until_they_pass() {
	the_suite
	came_to known-failure xfail true "exit code 1"
	came_to fixed xpass false ""
}

test_subtests_are_in_every_report() {
	the_suite
	came_to subtests fail false "1 of 3"
	has "$SHARED/out/junit.xml" "no such thing"
	has "$SHARED/out/results.tap" "# Subtest: subtests"
}

test_two_guests_run_side_by_side_and_share_a_writable_folder() {
	the_suite
	came_to meets-a pass true ""
	came_to meets-b pass true ""
	[ -e "$SHARED/meet/a" ] && [ -e "$SHARED/meet/b" ] || fail "what they wrote is not here"
}

test_reports_are_valid_and_copies_the_same() {
	the_suite
	same "$(cat "$SHARED/code")" 1
	same "$(wc -l <"$RESULTS")" "$(grep -c '^  - name:' "$DATA/behaviour.yaml")"
	is_json_lines "$RESULTS"
	xmllint --noout --schema "$DATA/../../data/junit.xsd" "$SHARED/copy.xml" 2>err || fail "the JUnit report is not valid"
	cmp "$SHARED/copy.xml" "$SHARED/out/junit.xml"
	is_tap "$SHARED/copy.tap"
	cmp "$SHARED/copy.tap" "$SHARED/out/results.tap"
	has "$SHARED/out/run.json" '"complete": true'
	no_escapes "$SHARED/stdout" "$SHARED/stderr" "$SHARED/out/summary.txt" "$SHARED/copy.tap" "$SHARED/copy.xml"
}

test_odd_names_and_bytes_do_no_harm() {
	the_suite
	same "$(grep -c 'odd <name>' "$RESULTS")" 1
	same "$(find "$SHARED/out/cases" -mindepth 1 -maxdepth 1 -name 'odd*' | wc -l)" 1
	[ -z "$(find "$SHARED" -maxdepth 2 -name 'x*')" ] || fail "a name led out of the folder"
	printf 'red \033[31m and control \001 and \303\050\n]]>\n' >want
	cmp want "$(find "$SHARED/out/cases" -path '*/odd*/stdout')"
}

test_github_gets_annotations_and_a_summary() {
	the_suite
	has "$SHARED/stdout" "::error title="
	has "$SHARED/stdout" "exit code 3"
	same "$(grep -c '^::error' "$SHARED/stdout")" 9
	# What a test prints is no command of its own: the runner takes none from there on to the end.
	local token
	token=$(sed -n 's/^::stop-commands:://p' "$SHARED/stdout")
	[ ${#token} = 32 ] || fail "no token"
	same "$(tail -n 1 "$SHARED/stdout")" "::$token::"
	sed "/^::stop-commands::/,\$ d" "$SHARED/stdout" >before
	! grep -q '^ *::error title=of the test' before || fail "a command of the test's"
	has "$SHARED/stdout" "::error title=of the test::"
	has "$SHARED/step.md" "| verdict | case |"
	has "$SHARED/step.md" "setup-fails"
}

test_every_failure_tells_how_to_run_it_again_and_that_works() {
	the_suite
	local again
	again=$(cd "$SHARED" && sed -n 's/^ *run it again: vmrig test //p' stdout | grep -F odd | head -n 1)
	[ -n "$again" ] || fail "nothing to run again"
	new_suite
	eval "set -- $again"
	vmrig list "$@"
	code_is 0
	same "$(wc -l <out)" 2
	has out 'odd <name>'
}

test_json_on_stdout_is_records_alone_as_they_come() {
	new_suite
	vmrig test --json -j 2 -f passes -f fails -f needs-file
	code_is 1
	same "$(wc -l <out)" 3
	is_json_lines out
	cmp <(sort out) <(sort vmrig-results/latest/results.jsonl)
	no_escapes out err
}

test_tap_on_stdout_is_a_report_alone() {
	new_suite
	vmrig test --tap -j 2 -f passes -f subtests
	code_is 1
	is_tap out
	cmp out vmrig-results/latest/results.tap
	vmrig test --tap --json
	code_is 2
}

test_a_terminal_sees_a_table_that_ends_clean() {
	new_suite
	code=0
	env -u CI TERM=xterm script -qec "'$VMRIG' test -j 2 -f passes -f fails" /dev/null >screen 2>err || code=$?
	code_is 1
	has screen " done, 0 failed, 2 running"
	has screen $'\033['
	# All that is drawn is erased again, and the last words are the summary's.
	same "$(grep -c $'\033\[?25l' screen)" "$(grep -c $'\033\[?25h' screen)"
	sed 's/.*\033\[J//' screen >shown
	tail -n 5 shown >last
	hasnt last running
	has last "2 cases"
	has last "results: "
}

test_no_color_and_dumb_terminals_are_honoured() {
	new_suite
	code=0
	env -u CI TERM=dumb script -qec "'$VMRIG' test -j 2 -f passes" /dev/null >screen 2>err || code=$?
	code_is 0
	hasnt screen $'\033'
	env -u CI TERM=xterm NO_COLOR=1 script -qec "'$VMRIG' test -j 2 -f fails" /dev/null >screen 2>err || code=$?
	! grep -qP '\033\[[0-9;]*m' screen || fail "colours"
}

test_list_shows_what_would_run() {
	new_suite
	vmrig list --json
	code_is 0
	PYENV_VERSION=system python3 - out "$(grep -c '^  - name:' vmrig.yaml)" <<-'END' || fail "not the list"
		import json, sys
		cases = json.load(open(sys.argv[1]))
		assert len(cases) == int(sys.argv[2])
		by = {c["id"]: c for c in cases}
		assert by["passes"]["tags"] == ["quick", "plain"] and by["passes"]["skip"] is None
		assert "CONFIG_NO_KERNEL_HAS_IT" in by["needs-config"]["skip"]
		assert by["needs-cpus"]["cpus"] == 3 and by["passes"]["memory_mib"] == 256
		assert by["subtests"]["protocol"] == "ktap" and by["fixed"]["expect"] == "fail"
	END
	vmrig list
	code_is 0
	has out "skip: needs file /no/such/file"
	no_escapes out
}

test_filters_and_tags_select() {
	new_suite
	vmrig list -f 'setup*' -f '!setup-missing'
	code_is 0
	same "$(wc -l <out)" 3
	vmrig list --tag quick -f '!fails'
	same "$(wc -l <out)" 2
	has out passes
	vmrig test -f 'stup-fails'
	code_is 2
	has err "did you mean 'setup-fails'"
	vmrig test --tag quik
	code_is 2
	has err "did you mean 'quick'"
}

test_fail_fast_and_the_limit_of_the_run_leave_an_incomplete_report() {
	new_suite
	vmrig test -j 1 --fail-fast -o fast -f fails -f user -f 'setup*'
	code_is 1
	same "$(wc -l <fast/results.jsonl)" 1
	has fast/results.tap "Bail out!"
	has fast/run.json '"complete": false'
	# A boot is sure to take longer.
	vmrig test -j 1 --isolate boot --timeout 200ms -o late -f user
	code_is 1
	same "$(wc -l <late/results.jsonl)" 0
	has out "limit of the whole run"
	vmrig test --resume late
	code_is 0
	same "$(grep -c '"verdict":"pass"' late/results.jsonl)" 1
}

test_a_folder_of_results_is_not_overwritten() {
	new_suite
	mkdir out.d
	echo precious >out.d/results.jsonl
	vmrig test -o out.d -f passes
	code_is 2
	has err --resume
	same "$(cat out.d/results.jsonl)" precious
}

test_several_kernels_and_machines_multiply() {
	cat >vmrig.yaml <<-'END'
		kernels:
		  - { name: stock, kernel: "debian:6.1" }
		  - { name: absent, kernel: ./no/such/image }
		machines: [{ name: small, memory: 256M }, { name: two, cpus: 2, memory: 300M }]
		tests: [{ name: cpus, run: nproc }]
	END
	unset VMRIG_KERNEL
	vmrig test -j 2 -o out.d
	code_is 125
	same "$(wc -l <out.d/results.jsonl)" 4
	same "$(grep -c '"verdict":"pass"' out.d/results.jsonl)" 2
	same "$(grep -c '"verdict":"infra"' out.d/results.jsonl)" 2
	has out.d/results.jsonl no/such/image
	same "$(cat out.d/cases/*/stdout | sort | tr '\n' ' ')" "1 2 "
}

run_tests "$@"
