/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels entered by the 64-bit boot protocol of Linux: its zero page, initrds, command lines. */

#include <asm/bootparam.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "arch/x86_64/boot.h"
#include "tests/unit/arch/x86_64/test_boot.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static void make_bzimage(uint64_t preferred, uint32_t init_size)
{
	memset(image, 0, sizeof(image));
	image[0x1f1] = 1;
	store_le32(image + 0x1f4, 4096 / 16);
	store_le16(image + 0x1fe, 0xaa55);
	image[0x201] = 0x6a;
	memcpy(image + 0x202, "HdrS", 4);
	store_le16(image + 0x206, 0x20f);
	image[0x211] = 1;
	store_le32(image + 0x22c, 0x7fffffff);
	store_le32(image + 0x230, 0x200000);
	store_le16(image + 0x236, 3);
	store_le32(image + 0x238, 100);
	store_le64(image + 0x258, preferred);
	store_le32(image + 0x260, init_size);
	memset(image + 1024, 0x90, 4096);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
}

START_TEST(bzimage)
{
	const struct boot_params *params;

	make_machine(64 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	source.cmdline = "console=ttyS0";
	add_initrd("one", "12345", 5);
	add_initrd("two", "abcd", 4);
	load();
	params = zero_page();
	ck_assert_uint_eq(boot->entry.rip, 16 * MIB + 0x200);
	ck_assert_uint_eq(*guest(16 * MIB, 4096), 0x90);
	ck_assert_uint_eq(params->hdr.type_of_loader, 0xff);
	ck_assert_uint_eq(params->hdr.version, 0x20f);
	ck_assert_str_eq((const char *)guest(params->hdr.cmd_line_ptr, 100), "console=ttyS0");
	ck_assert_uint_eq(params->hdr.ramdisk_size, 12);
	ck_assert_uint_eq(params->hdr.ramdisk_image, 64 * MIB - 4096);
	ck_assert_mem_eq(guest(params->hdr.ramdisk_image, 12), "12345\0\0\0abcd", 12);
	ck_assert_uint_eq(params->ext_ramdisk_image, 0);
	ck_assert_mem_eq(guest(params->acpi_rsdp_addr, 8), "RSD PTR ", 8);
	ck_assert_uint_eq(params->e820_table[0].addr, 0);
	ck_assert_uint_eq(params->e820_table[0].type, 1);
	ck_assert_uint_gt(params->e820_entries, 3);
	ck_assert_uint_eq(params->hdr.setup_data, BOOT_SETUP_DATA);
	ck_assert_uint_eq(load_le32(guest(BOOT_SETUP_DATA, 16) + 8), SETUP_RNG_SEED);
	ck_assert_uint_eq(load_le64(guest(boot->entry.gdt, 48) + 0x10), 0xaf9b000000ffff);
	ck_assert_uint_eq(params->sentinel, 0);
}
END_TEST

START_TEST(bzimage_moves_when_it_may)
{
	make_machine(16 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	refuse(-ENOSPC, "not all memory");
	/* Not down: it would go up again by itself, to where there is no memory. */
	image[0x234] = 1;
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	refuse(-ENOSPC, "needs 8 MiB to start at 16 MiB, the guest has 16 MiB");
	store_le64(image + 0x258, 0);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	load();
	ck_assert_uint_eq(boot->entry.rip, 8 * MIB + 0x200);
	store_le32(image + 0x260, 16 * MIB);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	refuse(-ENOSPC, "needs 16 MiB");
}
END_TEST

START_TEST(initrd_above_4_gib)
{
	const struct boot_params *params;
	uint8_t *large = calloc(1, 3 * MIB);

	ck_assert_ptr_nonnull(large);
	make_machine(5 * GIB);
	make_bzimage(16 * MIB, 8 * MIB);
	add_initrd("initrd", large, 3 * MIB);
	/* Below 4 GiB as long as there is room. */
	load();
	params = zero_page();
	ck_assert_uint_eq(params->hdr.ramdisk_image, 2 * GIB - 3 * MIB);
	store_le32(image + 0x22c, 2 * MIB);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	load();
	params = zero_page();
	ck_assert_uint_eq(params->hdr.ramdisk_image | (uint64_t)params->ext_ramdisk_image << 32,
			  6 * GIB - 3 * MIB);
	store_le16(image + 0x236, 1);
	source.kernel = make_file("vmlinuz", image, 1024 + 4096);
	refuse(-ENOSPC, "room for");
	free(large);
}
END_TEST

START_TEST(initrd_too_large)
{
	make_machine(32 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	add_initrd("initrd", "", 0);
	load();
	ck_assert_uint_eq(zero_page()->hdr.ramdisk_size, 0);
	source.initrds[0].size = 16 * MIB;
	refuse(-ENOSPC, "initrd: too large: it needs 16384 KiB, the guest has room for 15360 KiB");
	source.initrds[0].size = UINT64_MAX;
	add_initrd("second", "", 0);
	source.initrds[1].size = UINT64_MAX;
	refuse(-ENOSPC, "too large");
	source.initrds[0].size = 100;
	source.initrds[1].size = 0;
	refuse(-ENODATA, "initrd: the file is truncated");
}
END_TEST

START_TEST(cmdline_length)
{
	char text[102];

	make_machine(64 * MIB);
	make_bzimage(16 * MIB, 8 * MIB);
	memset(text, 'x', sizeof(text));
	text[100] = '\0';
	source.cmdline = text;
	load();
	text[100] = 'x';
	text[101] = '\0';
	refuse(-E2BIG, "101 characters, the kernel takes at most 100");
	source.cmdline = "";
	load();
	ck_assert_uint_eq(*guest(zero_page()->hdr.cmd_line_ptr, 1), 0);
	source.cmdline = NULL;
	platform.serial = false;
	load();
	ck_assert_uint_eq(*guest(zero_page()->hdr.cmd_line_ptr, 1), 0);
	platform.serial = true;
	load();
	ck_assert_str_eq((const char *)guest(zero_page()->hdr.cmd_line_ptr, 14), "console=ttyS0");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, bzimage);
	tcase_add_test(tests, bzimage_moves_when_it_may);
	tcase_add_test(tests, initrd_above_4_gib);
	tcase_add_test(tests, initrd_too_large);
	tcase_add_test(tests, cmdline_length);
}

int main(void)
{
	return run_suite("x86_64 boot_linux", add_tests);
}
