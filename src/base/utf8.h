/* SPDX-License-Identifier: MIT */
/* Private to src/base. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * The length of the UTF-8 sequence at S (1 to 4 of its LEN bytes), or 0 where there is none: as
 * RFC 3629 has it, so no overlong forms, no surrogates, nothing above U+10FFFF.
 */
size_t utf8_sequence(const char *s, size_t len);

#endif
