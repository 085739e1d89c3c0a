/* SPDX-License-Identifier: MIT */
#include "live/telnet.h"

enum {
	SE = 240,
	SB = 250,
	WILL = 251,
	DONT = 254,
	IAC = 255,
	OPTION_ECHO = 1,
	OPTION_NO_GO_AHEAD = 3,
};

void telnet_hello(struct buf *ret)
{
	static const unsigned char hello[] = { IAC, WILL, OPTION_ECHO, IAC, WILL,
		OPTION_NO_GO_AHEAD };

	buf_add(ret, hello, sizeof(hello));
}

/* Behind a carriage return telnet sends a newline or a NUL. */
static void decode_data(struct telnet *t, unsigned char c, struct buf *ret)
{
	bool after_cr = t->after_cr;

	t->after_cr = c == '\r';
	if (!after_cr || (c != '\n' && c != '\0'))
		buf_addc(ret, (char)c);
}

static void decode_command(struct telnet *t, unsigned char c, struct buf *ret)
{
	t->state = TELNET_DATA;
	if (c == IAC)
		buf_addc(ret, (char)c);
	else if (c >= WILL && c <= DONT)
		t->state = TELNET_OPTION;
	else if (c == SB)
		t->state = TELNET_SUB;
}

void telnet_decode(struct telnet *t, const char *data, size_t len, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		switch (t->state) {
		case TELNET_DATA:
			if (c == IAC)
				t->state = TELNET_IAC;
			else
				decode_data(t, c, ret);
			break;
		case TELNET_IAC:
			decode_command(t, c, ret);
			break;
		case TELNET_OPTION:
			t->state = TELNET_DATA;
			break;
		case TELNET_SUB:
			if (c == IAC)
				t->state = TELNET_SUB_IAC;
			break;
		case TELNET_SUB_IAC:
			t->state = c == SE ? TELNET_DATA : TELNET_SUB;
			break;
		}
	}
}

void telnet_encode(const char *data, size_t len, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		buf_addc(ret, data[i]);
		if ((unsigned char)data[i] == IAC)
			buf_addc(ret, data[i]);
	}
}
