/* SPDX-License-Identifier: MIT */
/*
 * Runs the target of fuzz_console.c without libFuzzer: N inputs from a fixed seed, made of the pieces
 * of kernel logs with rare damage. A failing input is found again by its number.
 *
 *	fuzz-console-standalone [N [FIRST]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return next_random() % n;
}

static const char *const prefixes[] = { "[    1.234567] ", "[    1.234567] ", "[    1.234568] ",
	"[    1.234567] ", "[    2.000000][   T1] ", "[    2.000000][   C0] ", "<4>[    3.000000] ",
	"6,1,1234567,-;", "12,2,1234567,-;", "", "", "text[    1.234567] ", "[ 1.5] ", "\x1b[1m" };

static const char *const bodies[] = { "Kernel panic - not syncing: Fatal exception",
	"Kernel panic - not syncing: x ffff888012345678 y+0x1/0x2 . ",
	"------------[ cut here ]------------",
	"BUG: kernel NULL pointer dereference, address: 0000000000000008", "Oops: 0002 [#1] SMP",
	"invalid opcode: 0000 [#1] SMP", "kernel BUG at mm/slub.c:4!",
	"BUG: KASAN: use-after-free in foo+0x1/0x2", "BUG: KASAN: x", "BUG: KASAN: in  in ",
	"Read of size 8 at addr ffff", "BUG: KCSAN: data-race in a / b", "UBSAN: shift in x.c:1:2",
	"UBSAN: x", "WARNING: CPU: 0 PID: 1 at x.c:1 foo+0x1/0x2",
	"WARNING: x.c:1 at foo+0x1/0x2, CPU#0: a/1", "WARNING:  at , CPU#",
	"WARNING: suspicious RCU usage", "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
	"rcu: INFO: rcu_sched detected stalls on",
	"INFO: task x:1 blocked for more than 1 seconds.", "list_add corruption.",
	"refcount_t: x; y.", "BUG kmalloc-8 (Not tainted): Poison",
	"BUG (ainted): ", "BUG: ", "BUG: Bad rss-counter state", "Internal error: : 0000 [#1]",
	"Internal error: Oops - BUG: 0 [#1]", "Oops [#1]", "RIP: 0010:foo+0x10/0x100",
	"RIP: 0010:[<ffffffff81000110>]", "pc : bar+0x1/0x100", "RIP: 0033:0x1234",
	"RIP:", "Call Trace:", " <TASK>", " </TASK>", " foo.isra.0+0x10/0x100 [mod]",
	" ? foo+0x10/0x100", " [<ffffffff81000210>] bar+0x10/0x100", " [<ffffffff81000110>]", " [<",
	" ? ", " +0x1/0x2", " a+0x", " dump_stack+0x1/0x2", "---[ end trace 0 ]---",
	"---[ end Kernel panic", "Rebooting in 1 seconds..",
	"==================================", "Kernel Offset: 0x1000000 from 0xffffffff81000000",
	"Linux version 6.1", "Kernel command line: printk.time=0", "reboot: Power down", "x", "",
	"Out of memory: Killed process 1", "a\\x0aBUG: b\\x5c", " SUBSYSTEM=x", "CPU: 0 PID: 1" };

static const char *const ends[] = { "\n", "\n", "\n", "\r\n", "\r\r\n", "", "\n\n", "\r" };

static void add_line(struct buf *b)
{
	buf_adds(b, prefixes[below(ARRAY_SIZE(prefixes))]);
	buf_adds(b, bodies[below(ARRAY_SIZE(bodies))]);
	if (below(200) == 0)
		for (size_t n = below(9000); n > 0; n--)
			buf_addc(b, "[ 1.]+0x"[below(8)]);
	buf_adds(b, ends[below(ARRAY_SIZE(ends))]);
}

static void make_input(struct buf *b, uint64_t number)
{
	random_state = number * 0x2545f4914f6cdd1d + 1;
	buf_clear(b);
	buf_addc(b, (char)next_random());
	for (size_t n = below(60); n > 0; n--)
		add_line(b);
	for (size_t n = below(4); n > 0; n--)
		b->data[below(b->len)] = (char)next_random();
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (uint64_t i = first; i < first + n; i++) {
		uint8_t *
			exact; /* of exactly this size, so that a sanitizer sees a read past the end */

		make_input(&b, i);
		exact = xmemdup(b.data, b.len);
		LLVMFuzzerTestOneInput(exact, b.len);
		free(exact);
	}
	printf("%llu inputs\n", (unsigned long long)n);
	return 0;
}
