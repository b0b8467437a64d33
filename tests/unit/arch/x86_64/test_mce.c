/* SPDX-License-Identifier: BSD-3-Clause */
/* How a guest is told of memory that failed: a machine check, as its vendor has them. */

#include "tests/unit/arch/x86_64/test_vcpu.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

static void fail_memory(void)
{
	static const struct ram_range piece = {0x100000, 0x100000};
	static const struct ram_config config = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);
	uint64_t gpa;

	arch->setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch->setup.ram);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, &gpa, &gpa), -ENOENT);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, ram_host(arch->setup.ram, 0x123000, 1),
						 &gpa),
			 0);
	ck_assert_uint_eq(gpa, 0x123000);
	ck_assert_uint_eq(mce.addr, 0x123000);
	ck_assert_uint_eq(mce.bank, 9);
	ck_assert_uint_eq(mce.misc, 0x8c);
	ram_destroy(arch->setup.ram);
	mem_map_destroy(map);
}

/* A processor of its own, where firmware allows it: the register is locked with all that is on. */
START_TEST(memory_that_failed_on_intel)
{
	mce_supported = MCG_CTL | MCG_SER | MCG_LMCE | MCG_CMCI | 32;
	initialise("GenuineIntel", 0);
	ck_assert_uint_eq(mce_set_up, MCG_CTL | MCG_SER | MCG_LMCE | 10);
	ck_assert_uint_eq(find_msr(FEATURES)->value, 1 << 20 | 1);
	fail_memory();
	ck_assert_uint_eq(mce.status, UINT64_C(0xbd80000000000134));
	ck_assert_uint_eq(mce.mcg_status, 7);
	find_msr(MCG_EXT_CTL)->value = 1;
	fail_memory();
	ck_assert_uint_eq(mce.mcg_status, 15);
}
END_TEST

START_TEST(memory_that_failed_on_amd)
{
	mce_supported = MCG_CTL | MCG_SER | MCG_LMCE | 32;
	initialise("AuthenticAMD", 0);
	ck_assert_uint_eq(mce_set_up, MCG_CTL | MCG_SER | 10);
	ck_assert_uint_eq(find_msr(FEATURES)->written, 0);
	fail_memory();
	ck_assert_uint_eq(mce.status, UINT64_C(0xbc00080000000134));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, memory_that_failed_on_intel);
	tcase_add_test(tests, memory_that_failed_on_amd);
}

int main(void)
{
	return run_suite("x86_64 mce", add_tests);
}
