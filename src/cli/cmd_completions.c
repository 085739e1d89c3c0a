/* SPDX-License-Identifier: MIT */
/* The shells' side of completion: each asks `vmrig complete -- WORDS`, cli/complete.h. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"

static const struct {
	const char *shell, *script;
} scripts[] = {
	{ "bash",
		"# vmrig's completion for bash: source it, or keep it as bash-completion's completions/vmrig.\n"
		"_vmrig() {\n"
		"	local line words cur prefix reply\n"
		"	# Of the line itself: bash would split words at colons.\n"
		"	line=${COMP_LINE:0:COMP_POINT}\n"
		"	read -ra words <<<\"$line\"\n"
		"	[[ $line == *[[:space:]] ]] && words+=('')\n"
		"	cur=${words[${#words[@]} - 1]}\n"
		"	prefix=${cur%\"${cur##*[:=]}\"}\n"
		"	COMPREPLY=()\n"
		"	while IFS= read -r line; do\n"
		"		case $line in\n"
		"		:files) compopt -o filenames; mapfile -t reply < <(compgen -f -- \"$cur\") ;;\n"
		"		:dirs) compopt -o filenames; mapfile -t reply < <(compgen -d -- \"$cur\") ;;\n"
		"		:commands) mapfile -t reply < <(compgen -c -- \"$cur\") ;;\n"
		"		*) line=${line%%$'\\t'*}; reply=(\"${line#\"$prefix\"}\") ;;\n"
		"		esac\n"
		"		COMPREPLY+=(\"${reply[@]}\")\n"
		"	done < <(\"${words[0]}\" complete -- \"${words[@]:1}\" 2>/dev/null)\n"
		"}\n"
		"complete -F _vmrig vmrig\n" },
	{ "zsh",
		"#compdef vmrig\n"
		"# vmrig's completion for zsh: keep it as _vmrig in a folder of $fpath, or source it behind compinit.\n"
		"_vmrig() {\n"
		"	local -a lines described\n"
		"	local line\n"
		"	lines=(\"${(@f)$(${words[1]} complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
		"	for line in $lines; do\n"
		"		case $line in\n"
		"		:files) _files ;;\n"
		"		:dirs) _files -/ ;;\n"
		"		:commands) _command_names -e ;;\n"
		"		*) described+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
		"		esac\n"
		"	done\n"
		"	(( $#described )) && _describe vmrig described\n"
		"}\n"
		"if [[ $funcstack[1] = _vmrig ]]; then _vmrig; else compdef _vmrig vmrig; fi\n" },
	{ "fish",
		"# vmrig's completion for fish: keep it as completions/vmrig.fish, or source it.\n"
		"function __vmrig_complete\n"
		"	set -l words (commandline -opc)\n"
		"	set -l cur (commandline -ct)\n"
		"	for line in ($words[1] complete -- $words[2..] $cur 2>/dev/null)\n"
		"		switch $line\n"
		"			case :files\n"
		"				__fish_complete_path $cur\n"
		"			case :dirs\n"
		"				__fish_complete_directories $cur\n"
		"			case :commands\n"
		"				complete -C \"$cur\"\n"
		"			case '*'\n"
		"				echo $line\n"
		"		end\n"
		"	end\n"
		"end\n"
		"complete -c vmrig -f -a '(__vmrig_complete)'\n" },
};

static const struct cli_option options[] = { { 0 } };

static const struct cli_command command = {
	.name = "completions",
	.synopsis = "bash|zsh|fish",
	.summary =
		"Prints the completion for a shell, which offers commands, options, kernels, tests and variants.",
	.options = options,
	.epilog = "For this session:\n"
		  "  bash, zsh  source <(vmrig completions bash)\n"
		  "  fish       vmrig completions fish | source",
};

int cmd_completions(int argc, char **argv)
{
	int first, r = cli_parse(&command, argc, argv, NULL, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first != 1)
		return cli_usage_error(&command, "name one shell: bash, zsh or fish");
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		if (streq(scripts[i].shell, argv[first])) {
			fputs(scripts[i].script, stdout);
			return 0;
		}
	return cli_usage_error(&command, "there is none for '%s': bash, zsh or fish", argv[first]);
}
