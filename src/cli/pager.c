/* SPDX-License-Identifier: MIT */
#include "cli/pager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

/* The rows of the terminal on stdout; 0: it is none. */
static size_t rows(void)
{
	const char *term = getenv("TERM");
	struct winsize w = { 0 };

	if (!term || streq(term, "dumb") || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0)
		return 0;
	return w.ws_row;
}

static size_t lines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* The command line of the pager; NULL: none is wanted, or there. */
static const char *pager(void)
{
	const char *named = getenv("PAGER");
	_cleanup_free_ char *less = NULL;

	if (named)
		return *named && !streq(named, "cat") ? named : NULL;
	return path_program("less", &less) == 0 ? "less" : NULL;
}

void pager_show(const char *text, size_t len)
{
	size_t height = rows();
	const char *command = height > 0 && lines(text, len) >= height ? pager() : NULL;
	FILE *p;

	if (command) {
		/* Colours are let through, the text stays on the screen afterwards. */
		setenv("LESS", "FRX", 0);
		signal(SIGPIPE, SIG_IGN);
		p = popen(command, "we");
		if (p) {
			fwrite(text, 1, len, p);
			if (pclose(p) != 127 << 8)
				return;
		}
	}
	fwrite(text, 1, len, stdout);
}
