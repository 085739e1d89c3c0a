/* SPDX-License-Identifier: MIT */
/* What the two directions of a frame share. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "wire/wire.h"

#define WIRE_HEADER_SUMMED 16 /* bytes of the header that the checksum covers */

/* The checksum of a frame whose header stands at HEADER, in the session of KEY. */
uint32_t wire_frame_crc(uint64_t key, const uint8_t *header, const void *payload, size_t len);

#endif
