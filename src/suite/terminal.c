/* SPDX-License-Identifier: MIT */
#include "suite/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"

static struct termios before;
static volatile sig_atomic_t taken;

bool terminal_is_here(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void terminal_give_back(void)
{
	if (!taken)
		return;
	taken = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/* Our own crash: tcsetattr(3) is safe here, and what follows is the crash again. */
static void on_crash(int signo)
{
	terminal_give_back();
	signal(signo, SIG_DFL);
	raise(signo);
}

int terminal_take(void)
{
	static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	static bool registered;
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	if (!registered) {
		registered = true;
		atexit(terminal_give_back);
		for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
			signal(crashes[i], on_crash);
	}
	raw = before;
	cfmakeraw(&raw);
	taken = 1;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

void terminal_window(uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

bool terminal_escaped(unsigned *count, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*count = data[i] == TERMINAL_ESCAPE ? *count + 1 : 0;
		if (*count == TERMINAL_ESCAPE_TIMES)
			return true;
	}
	return false;
}
