/* SPDX-License-Identifier: BSD-3-Clause */
/* What gdb asks of the server itself: features, documents, threads, the monitor's commands. */

#include <check.h>
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
	tcase_add_test(tests, threads_are_vcpus);
	tcase_add_test(tests, the_user_can_ask_the_monitor);
}

int main(void)
{
	return run_suite("gdb query", add_tests);
}
