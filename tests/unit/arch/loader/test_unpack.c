/* SPDX-License-Identifier: BSD-3-Clause */
/* Compressed kernels into RAM, of every format: whole, cut, damaged, too large. */

#include "arch/loader/gzip.h"
#include "arch/loader/unpack.h"
#include "arch/loader/zstd.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/arch/loader/test_packed.h"
#include "tests/unit/support/suite.h"

START_TEST(packed_whole)
{
	uint64_t size;
	size_t length = pack(_i);
	uint8_t *host = ram_host(loader.ram, GPA, PLAIN + 1);

	ck_assert_uint_gt(length, 128 * KIB);
	store(packed, length);
	host[PLAIN] = 0x55;
	ck_assert_msg(load(_i, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(host, plain, PLAIN);
	ck_assert_uint_eq(host[PLAIN], 0x55);
	ck_assert_int_eq(load(_i, MIB, &size), 0);
	ck_assert_uint_eq(size, PLAIN);
	said(load(_i, PLAIN - 1, &size), -EFBIG, "more than the 299999 bytes");
	ck_assert_uint_eq(host[PLAIN], 0x55);
	said(load(_i, RAM_SIZE, &size), -EFAULT, "not memory");
}
END_TEST

START_TEST(packed_first_bytes)
{
	size_t got, length = pack(_i);
	uint8_t first[1024];
	struct unpack_part part = {&file, 0, length, forms[_i].format};

	store(packed, length);
	ck_assert_int_eq(unpack_peek(&part, first, sizeof(first), &got, &err), 0);
	ck_assert_uint_eq(got, sizeof(first));
	ck_assert_mem_eq(first, plain, sizeof(first));
	part.size = 15;
	said(unpack_peek(&part, first, sizeof(first), &got, &err), -ENODATA, "ends after 15 bytes");
	part.size = forms[_i].compress("abc", 3, packed, sizeof(packed));
	store(packed, part.size);
	ck_assert_int_eq(unpack_peek(&part, first, sizeof(first), &got, &err), 0);
	ck_assert_uint_eq(got, 3);
}
END_TEST

/* Whichever byte is the last; the trailer has eight. */
START_TEST(packed_truncated)
{
	static const size_t cuts[] = {1, 3, 4, 8, 9, 100, 100000};
	size_t length = pack(_i);

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		store(packed, length - cuts[i]);
		load_fails(_i, -ENODATA, "truncated");
	}
	store(packed, 0);
	load_fails(_i, -ENODATA, "truncated");
	store(packed, length);
	ck_assert_int_eq(ftruncate(file.fd, 100000), 0);
	load_fails(_i, -ENODATA, "truncated");
}
END_TEST

START_TEST(packed_truncated_when_full)
{
	uint64_t size;
	size_t length = pack(_i);

	store(packed, length - 3);
	said(load(_i, PLAIN, &size), -ENODATA, "truncated");
}
END_TEST

START_TEST(packed_corrupt)
{
	size_t length = pack(_i);

	packed[length - forms[_i].checksum] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, forms[_i].wrong);
	packed[length - forms[_i].checksum] ^= 1;
	packed[length - 4] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, "check");
	packed[length - 4] ^= 1;
	packed[length / 2] ^= 1;
	store(packed, length);
	load_fails(_i, -ENOEXEC, "corrupt");
	store((const uint8_t *)"no gzip at all", 14);
	load_fails(_i, -ENOEXEC, "corrupt");
}
END_TEST

START_TEST(packed_followed)
{
	uint64_t size;
	size_t length = pack(_i);

	memset(packed + length, 0, 100);
	store(packed, length);
	ck_assert_int_eq(ftruncate(file.fd, (off_t)length + 200000), 0);
	file.size = length + 200000;
	ck_assert_int_eq(load(_i, MIB, &size), 0);
	ck_assert_int_eq(pwrite(file.fd, "x", 1, (off_t)file.size - 1), 1);
	load_fails(_i, -ENOEXEC, "follows");
	packed[length] = 0x1f;
	store(packed, length + 1);
	load_fails(_i, -ENOEXEC, "follows");
}
END_TEST

/* A thousand times its size; RAM behind the place stays as it was. */
START_TEST(packed_bomb)
{
	uint8_t *zeros = calloc(1, 8 * MIB), *host = ram_host(loader.ram, GPA, MIB);
	uint64_t size;

	ck_assert_ptr_nonnull(zeros);
	store(packed, forms[_i].compress(zeros, 8 * MIB, packed, sizeof(packed)));
	ck_assert_uint_lt(file.size, 16384);
	memset(host, 0x55, MIB);
	said(load(_i, 4096, &size), -EFBIG, "more than the 4096 bytes");
	ck_assert_uint_eq(host[4095], 0);
	ck_assert_uint_eq(host[4096], 0x55);
	ck_assert_int_eq(memcmp(host + 4096, host + 4097, MIB - 4097), 0);
	free(zeros);
}
END_TEST

START_TEST(packed_unreadable)
{
	struct boot_file closed = {"kernel", -1, 1000};
	struct unpack_part part = {&closed, 0, 1000, forms[_i].format};
	uint64_t size;

	said(unpack_load(&loader, &part, GPA, MIB, &size, &err), -EBADF, "cannot be read");
}
END_TEST

START_TEST(formats_are_known)
{
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x1f\x8b\x08", 3), &gzip_format);
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x1f\x8b\x08", 2));
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x1f\x8b\x07", 3));
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x28\xb5\x2f\xfd", 4), &zstd_format);
	ck_assert_ptr_eq(unpack_find((const uint8_t *)"\x5f\x2a\x4d\x18", 4), &zstd_format);
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x28\xb5\x2f\xfd", 3));
	ck_assert_ptr_null(unpack_find((const uint8_t *)"\x27\xb5\x2f\xfd", 4));
}
END_TEST

/* As `cat` makes of several, and programs that compress on many processors. */
START_TEST(packed_in_frames)
{
	uint8_t *host = ram_host(loader.ram, GPA, PLAIN);
	size_t length = 0;
	uint64_t size;

	(void)pack(_i);
	for (size_t at = 0; at < PLAIN; at += PLAIN / 4)
		length += forms[_i].compress(plain + at, PLAIN / 4, packed + length,
					     sizeof(packed) - length);
	memset(packed + length, 0, 8);
	store(packed, length + 8);
	ck_assert_msg(load(_i, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(host, plain, PLAIN);
	said(load(_i, PLAIN - 1, &size), -EFBIG, "more than");
	said(load(_i, PLAIN / 4, &size), -EFBIG, "more than");
	store(packed, length - 1);
	load_fails(_i, -ENODATA, "truncated");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, formats_are_known);
	tcase_add_loop_test(tests, packed_whole, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_first_bytes, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_truncated, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_truncated_when_full, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_corrupt, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_followed, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_in_frames, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_bomb, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(tests, packed_unreadable, 0, ARRAY_SIZE(forms));
}

int main(void)
{
	return run_suite("unpack", add_tests);
}
