/* SPDX-License-Identifier: MIT */
/* How it ended: from QEMU's own SHUTDOWN event, its log, and its wait status. */
#include <string.h>
#include <sys/wait.h>

#include "base/proc.h"
#include "base/text.h"
#include "qemu/private.h"

#define QMP_RESET "host-qmp-system-reset"

/* isa-debug-exit makes the exit code (value << 1) | 1, cut to 8 bits. QEMU's own failure is 1, so a value of 0 tells
 * nothing. */
int qemu_exit_port_value(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) & 1 ? WEXITSTATUS(status) >> 1 : 0;
}

enum qemu_end qemu_end_classify(const struct qemu_evidence *v)
{
	const char *s = v->shutdown;

	if (v->fault)
		return QEMU_DIED;
	if (v->exit_port && qemu_exit_port_value(v->status))
		return QEMU_GUEST_EXIT;
	if (v->stop_asked)
		return QEMU_STOPPED;
	if (!s)
		return QEMU_DIED;
	if (streq(s, "host-qmp-quit"))
		return QEMU_STOPPED;
	if (streq(s, QMP_RESET))
		return QEMU_GUEST_RESET;
	if (streq(s, "guest-panic"))
		return QEMU_GUEST_PANIC;
	if (!str_starts(s, "guest-"))
		return QEMU_DIED;
	if (v->panicked)
		return QEMU_GUEST_PANIC;
	if (streq(s, "guest-shutdown"))
		return QEMU_GUEST_SHUTDOWN;
	if (streq(s, "guest-reset"))
		return v->triple_fault ? QEMU_TRIPLE_FAULT : QEMU_GUEST_RESET;
	return QEMU_DIED;
}

/* Lines joined by " / ", cleaned for a terminal. */
static void add_words(struct buf *b, const char *s, size_t len)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	text_clean(&clean, s, len);
	while (clean.len > 0 && strchr(" \n", clean.data[clean.len - 1]))
		buf_truncate(&clean, clean.len - 1);
	for (size_t i = 0; i < clean.len; i++)
		if (clean.data[i] == '\n')
			buf_adds(b, " / ");
		else
			buf_addc(b, clean.data[i]);
}

static const char *first_lines(const char *s, size_t len, size_t n, size_t *ret_len)
{
	const char *p = s;

	while (n-- > 0 && (p = memchr(p, '\n', len - (size_t)(p - s))))
		p++;
	*ret_len = p ? (size_t)(p - s) : len;
	return s;
}

static void describe_death(const struct qemu_evidence *v, struct buf *b)
{
	const char *words;
	size_t len = 0;

	if (v->fault) {
		buf_adds(b, v->fault);
		words = first_lines(v->stderr_text, v->stderr_len, 2, &len);
	} else {
		if (v->shutdown)
			buf_addf(b, "QEMU was ended from outside (%s)", v->shutdown);
		else if (WIFSIGNALED(v->status))
			buf_addf(b, "QEMU was killed by %s", signal_name(WTERMSIG(v->status)));
		else
			buf_addf(b, "QEMU ended by itself with exit code %d",
				WEXITSTATUS(v->status));
		words = text_last_lines(v->stderr_text, v->stderr_len, 3, &len);
	}
	if (len > 0) {
		buf_adds(b, "; its last words: ");
		add_words(b, words, len);
	}
}

void qemu_end_describe(const struct qemu_evidence *v, struct buf *ret)
{
	switch (qemu_end_classify(v)) {
	case QEMU_RUNNING:
		break;
	case QEMU_GUEST_SHUTDOWN:
		buf_adds(ret, "the guest powered off");
		break;
	case QEMU_GUEST_RESET:
		buf_adds(ret, streq(v->shutdown, QMP_RESET)
				      ? "reset by the QMP command system_reset"
				      : "the guest reset itself");
		break;
	case QEMU_TRIPLE_FAULT:
		buf_adds(ret, "triple fault: the CPU found no handler for an exception");
		break;
	case QEMU_GUEST_PANIC:
		buf_adds(ret, "the guest kernel reported a panic (pvpanic)");
		break;
	case QEMU_GUEST_EXIT:
		buf_addf(ret, "the guest wrote 0x%02x to the exit port",
			(unsigned)qemu_exit_port_value(v->status));
		break;
	case QEMU_STOPPED:
		buf_adds(ret,
			v->stop_asked ? "stopped by the rig" : "ended by the QMP command quit");
		break;
	case QEMU_DIED:
		describe_death(v, ret);
		break;
	}
}

/* "Triple fault" repeats no prefix of itself, so one counter is a whole matcher. */
void qemu_log_feed(struct qemu_log *l, const char *data, size_t len)
{
	static const char marker[] = "Triple fault";

	for (size_t i = 0; i < len && !l->triple_fault; i++) {
		if (data[i] == marker[l->matched])
			l->matched++;
		else
			l->matched = data[i] == marker[0];
		l->triple_fault = l->matched == sizeof(marker) - 1;
	}
}
