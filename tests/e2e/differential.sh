#!/bin/bash
# SPDX-License-Identifier: MIT
# It is the same kernel, only faster: a clone and a guest that booted agree in every verdict and in what they print.
#
#	DIFFERENTIAL=FILE  other cases than those of data/differential.txt
. "$(dirname "$0")/lib.sh"

DATA=$(cd "$(dirname "$0")/data" && pwd)

# One test for each line; its text is quoted for YAML.
suite() {
	echo 'defaults: { memory: 512M, timeout: 120s }'
	echo 'tests:'
	grep -v '^#' "${DIFFERENTIAL:-$DATA/differential.txt}" | while read -r name text; do
		printf '  - name: %s\n    run: %s\n' "$name" "'${text//\'/\'\'}'"
	done
}

# ID VERDICT EXIT, a line each.
verdicts() {
	sed 's/.*"id":"\([^"]*\)".*"verdict":"\([^"]*\)".*"exit_code":\(-\?[0-9]*\).*/\1 \2 \3/' "$1/results.jsonl" | sort
}

test_clones_and_boots_agree() {
	suite >vmrig.yaml
	for run in boot clone1 clone2; do
		vmrig test -j 2 --isolate "${run%[12]}" -o $run
		[ "$code" -le 1 ] || fail "the run came to $code"
	done
	same "$(wc -l <boot/results.jsonl)" "$(grep -vc '^#' "${DIFFERENTIAL:-$DATA/differential.txt}")"
	same "$(grep -c '"isolate":"clone"' clone1/results.jsonl)" "$(wc -l <clone1/results.jsonl)"
	for run in clone1 clone2; do
		diff <(verdicts boot) <(verdicts $run) || fail "verdicts differ in $run"
		for out in boot/cases/*/stdout; do
			diff "$out" "$run/${out#boot/}" || fail "what ${out%/stdout} prints differs in $run"
		done
	done
}

run_tests "$@"
