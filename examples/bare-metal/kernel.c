/* SPDX-License-Identifier: MIT */
/*
 * A kernel that tests itself and tells the results on COM1: "Running N tests", "group::name...\t[ok]" for each, and a
 * value at the exit port, 0x10 for success and 0x11 after a panic. What QEMU's option -fw_cfg
 * name=opt/variant,string=WORD says makes it fail, hang, fall, lie or babble: see variants[].
 */
#include <stddef.h>
#include <stdint.h>

#define COM1      0x3f8
#define EXIT_PORT 0xf4

enum { EXIT_PASS = 0x10, EXIT_FAIL = 0x11 };

/* ---- ports and registers ---- */

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static uint32_t cpuid_1_ecx(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c;
}

/* ---- the serial port ---- */

static void put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, (uint8_t)c);
}

static void print(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			put('\r');
		put(*s);
	}
}

static void print_number(uint64_t v, unsigned base)
{
	char digits[24];
	int n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	while (n)
		put(digits[--n]);
}

static void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

__attribute__((noreturn)) static void leave(uint32_t value)
{
	outl(EXIT_PORT, value);
	halt();
	__builtin_unreachable();
}

__attribute__((noreturn)) static void panic(const char *what, const char *file, int line)
{
	print("[failed]\n\nError: ");
	print(what);
	print(" at ");
	print(file);
	print(":");
	print_number((uint64_t)line, 10);
	print("\n");
	leave(EXIT_FAIL);
}

#define CHECK(cond)                                       \
	do {                                              \
		if (!(cond))                              \
			panic(#cond, __FILE__, __LINE__); \
	} while (0)

/* ---- interrupts ---- */

enum { VECTOR_BREAKPOINT = 3, VECTOR_INVALID_OPCODE = 6, VECTOR_SELF = 64, VECTORS };

struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, zero;
};

static struct gate idt[VECTORS];
static volatile unsigned seen[VECTORS];
extern const char stubs[]; /* of 16 bytes each; boot.S */

static void interrupts_setup(void)
{
	struct {
		uint16_t size;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned i = 0; i < VECTORS; i++) {
		uintptr_t to = (uintptr_t)stubs + 16u * i;

		idt[i] = (struct gate){ (uint16_t)to, 8, 0x8e00, (uint16_t)(to >> 16),
			(uint32_t)(to >> 32), 0 };
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
	/* Nobody handles what the old controllers send. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

#define X2APIC_EOI 0x80b

void interrupt(uint64_t vector, uint64_t rip);
void interrupt(uint64_t vector, uint64_t rip)
{
	seen[vector]++;
	if (vector == VECTOR_BREAKPOINT)
		return;
	if (vector == VECTOR_SELF) {
		wrmsr(X2APIC_EOI, 0);
		return;
	}
	print("exception ");
	print_number(vector, 10);
	print(" at 0x");
	print_number(rip, 16);
	print(" ");
	panic("an exception that nobody expects", __FILE__, __LINE__);
}

/* ---- what GRUB tells: Multiboot 2 ---- */

#define MB2_BOOT_MAGIC 0x36d76289
enum { TAG_END = 0, TAG_MEMORY_MAP = 6 };

struct tag {
	uint32_t type, size;
};

static uint32_t boot_magic;
static const uint8_t *boot_info;

static uint64_t usable_memory(void)
{
	const uint8_t *p = boot_info + 8, *end = boot_info + *(const uint32_t *)boot_info;
	uint64_t sum = 0;

	while (p < end && ((const struct tag *)p)->type != TAG_END) {
		const struct tag *t = (const struct tag *)p;

		if (t->type == TAG_MEMORY_MAP) {
			uint32_t entry = *(const uint32_t *)(p + 8);

			for (const uint8_t *e = p + 16; e < p + t->size; e += entry)
				if (*(const uint32_t *)(e + 16) == 1)
					sum += *(const uint64_t *)(e + 8);
		}
		p += (t->size + 7) & ~7u;
	}
	return sum;
}

/* ---- the variant: QEMU's fw_cfg, docs/specs/fw_cfg.rst ---- */

#define FW_SELECT 0x510
#define FW_DATA   0x511
enum { FW_SIGNATURE = 0, FW_DIRECTORY = 0x19 };

static uint32_t read_be(unsigned bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | inb(FW_DATA);
	return v;
}

static char variant[16];

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void read_variant(void)
{
	uint32_t n;

	outw(FW_SELECT, FW_SIGNATURE);
	if (read_be(4) != 0x51454d55) /* "QEMU" */
		return;
	outw(FW_SELECT, FW_DIRECTORY);
	for (n = read_be(4); n; n--) {
		uint32_t size = read_be(4), select = read_be(2);
		char name[56];

		read_be(2);
		for (unsigned i = 0; i < sizeof(name); i++)
			name[i] = (char)inb(FW_DATA);
		if (!same(name, "opt/variant"))
			continue;
		outw(FW_SELECT, (uint16_t)select);
		for (uint32_t i = 0; i < size && i + 1 < sizeof(variant); i++)
			variant[i] = (char)inb(FW_DATA);
		return;
	}
}

/* ---- the tests ---- */

enum result { OK, SKIPPED };

static enum result boot_magic_is_right(void)
{
	CHECK(boot_magic == MB2_BOOT_MAGIC);
	return OK;
}

static enum result boot_long_mode(void)
{
	CHECK(rdmsr(0xc0000080) & 1u << 10);
	return OK;
}

static enum result memory_map(void)
{
	CHECK(usable_memory() >= 16u << 20);
	return OK;
}

static enum result memory_holds(void)
{
	volatile uint64_t *p = (volatile uint64_t *)(uintptr_t)(8u << 20);

	for (uint64_t i = 0; i < 4096; i++)
		p[i] = i * 0x9e3779b97f4a7c15u;
	for (uint64_t i = 0; i < 4096; i++)
		CHECK(p[i] == i * 0x9e3779b97f4a7c15u);
	return OK;
}

static enum result interrupts_breakpoint(void)
{
	__asm__ volatile("int3");
	CHECK(seen[VECTOR_BREAKPOINT] == 1);
	return OK;
}

static enum result time_goes_on(void)
{
	uint64_t from = rdtsc();

	CHECK(rdtsc() > from);
	return OK;
}

/* Intel SDM volume 3, 11.12: a local APIC behind MSRs. It is where kernels end their interrupts. */
static enum result apic_x2apic(void)
{
	if (!(cpuid_1_ecx() & 1u << 21))
		return SKIPPED;
	wrmsr(0x1b, rdmsr(0x1b) | 1u << 11);
	wrmsr(0x1b, rdmsr(0x1b) | 1u << 10);
	wrmsr(0x80f, 0x1ff); /* enabled */
	CHECK(rdmsr(0x802) == 0); /* the first CPU */
	wrmsr(0x83f, VECTOR_SELF);
	__asm__ volatile("sti");
	for (uint64_t i = 0; i < 1000000 && !seen[VECTOR_SELF]; i++)
		__asm__ volatile("pause");
	__asm__ volatile("cli");
	CHECK(seen[VECTOR_SELF] == 1);
	return OK;
}

/* ---- those of the variants ---- */

static enum result fails(void)
{
	CHECK(1 + 1 == 3);
	return OK;
}

static enum result hangs(void)
{
	halt();
	return OK;
}

static enum result falls(void)
{
	static const struct {
		uint16_t size;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
	return OK;
}

static enum result babbles(void)
{
	for (uint64_t x = 1;; x = x * 6364136223846793005u + 1442695040888963407u)
		put((char)(x >> 33));
	return OK;
}

struct test {
	const char *name;
	enum result (*run)(void);
};

static const struct test tests[] = {
	{ "boot::magic", boot_magic_is_right },
	{ "boot::long_mode", boot_long_mode },
	{ "memory::map", memory_map },
	{ "memory::holds", memory_holds },
	{ "interrupts::breakpoint", interrupts_breakpoint },
	{ "time::goes_on", time_goes_on },
	{ "apic::x2apic", apic_x2apic },
};
#define N_TESTS (sizeof(tests) / sizeof(tests[0]))

static const struct test variants[] = {
	{ "fail", fails },
	{ "hang", hangs },
	{ "fall", falls },
	{ "babble", babbles },
};

static void run(const struct test *t)
{
	print(t->name);
	print("...\t");
	print(t->run() == OK ? "[ok]\n" : "[skipped]\n");
}

void kernel_main(uint32_t magic, const uint8_t *info);
void kernel_main(uint32_t magic, const uint8_t *info)
{
	const struct test *extra = NULL;

	boot_magic = magic;
	boot_info = info;
	interrupts_setup();
	read_variant();
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		if (same(variant, variants[i].name))
			extra = &variants[i];

	/* The colour is noise of the kind that firmware makes. */
	print("\033[1mRunning ");
	print_number(N_TESTS + (extra || same(variant, "lie")), 10);
	print(" tests\033[0m\n");
	for (size_t i = 0; i < N_TESTS; i++)
		run(&tests[i]);
	if (extra)
		run(extra);
	if (same(variant, "mute"))
		halt();
	leave(EXIT_PASS);
}
