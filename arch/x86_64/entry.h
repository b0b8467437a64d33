/* SPDX-License-Identifier: BSD-3-Clause */
/* How the boot processor enters what was loaded: the state that a boot protocol asks for. */

#ifndef FERRY_ARCH_X86_64_ENTRY_H
#define FERRY_ARCH_X86_64_ENTRY_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/* A 64-bit entry has flat segments and paging on; a 32-bit one flat segments and paging off. */
struct vcpu_entry {
	bool long_mode;
	uint64_t rip;
	uint64_t rax;
	uint64_t rbx;
	uint64_t rsi;
	uint64_t gdt; /* guest address of the table with these selectors */
	uint16_t gdt_limit;
	uint64_t page_table; /* guest address of the PML4, for long mode */
};

/* Selectors in the boot GDT; 0x10 and 0x18 are those of the Linux boot protocol (boot.rst). */
enum {
	ENTRY_CODE32 = 0x08,
	ENTRY_CODE64 = 0x10,
	ENTRY_DATA = 0x18,
	ENTRY_TSS = 0x20, /* two slots */
	ENTRY_GDT_SLOTS = 6,
};

/* Fills the GDT's bytes that the selectors above name. */
void entry_gdt_fill(uint64_t gdt[ENTRY_GDT_SLOTS]);

/*
 * Fills @table, four pages of page directories after a PML4 and a PDPT, mapping 4 GiB one to one.
 */
enum { ENTRY_PAGE_TABLES_SIZE = 6 * 4096 };
void entry_page_tables_fill(uint8_t *table, uint64_t address);

/* Changes power-on registers to those of @entry. */
void entry_apply(const struct vcpu_entry *entry, struct kvm_regs *regs, struct kvm_sregs *sregs);

#endif
