/* SPDX-License-Identifier: MIT */
/*
 * From GRUB (Multiboot 2: 32-bit protected mode, no paging) to 64-bit C. The first GiB is mapped to itself by pages of
 * 2 MiB. All exceptions and interrupts push their vector and go through one door, interrupt() in kernel.c.
 */
	.set	MB2_MAGIC, 0xe85250d6
	.set	CR0_PG, 1 << 31
	.set	CR4_PAE, 1 << 5
	.set	MSR_EFER, 0xc0000080
	.set	EFER_LME, 1 << 8
	.set	PAGE, 0x83			/* present, writable, 2 MiB */

	.section .multiboot, "a"
	.align	8
header:
	.long	MB2_MAGIC, 0, header_end - header, -(MB2_MAGIC + header_end - header)
	.short	0, 0
	.long	8
header_end:

	.section .text
	.code32
	.globl	_start
_start:
	cli
	mov	$stack_top, %esp
	mov	%eax, %edi			/* magic and information: kernel_main's arguments */
	mov	%ebx, %esi

	mov	$pml4, %eax
	movl	$pdpt + 3, (%eax)
	mov	$pdpt, %eax
	movl	$pd + 3, (%eax)
	mov	$pd, %eax
	mov	$PAGE, %edx
	mov	$512, %ecx
1:	mov	%edx, (%eax)
	add	$0x200000, %edx
	add	$8, %eax
	loop	1b

	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $long_mode

	.code64
long_mode:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	call	kernel_main
1:	hlt
	jmp	1b

/* Vectors that push an error code leave the stack as the others do with a 0. */
	.altmacro
	.macro	stub n
	.align	16
	.if	!(\n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21)
	push	$0
	.endif
	push	$\n
	jmp	common
	.endm

	.globl	stubs
	.align	16
stubs:
	.set	i, 0
	.rept	65
	stub	%i
	.set	i, i + 1
	.endr

common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	72(%rsp), %rdi			/* the vector */
	mov	88(%rsp), %rsi			/* where */
	cld
	call	interrupt
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.section .rodata
	.align	8
gdt:	.quad	0, 0x00209a0000000000, 0x0000920000000000
gdt_pointer:
	.short	. - gdt - 1
	.long	gdt
	.long	0

	.section .bss
	.align	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4096
	.skip	16384
stack_top:

	.section .note.GNU-stack, "", @progbits
