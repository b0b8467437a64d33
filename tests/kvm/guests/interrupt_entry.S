/* SPDX-License-Identifier: BSD-3-Clause */
/* The interrupt gate. It returns without IRET, which a /dev/kvm made of software may not know. */

	.code32
	.text
	.globl	interrupt_entry
interrupt_entry:
	pusha
	call	interrupt_handle
	popa
	push	8(%esp)
	popf
	ret	$8
	.section .note.GNU-stack, "", @progbits
