/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiboot header and 32-bit entry. */

	.code32
	.section .header, "a"
	.align	4
	.long	0x1badb002, 3, -(0x1badb002 + 3)

	.text
	.globl	_start
_start:
	mov	$stack_end, %esp
	push	%ebx
	push	%eax
	call	guest_main
	call	halt

	.bss
	.align	16
	.skip	16384
stack_end:
	.section .note.GNU-stack, "", @progbits
