/* SPDX-License-Identifier: MIT */
/* The ways in: of the first CPU from a Multiboot loader, of the second from its start-up IPI, and of interrupts. */
#define STACK 8192

	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

	.text
	.code32
	.globl _start
_start:
	cli
	mov $stack + STACK, %esp
	lgdt gdt_pointer
	ljmp $8, $1f
1:	call load_segments
	lidt idt_pointer
	call first_cpu
2:	hlt
	jmp 2b

load_segments:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	ret

/* Copied to where the start-up IPI's vector says; real mode, CS is that place. */
	.globl start_up, start_up_end
start_up:
	.code16
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl start_up_gdt - start_up
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $8, $second
	.balign 4
start_up_gdt:
	.word gdt_end - gdt - 1
	.long gdt
start_up_end:

	.code32
second:
	call_stack = stack + 2 * STACK
	mov $16, %eax
	mov %eax, %ss
	mov $call_stack, %esp
	call load_segments
	lidt idt_pointer
	call second_cpu
3:	hlt
	jmp 3b

/* An entry for each vector, of 16 bytes: interrupted(vector, error code, place). */
	.globl entries
	.balign 16
entries:
	vector = 0
	.rept 256
	.balign 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push $0
	.endif
	push $vector
	jmp interrupt
	vector = vector + 1
	.endr

/* On the stack: vector, error code, EIP. What interrupted() gives is where to go on. */
interrupt:
	push %eax
	push %ecx
	push %edx
	push 20(%esp)
	push 20(%esp)
	push 20(%esp)
	cld
	call interrupted
	add $12, %esp
	mov %eax, 20(%esp)
	pop %edx
	pop %ecx
	pop %eax
	add $8, %esp
	iret

/* bool try_wrmsr(msr, low, high), bool try_rdmsr(msr, *low, *high): false where that is #GP. */
	.globl try_wrmsr, wrmsr_place, try_rdmsr, rdmsr_place, msr_fault
try_wrmsr:
	mov 4(%esp), %ecx
	mov 8(%esp), %eax
	mov 12(%esp), %edx
wrmsr_place:
	wrmsr
	mov $1, %eax
	ret
try_rdmsr:
	mov 4(%esp), %ecx
rdmsr_place:
	rdmsr
	mov 8(%esp), %ecx
	mov %eax, (%ecx)
	mov 12(%esp), %ecx
	mov %edx, (%ecx)
	mov $1, %eax
	ret
msr_fault:
	xor %eax, %eax
	ret

	.data
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
	.globl idt
idt_pointer:
	.word 256 * 8 - 1
	.long idt

	.bss
	.balign 16
idt:	.skip 256 * 8
stack:	.skip 2 * STACK

	.section .note.GNU-stack, "", @progbits
