/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table of names tells of an access: registers, bits, arrays, places that registers tell. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vfio/tell/test_names.h"

START_TEST(registers_and_bits)
{
	load("# made up\r\n"
	     "0x10 CTRL 0:enable 3-1:mode 31:reset\n"
	     "\t0x14/1  ID # behind it\n"
	     "0x16/2 VERSION\n"
	     "0x20/8 QUEUE 0:valid 63-32:high\n"
	     "bar 2\n"
	     "16 OTHER");
	is_told(0, 0x10, 4, 0x8000000b, "CTRL: enable mode=0x5 reset");
	is_told(0, 0x10, 4, 0, "CTRL");
	is_told(0, 0x10, 1, 0xff, "CTRL: enable mode=0x7");
	is_told(0, 0x13, 1, 0x80, "CTRL+0x3: reset");
	is_told(0, 0x14, 4, 0x00010002, "ID, VERSION");
	is_told(0, 0x10, 8, 1, "CTRL: enable, ID, VERSION");
	is_told(0, 0x20, 8, UINT64_C(0x500000001), "QUEUE: valid high=0x5");
	is_told(0, 0x24, 4, 5, "QUEUE+0x4: high=0x5");
	is_told(0, 0x20, 4, 5, "QUEUE: valid");
	is_told(2, 0x10, 4, 1, "OTHER");
	is_told(1, 0x10, 4, 1, "");
	is_told(0, 0x18, 4, 1, "");
	is_told(0, 0x28, 4, 1, "");
	is_told(0, UINT64_MAX - 7, 4, 1, "");
}
END_TEST

START_TEST(arrays)
{
	load("0x100 RING[4*0x40] 0:on\n"
	     "base 0x200\n"
	     "0x00/1 BYTE[2*1]\n");
	is_told(0, 0x100, 4, 1, "RING[0]: on");
	is_told(0, 0x1c0, 4, 1, "RING[3]: on");
	is_told(0, 0x144, 4, 1, "");
	is_told(0, 0x200, 4, 1, "BYTE[0], BYTE[1]");
	is_told(0, 0x13e, 8, 0x10000, "RING[1]: on");
	is_told(0, 0x201, 1, 1, "BYTE[1]");
}
END_TEST

/* What the guest read of them tells where the others are: the monitor reads nothing itself. */
START_TEST(places_that_registers_tell)
{
	load("let length = 0x00 & 0xff\n"
	     "let count = 0x04 & 0x00ff0000 >> 16\n"
	     "0x00/1 LENGTH\n"
	     "base length\n"
	     "0x00 COMMAND\n"
	     "0x10 PORT[count*4]\n"
	     "bar 1\n"
	     "let length = 0x08\n"
	     "base length\n"
	     "4 DATA\n");
	is_told(0, 0x40, 4, 0, "");
	vfio_names_learn(names, 0, 0x02, 2, 0x40);
	vfio_names_learn(names, 1, 0x00, 4, 0x40);
	is_told(0, 0x40, 4, 0, "");
	vfio_names_learn(names, 0, 0x00, 4, 0x01000040);
	is_told(0, 0x40, 4, 0, "COMMAND");
	is_told(0, 0x50, 4, 0, "");
	vfio_names_learn(names, 0, 0x06, 1, 3);
	is_told(0, 0x58, 4, 0, "PORT[2]");
	is_told(0, 0x5c, 4, 0, "");
	vfio_names_learn(names, 0, 0x00, 8, UINT64_C(0x0001000000000020));
	is_told(0, 0x30, 4, 0, "PORT[0]");
	is_told(0, 0x34, 4, 0, "");
	is_told(1, 0x104, 4, 0, "");
	vfio_names_learn(names, 1, 0x08, 4, 0x100);
	is_told(1, 0x104, 4, 0, "DATA");
}
END_TEST

/* Anything that a device may say, a dead one all ones. */
START_TEST(places_that_are_absurd)
{
	load("let b = 0 & 0xffffffffffffffff\n"
	     "base b\n"
	     "8/8 R[b*8]\n");
	vfio_names_learn(names, 0, 0, 8, UINT64_MAX);
	is_told(0, 7, 8, 1, "");
	is_told(0, UINT64_MAX - 7, 8, 1, "");
	vfio_names_learn(names, 0, 0, 8, UINT64_MAX - 16);
	is_told(0, 0, 8, 1, "");
}
END_TEST

START_TEST(what_does_not_fit_is_cut)
{
	char table[4096] = "0x10/1 R[4096*1]";
	size_t used = strlen(table);

	for (unsigned int i = 0; i < 8; i++)
		used += (size_t)snprintf(table + used, sizeof(table) - used,
					 " %u:a_name_of_nearly_thirty_letters", i);
	load(table);
	ck_assert_uint_eq(strlen(tell(0, 0x10, 8, UINT64_MAX)), DECODE_SIZE - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, registers_and_bits);
	tcase_add_test(tests, arrays);
	tcase_add_test(tests, places_that_registers_tell);
	tcase_add_test(tests, places_that_are_absurd);
	tcase_add_test(tests, what_does_not_fit_is_cut);
}

int main(void)
{
	return run_suite("names", add_tests);
}
