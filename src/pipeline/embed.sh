#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes C of the templates: embed.sh FILE ...
set -eu

echo '/* Made by embed.sh. */'
echo '#include "pipeline/template.h"'
echo
echo 'const struct template_file template_files[] = {'
for f; do
	printf '\t{ "%s",\n' "${f##*/}"
	sed -e 's/[\\"]/\\&/g' -e 's/.*/\t\t"&\\n"/' "$f"
	printf '\t},\n'
done
echo '	{ NULL, NULL },'
echo '};'
