/* SPDX-License-Identifier: BSD-3-Clause */
/* What a debugger reads, writes and asks of a machine that stands. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_gdb.h"

START_TEST(features_are_told)
{
	fake.stands = true;
	gdb_session_begin(session);
	answers("qSupported:multiprocess+;swbreak+;xmlRegisters=i386",
		"+|PacketSize=4000;qXfer:features:read+;qXfer:threads:read+;QStartNoAckMode+;"
		"vContSupported+;swbreak+;hwbreak+;multiprocess-");
	answers("vMustReplyEmpty", "+|");
	answers("QStartNoAckMode", "+|OK");
	answers("QStartNoAckModes", "");
	answers("vCont?", "vCont;c;C;s;S;r");
	answers("qAttached", "1");
	answers("qSymbol::", "OK");
	answers("qOffsets", "");
	answers("qTStatus", "");
	answers("!", "");
	answers("", "");
	/* This one did not ask for hwbreak. */
	say("c");
	stops(GDB_STOP_HARDWARE, 0, 5);
	hears("T05thread:1;10:0000010000000000;|");
	say("c");
	stops(GDB_STOP_SOFTWARE, 0, 5);
	hears("T05thread:1;swbreak:;10:0000010000000000;|");
}
END_TEST

/* The document @name put together from pieces of @length bytes. */
static void read_document(const char *name, unsigned int length, char *document, size_t room)
{
	char packet[64];
	size_t size = 0;
	bool more = true;

	while (more) {
		snprintf(packet, sizeof(packet), "qXfer:%s:%zx,%x", name, size, length);
		say(packet);
		ck_assert(sent[0] == 'm' || sent[0] == 'l');
		more = sent[0] == 'm';
		ck_assert_uint_lt(size + sent_size, room);
		memcpy(document + size, sent + 1, sent_size - 2);
		size += sent_size - 2;
		forget();
	}
	document[size] = '\0';
}

START_TEST(documents_come_in_pieces)
{
	static char whole[8192], pieces[8192];

	attach();
	read_document("features:read:core.xml", 0x1000, whole, sizeof(whole));
	ck_assert_str_eq(whole, gdb_target_description(&fake, "core.xml"));
	read_document("features:read:core.xml", 7, pieces, sizeof(pieces));
	ck_assert_str_eq(whole, pieces);
	read_document("threads:read:", 0xb, pieces, sizeof(pieces));
	ck_assert_str_eq(pieces, "<?xml version=\"1.0\"?>\n<threads>\n"
				 "<thread id=\"1\" name=\"vCPU 0\"/>\n"
				 "<thread id=\"2\" name=\"vCPU 1\"/>\n"
				 "<thread id=\"3\" name=\"vCPU 2\"/>\n</threads>\n");
	answers("qXfer:features:read:none.xml:0,10", "E00");
	answers("qXfer:features:read:target.xml:10000,10", "E16");
	answers("qXfer:features:read:target.xml:ffffffffffffffff,ffffffffffffffff", "E16");
	answers("qXfer:features:read:target.xml:0", "E16");
	answers("qXfer:features:read:target.xml", "E16");
	answers("qXfer:features:read:target.xml:0,1,2", "E16");
	answers("qXfer:features:read:target.xml:0,0", "m");
	answers("qXfer:memory-map:read::0,10", "");
	say_bytes("qXfer:features:read:target.xml\0:0,10", 36);
	hears("E16|");
}
END_TEST

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
	ck_assert_uint_eq(gdb_fake_pc(&fake, 0), 0x8786858483828180);
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

START_TEST(threads_are_vcpus)
{
	attach();
	answers("qfThreadInfo", "m1,2,3");
	answers("qsThreadInfo", "l");
	answers("qThreadExtraInfo,3", "764350552032");
	answers("qThreadExtraInfo,4", "E16");
	answers("qThreadExtraInfo,0", "E16");
	answers("T3", "OK");
	answers("T4", "E16");
	answers("T0", "E16");
	answers("T-1", "E16");
	answers("T", "E16");
	answers("qC", "QC1");
	answers("Hg3", "OK");
	answers("qC", "QC3");
	answers("Hg0", "OK");
	answers("Hg-1", "OK");
	answers("qC", "QC3");
	answers("Hg4", "E16");
	answers("Hgp1.1", "E16");
	answers("Hc-1", "OK");
	answers("Hcffffffffffffffff", "E16");
	answers("Hm1", "E16");
	answers("H", "E16");
	answers("qC", "QC3");
}
END_TEST

START_TEST(the_user_can_ask_the_monitor)
{
	char *expected = calloc(1, 3 * GDB_PACKET_MAX);

	attach();
	answers("Hg2", "OK");
	answers("qRcmd,68656c70", "O796f7520736169642068656c700a|OK");
	ck_assert_str_eq(fake.line, "help");
	ck_assert_uint_eq(fake.monitor_cpu, 1);
	answers("qRcmd,", "OK");
	ck_assert_str_eq(fake.line, "");
	answers("qRcmd,6", "E16");
	answers("qRcmd,6x", "E16");
	answers("qRcmd,6100", "E16");
	answers("qRcmd", "");
	/* In pieces that fit a packet. */
	fake.monitor_size = GDB_PACKET_MAX / 2 + 1;
	ck_assert_ptr_nonnull(expected);
	expected[0] = 'O';
	for (size_t i = 0; i < GDB_PACKET_MAX / 2 - 1; i++)
		memcpy(expected + 1 + 2 * i, "6d", 2);
	strcat(expected, "|O6d6d|OK|");
	say("qRcmd,");
	hears(expected);
	free(expected);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, features_are_told);
	tcase_add_test(tests, documents_come_in_pieces);
	tcase_add_test(tests, single_registers);
	tcase_add_test(tests, all_general_registers);
	tcase_add_test(tests, memory_is_read);
	tcase_add_test(tests, memory_is_written);
	tcase_add_test(tests, points_are_set);
	tcase_add_test(tests, threads_are_vcpus);
	tcase_add_test(tests, the_user_can_ask_the_monitor);
}

int main(void)
{
	return run_suite("gdb_data", add_tests);
}
