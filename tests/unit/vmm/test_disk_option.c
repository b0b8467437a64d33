/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --disk, and the sentence for each way to get one wrong. */

#include <check.h>
#include <string.h>

#include "tests/unit/vmm/test_option.h"
#include "vmm/disk_option.h"

static struct disk_config disk;

static int take_disk(void)
{
	return disk_option_parse(&disk, &options, &err);
}

START_TEST(a_path_alone_is_a_disk)
{
	ck_assert_int_eq(parse("a,,b"), 0);
	ck_assert_str_eq(disk.image.path, "a,b");
	ck_assert_uint_eq(disk.queues, 1);
	ck_assert(!disk.image.readonly && !disk.image.direct && !disk.image.raw && !disk.discard);
	ck_assert_ptr_null(disk.serial);
	ck_assert_uint_eq(disk.image.block_size, 0);
}
END_TEST

START_TEST(each_part_is_taken)
{
	ck_assert_int_eq(parse("a,readonly,direct,raw,serial=12345678901234567890,queues=16,"
			       "block-size=4096"),
			 0);
	ck_assert(disk.image.readonly && disk.image.direct && disk.image.raw);
	ck_assert_str_eq(disk.serial, "12345678901234567890");
	ck_assert_uint_eq(disk.queues, 16);
	ck_assert_uint_eq(disk.image.block_size, 4096);
	ck_assert_int_eq(parse("a,discard=on"), 0);
	ck_assert(disk.discard);
	ck_assert_int_eq(parse("a,discard=off,block-size=512"), 0);
	ck_assert(!disk.discard);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	refused("", "empty: it takes a file or block device");
	refused("a,queues=0", "queues=0: it takes a number from 1 to 16");
	refused("a,queues=17", "queues=17");
	refused("a,serial=123456789012345678901", "longer than 20 bytes");
	refused("a,block-size=1024", "block-size=1024: it takes 512 or 4096");
	refused("a,discard=yes", "discard=yes: it takes on or off");
	refused("a,discard", "'discard': it takes readonly");
	refused("a,readonly=on", "'readonly=': it takes readonly");
	refused("a,cache=none", "'cache=none': unknown part");
	refused("a,ro", "'ro': it takes readonly");
	refused("a,readonly,discard=on", "a disk that is only read gives nothing up");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_path_alone_is_a_disk);
	tcase_add_test(tests, each_part_is_taken);
	tcase_add_test(tests, what_is_wrong_is_said);
}

int main(void)
{
	take_options = take_disk;
	return run_suite("disk_option", add_tests);
}
