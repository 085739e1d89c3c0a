/* SPDX-License-Identifier: MIT */
#include "decode_me.h"

#include <stdio.h>

static volatile int outer_line;

__attribute__((noinline)) void tell(const char *kind, int line, int caller_line)
{
	printf("%s %p %d %d\n", kind, __builtin_return_address(0), line, caller_line);
}

/* An address that nobody may take for a tail call. */
__attribute__((noinline)) void use(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

__attribute__((noinline)) static void plain(void)
{
	tell("plain", __LINE__, 0);
	use(NULL);
}

static inline __attribute__((always_inline)) void inner(void)
{
	tell("inlined", __LINE__, outer_line);
	use(NULL);
}

__attribute__((noinline)) static void outer(void)
{
	outer_line = __LINE__ + 1;
	inner();
	use(NULL);
}

__attribute__((noinline)) static void twin(void)
{
	tell("twin", __LINE__, 0);
	__asm__ volatile(".skip 600, 0x90");
}

int main(void)
{
	plain();
	outer();
	twin();
	twin_of_the_other_file();
	return 0;
}
