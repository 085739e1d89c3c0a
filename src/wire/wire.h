/* SPDX-License-Identifier: MIT */
/*
 * The protocol between host and guest: frames, and the fields inside them. Both ends compile this
 * room: the host's program and the agent, which is static and small; so it uses libc alone and
 * knows neither end. docs/protocol.md is the specification; WIRE_VERSION is raised with it.
 *
 * A frame is a header of 20 bytes, little-endian, and a payload:
 *
 *	0  u32  magic   WIRE_MAGIC
 *	4  u8   type    enum wire_type
 *	5  u8   zero
 *	6  u16  zero
 *	8  u32  seq     counts the frames of this direction from 0
 *	12 u32  length  of the payload, at most WIRE_PAYLOAD_MAX
 *	16 u32  crc     CRC-32C of the session key (8 bytes), header bytes 0..15, and the payload
 *
 * The session key is 0 for HELLO and WELCOME (the first frame of each direction); WELCOME carries
 * the key of all that follow, made afresh by the host for each guest. So bytes that something else
 * in the guest writes to the channel, and frames of another session, are refused. There is no
 * resynchronisation: after one bad frame the stream is broken, and the reader says why for ever.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION      6
#define WIRE_MAGIC        0x31524d56u /* "VMR1" */
#define WIRE_HEADER_SIZE  20
#define WIRE_PAYLOAD_MAX  65536
#define WIRE_STDIN_WINDOW (256 * 1024) /* bytes of stdin in flight before the first credit */
#define WIRE_PORT_AGENT   "vmrig.agent" /* name of the virtio-serial port */
#define WIRE_PORT_FS      "vmrig.fs" /* name of the port that carries FUSE, where there is one */
#define WIRE_PORT_FS2     "vmrig.fs2" /* of a second one, for another folder */

enum wire_type {
	/* Host to guest. `id` names the request; its answers carry the same one. */
	WIRE_WELCOME = 1, /* u16 version, u64 key, u64 wall_ns, bytes entropy, str hostname,
				   str machine_id, u32 heartbeat_ms, u8 forward_kmsg */
	WIRE_ROOT = 2, /* u32 id, u8 share kind, str tag, strv tmpfs (paths that get one) → DONE */
	WIRE_SHARE = 3, /* u32 id, u8 share kind, str tag, str path, u8 writable → DONE */
	WIRE_EXEC = 4, /* u32 id, strv argv, strv env, str cwd, str user ("": root), u8 input,
			   str program ("": argv[0] in PATH) → STARTED … EXITED, or DONE with the error of the exec */
	WIRE_STDIN = 5, /* u32 id, bytes; empty: end of file */
	WIRE_SIGNAL = 6, /* u32 id, u32 signo: to the command's process group */
	WIRE_PULL = 7, /* u32 id, str cwd, strv globs, u64 max_bytes → FILE, FILE_DATA …, DONE */
	WIRE_SHUTDOWN = 8, /* no field: → BYE, and the guest ends */
	WIRE_PREPARE = 9, /* u32 id, u8 share kind, str tag, strv shares (tag, path, …; read-only),
			   strv argv, strv env, str cwd: a command before ROOT → as EXEC */
	WIRE_PARK =
		10, /* u32 id: the session ends → DONE, and HELLO with key and numbers as at first */
	WIRE_WINDOW = 11, /* u32 id, u16 rows, u16 columns: of the command's terminal */

	/* Guest to host. */
	WIRE_HELLO = 64, /* u16 version, str agent, str release, str machine, u64 uptime_us,
				   u32 cpus, u64 memory_kib, strv trouble (what failed before) */
	WIRE_DONE = 65, /* u32 id, i32 error (0 or negative errno), str text */
	WIRE_STARTED = 66, /* u32 id, u32 pid */
	WIRE_STDOUT = 67, /* u32 id, bytes; empty: end of file */
	WIRE_STDERR = 68, /* u32 id, bytes; empty: end of file */
	WIRE_EXITED = 69, /* u32 id, u8 signalled, u32 code (exit code or signal), u64 wall_us,
				   u64 user_us, u64 sys_us, u64 maxrss_kib, u32 leftover (processes
				   that the command left running, killed before this was sent) */
	WIRE_CREDIT = 70, /* u32 id, u32 bytes: room for so much more stdin */
	WIRE_HEARTBEAT = 71, /* u64 uptime_us, u64 memory_available_kib */
	WIRE_KMSG = 72, /* bytes: records of /dev/kmsg, each "PRIO,SEQ,TIME_US,FLAGS;TEXT\n" */
	WIRE_FILE = 73, /* u32 id, str path, u32 mode, u64 size: FILE_DATA follows */
	WIRE_FILE_DATA = 74, /* u32 id, bytes; empty: end of the file */
	WIRE_BYE = 75, /* u64 tainted: nothing follows, /dev/kmsg was forwarded to its end */
	WIRE_TROUBLE = 76, /* str text: something failed that is no answer to a request */
};

/* The type's name ("EXITED"), or NULL for a number that has none. */
const char *wire_type_name(uint8_t type);

/* What a command's stdin is. */
enum wire_input {
	WIRE_INPUT_NONE = 0, /* /dev/null */
	WIRE_INPUT_PIPE = 1,
	WIRE_INPUT_TERMINAL =
		2, /* all three streams are a terminal of its own; its output is STDOUT */
};

enum wire_share {
	WIRE_SHARE_NONE = 0, /* stay on the initramfs */
	WIRE_SHARE_9P = 1,
	WIRE_SHARE_FUSE = 2, /* FUSE requests over the port WIRE_PORT_FS */
};

uint32_t wire_crc32c(uint32_t crc, const void *data, size_t len); /* start with 0 */

/* ---- writing ---- */

struct wire_writer {
	uint64_t key; /* 0 until WELCOME was sent or received */
	uint32_t seq; /* of the next frame */
};

/* Fills HEADER for a payload of LEN bytes (≤ WIRE_PAYLOAD_MAX) and counts the frame. */
void wire_frame_header(struct wire_writer *w, uint8_t header[static WIRE_HEADER_SIZE], uint8_t type,
	const void *payload, size_t len);

/* A payload under construction, in the caller's memory. Overflow is remembered, not written. */
struct wire_enc {
	uint8_t *data;
	size_t len, cap;
	bool overflow;
};

void enc_u8(struct wire_enc *e, uint8_t v);
void enc_u16(struct wire_enc *e, uint16_t v);
void enc_u32(struct wire_enc *e, uint32_t v);
void enc_u64(struct wire_enc *e, uint64_t v);
void enc_bytes(struct wire_enc *e, const void *data, size_t len); /* u32 length, then bytes */
void enc_str(struct wire_enc *e, const char *s); /* as bytes, without the NUL */
void enc_strv(struct wire_enc *e, char *const *v, size_t n); /* u32 count, then strings */
void enc_rest(struct wire_enc *e, const void *data, size_t len); /* bytes to the end, no length */

/* ---- reading ---- */

struct wire_frame {
	uint8_t type;
	uint32_t seq;
	const uint8_t *payload; /* borrowed from the reader, until the next call on it */
	size_t len;
};

struct wire_reader {
	uint64_t key;
	uint32_t seq; /* of the next frame expected */
	uint8_t *data; /* owned: at most one whole frame and what came behind it */
	size_t start, len, cap;
	char broken[160]; /* why, once the stream is broken; "" before */
};

void wire_reader_init(struct wire_reader *r);
void wire_reader_release(struct wire_reader *r);

/* Room for LEN more bytes, which the caller fills (read(2)) and then counts by _added(). NULL when
 * memory ran out. */
uint8_t *wire_reader_space(struct wire_reader *r, size_t len);
void wire_reader_added(struct wire_reader *r, size_t len);

/* The next whole frame: 1, 0 when more bytes are needed, -EPROTO when the stream is broken. */
int wire_reader_next(struct wire_reader *r, struct wire_frame *ret);

/* Fields of a payload, in order. After a field that does not fit, `bad` is set and all further
 * ones read as 0 or empty; so a message is read whole and `dec_end()` asked once. */
struct wire_dec {
	const uint8_t *data;
	size_t len, pos;
	bool bad;
};

void dec_init(struct wire_dec *d, const struct wire_frame *f);
uint8_t dec_u8(struct wire_dec *d);
uint16_t dec_u16(struct wire_dec *d);
uint32_t dec_u32(struct wire_dec *d);
uint64_t dec_u64(struct wire_dec *d);
const uint8_t *dec_bytes(struct wire_dec *d, size_t *ret_len); /* borrowed; never NULL */
char *dec_str(struct wire_dec *d); /* malloc'd and NUL-terminated, NUL inside is `bad`; caller owns;
					   NULL only when memory ran out */
char **dec_strv(struct wire_dec *d, size_t *ret_n); /* as dec_str, each; NULL-terminated; owned */
const uint8_t *dec_rest(struct wire_dec *d, size_t *ret_len);

/* 0 when every field fitted and nothing is left over, -EPROTO otherwise. */
int dec_end(const struct wire_dec *d);

#endif
