/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of names as they are read: wrong lines, files that are none, the shipped ones. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vfio/tell/test_names.h"
#include "vmm/base/bits.h"

START_TEST(a_wrong_line_is_told)
{
	static const struct {
		const char *line, *sentence;
	} rows[] = {
		{"CTRL 0x10", "'CTRL': neither bar, base, let nor an offset"},
		{"0x", "neither bar"},
		{"-4 R", "neither bar"},
		{"0x10000000000000000 R", "neither bar"},
		{"0x10/3 R", "'0x10/3': not OFFSET or OFFSET/SIZE"},
		{"0x10/16 R", "not OFFSET or OFFSET/SIZE"},
		{"0x10x R", "not OFFSET or OFFSET/SIZE"},
		{"0x10", "'': not a name"},
		{"0x10 a_name_of_more_than_thirty_letters", "not a name"},
		{"0x10 a\033[31m", "not a name"},
		{"0x10 R 32:x", "'32:x': not a bit of it"},
		{"0x10/1 R 8:x", "not a bit of it"},
		{"0x10 R 1-2:x", "the highest first"},
		{"0x10 R 2-1", "not BIT:NAME"},
		{"0x10 R 2:", "not BIT:NAME"},
		{"0x10 R x", "not a bit of it"},
		{"0x10 R[4", "not [COUNT*STRIDE]"},
		{"0x10 R[4*8", "not [COUNT*STRIDE]"},
		{"0x10 R[]", "not [COUNT*STRIDE]"},
		{"0x10 R[", "not [COUNT*STRIDE]"},
		{"0x10 R[0*4]", "neither a count nor a name"},
		{"0x10 R[n*4]", "'n': neither a count nor a name"},
		{"0x10 R[4*2]", "'2': not a stride"},
		{"bar 6", "'6': not a BAR"},
		{"bar", "not a BAR"},
		{"bar 1 2", "'2': nothing may follow"},
		{"base x", "'x': neither an offset nor a name"},
		{"base 0 0", "nothing may follow"},
		{"let", "not a name"},
		{"let 1 = 2", "'1': not a name"},
		{"let a 0", "= must come here"},
		{"let a = b", "'b': not an offset"},
		{"let a = 0 & 0", "'0': not a mask"},
		{"let a = 0 >> 64", "'64': not a number of bits"},
		{"let a = 0 0", "only & MASK"},
	};
	char table[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(table, sizeof(table), "# a line\n0 FIRST\n%s\n", rows[i].line);
		load_bytes(table, strlen(table));
		ck_assert_msg(!names && err.code == -EINVAL, "%s", rows[i].line);
		ck_assert_msg(strstr(err.text, ": line 3: ") && strstr(err.text, rows[i].sentence),
			      "%s: %s", rows[i].line, err.text);
		ck_assert_ptr_nonnull(strstr(err.text, path));
	}
	load_bytes("let a = 0\nlet a = 4\n", 20);
	ck_assert_ptr_nonnull(strstr(err.text, "line 2: 'a': named twice"));
}
END_TEST

START_TEST(what_is_no_table_is_told)
{
	char bytes[4096];

	memset(bytes, 'x', sizeof(bytes));
	load_bytes(bytes, sizeof(bytes));
	ck_assert_ptr_nonnull(strstr(err.text, "line 1:"));
	ck_assert_ptr_nonnull(strstr(err.text, "too long, or not a text"));
	load_bytes("0 A\n\0\0\n", 7);
	ck_assert_ptr_nonnull(strstr(err.text, "line 2:"));
	ck_assert_ptr_null(vfio_names_load("/no/such/table", 0, &err));
	ck_assert_str_eq(err.text, "names /no/such/table: No such file or directory");
	ck_assert_ptr_null(vfio_names_load("/tmp", 0, &err));
	ck_assert_str_eq(err.text, "names /tmp: it is not a file");
	/* Nobody writes to it: this must come back. */
	scratch_pipe(path);
	ck_assert_ptr_null(vfio_names_load(path, 0, &err));
	unlink(path);
	load("");
	is_told(0, 0, 4, 0, "");
}
END_TEST

static void load_shipped(const char *name)
{
	memset(&err, 0, sizeof(err));
	names = vfio_names_load(name, 0, &err);
	ck_assert_msg(names, "%s", err.text);
}

START_TEST(the_table_of_e1000e)
{
	load_shipped("vfio/tell/names/e1000e.txt");
	is_told(0, 0x0, 4, 0x04000040, "CTRL: SLU RST");
	is_told(0, 0xc0, 4, 0x81000004, "ICR: LSC Other INT_ASSERTED");
	is_told(0, 0x2918, 4, 7, "RDT[1]");
	is_told(0, 0x5404, 4, 0x80005634, "RAH[0]: address=0x5634 AV");
	is_told(0, 0x5408, 4, 0, "RAL[1]");
	is_told(0, 0x20, 4, 0x08250000, "MDIC: REG=0x5 PHY=0x1 OP=0x2");
}
END_TEST

/* Ports of it would lie over the runtime registers, were there as many as there may be. */
START_TEST(the_table_of_xhci)
{
	load_shipped("vfio/tell/names/xhci.txt");
	is_told(0, 0x40, 4, 1, "");
	vfio_names_learn(names, 0, 0x00, 4, 0x01000040);
	vfio_names_learn(names, 0, 0x04, 4, 0x08001040);
	vfio_names_learn(names, 0, 0x14, 4, 0x2000);
	vfio_names_learn(names, 0, 0x18, 4, 0x1000);
	is_told(0, 0x00, 4, 0x01000040, "CAPLENGTH, HCIVERSION");
	is_told(0, 0x40, 4, 5, "USBCMD: R/S INTE");
	is_told(0, 0x450, 4, 0x2a0, "PORTSC[1]: PLS=0x5 PP");
	is_told(0, 0x1038, 8, 0xabc8, "ERDP[0]: EHB");
	is_told(0, 0x1020, 4, 3, "IMAN[0]: IP IE");
	is_told(0, 0x1200, 4, 3, "IMAN[15]: IP IE");
	is_told(0, 0x1220, 4, 3, "");
	is_told(0, 0x2008, 4, 0x10003, "DB[2]: target=0x3 stream=0x1");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, a_wrong_line_is_told);
	tcase_add_test(tests, what_is_no_table_is_told);
	tcase_add_test(tests, the_table_of_e1000e);
	tcase_add_test(tests, the_table_of_xhci);
}

int main(void)
{
	return run_suite("names_parse", add_tests);
}
