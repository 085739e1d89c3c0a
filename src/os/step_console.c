/* SPDX-License-Identifier: MIT */
/* Steps that talk over a serial port: expect, send, login, shell. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/seed.h"

/* What the Enter key of a terminal sends. */
#define ENTER "\r"

/* A pattern of ours, or one that was checked when it was read. */
static struct os_pattern *pattern(const char *text)
{
	struct os_pattern *p = NULL;
	int r = os_pattern_new(text, &p, NULL);

	BUG_ON(r < 0);
	return p;
}

static void send_line(struct os *o, const struct os_step_run *r, const char *line)
{
	_cleanup_free_ char *filled = os_fill_key(o->spec.plan, line);

	os_send(o, r->step->serial, filled, strlen(filled));
	os_send(o, r->step->serial, ENTER, strlen(ENTER));
}

static int read_text(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	return yaml_read_text(l, k, n, &s->text);
}

/* ---- expect ---- */

static int read_expect(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	return os_read_pattern(l, k, n, &s->text);
}

static void expect_start(struct os *o, struct os_step_run *r)
{
	r->pattern = pattern(r->step->text);
}

static void expect_text(struct os *o, struct os_step_run *r)
{
	if (!os_text_find(os_step_text(o), r->pattern))
		return;
	os_step_heard(o);
	os_step_done(o);
}

const struct os_step_kind os_step_expect = {
	.name = "expect",
	.form = "a pattern",
	.read = read_expect,
	.start = expect_start,
	.text = expect_text,
};

/* ---- send ---- */

static void send_start(struct os *o, struct os_step_run *r)
{
	send_line(o, r, r->step->text);
	os_step_done(o);
}

const struct os_step_kind os_step_send = {
	.name = "send",
	.needs = OS_NEEDS_KEY_TEXT,
	.form = "a line of text",
	.read = read_text,
	.start = send_start,
};

/* ---- login ---- */

#define LOGIN_PROMPT    "(?i)login: ?$"
#define PASSWORD_PROMPT "(?i)password: ?$"
#define SHELL_PROMPT    "[#$%>] ?$"
#define LOGIN_REFUSED   "(?i)(login incorrect|authentication failure|permission denied)"

static int read_login(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "user", yaml_read_text, FIELD(user), .required = true },
		{ "password", yaml_read_text, FIELD(password) },
		{ "prompt", os_read_pattern, FIELD(prompt) },
	};
#undef FIELD

	if (n->kind == YAML_SCALAR)
		return yaml_read_text(l, k, n, &s->user);
	return yaml_read_map(l, n, "'login'", keys, ARRAY_SIZE(keys), s);
}

enum { LOGIN_WAITS, LOGIN_USER_SENT, LOGIN_PASSWORD_SENT };

static const char *prompt(const struct os_step *s)
{
	return s->prompt ? s->prompt : SHELL_PROMPT;
}

static void login_start(struct os *o, struct os_step_run *r)
{
	r->pattern = pattern(LOGIN_PROMPT);
}

static void user_sent(struct os *o, struct os_step_run *r)
{
	const char *password = r->step->password;

	r->phase = password ? LOGIN_USER_SENT : LOGIN_PASSWORD_SENT;
	os_pattern_free(r->pattern);
	r->pattern = pattern(password ? PASSWORD_PROMPT : prompt(r->step));
	r->other = pattern(LOGIN_REFUSED);
	os_text_retry(os_step_text(o));
	send_line(o, r, r->step->user);
}

static void password_sent(struct os *o, struct os_step_run *r)
{
	r->phase = LOGIN_PASSWORD_SENT;
	os_pattern_free(r->pattern);
	r->pattern = pattern(prompt(r->step));
	os_text_retry(os_step_text(o));
	send_line(o, r, r->step->password);
}

static void login_text(struct os *o, struct os_step_run *r)
{
	struct os_pattern *const either[] = { r->other, r->pattern };
	int found = os_text_find_any(os_step_text(o), either, ARRAY_SIZE(either));

	if (found < 0)
		return;
	os_step_heard(o);
	if (found == 0)
		os_step_fail(o, "the login of %s was refused", r->step->user);
	else if (r->phase == LOGIN_WAITS)
		user_sent(o, r);
	else if (r->phase == LOGIN_USER_SENT)
		password_sent(o, r);
	else
		os_step_done(o);
}

const struct os_step_kind os_step_login = {
	.name = "login",
	.form = "a user's name, or {user: ..., password: ..., prompt: ...}",
	.read = read_login,
	.start = login_start,
	.text = login_text,
};

/* ---- shell: a command, and its exit code, over the console ---- */

/* The mark's two halves meet in the shell alone, so the echo of the line is not the answer. */
#define MARK_A "vmrig"
#define MARK_B "said"

static void shell_start(struct os *o, struct os_step_run *r)
{
	static const char answer[] = MARK_A MARK_B "=[0-9]+=";
	_cleanup_free_ char *line =
		xasprintf("%s; echo '" MARK_A "''" MARK_B "='$?'='", r->step->text);

	r->pattern = pattern(MARK_A MARK_B "=0=");
	r->other = pattern(answer);
	send_line(o, r, line);
}

static void shell_text(struct os *o, struct os_step_run *r)
{
	struct os_pattern *const either[] = { r->pattern, r->other };
	int found = os_text_find_any(os_step_text(o), either, ARRAY_SIZE(either));

	if (found == 0)
		os_step_done(o);
	else if (found == 1)
		os_step_fail(o, "its exit code is not 0");
}

const struct os_step_kind os_step_shell = {
	.name = "shell",
	.needs = OS_NEEDS_KEY_TEXT,
	.form = "a command for the shell that is logged in",
	.read = read_text,
	.start = shell_start,
	.text = shell_text,
};
