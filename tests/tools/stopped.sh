#!/bin/bash
# SPDX-License-Identifier: MIT
# What is left of an end-to-end test that is told to stop while it runs (tests/e2e/lib.sh): nothing. TAP.
set -u
lib=$(realpath "$(dirname "$0")/../e2e/lib.sh")
dir=$(mktemp -d "${TMPDIR:-/tmp}/stopped.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir tmp
cat >tests.sh <<END
#!/bin/bash
VMRIG=/bin/true
. "$lib"
SHARED=\$(mktemp -d)
trap 'rm -rf "\$SHARED"' EXIT
test_that_runs_for_long() {
	setsid sleep 1000 &
	touch \$TMPDIR/left
	(sleep 0.5 && touch "$dir/runs") &
	sleep 1000 # a shell whose foreground takes no harm of SIGINT goes on
}
run_tests
END
chmod +x tests.sh

# stop SIGNAL: prints how the tests ended. By Python, since a shell has what runs behind it ignore SIGINT.
stop() {
	rm -f runs
	TMPDIR=$dir/tmp python3 - "$1" <<-'END'
		import os, signal, subprocess, sys, time
		tests = subprocess.Popen(["./tests.sh"], start_new_session=True, stdout=subprocess.DEVNULL,
		                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
		while not os.path.exists("runs") and tests.poll() is None:
		    time.sleep(0.05)
		os.killpg(tests.pid, getattr(signal, sys.argv[1]))
		print("exit code", tests.wait())
	END
}

n=0
bad=0
for end in SIGHUP:129 SIGINT:130 SIGTERM:143; do
	n=$((n + 1))
	ended=$(stop "${end%:*}")
	left=$(find tmp -mindepth 1)$(grep -lzs "^TMPDIR=$dir/tmp" /proc/[0-9]*/environ)
	if [ "$ended" = "exit code ${end#*:}" ] && [ -z "$left" ]; then
		echo "ok $n - ${end%:*}_leaves_nothing"
	else
		echo "not ok $n - ${end%:*}_leaves_nothing"
		echo "# $ended; left: $left" | tr '\n' ' '
		bad=1
	fi
done
echo "1..$n"
exit $bad
