#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command has its manual page, the pages are troff without faults, no help is wider than a terminal, and no menu higher.
#
#	manuals.sh VMRIG FOLDER
set -u
. "$(dirname "$0")/report.sh"
vmrig=$1 folder=$2

# Every command and menu below the words, a line each.
commands() {
	local name
	for name in $("$vmrig" complete -- "$@" '' | grep -v '^:' | cut -f1); do
		echo "$* $name"
		# Whatever has commands of its own is a menu.
		if "$vmrig" "$@" "$name" --help | grep -q '^Commands:$'; then
			commands "$@" "$name"
		fi
	done
}

all=$(commands | sed 's/^ //')
pages=$( (echo vmrig.1; echo "$all" | sed 's/ /-/g; s/.*/vmrig-&.1/') | sort)
report every_command_has_a_page "$(diff <(cd "$folder" && ls -- *.1 | sort) <(echo "$pages"))"
report the_pages_are_troff_without_faults "$(for page in "$folder"/*.1; do groff -man -Tascii -ww -z "$page" 2>&1; done)"
report formats_have_pages_whose_tables_and_names_are_read "$(for page in vmrig.yaml.5 vmrig-systems.5 vmrig-kernels.7 vmrig-verdicts.7; do
	groff -man -t -K utf8 -Tutf8 -W break -z "$folder/$page" 2>&1 | grep -v 'table \(wider\|squeezed\)\|^warning: file'
	groff -man -t -K utf8 -Tutf8 "$folder/$page" 2>/dev/null | grep -q "${page%.*} - [a-z]" || echo "$page: no summary"
done)"
report no_help_is_wider_than_80_columns "$(echo "$all" | while read -ra words; do
	"$vmrig" "${words[@]}" --help | awk -v c="${words[*]}" 'length > 80 { print c ": " $0 }'
done)"
report menus_fit_a_terminal_of_24_lines "$( (echo; echo "$all") | while read -ra words; do
	"$vmrig" "${words[@]}" --help | awk -v c="${words[*]}" '/ COMMAND \[options\]$/ { menu = 1 } END { if (menu && NR > 23) print c }'
done)"
echo "1..$n"
exit $bad
