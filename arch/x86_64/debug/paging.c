/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks page tables of every paging mode (SDM 3A, chapter 4): 32-bit, PAE, 4 and 5 levels. */

#include "arch/x86_64/debug/paging.h"

#include <errno.h>

#include "vmm/base/bits.h"

#define CR0_PG   (UINT64_C(1) << 31)
#define CR4_PSE  (UINT64_C(1) << 4)
#define CR4_PAE  (UINT64_C(1) << 5)
#define CR4_LA57 (UINT64_C(1) << 12)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NXE (UINT64_C(1) << 11)

#define ENTRY_PRESENT  (UINT64_C(1) << 0)
#define ENTRY_WRITE    (UINT64_C(1) << 1)
#define ENTRY_USER     (UINT64_C(1) << 2)
#define ENTRY_ACCESSED (UINT64_C(1) << 5)
#define ENTRY_DIRTY    (UINT64_C(1) << 6)
#define ENTRY_LARGE    (UINT64_C(1) << 7)
#define ENTRY_NX       (UINT64_C(1) << 63)

#define PAGE_4K UINT64_C(0x1000)
#define MAX_32  UINT64_C(0xffffffff)
#define UNPAGED UINT64_MAX

enum { LEVELS_MAX = 5, LARGE_PAT = 1 << 12 };

/* One paging mode. Level 1 is that of the 4 KiB pages. */
struct mode {
	unsigned int levels;
	unsigned int entry_size; /* bytes */
	unsigned int index_bits; /* of every level but a PDPT with four entries */
	unsigned int address_bits;
	const char *names[LEVELS_MAX]; /* of the entries, level 1 first */
};

static const struct mode mode_32 = {2, 4, 10, 32, {"PTE", "PDE"}};
static const struct mode mode_pae = {3, 8, 9, 32, {"PTE", "PDE", "PDPTE"}};
static const struct mode mode_4_level = {4, 8, 9, 48, {"PTE", "PDE", "PDPTE", "PML4E"}};
static const struct mode mode_5_level = {5, 8, 9, 57, {"PTE", "PDE", "PDPTE", "PML4E", "PML5E"}};

/* A walk on its way down. */
struct x86_walk {
	const struct x86_paging *paging;
	const struct mode *mode;
	uint64_t address;
	uint64_t table; /* guest-physical address of the table of `level` */
	unsigned int level;
	struct text *steps;
	uint64_t covered; /* bytes that the entry looked at last stands for */
};

static const struct mode *paging_mode(const struct x86_paging *paging)
{
	if (paging->efer & EFER_LMA)
		return paging->cr4 & CR4_LA57 ? &mode_5_level : &mode_4_level;
	return paging->cr4 & CR4_PAE ? &mode_pae : &mode_32;
}

static void paging_say(struct text *steps, const char *what)
{
	if (steps)
		text_append(steps, "%s\n", what);
}

static void paging_say_entry(const struct x86_walk *walk, uint64_t index, uint64_t gpa,
			     uint64_t entry)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} flags[] = {
		{ENTRY_PRESENT, "present"},   {ENTRY_WRITE, "writable"}, {ENTRY_USER, "user"},
		{ENTRY_ACCESSED, "accessed"}, {ENTRY_DIRTY, "dirty"},    {ENTRY_NX, "no-execute"},
	};

	if (!walk->steps)
		return;
	text_append(walk->steps, "%s %llu at 0x%llx: 0x%0*llx", walk->mode->names[walk->level - 1],
		    (unsigned long long)index, (unsigned long long)gpa,
		    (int)(2 * walk->mode->entry_size), (unsigned long long)entry);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (entry & flags[i].bit)
			text_append(walk->steps, " %s", flags[i].name);
	text_append(walk->steps, "\n");
}

static bool paging_pdpte_of_pae(const struct x86_walk *walk)
{
	return walk->mode == &mode_pae && walk->level == 3;
}

/* Whether the entry is that of a page, not of a table. */
static bool paging_is_page(const struct x86_walk *walk, uint64_t entry)
{
	if (walk->level == 1)
		return true;
	if (!(entry & ENTRY_LARGE) || walk->level > 3 || paging_pdpte_of_pae(walk))
		return false;
	return walk->mode != &mode_32 || (walk->paging->cr4 & CR4_PSE);
}

static uint64_t paging_physical_mask(const struct x86_paging *paging)
{
	return (UINT64_C(1) << paging->physical_bits) - 1;
}

/* A four-megabyte page has address bits from 32 on, as many as there are up to bit 39, in 20:13. */
static uint64_t paging_reserved_bits_32(const struct x86_walk *walk, uint64_t entry)
{
	unsigned int bits = walk->paging->physical_bits;
	unsigned int end = (bits < 40 ? bits : 40) - 32 + 13;

	if (walk->level == 1 || !paging_is_page(walk, entry))
		return 0;
	return (walk->covered - 1) & ~((UINT64_C(1) << end) - 1);
}

/* The bits that must be zero in an entry (SDM 3A, figures 4-4, 4-7 and 4-11). */
static uint64_t paging_reserved_bits(const struct x86_walk *walk, uint64_t entry)
{
	uint64_t address = ~paging_physical_mask(walk->paging) & ~(UINT64_C(0xfff) << 52);
	uint64_t reserved = 0;

	if (walk->mode == &mode_32)
		return paging_reserved_bits_32(walk, entry);
	reserved = address;
	if (!(walk->paging->efer & EFER_NXE) || paging_pdpte_of_pae(walk))
		reserved |= ENTRY_NX;
	if (walk->mode == &mode_pae)
		reserved |= UINT64_C(0x7ff) << 52;
	if (paging_pdpte_of_pae(walk))
		reserved |= UINT64_C(0x1e6);
	if (walk->level > 3)
		reserved |= ENTRY_LARGE;
	if (walk->level > 1 && paging_is_page(walk, entry))
		reserved |= (walk->covered - 1) & ~(uint64_t)(LARGE_PAT | 0xfff);
	return reserved;
}

/* Reads the entry of the present level; 0, or -EFAULT when the walk ends here. */
static int paging_read_entry(struct x86_walk *walk, uint64_t *entry)
{
	const struct mode *mode = walk->mode;
	unsigned int shift = 12 + mode->index_bits * (walk->level - 1);
	uint64_t mask = paging_pdpte_of_pae(walk) ? 3 : (UINT64_C(1) << mode->index_bits) - 1;
	uint64_t index = walk->address >> shift & mask;
	uint64_t gpa = walk->table + index * mode->entry_size;

	walk->covered = UINT64_C(1) << shift;
	if (walk->paging->read(walk->paging->memory, gpa, mode->entry_size, entry) < 0) {
		if (walk->steps)
			text_append(walk->steps, "%s %llu at 0x%llx: there is no memory\n",
				    mode->names[walk->level - 1], (unsigned long long)index,
				    (unsigned long long)gpa);
		return -EFAULT;
	}
	paging_say_entry(walk, index, gpa, *entry);
	if (!(*entry & ENTRY_PRESENT)) {
		paging_say(walk->steps, "not present");
		return -EFAULT;
	}
	if (*entry & paging_reserved_bits(walk, *entry)) {
		if (walk->steps)
			text_append(walk->steps, "reserved bits are set: 0x%llx\n",
				    (unsigned long long)(*entry &
							 paging_reserved_bits(walk, *entry)));
		return -EFAULT;
	}
	return 0;
}

/* What the entry of a page or of a table on the way takes away. */
static void paging_take_rights(const struct x86_walk *walk, uint64_t entry,
			       struct arch_translation *translation)
{
	if (paging_pdpte_of_pae(walk))
		return;
	translation->writable = translation->writable && (entry & ENTRY_WRITE);
	translation->user = translation->user && (entry & ENTRY_USER);
	if (walk->mode != &mode_32)
		translation->executable = translation->executable && !(entry & ENTRY_NX);
}

static uint64_t paging_page_base(const struct x86_walk *walk, uint64_t entry)
{
	uint64_t base = entry & paging_physical_mask(walk->paging) & ~(walk->covered - 1);

	if (walk->mode == &mode_32 && walk->level == 2) /* PSE-36 */
		base |= (entry >> 13 & 0xff) << 32;
	return base;
}

static int paging_walk_tables(struct x86_walk *walk, struct arch_translation *translation)
{
	uint64_t entry;

	for (;; walk->level--) {
		if (paging_read_entry(walk, &entry) < 0)
			return -EFAULT;
		paging_take_rights(walk, entry, translation);
		if (paging_is_page(walk, entry))
			break;
		walk->table = entry & paging_physical_mask(walk->paging) & ~(PAGE_4K - 1);
	}
	translation->page_size = walk->covered;
	translation->gpa = paging_page_base(walk, entry) | (walk->address & (walk->covered - 1));
	return 0;
}

static bool paging_is_canonical(uint64_t address, unsigned int bits)
{
	uint64_t top = address >> (bits - 1);

	return top == 0 || top == UINT64_MAX >> (bits - 1);
}

/* Without paging a linear address, of 32 bits, is a physical one. */
static int paging_walk_unpaged(uint64_t address, struct arch_translation *translation,
			       struct text *steps)
{
	if (address > MAX_32) {
		paging_say(steps, "paging is off: an address has 32 bits");
		return -EFAULT;
	}
	translation->gpa = address;
	translation->page_size = UNPAGED;
	return 0;
}

static int paging_start(struct x86_walk *walk, struct arch_translation *translation)
{
	const struct x86_paging *paging = walk->paging;
	const struct mode *mode = paging_mode(paging);

	*translation =
		(struct arch_translation){.writable = true, .user = true, .executable = true};
	if (!(paging->cr0 & CR0_PG))
		return paging_walk_unpaged(walk->address, translation, walk->steps);
	if (mode->address_bits == 32 ? walk->address > MAX_32
				     : !paging_is_canonical(walk->address, mode->address_bits)) {
		paging_say(walk->steps, mode->address_bits == 32 ? "an address has 32 bits"
								 : "the address is not canonical");
		return -EFAULT;
	}
	walk->mode = mode;
	walk->level = mode->levels;
	walk->table = paging->cr3 & paging_physical_mask(paging) & ~(PAGE_4K - 1);
	if (mode == &mode_pae)
		walk->table = paging->cr3 & MAX_32 & ~UINT64_C(31);
	if (mode == &mode_32)
		walk->table &= MAX_32;
	return paging_walk_tables(walk, translation);
}

int paging_walk(const struct x86_paging *paging, uint64_t address,
		struct arch_translation *translation, struct text *steps)
{
	struct x86_walk walk = {.paging = paging, .address = address, .steps = steps};

	return paging_start(&walk, translation);
}

int paging_find(const struct x86_paging *paging, uint64_t first, uint64_t last, uint64_t *address,
		struct arch_translation *translation)
{
	struct x86_walk walk = {.paging = paging, .address = first};

	while (paging_start(&walk, translation) < 0) {
		uint64_t rest;

		if (walk.covered == 0)
			return -EFAULT;
		rest = walk.covered - (walk.address & (walk.covered - 1));
		if (last - walk.address < rest)
			return -EFAULT;
		walk.address += rest;
		walk.covered = 0;
	}
	*address = walk.address;
	return 0;
}
