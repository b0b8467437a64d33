/* SPDX-License-Identifier: BSD-3-Clause */
/* Multiboot kernels: what they are told, and what is refused. */

#include <asm/bootparam.h>
#include <check.h>
#include <errno.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_boot.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static void make_multiboot(void)
{
	static const uint32_t words[] = {0x1badb002, 1 << 16, 0U - 0x1badb002U - (1 << 16),
					 MIB,        MIB,     0,
					 0,          MIB + 32};

	memset(image, 0, sizeof(image));
	memcpy(image, words, sizeof(words));
	source.kernel = make_file("/path/guest", image, 4096);
}

START_TEST(multiboot)
{
	const uint8_t *info, *modules, *memory;

	make_machine(5 * GIB);
	make_multiboot();
	source.cmdline = "x=1 y";
	add_initrd("/m/one", "12345", 5);
	add_initrd("two", "", 0);
	load();
	ck_assert(!boot->entry.long_mode);
	ck_assert_uint_eq(boot->entry.rax, 0x2badb002);
	ck_assert_uint_eq(boot->entry.rip, MIB + 32);
	info = guest(boot->entry.rbx, 88);
	ck_assert_uint_eq(load_le32(info), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	ck_assert_uint_eq(load_le32(info + 4), 639);
	ck_assert_uint_eq(load_le32(info + 8), 3 * 1024 * 1024 - 1024);
	ck_assert_str_eq((const char *)guest(load_le32(info + 16), 20), "/path/guest x=1 y");
	ck_assert_uint_eq(load_le32(info + 20), 2);
	modules = guest(load_le32(info + 24), 32);
	ck_assert_uint_eq(load_le32(modules + 4) - load_le32(modules), 5);
	ck_assert_mem_eq(guest(load_le32(modules), 5), "12345", 5);
	ck_assert_str_eq((const char *)guest(load_le32(modules + 8), 8), "/m/one");
	ck_assert_uint_eq(load_le32(modules + 16), load_le32(modules + 20));
	ck_assert_str_eq((const char *)guest(load_le32(modules + 24), 8), "two");
	memory = guest(load_le32(info + 48), 24);
	ck_assert_uint_eq(load_le32(memory), 20);
	ck_assert_uint_eq(load_le64(memory + 12), X86_LOW_RAM_END);
	ck_assert_uint_eq(load_le32(info + 44) % 24, 0);
}
END_TEST

START_TEST(multiboot_refusals)
{
	static char path[BOOT_STRINGS_SIZE + 1];

	make_machine(16 * MIB);
	make_multiboot();
	add_initrd("one", "1", 1);
	source.initrds[0].size = 20 * MIB;
	refuse(-ENOSPC, "one: too large");
	source.initrds[0].size = 1;
	memset(path, 'p', sizeof(path) - 1);
	source.initrds[0].path = path;
	refuse(-E2BIG, "give shorter ones");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, multiboot);
	tcase_add_test(tests, multiboot_refusals);
}

int main(void)
{
	return run_suite("x86_64 boot_multiboot", add_tests);
}
