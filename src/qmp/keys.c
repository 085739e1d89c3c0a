/* SPDX-License-Identifier: MIT */
/* Keys by the names of QEMU's QKeyCode (QEMU: qapi/ui.json), and a US keyboard. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "qmp/qmp.h"

static const char *const codes[] = {
	"shift",
	"shift_r",
	"alt",
	"alt_r",
	"ctrl",
	"ctrl_r",
	"menu",
	"esc",
	"minus",
	"equal",
	"backspace",
	"tab",
	"bracket_left",
	"bracket_right",
	"ret",
	"semicolon",
	"apostrophe",
	"grave_accent",
	"backslash",
	"comma",
	"dot",
	"slash",
	"asterisk",
	"spc",
	"caps_lock",
	"f1",
	"f2",
	"f3",
	"f4",
	"f5",
	"f6",
	"f7",
	"f8",
	"f9",
	"f10",
	"f11",
	"f12",
	"num_lock",
	"scroll_lock",
	"kp_divide",
	"kp_multiply",
	"kp_subtract",
	"kp_add",
	"kp_enter",
	"kp_decimal",
	"sysrq",
	"kp_0",
	"kp_1",
	"kp_2",
	"kp_3",
	"kp_4",
	"kp_5",
	"kp_6",
	"kp_7",
	"kp_8",
	"kp_9",
	"less",
	"print",
	"home",
	"pgup",
	"pgdn",
	"end",
	"left",
	"up",
	"down",
	"right",
	"insert",
	"delete",
	"stop",
	"again",
	"props",
	"undo",
	"front",
	"copy",
	"open",
	"paste",
	"find",
	"cut",
	"lf",
	"help",
	"meta_l",
	"meta_r",
	"compose",
	"pause",
	"ro",
	"hiragana",
	"henkan",
	"yen",
	"muhenkan",
	"katakanahiragana",
	"kp_comma",
	"kp_equals",
	"power",
	"sleep",
	"wake",
	"audionext",
	"audioprev",
	"audiostop",
	"audioplay",
	"audiomute",
	"volumeup",
	"volumedown",
	"mediaselect",
	"mail",
	"calculator",
	"computer",
	"ac_home",
	"ac_back",
	"ac_forward",
	"ac_refresh",
	"ac_bookmarks",
	"lang1",
	"lang2",
};

static const struct {
	const char *name, *code;
} others[] = {
	{ "enter", "ret" },
	{ "return", "ret" },
	{ "escape", "esc" },
	{ "space", "spc" },
	{ "del", "delete" },
	{ "ins", "insert" },
	{ "bs", "backspace" },
	{ "win", "meta_l" },
	{ "super", "meta_l" },
	{ "meta", "meta_l" },
	{ "control", "ctrl" },
	{ "altgr", "alt_r" },
	{ "pageup", "pgup" },
	{ "pagedown", "pgdn" },
	{ "period", "dot" },
};

/* Keys that give one character alone, and another one with shift. */
static const struct {
	char plain, shifted;
	const char *code;
} us[] = {
	{ '1', '!', "1" },
	{ '2', '@', "2" },
	{ '3', '#', "3" },
	{ '4', '$', "4" },
	{ '5', '%', "5" },
	{ '6', '^', "6" },
	{ '7', '&', "7" },
	{ '8', '*', "8" },
	{ '9', '(', "9" },
	{ '0', ')', "0" },
	{ '-', '_', "minus" },
	{ '=', '+', "equal" },
	{ '[', '{', "bracket_left" },
	{ ']', '}', "bracket_right" },
	{ ';', ':', "semicolon" },
	{ '\'', '"', "apostrophe" },
	{ '`', '~', "grave_accent" },
	{ '\\', '|', "backslash" },
	{ ',', '<', "comma" },
	{ '.', '>', "dot" },
	{ '/', '?', "slash" },
	{ ' ', 0, "spc" },
	{ '\t', 0, "tab" },
	{ '\n', 0, "ret" },
};

static json_t *key(const char *code)
{
	return json_pack("{s:s, s:s}", "type", "qcode", "data", code);
}

static json_t *arguments(json_t *keys, int hold_ms)
{
	json_t *j = json_pack("{s:o, s:i}", "keys", keys, "hold-time", hold_ms);

	BUG_ON(!j);
	return j;
}

/* The key of C and whether it takes shift; NULL: none has it. LETTER is the place for a letter's name. */
static const char *key_of(char c, char letter[static 2], bool *ret_shift)
{
	letter[0] = c;
	letter[1] = '\0';
	*ret_shift = c >= 'A' && c <= 'Z';
	if (*ret_shift)
		letter[0] = (char)(c - 'A' + 'a');
	if (letter[0] >= 'a' && letter[0] <= 'z')
		return letter;
	for (size_t i = 0; c && i < ARRAY_SIZE(us); i++) {
		*ret_shift = c == us[i].shifted;
		if (c == us[i].plain || *ret_shift)
			return us[i].code;
	}
	return NULL;
}

/* A name of several characters; of one, the key that gives it without shift. */
static const char *find(const char *name, char letter[static 2])
{
	bool shift;
	const char *code;

	if (strlen(name) == 1) {
		code = key_of(*name, letter, &shift);
		return code && !shift ? code : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (streq(name, codes[i]))
			return codes[i];
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (streq(name, others[i].name))
			return others[i].code;
	return NULL;
}

static int no_such_key(const char *keys, const char *name, struct err *e)
{
	const char *names[ARRAY_SIZE(codes) + ARRAY_SIZE(others)];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		names[n++] = codes[i];
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		names[n++] = others[i].name;
	near = strlen(name) > 1 ? text_nearest(name, names, n) : NULL;
	err_set(e, -EINVAL, "\"%s\" names no key in \"%s\"%s%s%s", name, keys,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return err_hint(e,
		"Keys are written as esc, ret, f12, ctrl-alt-delete or shift-a; what is to be "
		"typed is text.");
}

int qmp_keys(const char *keys, int hold_ms, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *list = json_array();
	_cleanup_free_ char *copy = xstrdup(keys);
	char *rest = copy, *name;

	while ((name = rest)) {
		char letter[2];
		const char *code;

		/* A minus at a name's place is the key itself. */
		rest = *name ? strchr(name + 1, '-') : NULL;
		if (rest)
			*rest++ = '\0';
		code = find(name, letter);
		if (!code)
			return no_such_key(keys, name, e);
		json_array_append_new(list, key(code));
	}
	*ret = arguments(json_incref(list), hold_ms);
	return 0;
}

int qmp_type(const char *text, int hold_ms, json_t *ret, struct err *e)
{
	_cleanup_json_ json_t *typed = json_array();

	for (const char *p = text; *p; p++) {
		char letter[2];
		bool shift;
		const char *code = key_of(*p, letter, &shift);
		json_t *keys;

		if (!code)
			return err_set(e, -EINVAL,
				"character %zu (byte 0x%02x) is on no US keyboard",
				(size_t)(p - text) + 1, (unsigned char)*p);
		keys = json_array();
		if (shift)
			json_array_append_new(keys, key("shift"));
		json_array_append_new(keys, key(code));
		json_array_append_new(typed, arguments(keys, hold_ms));
	}
	return json_array_extend(ret, typed);
}
