#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes C of the built-in fragments: embed.sh FILE.config ... Those that are of one architecture are called
# NAME.ARCH.config.
set -eu

echo '/* Made by embed.sh. */'
echo '#include "kconfig/fragments.h"'
echo
echo 'const struct fragment_file fragment_files[] = {'
for f; do
	base=${f##*/}
	base=${base%.config}
	case $base in
	*.*) arch="\"${base#*.}\"" ;;
	*) arch=NULL ;;
	esac
	printf '\t{ "%s", %s,\n' "${base%%.*}" "$arch"
	sed -e 's/[\\"]/\\&/g' -e 's/.*/\t\t"&\\n"/' "$f"
	printf '\t},\n'
done
echo '	{ NULL, NULL, NULL },'
echo '};'
