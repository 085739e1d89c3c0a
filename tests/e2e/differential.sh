#!/bin/bash
# SPDX-License-Identifier: MIT
# It is the same kernel, only faster: a clone and a guest that booted agree in every verdict and in what they print. `make
# differential` does it with the whole suite.
. "$(dirname "$0")/lib.sh"

test_clones_and_boots_agree() {
	for isolate in boot clone; do
		vmrig test -j 2 --isolate $isolate --tag quick -o $isolate "$TOP/tests/differential"
		# Of a guest that powers off there is no verdict.
		code_is 1
	done
	"$TOP/tools/differential-compare" boot=boot clone=clone
	same "$(wc -l <clone/results.jsonl)" "$(grep -c 'tags: quick' "$TOP/tests/differential/vmrig.yaml")"
}

run_tests "$@"
