/* SPDX-License-Identifier: BSD-3-Clause */
/* 64-bit entry of the Linux boot protocol, with a note as Linux has: RSI is the zero page. */

	.code64
	.section .header, "ax"
	.globl	_start
_start:
	mov	$stack_end, %rsp
	xor	%edi, %edi
	call	guest_main
	call	halt

	.section .note.Linux, "a", @note
	.align	4
	.long	6, 0, 0x101
	.asciz	"Linux"
	.align	4

	.bss
	.align	16
	.skip	16384
stack_end:
	.section .note.GNU-stack, "", @progbits
