/* SPDX-License-Identifier: MIT */
#include "wire/frame.h"

#include "wire/bytes.h"

#include <string.h>

static const char *const names[] = {
	[WIRE_WELCOME] = "WELCOME",
	[WIRE_ROOT] = "ROOT",
	[WIRE_SHARE] = "SHARE",
	[WIRE_EXEC] = "EXEC",
	[WIRE_STDIN] = "STDIN",
	[WIRE_SIGNAL] = "SIGNAL",
	[WIRE_PULL] = "PULL",
	[WIRE_SHUTDOWN] = "SHUTDOWN",
	[WIRE_PREPARE] = "PREPARE",
	[WIRE_PARK] = "PARK",
	[WIRE_WINDOW] = "WINDOW",
	[WIRE_HELLO] = "HELLO",
	[WIRE_DONE] = "DONE",
	[WIRE_STARTED] = "STARTED",
	[WIRE_STDOUT] = "STDOUT",
	[WIRE_STDERR] = "STDERR",
	[WIRE_EXITED] = "EXITED",
	[WIRE_CREDIT] = "CREDIT",
	[WIRE_HEARTBEAT] = "HEARTBEAT",
	[WIRE_KMSG] = "KMSG",
	[WIRE_FILE] = "FILE",
	[WIRE_FILE_DATA] = "FILE_DATA",
	[WIRE_BYE] = "BYE",
	[WIRE_TROUBLE] = "TROUBLE",
};

const char *wire_type_name(uint8_t type)
{
	return type < sizeof(names) / sizeof(*names) ? names[type] : NULL;
}

uint32_t wire_frame_crc(uint64_t key, const uint8_t *header, const void *payload, size_t len)
{
	uint8_t key_bytes[8];
	uint32_t crc;

	put_le64(key_bytes, key);
	crc = wire_crc32c(0, key_bytes, sizeof(key_bytes));
	crc = wire_crc32c(crc, header, WIRE_HEADER_SUMMED);
	return wire_crc32c(crc, payload, len);
}

void wire_frame_header(struct wire_writer *w, uint8_t header[static WIRE_HEADER_SIZE], uint8_t type,
	const void *payload, size_t len)
{
	put_le32(header, WIRE_MAGIC);
	header[4] = type;
	memset(header + 5, 0, 3);
	put_le32(header + 8, w->seq++);
	put_le32(header + 12, (uint32_t)len);
	put_le32(header + WIRE_HEADER_SUMMED, wire_frame_crc(w->key, header, payload, len));
}
