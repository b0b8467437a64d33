/* SPDX-License-Identifier: BSD-3-Clause */
/* What gdb reads and writes: registers, memory, breakpoints and watchpoints. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_gdb.h"

START_TEST(single_registers)
{
	attach();
	answers("P0=efcdab8967452301", "OK");
	answers("p0", "efcdab8967452301");
	answers("p10", "0000010000000000");
	answers("p28", "xxxxxxxxxxxxxxxx");
	answers("P29=0000000000000000", "E.the register cannot be written");
	answers("P28=0000000000000000", "E.the vCPU has no such register at the moment");
	answers("p2b", "E02");
	answers("P2b=00", "E02");
	answers("pffffffffffffffff", "E02");
	answers("p100000000", "E02");
	answers("p", "E16");
	answers("p0;", "E16");
	answers("P0=efcdab89674523", "E16");
	answers("P0=efcdab896745230", "E16");
	answers("P0=efcdab8967452301ff", "E16");
	answers("P0=efcdab896745230g", "E16");
	answers("P0", "E16");
	answers("p0", "efcdab8967452301");
	answers("Hg2", "OK");
	answers("p0", "0000000000000000");
	answers("p10", "0001010000000000");
}
END_TEST

START_TEST(all_general_registers)
{
	char packet[2 * GDB_FAKE_GENERAL_SIZE + 4] = "G";

	attach();
	for (unsigned int i = 0; i < GDB_FAKE_GENERAL_SIZE; i++)
		snprintf(packet + 1 + 2 * i, 3, "%02x", i & 0xff);
	answers(packet, "OK");
	answers("g", packet + 1);
	ck_assert_uint_eq(fake_gdb_pc(&fake, 0), 0x8786858483828180);
	/* One digit or one byte less or more, and a wrong one, change nothing. */
	memset(packet + 1, 'f', 16);
	packet[2 * GDB_FAKE_GENERAL_SIZE] = '\0';
	answers(packet, "E16");
	packet[2 * GDB_FAKE_GENERAL_SIZE - 1] = '\0';
	answers(packet, "E16");
	memset(packet + 1, 'f', sizeof(packet) - 2);
	answers(packet, "E16");
	packet[2 * GDB_FAKE_GENERAL_SIZE] = 'x';
	packet[2 * GDB_FAKE_GENERAL_SIZE + 1] = '\0';
	answers(packet, "E16");
	answers("p0", "0001020304050607");
	answers("g1", "");
}
END_TEST

START_TEST(memory_is_read)
{
	attach();
	answers("m10010,4", "10111213");
	answers("m1fffe,10", "feff"); /* as much as is there */
	answers("m20000,1", "E0e");
	answers("m0,1", "E0e");
	answers("m10000,0", "E16");
	answers("m10000", "E16");
	answers("m10000,4,", "E16");
	answers("mffffffffffffffff,1", "E0e");
	answers("mffffffffffffffff,2", "E16");
	answers("m1,ffffffffffffffff", "E0e");
	answers("m2,ffffffffffffffff", "E16");
	answers("m10000000000000000,1", "E16");
	say("m10000,fffff");
	ck_assert_uint_eq(sent_size, GDB_PACKET_MAX + 1);
}
END_TEST

START_TEST(memory_is_written)
{
	attach();
	answers("M10010,4:deadBEEF", "OK");
	ck_assert_mem_eq(fake.memory + 0x10, "\xde\xad\xbe\xef\x14", 5);
	answers("M10010,4:deadBE", "E16");
	answers("M10010,4:deadBEEF00", "E16");
	answers("M10010,4:deadBEEx", "E16");
	answers("M10010,4", "E16");
	answers("M10010,ffffffffffffffff:00", "E16");
	answers("M10010,8000000000000000:", "E16");
	answers("Mffffffffffffffff,2:0000", "E16");
	answers("M1ffff,2:0000", "E0e");
	answers("M20000,0:", "OK");
	say_bytes("X10020,5:#$}*\0", 14);
	hears("OK|");
	ck_assert_mem_eq(fake.memory + 0x20, "#$}*\0\x25", 6);
	answers("X10020,0:", "OK");
	answers("X10020,2:a", "E16");
	answers("X10020,2:abc", "E16");
	answers("X20000,1:a", "E0e");
	answers("X10020:a", "E16");
}
END_TEST

START_TEST(points_are_set)
{
	attach();
	answers("Hg3", "OK");
	answers("Z0,10010,1", "OK");
	answers("Z2,10020,4", "OK");
	answers("Z2,10020,4", "OK");
	answers("Z4,10030,8", "OK");
	ck_assert_uint_eq(fake.point_count, 3);
	ck_assert_uint_eq(fake.point_cpu, 2);
	ck_assert_uint_eq(fake.points[2].kind, GDB_WATCH_ACCESS);
	ck_assert_uint_eq(fake.points[2].address, 0x10030);
	ck_assert_uint_eq(fake.points[2].length, 8);
	answers("Z3,10038,8", "OK");
	answers("Z1,10040,1", "E.point.no more of the processor's debug registers are free");
	answers("z2,10020,4", "OK");
	answers("z2,10020,4", "OK");
	ck_assert_uint_eq(fake.point_count, 3);
	answers("Z5,10040,1", "");
	answers("Zffffffffffffffff,10040,1", "");
	answers("Z1,10040", "E16");
	answers("Z1,10040,1;X1,00", "E16");
	answers("Z1", "E16");
	answers("Z2,ffffffffffffffff,2", "E16");
	fake.point_status = -EOPNOTSUPP;
	answers("Z3,10040,1", "");
	/* gdb would write the instruction itself, and the guest would get it. */
	answers("Z0,10040,1", "E.point.this host has no breakpoints");
	fake.point_status = -EFAULT;
	answers("Z0,40,1", "E.point.the guest has no memory at this address");
	fake.point_status = -EIO;
	answers("z0,40,1", "E05");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, single_registers);
	tcase_add_test(tests, all_general_registers);
	tcase_add_test(tests, memory_is_read);
	tcase_add_test(tests, memory_is_written);
	tcase_add_test(tests, points_are_set);
}

int main(void)
{
	return run_suite("gdb data", add_tests);
}
