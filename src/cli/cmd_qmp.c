/* SPDX-License-Identifier: MIT */
#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/qmp_talk.h"
#include "live/live.h"

#define DEFAULT_TIMEOUT_MS 60000
#define INPUT_MAX          (16 * 1024 * 1024)

enum { EXIT_REFUSED = 1 };

struct qmp_args {
	const char *guest; /* borrowed; NULL: the only one */
	struct strv keys;
	const char *text, *screenshot; /* borrowed; NULL */
	bool hmp;
	int64_t timeout_ms;
	struct qmp_talk *talk; /* owned */
};

enum option { OPT_GUEST, OPT_HMP, OPT_KEY, OPT_TYPE, OPT_SCREENSHOT, OPT_TIMEOUT, OPT_END };

static const struct cli_option options[] = {
	[OPT_GUEST] = { "guest", 'g', "GUEST", NULL,
		"which guest: name, id, pid or glob (the only one there is)" },
	[OPT_HMP] = { "hmp", 0, NULL, NULL,
		"COMMAND is a line for the human monitor, its answer text" },
	[OPT_KEY] = { "key", 'k', "KEYS", NULL,
		"press esc, f12 or ctrl-alt-delete; may be repeated, and comes first" },
	[OPT_TYPE] = { "type", 0, "TEXT", NULL, "type TEXT on a US keyboard, after --key" },
	[OPT_SCREENSHOT] = { "screenshot", 's', "FILE", NULL,
		"write the screen to FILE as PNG, after all else" },
	[OPT_TIMEOUT] = { "timeout", 't', "TIME", NULL, "limit for each answer (1m)" },
	[OPT_END] = { 0 },
};

static int set_option(
	void *arg, const struct cli_option *opt, const char *value, const char *where);

static const struct cli_command command = {
	.name = "qmp",
	.synopsis = "[options] [COMMAND [NAME=VALUE ...]]",
	.summary =
		"Sends a QMP command to a guest that runs, and prints what it returns as JSON. A VALUE that is JSON (a\n"
		"number, true, an object) is taken as such, else it is a string. Instead of NAME=VALUE one argument may\n"
		"be all of them, as a JSON object; COMMAND may be a whole command as JSON, or \"-\": those on standard input.",
	.options = options,
	.epilog =
		"Examples: vmrig qmp query-status; vmrig qmp --hmp info registers; vmrig qmp send-key\n"
		"'keys=[{\"type\": \"qcode\", \"data\": \"esc\"}]'; vmrig qmp --key f12 --screenshot menu.png\n\n"
		"Exit codes: 1 the guest's engine refused the command, 124 no answer in time, 125 there is no such\n"
		"guest, or it ended.",
	.set = set_option,
};

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct qmp_args *a = arg;

	switch ((enum option)(opt - options)) {
	case OPT_GUEST:
		a->guest = value;
		return 0;
	case OPT_HMP:
		a->hmp = true;
		return 0;
	case OPT_KEY:
		strv_add(&a->keys, value);
		return 0;
	case OPT_TYPE:
		a->text = value;
		return 0;
	case OPT_SCREENSHOT:
		a->screenshot = value;
		return 0;
	case OPT_TIMEOUT:
		return cli_duration(&command, where, value, &a->timeout_ms);
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* ---- what is sent ---- */

/* Commands that change the guest under the rig that runs it: they are sent, and what follows of them is told. */
static const struct {
	const char *name, *note;
} notes[] = {
	{ "stop", "the guest stands still until \"cont\", while the run's time limits go on" },
	{ "quit", "ends the guest; its test gets no verdict of its own" },
	{ "system_reset",
		"ends the guest where its machine does not reboot; its test gets no verdict of its own" },
	{ "system_powerdown", "the guest may power off before its test has ended" },
	{ "migrate", "vmrig itself saves and loads guests this way" },
	{ "migrate-incoming", "vmrig itself saves and loads guests this way" },
	{ "device_del", "vmrig may need this device" },
	{ "chardev-remove", "vmrig may need this device" },
	{ "chardev-change", "vmrig may need this device" },
	{ "set-action",
		"vmrig relies on what QEMU does when the guest resets, panics or powers off" },
};

static void tell_note(const char *execute)
{
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (streq(execute, notes[i].name))
			fprintf(stderr, "vmrig: note: %s: %s\n", execute, notes[i].note);
}

static json_t *value_of(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	return j ? j : json_text(text, strlen(text));
}

/* COMMAND and its words, as {"execute", "arguments"}; NULL: an error was printed. */
static json_t *make_command(char **words, int n)
{
	_cleanup_json_ json_t *arguments = json_object();
	struct err e = ERR_INIT;
	json_t *whole = NULL;

	if (n == 2 && words[1][0] == '{') {
		json_decref(arguments);
		arguments = NULL;
		if (json_parse(words[1], strlen(words[1]), "the arguments", &arguments, &e) < 0) {
			cli_usage_error(&command, "%s", err_text(&e));
			err_release(&e);
			return NULL;
		}
		n = 1;
	}
	for (int i = 1; i < n; i++) {
		size_t len = strcspn(words[i], "=");
		_cleanup_free_ char *name = xstrndup(words[i], len);

		if (len == 0 || !words[i][len]) {
			cli_usage_error(&command, "'%s' is no NAME=VALUE", words[i]);
			return NULL;
		}
		json_object_set_new(arguments, name, value_of(words[i] + len + 1));
	}
	whole = json_pack("{s:o, s:O*}", "execute", json_text(words[0], strlen(words[0])),
		"arguments", json_object_size(arguments) ? arguments : NULL);
	BUG_ON(!whole);
	return whole;
}

static json_t *make_hmp(char **words, int n)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	for (int i = 0; i < n; i++)
		buf_addf(&line, "%s%s", i ? " " : "", words[i]);
	return json_pack("{s:s, s:{s:o}}", "execute", "human-monitor-command", "arguments",
		"command-line", json_text(buf_str(&line), line.len));
}

/* Objects one behind the other, whatever blanks are between them. */
static int parse_commands(const char *text, size_t len, json_t *ret)
{
	size_t pos = 0;

	while (pos < len && pos + strspn(text + pos, " \t\r\n") < len) {
		json_error_t at;
		json_t *j = json_loadb(text + pos, len - pos,
			JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &at);

		if (!json_is_string(json_object_get(j, "execute"))) {
			json_decref(j);
			return cli_usage_error(&command,
				"not a QMP command, an object with \"execute\": %s",
				j ? "it has none" : at.text);
		}
		json_array_append_new(ret, j);
		pos += (size_t)at.position;
	}
	return 0;
}

static int read_commands(json_t *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = buf_read_all(&b, STDIN_FILENO, INPUT_MAX);

	if (r < 0)
		return cli_usage_error(&command, "cannot read standard input: %s", strerror(-r));
	return parse_commands(buf_str(&b), b.len, ret);
}

static int gather(const struct qmp_args *a, char **words, int n, json_t *ret)
{
	json_t *one;

	if (n == 0)
		return 0;
	if (a->hmp)
		one = make_hmp(words, n);
	else if (n == 1 && streq(words[0], "-"))
		return read_commands(ret);
	else if (n == 1 && words[0][0] == '{')
		return parse_commands(words[0], strlen(words[0]), ret);
	else
		one = make_command(words, n);
	return one && json_array_append_new(ret, one) == 0 ? 0 : EXIT_USAGE;
}

/* ---- what comes back ---- */

/* Of the names that QEMU has now: one that this one begins, or the nearest. */
static void hint_command(struct qmp_args *a, const char *execute, struct err *e)
{
	_cleanup_json_ json_t *list = NULL;
	_cleanup_free_ const char **names = NULL;
	const char *near = NULL;
	size_t n;

	if (!strstr(err_text(e), "CommandNotFound") ||
		qmp_talk(a->talk, "query-commands", NULL, a->timeout_ms, &list, NULL) < 0)
		return;
	n = json_array_size(list);
	names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		names[i] = json_string_value(json_object_get(json_array_get(list, i), "name"));
		if (!names[i])
			return;
		if (str_starts(names[i], execute))
			near = names[i];
	}
	near = near ? near : text_nearest(execute, names, n);
	if (near)
		err_hint(e, "There is \"%s\".", near);
}

static int print(bool as_text, json_t *j, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *dump = NULL;
	int r;

	if (as_text && json_is_string(j)) {
		buf_add(&b, json_string_value(j), json_string_length(j));
	} else {
		dump = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);
		buf_adds(&b, dump);
		buf_addc(&b, '\n');
	}
	r = fd_write_all(STDOUT_FILENO, buf_str(&b), b.len);
	return r < 0 ? err_sys(e, -r, "cannot write to standard output") : 0;
}

/* Commands that guides still name, and what QEMU has in their place. */
static const struct {
	const char *old, *now;
} renamed[] = {
	{ "query-cpus", "query-cpus-fast" },
};

/* To what the command is called now where QEMU no longer knows its name. */
static int ask(
	struct qmp_args *a, const char *execute, json_t *arguments, json_t **ret, struct err *e)
{
	int r = qmp_talk(a->talk, execute, arguments, a->timeout_ms, ret, e);

	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++) {
		if (r != -EREMOTEIO || !streq(execute, renamed[i].old) ||
			!strstr(err_text(e), "CommandNotFound"))
			continue;
		err_release(e);
		fprintf(stderr, "vmrig: note: this QEMU has %s no more: %s answers\n", execute,
			renamed[i].now);
		return qmp_talk(a->talk, renamed[i].now, arguments, a->timeout_ms, ret, e);
	}
	return r;
}

static int send_one(struct qmp_args *a, const json_t *c, struct err *e)
{
	const char *execute = json_string_value(json_object_get(c, "execute"));
	_cleanup_json_ json_t *answer = NULL;
	int r;

	tell_note(execute);
	r = ask(a, execute, json_object_get(c, "arguments"), &answer, e);
	if (r == -EREMOTEIO)
		hint_command(a, execute, e);
	return r < 0 ? r : print(a->hmp, answer, e);
}

static int send_keys(struct qmp_args *a, struct err *e)
{
	_cleanup_json_ json_t *arguments =
		json_pack("{s:o, s:s*}", "keys", json_strv(&a->keys), "text", a->text);
	_cleanup_json_ json_t *answer = NULL;

	if (!arguments)
		return err_set(e, -EINVAL, "the text to type is not UTF-8");
	return qmp_talk(a->talk, LIVE_KEYS, arguments, a->timeout_ms, &answer, e);
}

static int take_screenshot(struct qmp_args *a, struct err *e)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ uint8_t *png = NULL;
	struct base64_decode_ctx ctx;
	const char *text;
	size_t len;
	int r = qmp_talk(a->talk, LIVE_SCREENSHOT, NULL, a->timeout_ms, &answer, e);

	if (r < 0)
		return r;
	text = json_string_value(json_object_get(answer, "png"));
	text = text ? text : "";
	png = xmalloc(BASE64_DECODE_LENGTH(strlen(text)) + 1);
	base64_decode_init(&ctx);
	if (!*text || !base64_decode_update(&ctx, &len, png, strlen(text), text) ||
		!base64_decode_final(&ctx))
		return err_set(e, -EPROTO, "the vmrig that runs the guest sent no picture");
	return file_write_atomic(a->screenshot, png, len, 0666, e);
}

static int talk(struct qmp_args *a, const json_t *commands, struct err *e)
{
	int fd = live_open(a->guest, json_pack("{s:s}", "open", "qmp"), NULL, e), r = 0;

	if (fd < 0)
		return fd;
	a->talk = qmp_talk_new(fd);
	if (a->keys.n || a->text)
		r = send_keys(a, e);
	for (size_t i = 0; r == 0 && i < json_array_size(commands); i++)
		r = send_one(a, json_array_get(commands, i), e);
	if (r == 0 && a->screenshot)
		r = take_screenshot(a, e);
	qmp_talk_free(a->talk);
	return r;
}

int cmd_qmp(int argc, char **argv)
{
	struct qmp_args a = { .timeout_ms = DEFAULT_TIMEOUT_MS };
	_cleanup_json_ json_t *commands = json_array();
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r == CLI_OK && first == argc && !a.keys.n && !a.text && !a.screenshot)
		r = cli_usage_error(&command, "no command given");
	if (r != CLI_OK) {
		strv_release(&a.keys);
		return r;
	}
	r = gather(&a, argv + first, argc - first, commands);
	if (r == 0 && talk(&a, commands, &e) < 0) {
		r = e.code == -EREMOTEIO   ? EXIT_REFUSED
		    : e.code == -ETIMEDOUT ? EXIT_TIMEOUT
					   : EXIT_INFRA;
		err_print(&e);
	}
	err_release(&e);
	strv_release(&a.keys);
	return r;
}
