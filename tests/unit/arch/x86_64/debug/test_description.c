/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of registers that gdb gets: numbers, sizes, machines without AVX. */

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/arch/x86_64/debug/test_registers.h"
#include "tests/unit/support/suite.h"

static unsigned int described(void)
{
	size_t size;

	return number_of("none", &size);
}

START_TEST(numbers_and_sizes)
{
	static const struct {
		const char *name;
		unsigned int number;
		size_t size;
	} registers[] = {
		{"rax", 0, 8},      {"rbx", 1, 8},     {"rip", 16, 8},       {"eflags", 17, 4},
		{"cs", 18, 4},      {"gs", 23, 4},     {"st0", 24, 10},      {"st7", 31, 10},
		{"fctrl", 32, 4},   {"fop", 39, 4},    {"xmm0", 40, 16},     {"xmm15", 55, 16},
		{"mxcsr", 56, 4},   {"ymm0h", 57, 16}, {"ymm15h", 72, 16},   {"fs_base", 73, 8},
		{"gs_base", 74, 8}, {"cr0", 75, 8},    {"gdt_limit", 84, 4}, {"apic_base", 97, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		size_t size;

		ck_assert_uint_eq(number_of(registers[i].name, &size), registers[i].number);
		ck_assert_uint_eq(size, registers[i].size);
		ck_assert_uint_eq(arch_debug_register_size(&arch, registers[i].number), size);
	}
	ck_assert_uint_eq(described(), arch_debug_register_count(&arch));
	ck_assert_uint_eq(arch_debug_register_count(&arch), 98);
	ck_assert_uint_eq(arch_debug_general_count(&arch), 75);
	ck_assert_uint_eq(arch_debug_register_size(&arch, 98), 0);
	ck_assert_uint_eq(arch_debug_pc_register(&arch), 16);
	ck_assert_ptr_null(arch_debug_description(&arch, "other.xml"));
	ck_assert_ptr_nonnull(strstr(arch_debug_description(&arch, "target.xml"),
				     "<architecture>i386:x86-64</architecture>"));
	ck_assert_ptr_nonnull(strstr(arch_debug_description(&arch, "target.xml"),
				     "<field name=\"ZF\" start=\"6\" end=\"6\"/>"));
}
END_TEST

static void has_no_avx(void)
{
	size_t size;

	arch_debug_free(arch.debug);
	arch.debug = NULL;
	ck_assert_ptr_null(strstr(arch_debug_description(&arch, "target.xml"), "avx"));
	ck_assert_uint_eq(described(), 82);
	ck_assert_uint_eq(arch_debug_register_count(&arch), 82);
	ck_assert_uint_eq(arch_debug_general_count(&arch), 59);
	ck_assert_uint_eq(number_of("fs_base", &size), 57);
}

START_TEST(machines_without_avx)
{
	arch.cpuid.entries[0].ecx = 0;
	has_no_avx();
	arch.cpuid.entries[0].ecx = 1 << 28;
	arch.cpuid.entries[1].eax = 3;
	has_no_avx();
	arch.cpuid.entries[1].eax = 7;
	arch.cpuid.entries[2].ebx = 4096 - 255;
	has_no_avx();
	arch.cpuid.entries[2].ebx = 512;
	has_no_avx();
	arch.cpuid.entries[2].ebx = YMM_OFFSET;
	fake.missing = KVM_CAP_XSAVE;
	has_no_avx();
	arch.cpuid.count = 0;
	fake.missing = ~0u;
	has_no_avx();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, numbers_and_sizes);
	tcase_add_test(tests, machines_without_avx);
}

int main(void)
{
	return run_suite("x86_64 debug description", add_tests);
}
