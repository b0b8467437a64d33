/* SPDX-License-Identifier: BSD-3-Clause */
/* The size of the host's pages is the one that the kernel maps by. */

#include <check.h>
#include <sys/mman.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

START_TEST(what_is_mapped_lies_and_ends_at_pages)
{
	uint64_t page = host_page_size();
	char *two = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(is_power_of_2(page) && page >= 4096);
	ck_assert_ptr_ne(two, MAP_FAILED);
	ck_assert_uint_eq((uintptr_t)two % page, 0);
	ck_assert_int_ne(munmap(two + page / 2, page), 0);
	ck_assert_int_eq(munmap(two + page, page), 0);
	ck_assert_int_eq(munmap(two, page), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, what_is_mapped_lies_and_ends_at_pages);
}

int main(void)
{
	return run_suite("page", add_tests);
}
