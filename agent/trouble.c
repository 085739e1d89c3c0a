/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEPT_MAX  32
#define TEXT_SIZE 320

static char kept[KEPT_MAX][TEXT_SIZE];
static size_t n_kept;
static bool hello_sent;

static void on_console(const char *text)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	dprintf(fd >= 0 ? fd : STDERR_FILENO, "vmrig-agent: %s\n", text);
	if (fd >= 0)
		close(fd);
}

void trouble(const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (!hello_sent && n_kept < KEPT_MAX) {
		memcpy(kept[n_kept++], text, sizeof(text));
	} else if (channel_in_session() && channel_roomy()) {
		struct wire_enc e = channel_message();

		enc_str(&e, text);
		channel_send_message(WIRE_TROUBLE, &e);
	} else {
		on_console(text);
	}
}

void trouble_into_hello(struct wire_enc *e)
{
	char *texts[KEPT_MAX];

	for (size_t i = 0; i < n_kept; i++)
		texts[i] = kept[i];
	enc_strv(e, texts, n_kept);
	hello_sent = true;
}

void give_up(const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	on_console(text);
	power_off();
}
