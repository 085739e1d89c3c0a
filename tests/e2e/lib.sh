# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# End-to-end tests: each function whose name begins with "test_" is one, run in a subshell in a folder of its
# own with a HOME, TMPDIR and XDG_RUNTIME_DIR of its own; its failure is the failure of any command in it
# (set -e). Afterwards nothing may be left: no process that it started, nothing in TMPDIR and
# XDG_RUNTIME_DIR. Output is TAP.
#
#	VMRIG        the program under test
#	VMRIG_CACHE_DIR  the kernels (default: the user's cache)

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VMRIG=$(realpath "${VMRIG:-$TOP/build/vmrig}")
export VMRIG_CACHE_DIR=${VMRIG_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/vmrig}
export VMRIG_KERNEL=${VMRIG_KERNEL:-debian:6.1}
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
unset CI GITHUB_ACTIONS GITHUB_STEP_SUMMARY NO_COLOR

# Runs vmrig; the exit code is in $code, the streams in the files out and err.
vmrig() {
	code=0
	"$VMRIG" "$@" >out 2>err || code=$?
}

# make_cache DIR: a cache with the kernel that the test runs, and with no other, since they come and go in the common one
# while other tests build and clean. own_cache DIR: it is the test's from now on.
make_cache() {
	local entry
	entry=$("$VMRIG" kernel resolve "$VMRIG_KERNEL")
	entry=$VMRIG_CACHE_DIR/kernels/${entry%% *}
	mkdir -p "$1/kernels"
	cp -al "$entry" "$1/kernels/" 2>/dev/null || cp -a "$entry" "$1/kernels/"
}

own_cache() {
	make_cache "$1"
	export VMRIG_CACHE_DIR=$PWD/$1
}

fail() {
	echo "$*"
	echo "exit code: ${code:-}"
	for f in out err; do
		[ -f "$f" ] && { echo "--- $f"; tail -c 3000 "$f" | tail -n 40; }
	done
	exit 1
}

code_is() {
	[ "$code" = "$1" ] || fail "expected exit code $1"
}

# has FILE TEXT: the file holds the text; hasnt: it does not.
has() {
	grep -qF -e "$2" "$1" || fail "expected in $1: $2"
}

hasnt() {
	! grep -qF -e "$2" "$1" || fail "not expected in $1: $2"
}

same() {
	[ "$1" = "$2" ] || fail "expected '$2', got '$1'"
}

# field RESULTS.JSONL ID KEY: a string or number of the record with this id.
field() {
	grep -F "\"id\":\"$2\"" "$1" | sed -n "s/.*\"$3\":\"\?\([^\",}]*\).*/\1/p" | head -n 1
}

# Processes that carry this test's mark in their environment.
marked() {
	grep -lzs "^VMRIG_E2E_MARK=$1\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

# Waits for a condition, at most 20 seconds; a process that is told to end needs a moment for it.
eventually() {
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

none_marked() {
	[ -z "$(marked "$1" | grep -vx "$BASHPID" || true)" ]
}

end_marked() {
	marked "$1" | xargs -r kill -9 2>/dev/null
}

drop() {
	chmod -R u+rwX "$1" 2>/dev/null
	rm -rf "$1"
}

# Told to stop, by Ctrl-C or a time limit: nothing is left of the test that runs, whose folder and mark run_one has set.
stop_on() {
	trap '' INT TERM HUP
	if [ -n "${dir:-}" ]; then
		end_marked "$mark"
		eventually none_marked "$mark"
		drop "$dir"
	fi
	exit $((128 + $1))
}
trap 'stop_on 1' HUP
trap 'stop_on 2' INT
trap 'stop_on 15' TERM

run_one() {
	local dir mark=$$.$RANDOM.$RANDOM left status
	dir=$(mktemp -d "${TMPDIR:-/tmp}/vmrig-e2e.XXXXXX")
	mkdir -p "$dir/home" "$dir/tmp" "$dir/run" "$dir/work"
	chmod 755 "$dir" "$dir/work"
	chmod 700 "$dir/run"
	(
		set -e
		export VMRIG_E2E_MARK=$mark VMRIG_JOB=$mark HOME=$dir/home TMPDIR=$dir/tmp XDG_RUNTIME_DIR=$dir/run
		unset XDG_CACHE_HOME XDG_CONFIG_HOME
		cd "$dir/work"
		"$1"
	) >"$dir/log" 2>&1 </dev/null
	# Not behind "||", nor within "if": there bash forgets set -e.
	status=$?
	if ! eventually none_marked "$mark"; then
		echo "left running: $(marked "$mark" | xargs -I{} sh -c 'tr "\0" " " </proc/{}/cmdline' | cut -c1-200)" >>"$dir/log"
		end_marked "$mark"
		status=1
	fi
	left=$(find "$dir/tmp" "$dir/run" -mindepth 1 | head -n 5)
	if [ -n "$left" ]; then
		echo "left behind: $left" >>"$dir/log"
		status=1
	fi
	log=$(sed 's/^/# /' "$dir/log")
	drop "$dir"
	return $status
}

# run_tests [NAME ...]: all of the file, or those named.
run_tests() {
	local tests n=0 bad=0 name
	if [ $# -gt 0 ]; then
		tests=("${@/#/test_}")
	else
		mapfile -t tests < <(declare -F | sed -n 's/^declare -f test_/test_/p')
	fi
	echo "1..${#tests[@]}"
	for name in "${tests[@]}"; do
		n=$((n + 1))
		run_one "$name"
		# shellcheck disable=SC2181
		if [ $? = 0 ]; then
			echo "ok $n - ${name#test_}"
		else
			echo "not ok $n - ${name#test_}"
			echo "$log"
			bad=$((bad + 1))
		fi
	done
	[ "$bad" = 0 ]
}
