#!/bin/bash
# SPDX-License-Identifier: MIT
# What tools/check-failures prints of a test log made up here. TAP.
set -u
tool=$(realpath "$(dirname "$0")/../../tools/check-failures")
dir=$(mktemp -d "${TMPDIR:-/tmp}/failures.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
python3 - <<'END'
import json
long = "\n".join(["1..2", "not ok 1 - long", "# expected exit code 0"] + [f"# line {i}" for i in range(100)] + ["ok 2 - fine"])
programs = [
    {"name": "s / good", "result": "OK", "duration": 1.0, "stdout": "ok 1 - a\n", "stderr": ""},
    {"name": "s / tap", "result": "FAIL", "duration": 2.0, "stdout": long, "stderr": ""},
    {"name": "s / crash", "result": "ERROR", "duration": 3.0, "stdout": "ok 1 - b\n", "stderr": "a sanitizer's report\n"},
]
with open("log.json", "w") as f:
    f.writelines(json.dumps(p) + "\n" for p in programs)
END
"$tool" log.json >out || exit 1

n=0 bad=0
# NAME COMMAND ...: the command, on what was printed.
check() {
	n=$((n + 1))
	if "${@:2}" >/dev/null; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' out
		bad=1
	fi
}

lacks() {
	! grep -q -e "$1" out
}

check a_program_that_failed_is_named grep -x 'failed: s / tap (fail, 2 s)' out
check one_that_passed_is_not lacks good
check what_was_expected_is_there_however_long_the_rest grep -x '# expected exit code 0' out
check and_so_is_the_end grep -x '# line 99' out
check the_middle_is_not lacks 'line 50'
check tests_that_passed_are_not lacks fine
check a_program_that_names_no_test_shows_its_end grep -x "a sanitizer's report" out
echo "1..$n"
exit $bad
