/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry state of the boot processor: segments, page tables and registers. */

#include "arch/x86_64/entry.h"

#include <string.h>

#include "vmm/base/bits.h"

enum {
	CR0_PE = 1 << 0,
	CR0_ET = 1 << 4,
	CR4_PAE = 1 << 5,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	RFLAGS_RESERVED = 1 << 1,
	PTE_PRESENT_WRITABLE = 3,
	PDE_PAGE_SIZE = 1 << 7,
	TABLE_SIZE = 4096,
	TABLE_ENTRIES = 512,
	DIRECTORIES = 4,
};

#define CR0_PG ((uint64_t)1 << 31)

void entry_gdt_fill(uint64_t gdt[ENTRY_GDT_SLOTS])
{
	memset(gdt, 0, ENTRY_GDT_SLOTS * sizeof(*gdt));
	gdt[ENTRY_CODE32 / 8] = htole64(UINT64_C(0x00cf9b000000ffff));
	gdt[ENTRY_CODE64 / 8] = htole64(UINT64_C(0x00af9b000000ffff));
	gdt[ENTRY_DATA / 8] = htole64(UINT64_C(0x00cf93000000ffff));
	gdt[ENTRY_TSS / 8] = htole64(UINT64_C(0x00008b0000000067));
}

void entry_page_tables_fill(uint8_t *table, uint64_t address)
{
	uint8_t *pdpt = table + TABLE_SIZE;
	uint8_t *directories = pdpt + TABLE_SIZE;

	memset(table, 0, 2 * (size_t)TABLE_SIZE);
	store_le64(table, (address + TABLE_SIZE) | PTE_PRESENT_WRITABLE);
	for (unsigned int i = 0; i < DIRECTORIES; i++)
		store_le64(pdpt + 8 * (size_t)i,
			   (address + (2 + i) * (uint64_t)TABLE_SIZE) | PTE_PRESENT_WRITABLE);
	for (size_t i = 0; i < (size_t)DIRECTORIES * TABLE_ENTRIES; i++)
		store_le64(directories + 8 * i, 2 * MIB * i | PDE_PAGE_SIZE | PTE_PRESENT_WRITABLE);
}

static struct kvm_segment entry_flat_segment(uint16_t selector, uint8_t type, bool long_mode)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !long_mode,
		.l = long_mode,
		.g = 1,
	};
}

void entry_apply(const struct vcpu_entry *entry, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	const struct kvm_segment data = entry_flat_segment(ENTRY_DATA, 3, false);

	memset(regs, 0, sizeof(*regs));
	regs->rflags = RFLAGS_RESERVED;
	regs->rip = entry->rip;
	regs->rax = entry->rax;
	regs->rbx = entry->rbx;
	regs->rsi = entry->rsi;

	sregs->cs = entry->long_mode ? entry_flat_segment(ENTRY_CODE64, 11, true)
				     : entry_flat_segment(ENTRY_CODE32, 11, false);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->tr = (struct kvm_segment){.selector = ENTRY_TSS,
					 .limit = 0x67,
					 .type = 11,
					 .present = 1};
	sregs->gdt.base = entry->gdt;
	sregs->gdt.limit = entry->gdt_limit;
	sregs->cr0 = CR0_PE | CR0_ET;
	if (entry->long_mode) {
		sregs->cr0 |= CR0_PG;
		sregs->cr3 = entry->page_table;
		sregs->cr4 |= CR4_PAE;
		sregs->efer |= EFER_LME | EFER_LMA;
	}
}
