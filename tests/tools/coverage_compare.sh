#!/bin/bash
# SPDX-License-Identifier: MIT
# What tools/coverage-compare calls a failure, with figures made up here. TAP.
set -u
compare=$(realpath "$(dirname "$0")/../../tools/coverage-compare")
dir=$(mktemp -d "${TMPDIR:-/tmp}/coverage.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0 bad=0

# $1: lines covered of 1000.
summary() {
	echo "{ \"line_covered\": $1, \"line_total\": 1000 }" >measured.json
}

figures() {
	echo '{ "delta": 0.5, "line_percent": { "arm": 50, "x86": 90 } }' >figures.json
}

kept() {
	sed -n 's/.*"'"$1"'": \([0-9.]*\).*/\1/p' figures.json
}

# NAME PROFILE COVERED CODE KEPT: the exit code, and the figure that is then in the file.
case_() {
	local code=0 is
	figures
	summary "$3"
	"$compare" "$2" figures.json x86=measured.json >out 2>&1 || code=$?
	is=$(kept x86)
	n=$((n + 1))
	if [ "$code" = "$4" ] && [ "$is" = "$5" ] && [ "$(kept arm)" = 50 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# exit code $code, not $4; kept $is, not $5"
		sed 's/^/# /' out
		bad=1
	fi
}

check() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >out 2>&1; then echo "ok $n - $name"; else echo "not ok $n - $name"; sed 's/^/# /' out; bad=1; fi
}

exits() {
	local code=0
	shift
	"${@:2}" || code=$?
	[ "$code" = "$1" ]
}

case_ ci_passes_what_is_the_same ci 900 0 90
case_ ci_passes_a_little_below ci 895 0 90
case_ ci_passes_a_little_above ci 905 0 90
case_ ci_fails_below ci 894 1 90
case_ ci_fails_above ci 906 1 90
case_ devel_passes_what_is_the_same devel 900 0 90
case_ devel_passes_a_little_below devel 895 0 90
case_ devel_writes_down_what_is_a_little_above devel 905 0 90.5
case_ devel_fails_below devel 894 1 90
case_ devel_writes_down_what_is_above devel 906 0 90.6

figures
summary 700
check ci_fails_what_is_not_kept exits with 1 "$compare" ci figures.json riscv=measured.json
check devel_writes_down_what_was_not_kept exits with 0 "$compare" devel figures.json riscv=measured.json
check it_is_kept_then test "$(kept riscv)" = 70.0
figures
summary 950
echo '{ "line_covered": 1, "line_total": 1000 }' >low.json
check nothing_is_written_down_when_another_fails exits with 1 "$compare" devel figures.json x86=measured.json arm=low.json
check the_figure_is_as_it_was test "$(kept x86)" = 90
summary 0
sed -i 's/1000/0/' measured.json
check no_lines_at_all_are_no_figure exits with 2 "$compare" devel figures.json x86=measured.json
echo '{ "delta": 0.5, "line_percent": { "x86": "90" } }' >figures.json
summary 900
check a_figure_that_is_none_is_an_error exits with 2 "$compare" ci figures.json x86=measured.json
rm figures.json
check a_missing_file_is_an_error exits with 2 "$compare" ci figures.json x86=measured.json
check an_unknown_profile_is_an_error exits with 2 "$compare" sometimes figures.json x86=measured.json
echo "1..$n"
exit $bad
