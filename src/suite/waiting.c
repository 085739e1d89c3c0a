/* SPDX-License-Identifier: MIT */
#include "suite/waiting.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "suite/progress.h"

#define PATIENCE_MS 1000
#define ERASE       "\r\033[K"

struct waiting {
	struct loop_timer *timer; /* owned */
	char *text; /* owned */
	bool shown;
};

static void on_late(void *arg)
{
	struct waiting *w = arg;

	w->shown = true;
	fd_write_all(STDERR_FILENO, w->text, strlen(w->text));
}

struct waiting *waiting_new(struct loop *loop, const char *text)
{
	struct waiting *w;

	if (progress_mode_for(STDERR_FILENO) != PROGRESS_LIVE)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->text = xstrdup(text);
	w->timer = loop_timer_add(loop, clock_ms() + PATIENCE_MS, on_late, w);
	return w;
}

void waiting_end(struct waiting *w)
{
	if (!w)
		return;
	if (w->shown)
		fd_write_all(STDERR_FILENO, ERASE, strlen(ERASE));
	loop_timer_remove(w->timer);
	free(w->text);
	free(w);
}
