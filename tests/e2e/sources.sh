#!/bin/bash
# SPDX-License-Identifier: MIT
# `vmrig kernel releases`, on a mirror that is a folder.
. "$(dirname "$0")/lib.sh"

mirror() {
	export VMRIG_CACHE_DIR=$PWD/cache VMRIG_KERNEL_MIRROR=file://$PWD/mirror
	mkdir -p mirror/v6.x
	cat >mirror/releases.json <<-'END'
		{"latest_stable": {"version": "6.17.8"}, "releases": [
		 {"moniker": "mainline", "version": "6.18-rc6", "iseol": false},
		 {"moniker": "stable", "version": "6.17.8", "iseol": false},
		 {"moniker": "stable", "version": "6.16.12", "iseol": true},
		 {"moniker": "longterm", "version": "6.12.57", "iseol": false}]}
	END
	for v in 6.9 6.9.12 6.12.57; do
		printf '%064d  linux-%s.tar.xz\n' 1 "$v"
	done >mirror/v6.x/sha256sums.asc
}

test_a_spec_is_told_by_its_releases() {
	mirror
	vmrig kernel releases stable 6.9 6.12..6.17
	code_is 0
	same "$(tr '\n' ' ' <out)" "6.17.8 6.9.12 6.12.57 6.16.12 6.17.8 "
	vmrig kernel releases --json 6.12
	code_is 0
	same "$(tr -d ' \n' <out)" '["6.12.57"]'
}

test_without_a_spec_the_list_is_printed() {
	mirror
	vmrig kernel releases
	code_is 0
	same "$(wc -l <out)" 4
	same "$(head -n 1 out | tr -s ' ')" "6.12.57 longterm"
	has out "no more maintained"
	vmrig kernel releases --json
	code_is 0
	has out '"kind": "mainline"'
}

test_offline_the_list_that_was_fetched_serves() {
	mirror
	vmrig kernel releases --offline stable
	code_is 125
	has err offline
	vmrig kernel releases stable
	code_is 0
	rm -r mirror
	vmrig kernel releases --offline stable
	code_is 0
	same "$(cat out)" 6.17.8
	vmrig kernel releases --refresh stable
	code_is 0
	has err "as it was fetched"
}

test_what_is_no_release_is_a_usage_error() {
	mirror
	vmrig kernel releases latest
	code_is 2
	has err "'latest' names no release"
	has err "6.1..6.12"
	vmrig kernel releases 6.18
	code_is 125
	has err "6.18-rc6"
}

run_tests "$@"
