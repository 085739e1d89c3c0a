/* SPDX-License-Identifier: MIT */
/*
 * A kernel that needs x2APIC: two CPUs that speak to each other through its MSRs alone (Intel's SDM, volume 3,
 * "Extended XAPIC (x2APIC)"). It is booted by Multiboot (`qemu -kernel`), and says on COM1, and by the value that
 * it writes to the port of isa-debug-exit at 0xf4, which of these it was:
 *
 *	PASS                QEMU exits with 33
 *	FAIL: WHY           35
 *	SKIP: no x2APIC...  37: CPUID says so
 *
 * A kernel that takes x2APIC for granted, and ends an interrupt by a write to MSR 0x80B, dies without it: the
 * write is #GP. That is so on a CPU and in KVM. QEMU's own emulation, before it had x2APIC, dropped the write: no
 * fault then tells that no interrupt of that priority will ever come again. What it is here SKIP says.
 */
#include <stdbool.h>
#include <stdint.h>

#define DEBUG_EXIT 0xf4
#define COM1       0x3f8

#define EXIT_PASS 16 /* (n << 1) | 1 is what QEMU exits with */
#define EXIT_FAIL 17
#define EXIT_SKIP 18

#define MSR_APIC_BASE   0x1b
#define BASE_X2APIC     (1U << 10)
#define BASE_ENABLED    (1U << 11)
#define X2APIC_ID       0x802
#define X2APIC_VERSION  0x803
#define X2APIC_EOI      0x80b
#define X2APIC_SPURIOUS 0x80f
#define X2APIC_ISR      0x810
#define X2APIC_ICR      0x830
#define X2APIC_SELF     0x83f
#define ENABLED         0x100 /* in the register of the spurious vector */

#define ICR_INIT     0x4500
#define ICR_START_UP 0x4600

#define VECTOR_GP       13
#define VECTOR_CALL     0x40 /* from the first CPU to the second */
#define VECTOR_ANSWER   0x50 /* back */
#define VECTOR_SELF     0x60
#define VECTOR_SPURIOUS 0xff

#define START_UP_PAGE 8 /* real mode code at 0x8000 */
#define CALLS         100

/* Far more than anything here takes: a CPU that hears nothing so long will never hear it. */
#define PATIENCE (1ULL << 36) /* ticks of the TSC */

struct gate {
	uint16_t offset_low, selector, type, offset_high;
};

extern struct gate idt[256];
extern const char entries[], start_up[], start_up_end[], wrmsr_place[], rdmsr_place[], msr_fault[];
bool try_wrmsr(uint32_t msr, uint32_t low, uint32_t high);
bool try_rdmsr(uint32_t msr, uint32_t *ret_low, uint32_t *ret_high);

/* Called by boot.S. */
uint32_t interrupted(uint32_t vector, uint32_t error, uint32_t place);
void first_cpu(void);
void second_cpu(void);

static volatile uint32_t second_id, n_calls, n_answers, n_self;
static volatile bool second_ready, keep_silent;

/* ---- telling ---- */

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void say(const char *text)
{
	for (; *text; text++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, (uint8_t)*text);
	}
}

static void say_hex(uint32_t n)
{
	char text[9] = "";

	for (int i = 0; i < 8; i++)
		text[i] = "0123456789abcdef"[n >> (28 - 4 * i) & 15];
	say("0x");
	say(text);
}

static _Noreturn void finish(uint8_t code)
{
	say("\n");
	outb(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static _Noreturn void fail(const char *why, uint32_t number)
{
	say("FAIL: ");
	say(why);
	say(": ");
	say_hex(number);
	finish(EXIT_FAIL);
}

/* ---- the machine ---- */

static void cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(0));
}

static uint64_t tsc(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

static uint32_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	if (!try_rdmsr(msr, &low, &high))
		fail("no reading of MSR", msr);
	return low;
}

static void write_msr(uint32_t msr, uint32_t low, uint32_t high)
{
	if (!try_wrmsr(msr, low, high))
		fail("no writing of MSR", msr);
}

static void must_fault(uint32_t msr, uint32_t low)
{
	if (try_wrmsr(msr, low, 0))
		fail("no #GP for a wrong write to MSR", msr);
}

/* Waits until *COUNT is at least N. */
static void wait_for(volatile uint32_t *count, uint32_t n, const char *what)
{
	const uint64_t start = tsc();

	while (*count < n) {
		if (tsc() - start > PATIENCE)
			fail(what, *count);
		__asm__ volatile("pause");
	}
}

static void make_idt(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		const uint32_t entry = (uint32_t)entries + i * 16;

		idt[i] = (struct gate){ (uint16_t)entry, 8, 0x8e00, (uint16_t)(entry >> 16) };
	}
}

/* Where to go on. */
uint32_t interrupted(uint32_t vector, uint32_t error, uint32_t place)
{
	switch (vector) {
	case VECTOR_GP:
		if (place == (uint32_t)wrmsr_place || place == (uint32_t)rdmsr_place)
			return (uint32_t)msr_fault;
		break;
	case VECTOR_CALL:
		n_calls++;
		if (keep_silent)
			return place;
		write_msr(X2APIC_EOI, 0, 0);
		write_msr(X2APIC_ICR, VECTOR_ANSWER, 0);
		return place;
	case VECTOR_ANSWER:
		n_answers++;
		write_msr(X2APIC_EOI, 0, 0);
		return place;
	case VECTOR_SELF:
		n_self++;
		write_msr(X2APIC_EOI, 0, 0);
		return place;
	case VECTOR_SPURIOUS:
		return place;
	}
	say("at ");
	say_hex(place);
	say(" ");
	fail("unexpected vector", vector);
}

/* ---- the test ---- */

static void enable(void)
{
	uint32_t low, high;

	if (!try_rdmsr(MSR_APIC_BASE, &low, &high) || !(low & BASE_ENABLED))
		fail("no APIC", low);
	write_msr(MSR_APIC_BASE, low | BASE_X2APIC, high);
	write_msr(X2APIC_SPURIOUS, ENABLED | VECTOR_SPURIOUS, 0);
}

void second_cpu(void)
{
	enable();
	second_id = read_msr(X2APIC_ID);
	second_ready = true;
	for (;;)
		__asm__ volatile("sti; hlt");
}

static void start_second(void)
{
	char *page = (char *)(START_UP_PAGE << 12);
	const uint64_t start = tsc();

	__asm__ volatile("" : "+r"(page)); /* no object that the compiler knows of is there */
	for (uint32_t i = 0; i < (uint32_t)(start_up_end - start_up); i++)
		page[i] = start_up[i];
	/* The second CPU has number 1, as QEMU counts. A real one would want pauses in between. */
	write_msr(X2APIC_ICR, ICR_INIT, 1);
	write_msr(X2APIC_ICR, ICR_START_UP | START_UP_PAGE, 1);
	while (!second_ready) {
		if (tsc() - start > PATIENCE)
			fail("the second CPU does not start", 0);
		__asm__ volatile("pause");
	}
	if (second_id != 1)
		fail("the second CPU has another ID", second_id);
}

/* Each call is answered only when the one before it was ended by EOI, on both sides. */
static void call_second(void)
{
	for (uint32_t i = 1; i <= CALLS; i++) {
		write_msr(X2APIC_ICR, VECTOR_CALL, 1);
		wait_for(&n_answers, i, "no answer to an IPI; heard so far");
	}
	if (n_calls != CALLS)
		fail("calls heard by the second CPU", n_calls);
}

static void call_self(void)
{
	for (uint32_t i = 1; i <= 2; i++) {
		write_msr(X2APIC_SELF, VECTOR_SELF, 0);
		wait_for(&n_self, i, "no self IPI; heard so far");
	}
}

/* Without an EOI the next interrupt of the same vector must not come. Last: the second CPU is deaf afterwards. */
static void call_without_eoi(void)
{
	keep_silent = true;
	write_msr(X2APIC_ICR, VECTOR_CALL, 1);
	wait_for(&n_calls, CALLS + 1, "no call to the silent one");
	write_msr(X2APIC_ICR, VECTOR_CALL, 1);
	for (int i = 0; i < 1000; i++)
		(void)read_msr(X2APIC_ID);
	if (n_calls != CALLS + 1)
		fail("an interrupt was not held back, though there was no EOI", n_calls);
}

void first_cpu(void)
{
	uint32_t r[4];

	make_idt();
	outb(0x21, 0xff); /* nothing from the PICs */
	outb(0xa1, 0xff);
	cpuid(1, r);
	if (!(r[2] >> 21 & 1)) {
		say("SKIP: no x2APIC: CPUID.1:ECX bit 21 is 0; EOI at MSR 0x80B ");
		say(try_wrmsr(X2APIC_EOI, 0, 0) ? "is dropped" : "is #GP");
		finish(EXIT_SKIP);
	}
	/* The MSRs are there in x2APIC mode alone. */
	must_fault(X2APIC_EOI, 0);
	enable();
	__asm__ volatile("sti");
	if (read_msr(X2APIC_ID) != 0)
		fail("the first CPU has another ID", read_msr(X2APIC_ID));
	if ((read_msr(X2APIC_VERSION) & 0xf0) != 0x10)
		fail("version", read_msr(X2APIC_VERSION));
	start_second();
	call_second();
	call_self();
	must_fault(X2APIC_ID, 5);
	must_fault(X2APIC_VERSION, 0);
	must_fault(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) & ~BASE_X2APIC); /* no way back */
	call_without_eoi();
	say("PASS");
	finish(EXIT_PASS);
}
