/* SPDX-License-Identifier: BSD-3-Clause */
/* bzImage and Multiboot headers, whole and hostile. */

#include "arch/loader/bzimage.h"
#include "arch/loader/multiboot.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

static struct bzimage linux_image;

static void make_bzimage(void)
{
	memset(bytes, 0, sizeof(bytes));
	bytes[0x1f1] = 1;
	store_le32(bytes + 0x1f4, 2048 / 16);
	store_le16(bytes + 0x1fe, 0xaa55);
	bytes[0x200] = 0xeb;
	bytes[0x201] = 0x6a;
	memcpy(bytes + 0x202, "HdrS", 4);
	store_le16(bytes + 0x206, 0x20f);
	bytes[0x211] = 1;
	store_le32(bytes + 0x22c, 0x7fffffff);
	store_le32(bytes + 0x230, 0x200000);
	bytes[0x234] = 1;
	store_le16(bytes + 0x236, 3);
	store_le32(bytes + 0x238, 2047);
	store_le64(bytes + 0x258, 0x1000000);
	store_le32(bytes + 0x260, 0x300000);
}

static int parse_bzimage(size_t size)
{
	write_file(size);
	return bzimage_parse(&file, &linux_image, &err);
}

START_TEST(bzimage_header)
{
	make_bzimage();
	ck_assert(bzimage_is_image(bytes, 0x206));
	ck_assert(!bzimage_is_image(bytes, 0x205));
	ck_assert_int_eq(parse_bzimage(1024 + 2048), 0);
	ck_assert_uint_eq(linux_image.kernel_offset, 1024);
	ck_assert_uint_eq(linux_image.kernel_size, 2048);
	ck_assert_uint_eq(linux_image.memory_size, 0x300000);
	ck_assert_uint_eq(linux_image.preferred_address, 0x1000000);
	ck_assert_uint_eq(linux_image.cmdline_size, 2047);
	ck_assert(linux_image.relocatable && linux_image.above_4g);
	ck_assert_uint_eq(linux_image.header_size, 0x26c - 0x1f1);
	ck_assert_mem_eq(linux_image.header, bytes + 0x1f1, linux_image.header_size);
	/* A signature behind it is no part of it; the last paragraph may be short. */
	ck_assert_int_eq(parse_bzimage(1024 + 4096), 0);
	ck_assert_uint_eq(linux_image.kernel_size, 2048);
	ck_assert_int_eq(parse_bzimage(1024 + 2048 - 15), 0);
	ck_assert_uint_eq(linux_image.kernel_size, 2048 - 15);
	said(parse_bzimage(1024 + 2048 - 16), -ENODATA, "3072 are needed");
	bytes[0x1f1] = 0;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.kernel_offset, 5 * 512);
	bytes[0x201] = 0xff;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.header_size, 0x290 - 0x1f1);
	bytes[0x201] = 0;
	ck_assert_int_eq(parse_bzimage(5 * 512 + 2048), 0);
	ck_assert_uint_eq(linux_image.header_size, 0x264 - 0x1f1);
}
END_TEST

START_TEST(bzimage_refusals)
{
	make_bzimage();
	store_le16(bytes + 0x206, 0x20b);
	said(parse_bzimage(8192), -ENOEXEC, "2.11");
	make_bzimage();
	store_le16(bytes + 0x236, 0);
	said(parse_bzimage(8192), -ENOEXEC, "64-bit entry");
	make_bzimage();
	bytes[0x211] = 0;
	said(parse_bzimage(8192), -ENOEXEC, "zImage");
	make_bzimage();
	store_le32(bytes + 0x230, 0);
	said(parse_bzimage(8192), -ENOEXEC, "alignment");
	store_le32(bytes + 0x230, 0x300000);
	said(parse_bzimage(8192), -ENOEXEC, "alignment");
	make_bzimage();
	store_le32(bytes + 0x1f4, UINT32_MAX);
	said(parse_bzimage(8192), -ENODATA, "truncated");
	store_le32(bytes + 0x1f4, 0);
	said(parse_bzimage(8192), -ENODATA, "truncated");
	make_bzimage();
	bytes[0x1f1] = 255;
	said(parse_bzimage(8192), -ENODATA, "truncated");
	make_bzimage();
	said(parse_bzimage(0x28f), -ENODATA, "truncated");
	said(parse_bzimage(0x290), -ENODATA, "truncated");
	/* init_size smaller than the kernel itself. */
	store_le32(bytes + 0x260, 1);
	ck_assert_int_eq(parse_bzimage(8192), 0);
	ck_assert_uint_eq(linux_image.memory_size, 2048);
}
END_TEST

static struct multiboot_header multiboot;

static void put_multiboot(size_t at, uint32_t flags)
{
	store_le32(bytes + at, 0x1badb002);
	store_le32(bytes + at + 4, flags);
	store_le32(bytes + at + 8, 0U - 0x1badb002U - flags);
}

START_TEST(multiboot_is_found)
{
	put_multiboot(8192 - 12, 3);
	ck_assert(multiboot_find(bytes, sizeof(bytes), &multiboot));
	ck_assert_uint_eq(multiboot.offset, 8192 - 12);
	ck_assert_uint_eq(multiboot.flags, 3);
	ck_assert(!multiboot_find(bytes, 8191, &multiboot));
	bytes[8191]++;
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(8192 - 8, 3);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(2, 3);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	memset(bytes, 0, sizeof(bytes));
	put_multiboot(8192 - 28, 1 << 16);
	ck_assert(!multiboot_find(bytes, sizeof(bytes), &multiboot));
	ck_assert(!multiboot_find(bytes, 0, &multiboot));
}
END_TEST

static void put_addresses(uint32_t head, uint32_t load, uint32_t load_end, uint32_t bss_end,
			  uint32_t entry)
{
	memset(bytes, 0x11, 4096);
	put_multiboot(64, 1 << 16);
	store_le32(bytes + 76, head);
	store_le32(bytes + 80, load);
	store_le32(bytes + 84, load_end);
	store_le32(bytes + 88, bss_end);
	store_le32(bytes + 92, entry);
	write_file(4096);
	loader.count = 0;
	ck_assert(multiboot_find(bytes, 4096, &multiboot));
}

static int load_multiboot(uint64_t *entry)
{
	return multiboot_load(&loader, &file, &multiboot, entry, &err);
}

START_TEST(multiboot_with_addresses)
{
	uint8_t *host = ram_host(loader.ram, MIB, 8192);
	uint64_t entry = 0;

	memset(host, 0xff, 8192);
	put_addresses(MIB + 32, MIB, MIB + 1024, MIB + 2048, MIB + 100);
	ck_assert_int_eq(load_multiboot(&entry), 0);
	ck_assert_uint_eq(entry, MIB + 100);
	ck_assert_uint_eq(load_le32(host + 32), 0x1badb002);
	ck_assert_uint_eq(host[1023], 0x11);
	ck_assert_uint_eq(host[1024], 0);
	ck_assert_uint_eq(host[2047], 0);
	ck_assert_uint_eq(host[2048], 0xff);
	/* To the end of the file, without a bss. */
	put_addresses(MIB + 64, MIB, 0, 0, MIB);
	ck_assert_int_eq(load_multiboot(&entry), 0);
	ck_assert_uint_eq(host[4095], 0x11);
	ck_assert_uint_eq(host[4096], 0xff);
}
END_TEST

START_TEST(multiboot_addresses_that_lie)
{
	static const struct {
		uint32_t head, load, load_end, bss_end, entry;
	} lies[] = {
		{MIB - 4, MIB, MIB + 1024, 0, MIB}, {MIB + 68, MIB, MIB + 1024, 0, MIB},
		{UINT32_MAX, 0, 0, 0, 0},           {MIB, MIB, MIB, 0, MIB},
		{MIB, MIB, MIB - 1, 0, MIB},        {MIB, MIB, MIB + 1024, MIB + 1023, MIB},
		{MIB, MIB, MIB + 1024, 0, MIB - 1}, {MIB, MIB, MIB + 1024, 0, MIB + 1024},
	};
	uint64_t entry;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		put_addresses(lies[i].head, lies[i].load, lies[i].load_end, lies[i].bss_end,
			      lies[i].entry);
		said(load_multiboot(&entry), -ENOEXEC, "contradict");
	}
	put_addresses(MIB, MIB, UINT32_MAX, 0, MIB);
	said(load_multiboot(&entry), -ENOSPC, "not all memory");
	put_addresses(MIB, MIB, MIB + 1024, UINT32_MAX, MIB);
	said(load_multiboot(&entry), -ENOSPC, "not all memory");
	put_addresses(MIB, MIB, MIB + 5000, 0, MIB);
	said(load_multiboot(&entry), -ENODATA, "truncated");
}
END_TEST

START_TEST(multiboot_needs_what_we_have)
{
	uint64_t entry;

	make_elf();
	put_multiboot(512, 1 << 3);
	write_file(ELF_SIZE);
	ck_assert(multiboot_find(bytes, ELF_SIZE, &multiboot));
	said(load_multiboot(&entry), -ENOEXEC, "flags are 0x8");
	put_multiboot(512, 3);
	write_file(ELF_SIZE);
	ck_assert(multiboot_find(bytes, ELF_SIZE, &multiboot));
	said(load_multiboot(&entry), -ENOEXEC, "32-bit ELF");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, bzimage_header);
	tcase_add_test(tests, bzimage_refusals);
	tcase_add_test(tests, multiboot_is_found);
	tcase_add_test(tests, multiboot_with_addresses);
	tcase_add_test(tests, multiboot_addresses_that_lie);
	tcase_add_test(tests, multiboot_needs_what_we_have);
}

int main(void)
{
	return run_suite("bzimage_multiboot", add_tests);
}
