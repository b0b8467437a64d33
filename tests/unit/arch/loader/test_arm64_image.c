/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of arm64's Image, and where the file ends by its EFI header. */

#include "arch/loader/arm64_image.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/arch/loader/test_packed.h"
#include "tests/unit/support/suite.h"

static struct arm64_image image;

static int parse(uint64_t file_size)
{
	return arm64_image_parse("kernel", plain, 64, file_size, &image, &err);
}

START_TEST(header_fields)
{
	make_image(plain, 64, 0x80000, 4 * MIB);
	ck_assert(arm64_image_is_image(plain, 64));
	ck_assert(!arm64_image_is_image(plain, 63));
	ck_assert_int_eq(parse(3 * MIB), 0);
	ck_assert_uint_eq(image.text_offset, 0x80000);
	ck_assert_uint_eq(image.memory_size, 4 * MIB);
	/* Pages of every size, and a kernel that has to be low: it is placed alike. */
	for (uint32_t flags = 0; flags < 16; flags += 2) {
		store_le64(plain + 24, flags);
		ck_assert_int_eq(parse(0), 0);
		ck_assert_uint_eq(image.text_offset, 0x80000);
	}
	ck_assert_int_eq(parse(4 * MIB), 0);
}
END_TEST

START_TEST(headers_of_old_kernels)
{
	make_image(plain, 64, 0x123, 0);
	store_le64(plain + 24, 0);
	ck_assert_int_eq(parse(0), 0);
	ck_assert_uint_eq(image.text_offset, 0x80000);
	ck_assert_uint_eq(image.memory_size, 32 * MIB);
	ck_assert_int_eq(parse(100 * MIB), 0);
	ck_assert_uint_eq(image.memory_size, 108 * MIB);
	said(parse(UINT64_MAX), -ENOEXEC, "damaged");
}
END_TEST

START_TEST(headers_refused)
{
	make_image(plain, 64, 0, 4 * MIB);
	said(parse(4 * MIB + 1), -ENOEXEC, "4194304 bytes, the file alone has 4194305");
	make_image(plain, 64, 2 * MIB, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset is 0x200000");
	make_image(plain, 64, UINT64_MAX, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset");
	make_image(plain, 64, 8, 4 * MIB);
	said(parse(0), -ENOEXEC, "text_offset");
	make_image(plain, 64, 0, GIB + 1);
	said(parse(0), -ENOEXEC, "at most");
	make_image(plain, 64, 0, UINT64_MAX);
	said(parse(0), -ENOEXEC, "at most");
	make_image(plain, 64, 0, 63);
	said(parse(0), -ENOEXEC, "image_size is 63");
	make_image(plain, 64, 0, 4 * MIB);
	plain[24] |= 1;
	said(parse(0), -ENOEXEC, "big-endian");
	plain[56] = 0;
	said(parse(0), -ENOEXEC, "not an arm64 Image");
}
END_TEST

/* An EFI header at 64 whose second and last section ends at @end. */
static void make_efi_header(uint64_t end)
{
	enum { HEADER = 64, OPTIONAL = 160, SECTION = HEADER + 24 + OPTIONAL };

	memset(plain, 0, 1024);
	make_image(plain, 64, 0, 4 * MIB);
	store_le32(plain + 60, HEADER);
	memcpy(plain + HEADER, "PE", 2);
	plain[HEADER + 6] = 2;
	plain[HEADER + 20] = OPTIONAL;
	store_le32(plain + SECTION + 16, 4096);
	store_le32(plain + SECTION + 20, 65536);
	store_le32(plain + SECTION + 40 + 16, 4096);
	store_le32(plain + SECTION + 40 + 20, (uint32_t)end - 4096);
}

START_TEST(truncated_by_the_efi_header)
{
	make_efi_header(2 * MIB);
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 2 * MIB, &image, &err), 0);
	ck_assert_uint_eq(image.stored_size, 2 * MIB);
	/* A signature may follow. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 2 * MIB + 1472, &image, &err), 0);
	said(arm64_image_parse("kernel", plain, 1024, 2 * MIB - 1, &image, &err), -ENODATA,
	     "truncated: it has 2097151 bytes, 2097152 are needed");
	/* Compressed, its size is not known before. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 0, &image, &err), 0);
	/* What is not seen of the header is not judged. */
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 64, 1 * MIB, &image, &err), 0);
	store_le32(plain + 60, UINT32_MAX);
	ck_assert_int_eq(arm64_image_parse("kernel", plain, 1024, 1 * MIB, &image, &err), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, header_fields);
	tcase_add_test(tests, headers_of_old_kernels);
	tcase_add_test(tests, headers_refused);
	tcase_add_test(tests, truncated_by_the_efi_header);
}

int main(void)
{
	return run_suite("arm64_image", add_tests);
}
