/* SPDX-License-Identifier: BSD-3-Clause */
/* The state in which a vCPU enters a kernel: page tables, segments, modes. */

#include <check.h>
#include <endian.h>
#include <string.h>

#include "arch/x86_64/entry.h"
#include "tests/unit/arch/x86_64/test_cpuid.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(page_tables)
{
	static uint8_t pages[ENTRY_PAGE_TABLES_SIZE];
	const uint64_t base = 0x72000;

	memset(pages, 0xff, sizeof(pages));
	entry_page_tables_fill(pages, base);
	for (uint64_t address = 0; address < 4 * GIB; address += 2 * MIB) {
		uint64_t pml4e = load_le64(pages + 8 * (address >> 39));
		uint64_t pdpte = load_le64(pages + (pml4e & ~UINT64_C(0xfff)) - base +
					   8 * (address >> 30 & 511));
		uint64_t pde = load_le64(pages + (pdpte & ~UINT64_C(0xfff)) - base +
					 8 * (address >> 21 & 511));

		ck_assert_uint_eq(pde, address | 0x83);
	}
	ck_assert_uint_eq(load_le64(pages + 8), 0);
	ck_assert_uint_eq(load_le64(pages + 4096 + 32), 0);
}
END_TEST

START_TEST(entry_states)
{
	struct vcpu_entry entry = {.long_mode = true,
				   .rip = 0x1000200,
				   .rsi = 0x70000,
				   .gdt = 0x71000,
				   .gdt_limit = 47,
				   .page_table = 0x72000};
	struct kvm_regs regs = {.rsp = 5};
	struct kvm_sregs sregs = {.cr4 = 1 << 13};

	entry_apply(&entry, &regs, &sregs);
	ck_assert_uint_eq(regs.rip, 0x1000200);
	ck_assert_uint_eq(regs.rsi, 0x70000);
	ck_assert_uint_eq(regs.rsp, 0);
	ck_assert_uint_eq(regs.rflags, 2);
	ck_assert(sregs.cs.selector == 0x10 && sregs.cs.l == 1 && sregs.cs.db == 0);
	ck_assert(sregs.ss.selector == 0x18 && sregs.ds.db == 1);
	ck_assert_uint_eq(sregs.efer, 0x500);
	ck_assert_uint_eq(sregs.cr0 & 0x80000001, 0x80000001);
	ck_assert_uint_eq(sregs.cr4, 1 << 13 | 1 << 5);
	ck_assert_uint_eq(sregs.cr3, 0x72000);

	entry = (struct vcpu_entry){.rip = 0x100000, .rax = 1, .rbx = 2};
	sregs = (struct kvm_sregs){0};
	entry_apply(&entry, &regs, &sregs);
	ck_assert(regs.rax == 1 && regs.rbx == 2 && regs.rip == 0x100000);
	ck_assert(sregs.cs.l == 0 && sregs.cs.db == 1 && sregs.cs.limit == UINT32_MAX);
	ck_assert_uint_eq(sregs.cr0 & 0x80000001, 1);
	ck_assert(sregs.cr4 == 0 && sregs.efer == 0);
}
END_TEST

/* What vCPUs hold from the start is what they would load from the table. */
static void is_described(const uint64_t *gdt, const struct kvm_segment *segment)
{
	uint64_t descriptor = le64toh(gdt[segment->selector / 8]), limit;

	limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);
	ck_assert_uint_eq(segment->g ? limit << 12 | 0xfff : limit, segment->limit);
	ck_assert_uint_eq(descriptor >> 40 & 15, segment->type);
	ck_assert_uint_eq(descriptor >> 44 & 1, segment->s);
	ck_assert_uint_eq(descriptor >> 47 & 1, segment->present);
	ck_assert_uint_eq(descriptor >> 53 & 1, segment->l);
	ck_assert_uint_eq(descriptor >> 54 & 1, segment->db);
	ck_assert_uint_eq(descriptor >> 55 & 1, segment->g);
}

START_TEST(segments_are_those_of_the_table)
{
	uint64_t gdt[ENTRY_GDT_SLOTS];
	struct kvm_sregs sregs = {0};
	struct kvm_regs regs;

	memset(gdt, 0xff, sizeof(gdt));
	entry_gdt_fill(gdt);
	ck_assert_uint_eq(gdt[0], 0);
	for (unsigned int long_mode = 0; long_mode < 2; long_mode++) {
		entry_apply(&(struct vcpu_entry){.long_mode = long_mode}, &regs, &sregs);
		is_described(gdt, &sregs.cs);
		is_described(gdt, &sregs.ss);
		is_described(gdt, &sregs.tr);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, page_tables);
	tcase_add_test(tests, entry_states);
	tcase_add_test(tests, segments_are_those_of_the_table);
}

int main(void)
{
	return run_suite("x86_64 entry", add_tests);
}
