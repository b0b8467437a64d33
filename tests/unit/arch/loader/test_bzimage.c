/* SPDX-License-Identifier: BSD-3-Clause */
/* bzImages, whole and hostile. */

#include "arch/loader/bzimage.h"
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
	/* Its entry is the first byte behind it. */
	store_le32(bytes + 0x1f4, 512 / 16);
	said(parse_bzimage(8192), -ENOEXEC, "has 512 bytes and ends before its 64-bit entry");
	store_le32(bytes + 0x1f4, 512 / 16 + 1);
	ck_assert_int_eq(parse_bzimage(8192), 0);
	make_bzimage();
	/* init_size smaller than the kernel itself. */
	store_le32(bytes + 0x260, 1);
	ck_assert_int_eq(parse_bzimage(8192), 0);
	ck_assert_uint_eq(linux_image.memory_size, 2048);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, bzimage_header);
	tcase_add_test(tests, bzimage_refusals);
}

int main(void)
{
	return run_suite("bzimage", add_tests);
}
