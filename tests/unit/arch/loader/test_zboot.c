/* SPDX-License-Identifier: BSD-3-Clause */
/* EFI zboot images: where their kernel is, and who compressed it. */

#include "arch/loader/unpack.h"
#include "arch/loader/zboot.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/arch/loader/test_packed.h"
#include "tests/unit/support/suite.h"

START_TEST(zboot_packed)
{
	static const char *const names[][2] = {{"gzip", "gzip"}, {"zstd", "zstd22"}};
	size_t length = pack(_i / 2);
	uint64_t size;
	struct unpack_part part;

	make_zboot(bytes, names[_i / 2][_i % 2], 4096, (uint32_t)length);
	memset(bytes + 64, 0xee, sizeof(bytes) - 64);
	store(bytes, 4096);
	ck_assert_int_eq(pwrite(file.fd, packed, length, 4096), (ssize_t)length);
	/* What follows the payload is the EFI program's. */
	ck_assert_int_eq(pwrite(file.fd, "code", 4, 4096 + (off_t)length), 4);
	file.size = 4096 + length + 4;
	ck_assert(zboot_is_image(bytes, 64));
	ck_assert(!zboot_is_image(bytes, 63));
	ck_assert_int_eq(zboot_parse(&file, bytes, &part, &err), 0);
	ck_assert_int_eq(unpack_load(&loader, &part, GPA, MIB, &size, &err), 0);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(ram_host(loader.ram, GPA, PLAIN), plain, PLAIN);
}
END_TEST

START_TEST(zboot_refused)
{
	struct unpack_part part;

	file.size = 8192;
	make_zboot(bytes, "zstd2", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "'zstd2', only gzip and zstd");
	make_zboot(bytes, "lzma", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "CONFIG_KERNEL_ZSTD");
	make_zboot(bytes, "\033[2J", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "'?[2J'");
	make_zboot(bytes, "01234567890123456789012345678901", 4096, 100);
	said(zboot_parse(&file, bytes, &part, &err), -ENOEXEC, "8901'");
	make_zboot(bytes, "gzip", 4096, 4097);
	said(zboot_parse(&file, bytes, &part, &err), -ENODATA, "has 8192 bytes, 8193 are needed");
	make_zboot(bytes, "gzip", UINT32_MAX, UINT32_MAX);
	said(zboot_parse(&file, bytes, &part, &err), -ENODATA, "truncated");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, zboot_refused);
	tcase_add_loop_test(tests, zboot_packed, 0, 4);
}

int main(void)
{
	return run_suite("zboot", add_tests);
}
