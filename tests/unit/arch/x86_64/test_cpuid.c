/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPUID leaves of a vCPU, and the entry state of the first one. */

#include <check.h>
#include <errno.h>

#include "arch/x86_64/cpuid.h"
#include "tests/unit/arch/x86_64/test_cpuid.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static struct kvm_cpuid_entry2 *add(uint32_t function, uint32_t index, bool indexed)
{
	struct kvm_cpuid_entry2 *entry = &table.entries[table.count++];

	*entry = (struct kvm_cpuid_entry2){
		.function = function,
		.index = index,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	return entry;
}

static void add_vendor(const char *vendor, uint32_t highest)
{
	struct kvm_cpuid_entry2 *entry = add(0, 0, false);

	entry->eax = highest;
	memcpy(&entry->ebx, vendor, 4);
	memcpy(&entry->edx, vendor + 4, 4);
	memcpy(&entry->ecx, vendor + 8, 4);
}

static const struct kvm_cpuid_entry2 *get(uint32_t function, uint32_t index)
{
	const struct kvm_cpuid_entry2 *entry = cpuid_find(&table, function, index);

	ck_assert_msg(entry, "leaf 0x%x.%u is missing", function, index);
	return entry;
}

static void adjust(void)
{
	ck_assert_int_eq(cpuid_adjust(&table, &config), 0);
}

START_TEST(feature_bits)
{
	struct kvm_cpuid_entry2 *one;

	add_vendor("GenuineIntel", 6);
	one = add(1, 0, false);
	one->ecx = UINT32_C(1) << 5 | UINT32_C(1) << 24 | 1;
	one->ebx = 0x55000800;
	add(6, 0, false)->eax = 0x77;
	add(0x80000001, 0, false)->ecx = 4 | 1;
	add(0x8000000a, 0, false)->eax = 1;
	adjust();
	ck_assert_uint_eq(get(1, 0)->ecx, UINT32_C(1) << 31 | UINT32_C(1) << 21 | 1);
	ck_assert_uint_eq(get(1, 0)->ebx, 0x00010800);
	ck_assert_uint_eq(get(1, 0)->edx & 1 << 28, 0);
	ck_assert_uint_eq(get(6, 0)->eax, 4);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx, 1);
	ck_assert_ptr_null(cpuid_find(&table, 0x8000000a, 0));
	config.tsc_deadline = true;
	adjust();
	ck_assert(get(1, 0)->ecx & UINT32_C(1) << 24);
}
END_TEST

START_TEST(half_of_amx_is_none)
{
	const uint32_t amx = UINT32_C(1) << 22 | UINT32_C(1) << 24 | UINT32_C(1) << 25;
	struct kvm_cpuid_entry2 *seven, *xsave;

	ck_assert_uint_eq(cpuid_xcr0(&table), 0);
	add_vendor("GenuineIntel", 0xd);
	seven = add(7, 0, true);
	seven->edx = amx | 1;
	xsave = add(0xd, 0, true);
	xsave->eax = 0x60207;
	xsave->edx = 1;
	adjust();
	ck_assert_uint_eq(seven->edx, amx | 1);
	ck_assert_uint_eq(cpuid_xcr0(&table), UINT64_C(0x100060207));
	xsave->eax = 0x20207; /* as Linux 5.17 to 6.3 tell it */
	adjust();
	ck_assert_uint_eq(seven->edx, 1);
	ck_assert_uint_eq(cpuid_xcr0(&table), UINT64_C(0x100000207));
}
END_TEST

START_TEST(topology)
{
	static const struct {
		unsigned int cpus, bits;
	} rows[] = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {64, 6}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		setup();
		config.cpus = rows[i].cpus;
		config.apic_id = rows[i].cpus - 1;
		add_vendor("GenuineIntel", 0x1f);
		add(1, 0, false);
		add(4, 0, true)->eax = 0xfc004121;
		add(4, 2, true)->eax = 0xfc01c143;
		add(4, 3, true)->eax = 0xfc004163;
		add(4, 4, true);
		add(0xb, 0, true)->ebx = 99;
		add(0x1f, 0, true);
		adjust();
		for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x1f - 0xb) {
			ck_assert_uint_eq(get(leaf, 0)->eax, 0);
			ck_assert_uint_eq(get(leaf, 0)->ebx, 1);
			ck_assert_uint_eq(get(leaf, 0)->ecx, 0x100);
			ck_assert_uint_eq(get(leaf, 1)->eax, rows[i].bits);
			ck_assert_uint_eq(get(leaf, 1)->ebx, rows[i].cpus);
			ck_assert_uint_eq(get(leaf, 1)->ecx, 0x201);
			ck_assert_uint_eq(get(leaf, 2)->ecx, 2);
			ck_assert_uint_eq(get(leaf, 2)->ebx, 0);
			ck_assert_uint_eq(get(leaf, 1)->edx, config.apic_id);
		}
		ck_assert_uint_eq(get(1, 0)->ebx >> 24, config.apic_id);
		ck_assert_uint_eq(get(1, 0)->ebx >> 16 & 0xff, 1U << rows[i].bits);
		ck_assert_int_eq((get(1, 0)->edx >> 28 & 1) != 0, rows[i].cpus > 1);
		/* Cores of the package; who shares caches of level 1 and 3. */
		ck_assert_uint_eq(get(4, 0)->eax >> 26, (1U << rows[i].bits) - 1);
		ck_assert_uint_eq(get(4, 0)->eax >> 14 & 0xfff, 0);
		ck_assert_uint_eq(get(4, 2)->eax >> 14 & 0xfff, 0);
		ck_assert_uint_eq(get(4, 3)->eax >> 14 & 0xfff, (1U << rows[i].bits) - 1);
		ck_assert_uint_eq(get(4, 3)->eax & 0x3fff, 0x163);
		ck_assert_uint_eq(get(4, 4)->eax, 0);
	}
}
END_TEST

START_TEST(topology_of_amd)
{
	config.cpus = 6;
	config.apic_id = 5;
	add_vendor("AuthenticAMD", 0xd);
	add(1, 0, false);
	add(0x80000001, 0, false);
	add(0x80000008, 0, false)->ecx = 0xffff;
	add(0x8000001d, 0, true)->eax = 0x3ffc121;
	add(0x8000001d, 3, true)->eax = 0x163;
	add(0x8000001e, 0, false)->eax = 77;
	add(0x80000026, 0, true)->ebx = 8;
	add(0x80000026, 1, true)->ebx = 8;
	adjust();
	ck_assert_uint_eq(get(0x80000008, 0)->ecx, 3 << 12 | 5);
	ck_assert_uint_eq(get(0x8000001e, 0)->eax, 5);
	ck_assert_uint_eq(get(0x8000001e, 0)->ebx, 5);
	ck_assert_uint_eq(get(0x80000001, 0)->ecx & 2, 2);
	ck_assert_uint_eq(get(0x8000001d, 0)->eax, 0x121);
	ck_assert_uint_eq(get(0x8000001d, 3)->eax, 7 << 14 | 0x163);
	ck_assert_ptr_null(cpuid_find(&table, 0x80000026, 0));
	ck_assert_ptr_null(cpuid_find(&table, 0x1f, 0));
	ck_assert_uint_eq(get(0xb, 1)->ebx, 6);
}
END_TEST

START_TEST(clocks)
{
	add_vendor("GenuineIntel", 0x16);
	add(0x15, 0, false);
	add(0x40000000, 0, false)->eax = 0x40000001;
	adjust();
	ck_assert_mem_eq(&get(0x40000000, 0)->ebx, "KVMKVMKVM\0\0\0", 12);
	ck_assert_uint_eq(get(0x40000000, 0)->eax, 0x40000010);
	ck_assert_uint_eq(get(0x40000010, 0)->eax, 2400000);
	ck_assert_uint_eq(get(0x40000010, 0)->ebx, 1000000);
	ck_assert_uint_eq((uint64_t)get(0x15, 0)->ecx * get(0x15, 0)->ebx / get(0x15, 0)->eax,
			  UINT64_C(2400000000));

	setup();
	config.tsc_khz = 0;
	add_vendor("AuthenticAMD", 0x16);
	add(0x15, 0, false);
	adjust();
	ck_assert_uint_eq(get(0x40000000, 0)->eax, 0x40000001);
	ck_assert_ptr_null(cpuid_find(&table, 0x40000010, 0));
	config.tsc_khz = (uint64_t)1 << 32;
	adjust();
	ck_assert_ptr_null(cpuid_find(&table, 0x40000010, 0));
	ck_assert_uint_eq(get(0x15, 0)->eax, 0);
}
END_TEST

START_TEST(a_table_of_nothing)
{
	config.cpus = 64;
	adjust();
	ck_assert_uint_eq(table.count, 2);
}
END_TEST

START_TEST(a_full_table)
{
	add_vendor("GenuineIntel", 0xb);
	while (table.count < CPUID_ENTRIES_MAX)
		add(0x1000 + table.count, 0, false);
	ck_assert_int_eq(cpuid_adjust(&table, &config), -ENOSPC);
	setup();
	while (table.count < CPUID_ENTRIES_MAX)
		add(0x1000 + table.count, 0, false);
	ck_assert_int_eq(cpuid_adjust(&table, &config), -ENOSPC);
}
END_TEST

START_TEST(physical_bits)
{
	struct kvm_cpuid_entry2 *entry;

	ck_assert_uint_eq(cpuid_physical_bits(&table), 36);
	entry = add(0x80000008, 0, false);
	entry->eax = 0x3000 | 46;
	ck_assert_uint_eq(cpuid_physical_bits(&table), 46);
	entry->eax = 48 << 16 | 52;
	ck_assert_uint_eq(cpuid_physical_bits(&table), 48);
	entry->eax = 0;
	ck_assert_uint_eq(cpuid_physical_bits(&table), 36);
	entry->eax = 255;
	ck_assert_uint_eq(cpuid_physical_bits(&table), 52);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, feature_bits);
	tcase_add_test(tests, half_of_amx_is_none);
	tcase_add_test(tests, topology);
	tcase_add_test(tests, topology_of_amd);
	tcase_add_test(tests, clocks);
	tcase_add_test(tests, a_table_of_nothing);
	tcase_add_test(tests, a_full_table);
	tcase_add_test(tests, physical_bits);
}

int main(void)
{
	return run_suite("cpuid", add_tests);
}
