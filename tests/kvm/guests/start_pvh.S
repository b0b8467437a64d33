/* SPDX-License-Identifier: BSD-3-Clause */
/* PVH note and 32-bit entry: EBX is the start information. */

	.code32
	.section .note.pvh, "a", @note
	.align	4
	.long	4, 4, 18
	.asciz	"Xen"
	.long	pvh_start

	.text
	.globl	_start
_start:
	ud2
pvh_start:
	mov	$stack_end, %esp
	push	%ebx
	push	$0
	call	guest_main
	call	halt

	.bss
	.align	16
	.skip	16384
stack_end:
	.section .note.GNU-stack, "", @progbits
