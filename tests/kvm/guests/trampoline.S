/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the other processors start, copied to 0x8000: from real mode to protected mode and C. */

	.text
	.globl	trampoline, trampoline_end
	.code16
trampoline:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	0x8000 + (gdt_register - trampoline)
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x08, $protected
	.align	8
gdt:
	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
	.word	gdt_register - gdt - 1
	.long	0x8000 + (gdt - trampoline)
trampoline_end:

	.code32
protected:
	mov	$0x10, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	/* A stack of its own for each processor, by APIC id. */
	mov	0xfee00020, %eax
	shr	$24, %eax
	inc	%eax
	shl	$12, %eax
	lea	stacks(%eax), %esp
	call	processor_main
	call	halt

	.bss
	.align	16
stacks:
	.skip	64 * 4096
	.section .note.GNU-stack, "", @progbits
