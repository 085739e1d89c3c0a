#!/bin/bash
# SPDX-License-Identifier: MIT
# What is left of a run of tests that is told to stop, of the end-to-end ones (tests/e2e/lib.sh) and of all (tools/check):
# nothing. TAP.
set -u
top=$(realpath "$(dirname "$0")/../..")
dir=$(mktemp -d "${TMPDIR:-/tmp}/stopped.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir tmp build
export RUNS=$dir/runs # is there when what is to be stopped runs

cat >tests.sh <<END
#!/bin/bash
VMRIG=/bin/true
. "$top/tests/e2e/lib.sh"
SHARED=\$(mktemp -d)
trap 'rm -rf "\$SHARED"' EXIT
test_that_runs_for_long() {
	setsid sleep 1000 &
	touch "\$TMPDIR/left"
	sh -c 'touch "\$RUNS" && exec sleep 1000'
}
run_tests
END
cat >build/vmrig <<END
#!/bin/sh
touch "\$RUNS" && exec sleep 1000
END
chmod +x tests.sh build/vmrig

# stop SIGNAL COMMAND ...: prints how it ended. By Python, since a shell has what runs behind it ignore SIGINT.
stop() {
	rm -f "$RUNS"
	TMPDIR=$dir/tmp python3 - "$@" <<-'END'
		import os, signal, subprocess, sys, time
		run = subprocess.Popen(sys.argv[2:], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
		                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
		while not os.path.exists(os.environ["RUNS"]) and run.poll() is None:
		    time.sleep(0.05)
		os.killpg(run.pid, getattr(signal, sys.argv[1]))
		print("exit code", run.wait())
	END
}

n=0
bad=0
# check NAME EXIT-CODE SIGNAL COMMAND ...
check() {
	local ended left
	n=$((n + 1))
	ended=$(stop "${@:3}")
	left=$(find tmp -mindepth 1)$(grep -lzs "^TMPDIR=$dir/tmp" /proc/[0-9]*/environ)
	if [ "$ended" = "exit code $2" ] && [ -z "$left" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# $ended; left: ${left//$'\n'/ }"
		bad=1
	fi
}

check end_to_end_tests_leave_nothing_at_sighup 129 SIGHUP ./tests.sh
check end_to_end_tests_leave_nothing_at_sigint 130 SIGINT ./tests.sh
check end_to_end_tests_leave_nothing_at_sigterm 143 SIGTERM ./tests.sh
for signal in SIGHUP SIGINT SIGTERM; do
	check "all_tests_leave_nothing_at_${signal,,}" 1 "$signal" "$top/tools/check" "$dir/build"
done
echo "1..$n"
exit $bad
