/* SPDX-License-Identifier: BSD-3-Clause */
/* 64-bit entry of the Linux boot protocol: RSI is the zero page. */

	.code64
	.section .header, "ax"
	.globl	_start
_start:
	mov	$stack_end, %rsp
	xor	%edi, %edi
	call	guest_main
	call	halt

	.bss
	.align	16
	.skip	16384
stack_end:
	.section .note.GNU-stack, "", @progbits
