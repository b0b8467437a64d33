/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer of device trees: properties as libfdt reads them, and its one failure. */

#include <check.h>
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "arch/fdt/tree.h"
#include "tests/unit/support/suite.h"

static uint8_t blob[4096];
static struct dt dt;
static struct err err;

static void expect_bytes(const char *path, const char *name, const void *bytes, int size)
{
	int found, node = fdt_path_offset(blob, path);
	const void *value = fdt_getprop(blob, node, name, &found);

	ck_assert_msg(value || found == 0, "%s %s: %s", path, name, fdt_strerror(found));
	ck_assert_int_eq(found, size);
	if (size)
		ck_assert_mem_eq(value, bytes, (size_t)size);
}

START_TEST(properties_are_big_endian)
{
	dt_create(&dt, blob, sizeof(blob));
	dt_begin(&dt, "");
	dt_sizes(&dt, 2, 1);
	dt_begin_at(&dt, "node", 0x123456789a);
	dt_reg(&dt, 0x123456789a, 0x1000);
	dt_u64(&dt, "u64", 0x0102030405060708);
	dt_list(&dt, "list", 1, 2, 0xfffffffe);
	dt_flag(&dt, "flag");
	dt_strings(&dt, "strings", "a\0bc");
	dt_end(&dt);
	dt_begin(&dt, "beside");
	dt_string(&dt, "string", "abc");
	dt_end(&dt);
	dt_end(&dt);
	ck_assert_int_gt(dt_finish(&dt, NULL, &err), 0);
	expect_bytes("/", "#address-cells", "\0\0\0\2", 4);
	expect_bytes("/", "#size-cells", "\0\0\0\1", 4);
	expect_bytes("/node@123456789a", "reg", "\0\0\0\x12\x34\x56\x78\x9a\0\0\0\0\0\0\x10\0", 16);
	expect_bytes("/node@123456789a", "u64", "\1\2\3\4\5\6\7\x8", 8);
	expect_bytes("/node@123456789a", "list", "\0\0\0\1\0\0\0\2\xff\xff\xff\xfe", 12);
	expect_bytes("/node@123456789a", "flag", "", 0);
	expect_bytes("/node@123456789a", "strings", "a\0bc", 5);
	expect_bytes("/beside", "string", "abc", 4);
}
END_TEST

START_TEST(what_does_not_fit_is_the_command_line_s_fault)
{
	dt_create(&dt, blob, 256);
	dt_begin(&dt, "");
	dt_bytes(&dt, "large", blob, 512);
	dt_end(&dt);
	ck_assert_int_eq(dt_finish(&dt, "quiet", &err), -ENOSPC);
	ck_assert_str_eq(err.text, "device tree: a command line of 5 bytes: the tree does not fit "
				   "the 256 bytes that it may have: give a shorter command line");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, properties_are_big_endian);
	tcase_add_test(tests, what_does_not_fit_is_the_command_line_s_fault);
}

int main(void)
{
	return run_suite("fdt_tree", add_tests);
}
