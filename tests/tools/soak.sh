#!/bin/bash
# SPDX-License-Identifier: MIT
# What tools/soak calls a leak, with a program in the place of vmrig that has one. TAP.
set -u
soak=$(realpath "$(dirname "$0")/../../tools/soak")
dir=$(mktemp -d "${TMPDIR:-/tmp}/soak.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
export TMPDIR=$dir VMRIG_CACHE_DIR=$dir
n=0 bad=0

cat >vmrig <<-'END'
	#!/bin/bash
	[ "$1" = test ] || exit 0
	mkdir "$5"
	for i in $(seq 40); do
		sleep 0.05
		isolate=clone verdict=pass
		eval "$LEAK"
		echo "{\"id\":\"t$i\",\"verdict\":\"$verdict\",\"isolate\":\"$isolate\"}" >>"$5/results.jsonl"
	done
END
chmod +x vmrig

# NAME CODE TEXT LEAK: what the program does for each clone, and what is said of it.
check() {
	local code=0
	LEAK=$4 "$soak" --clones 40 --jobs 1 --record record vmrig >out 2>&1 || code=$?
	n=$((n + 1))
	if [ "$code" = "$2" ] && grep -qE -e "$3" out && grep -qE -e "$3" record && [ -z "$(ls -d vmrig-soak-* 2>/dev/null)" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# exit code $code, not $2, or not there: $3"
		sed 's/^/# /' out
		bad=1
	fi
}

check none_is_none 0 'Nothing is left, and nothing grew' :
check descriptors_are_one 1 'Not well: .*[0-9]+ descriptors at the end, [0-9]+ at the beginning' 'exec {fd}</dev/null'
check children_are_one 1 'Not well: .*[0-9]+ children at the end' 'sleep 5 &'
check memory_is_one 1 'Not well: .* KiB of memory at the end' 'printf -v x$i %200000s'
check a_file_is_one 1 'Not well: tmp has 1 files, 0 before' 'touch $TMPDIR/x'
check a_file_in_the_cache_is_one 1 'Not well: cache has [0-9]+ files' 'touch $VMRIG_CACHE_DIR/x$i'
check a_process_is_one 1 'Not well: [0-9]+ processes are left' '[ $i != 9 ] || setsid sleep 13 &'
check a_boot_is_no_clone 1 'Not well: 39 of 40 clones passed' '[ $i != 9 ] || isolate=boot'
check a_failure_is_none 1 'Not well: 39 of 40 clones passed' '[ $i != 9 ] || verdict=fail'

echo "1..$n"
exit $bad
