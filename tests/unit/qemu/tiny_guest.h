/* SPDX-License-Identifier: MIT */
/*
 * Guests of a few instructions: an ELF file that starts by its PVH note in 32-bit protected mode, as a
 * Linux vmlinux does, and boots in a tenth of a second.
 */
#ifndef TEST_QEMU_TINY_GUEST_H
#define TEST_QEMU_TINY_GUEST_H

#include <elf.h>

#include "harness.h"

#define TINY_ADDRESS 0x100000

/* out DX, AL */
static inline void tiny_out(struct buf *code, uint16_t port, uint8_t value)
{
	const uint8_t insn[] = { 0x66, 0xba, port & 0xff, port >> 8, 0xb0, value, 0xee };

	buf_add(code, insn, sizeof(insn));
}

static inline void tiny_print(struct buf *code, const char *text)
{
	for (; *text; text++)
		tiny_out(code, 0x3f8, (uint8_t)*text);
}

/* mov byte [ADDRESS], VALUE */
static inline void tiny_store(struct buf *code, uint32_t address, uint8_t value)
{
	const uint8_t op[] = { 0xc6, 0x05 };

	buf_add(code, op, sizeof(op));
	buf_add(code, &address, sizeof(address));
	buf_add(code, &value, 1);
}

/* An IDT of no entries (its limit is read from address 0x500, which holds zeros), and INT3. */
static inline void tiny_triple_fault(struct buf *code)
{
	static const uint8_t insn[] = { 0x0f, 0x01, 0x1d, 0x00, 0x05, 0x00, 0x00, 0xcc };

	for (uint32_t i = 0; i < 6; i++)
		tiny_store(code, 0x500 + i, 0);
	buf_add(code, insn, sizeof(insn));
}

/* Waits for the next byte of COM1 (which drops the one before) and sends it back, for ever. */
static inline void tiny_echo(struct buf *code)
{
	static const uint8_t insn[] = {
		0x66, 0xba, 0xfd, 0x03, /* mov dx, 0x3fd */
		0xec, /* in al, dx */
		0xa8, 0x01, /* test al, 1 */
		0x74, 0xf7, /* jz back to the mov */
		0x66, 0xba, 0xf8, 0x03, /* mov dx, 0x3f8 */
		0xec, 0xee, /* in al, dx; out dx, al */
		0xeb, 0xef, /* jmp to the start */
	};

	buf_add(code, insn, sizeof(insn));
}

static inline void tiny_halt(struct buf *code)
{
	static const uint8_t insn[] = { 0xfa, 0xf4, 0xeb, 0xfc }; /* cli; hlt; jmp */

	buf_add(code, insn, sizeof(insn));
}

/* microvm's ACPI generic event device: sleep control S5 with the enable bit, and the reset register. */
#define TINY_POWER_OFF(code) tiny_store(code, 0xfea00200, 5 << 2 | 1 << 5)
#define TINY_RESET(code)     tiny_store(code, 0xfea00202, 0x42)

/* Writes the guest's ELF file: one segment, one note (Xen: PVH, XEN_ELFNOTE_PHYS32_ENTRY). */
static inline char *tiny_write(const char *dir, const struct buf *code)
{
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p[2];
		Elf64_Nhdr n;
		char name[4];
		uint32_t entry, pad;
	} head = { 0 };
	_cleanup_buf_ struct buf file = BUF_INIT;
	char *path = path_join(dir, "guest.elf");

	memcpy(head.e.e_ident, ELFMAG, SELFMAG);
	head.e.e_ident[EI_CLASS] = ELFCLASS64;
	head.e.e_ident[EI_DATA] = ELFDATA2LSB;
	head.e.e_ident[EI_VERSION] = EV_CURRENT;
	head.e.e_type = ET_EXEC;
	head.e.e_machine = EM_X86_64;
	head.e.e_version = EV_CURRENT;
	head.e.e_entry = TINY_ADDRESS + sizeof(head);
	head.e.e_phoff = sizeof(head.e);
	head.e.e_ehsize = sizeof(head.e);
	head.e.e_phentsize = sizeof(head.p[0]);
	head.e.e_phnum = 2;
	head.p[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = TINY_ADDRESS,
		.p_paddr = TINY_ADDRESS,
		.p_filesz = sizeof(head) + code->len,
		.p_memsz = sizeof(head) + code->len };
	head.p[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
		.p_offset = offsetof(__typeof__(head), n),
		.p_filesz = sizeof(head.n) + 8,
		.p_memsz = sizeof(head.n) + 8,
		.p_align = 4 };
	head.n = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = 18 };
	memcpy(head.name, "Xen", 4);
	head.entry = TINY_ADDRESS + sizeof(head);
	buf_add(&file, &head, sizeof(head));
	buf_add(&file, code->data, code->len);
	assert_int_equal(file_write_atomic(path, file.data, file.len, 0644, NULL), 0);
	return path;
}

#endif
