#!/bin/bash
# SPDX-License-Identifier: MIT
# docs/getting-started.md is true: its blocks of commands run one after the other in one shell, in an empty folder, and
# print what the page says.
. "$(dirname "$0")/lib.sh"

# The page's blocks of kind "sh" to the files 1.sh, 2.sh, …; the block of kind "text" behind one of them to 1.text, ….
take_blocks() {
	awk '
		/^```sh$/ { n++; file = n ".sh"; next }
		/^```text$/ { file = n ".text"; next }
		/^```/ { file = ""; next }
		file { print > file }' "$1"
}

# Whether the file $2 is as $1 says: "…" stands for anything, and alone on its line for any number of lines.
like() {
	python3 - "$1" "$2" <<-'EOF'
		import re, sys
		want, got = (open(name, encoding="utf-8", errors="replace").read().splitlines() for name in sys.argv[1:])
		rule = "".join("(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in want)
		sys.exit(not re.fullmatch(rule, "".join(line.rstrip() + "\n" for line in got)))
	EOF
}

test_every_block_of_the_page_runs_and_prints_what_it_says() {
	local n=0
	mkdir bin blocks folder
	ln -s "$VMRIG" bin/vmrig
	export PATH=$PWD/bin:$PATH
	unset -f vmrig
	unset VMRIG_KERNEL
	(cd blocks && take_blocks "$TOP/docs/getting-started.md")
	while [ -f "blocks/$((n + 1)).sh" ]; do
		n=$((n + 1))
		echo "exec >'$PWD/blocks/$n.out' 2>&1; echo $n >'$PWD/reached'"
		cat "blocks/$n.sh"
	done >all
	[ "$n" -ge 9 ] || fail "only $n blocks"
	(cd folder && bash -e ../all) || fail "block $(cat reached): $(cat "blocks/$(cat reached)".{sh,out})"
	for text in blocks/*.text; do
		like "$text" "${text%.text}.out" || fail "$text: expected:
$(cat "$text")
--- and got:
$(tail -n 40 "${text%.text}.out")"
	done
	xmllint --noout --schema "$TOP/tests/data/junit.xsd" folder/junit.xml >out 2>err || fail "junit.xml"
}

run_tests "$@"
