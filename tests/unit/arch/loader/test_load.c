/* SPDX-License-Identifier: BSD-3-Clause */
/* Claims on guest RAM, and reading files into it. */

#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/support/suite.h"

START_TEST(claims_do_not_meet)
{
	ck_assert_int_eq(loader_claim(&loader, &file, "one", 0x1000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "two", 0x2000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "none", 0x1800, 0, &err), 0);
	said(loader_claim(&loader, &file, "three", 0x2fff, 2, &err), -EBUSY, "three");
	said(loader_claim(&loader, &file, "four", 0xfff, 2, &err), -EBUSY, "overlaps");
	said(loader_claim(&loader, &file, "five", RAM_SIZE - 1, 2, &err), -ENOSPC, "18 MiB");
	said(loader_claim(&loader, &file, "six", 0x3000, UINT64_MAX, &err), -ENOSPC, "six");
	said(loader_claim(&loader, &file, "seven", UINT64_MAX, 1, &err), -ENOSPC, "seven");
	ck_assert(!loader_is_free(&loader, 0x1fff, 1));
	ck_assert(loader_is_free(&loader, 0x3000, RAM_SIZE - 0x3000));
}
END_TEST

START_TEST(claims_run_out)
{
	for (uint64_t i = 0; i < LOADER_CLAIMS_MAX; i++)
		ck_assert_int_eq(loader_claim(&loader, &file, "x", 16 * i, 1, &err), 0);
	ck_assert_int_eq(loader_claim(&loader, &file, "x", 16 * LOADER_CLAIMS_MAX, 1, &err),
			 -EBUSY);
}
END_TEST

START_TEST(the_highest_free_place)
{
	uint64_t base;

	ck_assert_int_eq(loader_find(&loader, 0x1001, 0x1000, UINT64_MAX, &base), 0);
	ck_assert_uint_eq(base, HIGH_BASE + 2 * MIB - 0x2000);
	ck_assert_int_eq(loader_find(&loader, 0x1000, 0x1000, 4 * GIB - 1, &base), 0);
	ck_assert_uint_eq(base, RAM_SIZE - 0x1000);
	ck_assert_int_eq(loader_find(&loader, 0x1000, 0x1000, 0x2ffe, &base), 0);
	ck_assert_uint_eq(base, 0x1000);
	ck_assert_int_eq(loader_claim(&loader, &file, "x", 0x800000, 0x1000, &err), 0);
	ck_assert_int_eq(loader_find(&loader, 0x800000, 0x1000, 4 * GIB - 1, &base), 0);
	ck_assert_uint_eq(base, 0);
	ck_assert_int_eq(loader_find(&loader, 0x800001, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_int_eq(loader_find(&loader, 0, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_int_eq(loader_find(&loader, UINT64_MAX, 1, UINT64_MAX, &base), -ENOSPC);
	ck_assert_uint_eq(loader_room(&loader, UINT64_MAX), 0x800000);
}
END_TEST

START_TEST(reading_stops_at_the_end)
{
	memset(bytes, 7, 100);
	write_file(100);
	ck_assert_int_eq(loader_read(&loader, &file, 10, 0x1000, 90, &err), 0);
	said(loader_read(&loader, &file, 10, 0x1000, 91, &err), -ENODATA, "truncated");
	said(loader_read(&loader, &file, UINT64_MAX, 0x1000, 2, &err), -ENODATA, "truncated");
	said(loader_read(&loader, &file, 0, RAM_SIZE - 50, 100, &err), -EFAULT, "not memory");
	/* The file shrank after its size was taken. */
	file.size = 200;
	said(loader_read(&loader, &file, 10, 0x1000, 91, &err), -ENODATA, "truncated");
	close(file.fd);
	file.fd = -1;
	said(loader_read(&loader, &file, 0, 0x1000, 1, &err), -EBADF, "read");
}
END_TEST

START_TEST(fresh_memory_is_not_cleared)
{
	uint8_t *host = ram_host(loader.ram, 0x1000, 2);

	memset(host, 1, 2);
	loader.fresh = true;
	ck_assert_int_eq(loader_zero(&loader, 0x1000, 1), 0);
	ck_assert_uint_eq(host[0], 1);
	loader.fresh = false;
	ck_assert_int_eq(loader_zero(&loader, 0x1000, 1), 0);
	ck_assert_uint_eq(host[0], 0);
	ck_assert_uint_eq(host[1], 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, claims_do_not_meet);
	tcase_add_test(tests, claims_run_out);
	tcase_add_test(tests, the_highest_free_place);
	tcase_add_test(tests, reading_stops_at_the_end);
	tcase_add_test(tests, fresh_memory_is_not_cleared);
}

int main(void)
{
	return run_suite("loader", add_tests);
}
