/* SPDX-License-Identifier: MIT */
/* A program to be decoded: it prints what the decoder has to find. */
#ifndef DECODE_ME_H
#define DECODE_ME_H

/* Prints "KIND ADDR LINE…" for the address this call returns to. */
void tell(const char *kind, int line, int outer_line);
void twin_of_the_other_file(void);
void use(void *p);

#endif
