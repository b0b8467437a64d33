/* SPDX-License-Identifier: BSD-3-Clause */
/* A bzImage around a flat 64-bit kernel: boot sector, setup header, one setup sector, payload. */

	.text
	.skip	0x1f1
	.byte	1			/* setup_sects */
	.word	0
	.long	(payload_end - payload) / 16
	.word	0, 0, 0
	.word	0xaa55
	.byte	0xeb, header_end - header
header:
	.ascii	"HdrS"
	.word	0x20f
	.skip	0x211 - 0x208
	.byte	1			/* LOADED_HIGH */
	.skip	0x22c - 0x212
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x200000		/* kernel_alignment */
	.byte	0, 21
	.word	1			/* XLF_KERNEL_64 */
	.long	63			/* cmdline_size */
	.skip	0x258 - 0x23c
	.quad	0x200000		/* pref_address */
	.long	0x100000		/* init_size */
	.long	0, 0
header_end:
	.org	1024
payload:
	.skip	0x200
	.incbin	PAYLOAD
	.balign	16
payload_end:
	.section .note.GNU-stack, "", @progbits
