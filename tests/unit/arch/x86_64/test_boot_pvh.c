/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels entered by PVH: what their start info tells. */

#include <asm/bootparam.h>
#include <check.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_boot.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(pvh_start_info)
{
	const uint8_t *info, *module, *memory;

	make_machine(5 * GIB);
	make_elf(true, false);
	source.cmdline = "a b";
	add_initrd("one", "12345", 5);
	load();
	info = guest(boot->entry.rbx, 56);
	ck_assert_uint_eq(load_le32(info), 0x336ec578);
	ck_assert_uint_eq(load_le32(info + 4), 1);
	ck_assert_uint_eq(load_le32(info + 12), 1);
	module = guest(load_le64(info + 16), 32);
	ck_assert_uint_eq(load_le64(module), 3 * GIB - 4096);
	ck_assert_uint_eq(load_le64(module + 8), 8);
	ck_assert_str_eq((const char *)guest(load_le64(info + 24), 4), "a b");
	ck_assert_mem_eq(guest(load_le64(info + 32), 8), "RSD PTR ", 8);
	memory = guest(load_le64(info + 40), 24);
	ck_assert_uint_eq(load_le64(memory + 8), X86_LOW_RAM_END);
	ck_assert_uint_eq(load_le32(memory + 16), 1);
	ck_assert_uint_ge(load_le32(info + 48), 5);
	/* It is not known to be Linux: nothing is made up for it. */
	source.cmdline = NULL;
	load();
	ck_assert(!boot->is_linux);
	info = guest(boot->entry.rbx, 56);
	ck_assert_str_eq((const char *)guest(load_le64(info + 24), 1), "");
}
END_TEST

START_TEST(a_second_boot_clears_the_bss)
{
	uint8_t *bss;

	make_machine(16 * MIB);
	make_elf(false, false);
	load();
	bss = ram_host(boot->loader.ram, MIB + 4096, 4096);
	bss[0] = 1;
	bss[4095] = 1;
	boot->loader.fresh = false;
	load();
	ck_assert(bss[0] == 0 && bss[4095] == 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, pvh_start_info);
	tcase_add_test(tests, a_second_boot_clears_the_bss);
}

int main(void)
{
	return run_suite("x86_64 boot_pvh", add_tests);
}
