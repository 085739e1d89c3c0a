/* SPDX-License-Identifier: MIT */
#include "decode_me.h"

/* Another function of a name that decode_me.c has as well. */
__attribute__((noinline)) static void twin(void)
{
	tell("other", __LINE__, 0);
	__asm__ volatile(".skip 200, 0x90");
}

void twin_of_the_other_file(void)
{
	twin();
	use(twin);
}
