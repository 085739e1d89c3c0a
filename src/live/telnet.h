/* SPDX-License-Identifier: MIT */
/* The little of telnet (RFC 854, 857, 858) that a serial console needs: a client that sends each key as it is typed
 * and echoes nothing itself. */
#ifndef LIVE_TELNET_H
#define LIVE_TELNET_H

#include "base/buf.h"

/* Where a client's bytes stand. All-zero is their start. */
struct telnet {
	enum { TELNET_DATA, TELNET_IAC, TELNET_OPTION, TELNET_SUB, TELNET_SUB_IAC } state;
	bool after_cr;
};

/* What a server says first: it echoes, and no line is gathered. */
void telnet_hello(struct buf *ret);
/* A client's bytes without what is telnet's; an end of line becomes the carriage return that Enter is. */
void telnet_decode(struct telnet *t, const char *data, size_t len, struct buf *ret);
void telnet_encode(const char *data, size_t len, struct buf *ret);

#endif
