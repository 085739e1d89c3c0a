#!/bin/bash
# SPDX-License-Identifier: MIT
# What tests/unit/kvmio/report.awk makes of programs that pass, fail, skip, break off or never come. TAP.
set -u
report=$(realpath "$(dirname "$0")/../unit/kvmio/report.awk")
dir=$(mktemp -d "${TMPDIR:-/tmp}/report.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0 bad=0

printf '%s\n' '# a comment' '' 'guest vm/b no KVM_CAP_B' >skips

# NAME EXIT-CODE EXPECTED: the input is on stdin.
case_() {
	local code=0 is
	is=$(awk -v where=guest -v skips="${skips-skips}" -f "$report") || code=$?
	n=$((n + 1))
	if [ "$code" = "$2" ] && [ "$is" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "exit code $code, not $2" "$is" | sed 's/^/# /'
		bad=1
	fi
}

case_ tests_are_numbered_across_programs 0 "ok 1 - vm/a
ok 2 - exit/a
1..2" <<'END'
@ begin vm
1..1
ok 1 - a
# ok - kvmio/vm
@ end 0
@ begin exit
1..1
ok 1 - a
@ end 0
END

case_ a_failure_keeps_its_message 1 "# 1 != 2
not ok 1 - vm/a
1..1" <<'END'
@ begin vm
1..1
# 1 != 2
not ok 1 - a
@ end 1
END

case_ an_accepted_skip_keeps_its_reason 0 "ok 1 - vm/b # SKIP no KVM_CAP_B
1..1" <<'END'
@ begin vm
1..1
# skipped: b: no KVM_CAP_B
not ok 1 # SKIP b
@ end 0
END

case_ the_reason_alone_is_not_enough 1 "not ok 1 - vm/c: skipped, but not one of those accepted: no KVM_CAP_B
1..1" <<'END'
@ begin vm
1..1
# skipped: c: no KVM_CAP_B
not ok 1 # SKIP c
@ end 0
END

case_ the_name_alone_is_not_enough 1 "not ok 1 - vm/b: skipped, but not one of those accepted: /dev/kvm does not open
1..1" <<'END'
@ begin vm
1..1
# skipped: b: /dev/kvm does not open
not ok 1 # SKIP b
@ end 0
END

skips='' case_ without_a_list_every_skip_is_accepted 0 "ok 1 - vm/c # SKIP whatever
1..1" <<'END'
@ begin vm
1..1
# skipped: c: whatever
not ok 1 # SKIP c
@ end 0
END

skips=missing case_ a_missing_list_is_an_error 1 "Bail out! cannot read missing
1..0" </dev/null

case_ a_program_that_dies_has_failed 1 "ok 1 - vm/a
not ok 2 - vm: 1 tests of 2
not ok 3 - vm ends with 139
1..3" <<'END'
@ begin vm
1..2
ok 1 - a
@ end 139
END

case_ an_exit_code_alone_is_a_failure 1 "ok 1 - vm/a
not ok 2 - vm ends with 1
1..2" <<'END'
@ begin vm
1..1
ok 1 - a
@ end 1
END

case_ a_guest_that_goes_away_is_a_failure 1 "ok 1 - vm/a
not ok 2 - vm: 1 tests of 2
not ok 3 - vm ends with nothing
1..3" <<'END'
@ begin vm
1..2
ok 1 - a
END

case_ nothing_at_all_is_a_failure 1 "not ok 1 - no test ran
1..1" </dev/null

echo "1..$n"
exit $bad
