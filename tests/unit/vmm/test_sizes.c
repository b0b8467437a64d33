/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes as a person writes them, and what is said of those that are none. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/sizes.h"

static struct err err;

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"512M", 512 * MIB},
		{"512MB", 512 * MIB},
		{"512MiB", 512 * MIB},
		{"512m", 512 * MIB},
		{"512mib", 512 * MIB},
		{"1.5G", 1536 * MIB},
		{"1.50gb", 1536 * MIB},
		{"0.25T", 256 * GIB},
		{"0.5K", 512},
		{"4.0G", 4 * GIB},
		{"0", 0},
		{"007K", 7 * KIB},
		{"16777215T", (uint64_t)16777215 << 40},
	};
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int rc = size_parse(good[i].text, &bytes, &err);

		ck_assert_msg(rc == 0 && bytes == good[i].bytes, "%s: %d", good[i].text, rc);
	}
}
END_TEST

static void no_size(const char *text, const char *part)
{
	uint64_t bytes;

	err = (struct err){0};
	ck_assert_msg(size_parse(text, &bytes, &err) == -EINVAL, "accepted: %s", text);
	ck_assert_msg(strstr(err.text, part), "%s: %s", text, err.text);
}

START_TEST(sizes_that_are_none)
{
	no_size("512", "'512': it has no unit: write 512M");
	no_size("4", "write 4M");
	no_size("4096", "write 4096M");
	no_size("2.5", "write 2.5G");
	no_size("536870912", "'536870912': it has no unit: write 512M");
	no_size("4294967296", "write 4096M");
	no_size("536875008", "write 524292K");
	no_size("1.1G", "not a whole number of bytes: write 1126M");
	no_size("1.3K", "write 1K");
	no_size("16777216T", "more than any machine has");
	no_size("18446744073709551616M", "more than any machine has");
	no_size("", "not a size such as 512M or 1.5G");
	no_size("M", "not a size");
	no_size("-1M", "not a size");
	no_size("+1M", "not a size");
	no_size(" 1M", "not a size");
	no_size("0x10M", "not a size");
	no_size("1 ", "not a size");
	no_size("1\x0b", "not a size");
	no_size("1.M", "not a size");
	no_size(".5G", "not a size");
	no_size("1.5.5G", "not a size");
	no_size("1Mi", "not a size");
	no_size("1MBs", "not a size");
	no_size("1bytes", "not a size");
	no_size("1.0000001G", "not a size");
}
END_TEST

START_TEST(huge_pages_are_of_two_sizes)
{
	uint64_t bytes;

	ck_assert_int_eq(size_parse_huge_page("2M", &bytes, &err), 0);
	ck_assert_uint_eq(bytes, 2 * MIB);
	ck_assert_int_eq(size_parse_huge_page("1024M", &bytes, &err), 0);
	ck_assert_uint_eq(bytes, GIB);
	ck_assert_int_eq(size_parse_huge_page("4M", &bytes, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'4M': huge pages are of 2M or 1G");
	ck_assert_int_eq(size_parse_huge_page("2", &bytes, &err), -EINVAL);
}
END_TEST

START_TEST(memory_is_whole_pages_and_enough)
{
	uint64_t least = align_up(arch_ram_minimum(), 2 * MIB);

	ck_assert_int_eq(size_check_memory("text", least, 0, &err), 0);
	ck_assert_int_eq(size_check_memory("text", least, 2 * MIB, &err), 0);
	ck_assert_int_eq(size_check_memory("text", least + 4096 / 2, 0, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "'text': not a multiple of the page size"));
	ck_assert_int_eq(size_check_memory("text", 3 * MIB, GIB, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "1048576 KiB"));
	ck_assert_int_eq(size_check_memory("text", 0, 0, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "too small"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, sizes);
	tcase_add_test(tests, sizes_that_are_none);
	tcase_add_test(tests, huge_pages_are_of_two_sizes);
	tcase_add_test(tests, memory_is_whole_pages_and_enough);
}

int main(void)
{
	return run_suite("sizes", add_tests);
}
