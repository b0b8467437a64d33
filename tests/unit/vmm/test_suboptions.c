/* SPDX-License-Identifier: BSD-3-Clause */
/* The grammar of option values: parts, doubled commas, numbers, lists of processors. */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/suboptions.h"

static struct err err;

START_TEST(commas_are_undoubled)
{
	struct suboptions options;

	ck_assert_int_eq(suboptions_parse("a,,,b=c,,d,,,e", &options, &err), 0);
	ck_assert_str_eq(options.first, "a,");
	ck_assert_uint_eq(options.count, 2);
	ck_assert_str_eq(options.item[0].name, "b");
	ck_assert_str_eq(options.item[0].value, "c,d,");
	ck_assert_str_eq(options.item[1].name, "e");
	ck_assert_ptr_null(options.item[1].value);
	suboptions_release(&options);
	ck_assert_int_eq(suboptions_parse("a,1,2,3,4,5,6,7,8,9,0,b,c,d,e,f,g,h", &options, &err),
			 -EINVAL);
}
END_TEST

START_TEST(a_value_alone_is_the_first)
{
	struct suboptions options;

	ck_assert_int_eq(suboptions_parse("", &options, &err), 0);
	ck_assert_str_eq(options.first, "");
	ck_assert_uint_eq(options.count, 0);
	suboptions_release(&options);
	ck_assert_int_eq(suboptions_parse("a=b,c=", &options, &err), 0);
	ck_assert_str_eq(options.first, "a=b");
	ck_assert_str_eq(options.item[0].value, "");
	suboptions_release(&options);
	ck_assert_int_eq(suboptions_parse("a,", &options, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "'a,': nothing after a comma: double a comma that is part of a value");
}
END_TEST

START_TEST(a_part_is_there_once)
{
	struct suboptions options;

	ck_assert_int_eq(suboptions_parse("a,rom=b,rom=b", &options, &err), -EINVAL);
	ck_assert_str_eq(err.text, "rom: given twice");
	ck_assert_int_eq(suboptions_parse("a,port,via=x,port=", &options, &err), -EINVAL);
	ck_assert_str_eq(err.text, "port: given twice");
	ck_assert_int_eq(suboptions_parse("a,a,rom,rom2", &options, &err), 0);
	suboptions_release(&options);
}
END_TEST

START_TEST(one_that_may_is_there_often)
{
	struct suboptions options;

	ck_assert_int_eq(suboptions_parse_often("a,to=1,b,to=2", "to", &options, &err), 0);
	ck_assert_uint_eq(options.count, 3);
	ck_assert_str_eq(options.item[0].value, "1");
	ck_assert_str_eq(options.item[2].value, "2");
	suboptions_release(&options);
	ck_assert_int_eq(suboptions_parse_often("a,to=1,b,to=2,b", "to", &options, &err), -EINVAL);
	ck_assert_str_eq(err.text, "b: given twice");
}
END_TEST

START_TEST(numbers_are_digits_within_bounds)
{
	static const char *const none[] = {"", "-1", "+1", " 1", "1 ", "1.", "0x1", "one"};
	unsigned int number = 7;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert_int_eq(suboptions_parse_number(none[i], 0, 9, &number), -EINVAL);
	ck_assert_int_eq(suboptions_parse_number("1", 2, 9, &number), -ERANGE);
	ck_assert_int_eq(suboptions_parse_number("10", 2, 9, &number), -ERANGE);
	ck_assert_int_eq(suboptions_parse_number("18446744073709551617", 0, UINT32_MAX, &number),
			 -ERANGE);
	ck_assert_uint_eq(number, 7);
	ck_assert_int_eq(suboptions_parse_number("009", 2, 9, &number), 0);
	ck_assert_uint_eq(number, 9);
	ck_assert_int_eq(suboptions_parse_number("4294967295", 0, UINT32_MAX, &number), 0);
	ck_assert_uint_eq(number, UINT32_MAX);
}
END_TEST

START_TEST(lists_have_ranges)
{
	static const char *const none[] = {"",     ":",   "1:",         ":1",
					   "1-",   "-1",  "3-1",        "1,2",
					   "1--2", "1:x", "2147483648", "18446744073709551616"};
	unsigned int cpus[4];

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		ck_assert_int_eq(suboptions_parse_list(none[i], cpus, 4), -EINVAL);
	ck_assert_int_eq(suboptions_parse_list("2-3:8", cpus, 4), 3);
	ck_assert(cpus[0] == 2 && cpus[1] == 3 && cpus[2] == 8);
	ck_assert_int_eq(suboptions_parse_list("0-3", cpus, 4), 4);
	ck_assert_int_eq(suboptions_parse_list("0-4", cpus, 4), -E2BIG);
	ck_assert_int_eq(suboptions_parse_list("0-2147483647", cpus, 4), -E2BIG);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, commas_are_undoubled);
	tcase_add_test(tests, a_value_alone_is_the_first);
	tcase_add_test(tests, a_part_is_there_once);
	tcase_add_test(tests, one_that_may_is_there_often);
	tcase_add_test(tests, numbers_are_digits_within_bounds);
	tcase_add_test(tests, lists_have_ranges);
}

int main(void)
{
	return run_suite("suboptions", add_tests);
}
