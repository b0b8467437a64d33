/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger that comes to a machine, lets it run, steps it, stops it and leaves. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_gdb.h"

START_TEST(the_guest_is_halted_before_anything_is_answered)
{
	gdb_session_begin(session);
	ck_assert(gdb_session_active(session));
	ck_assert(gdb_session_ready(session));
	ck_assert_uint_eq(fake.halts, 1);
	say("?");
	hears("+|");
	ck_assert(!gdb_session_ready(session));
	stops(GDB_STOP_SIGNAL, 1, 2);
	hears("T05thread:2;10:0001010000000000;|");
	ck_assert(gdb_session_ready(session));
	answers("?", "+|T05thread:2;10:0001010000000000;");
}
END_TEST

START_TEST(a_guest_that_stands_stays)
{
	stops(GDB_STOP_SIGNAL, 2, 6);
	fake.stands = true;
	gdb_session_begin(session);
	ck_assert_uint_eq(fake.halts, 0);
	answers("?", "+|T06thread:3;10:0002010000000000;");
	gdb_session_end(session);
	ck_assert_uint_eq(fake.detaches, 1);
	ck_assert(!fake.ran_on);
	/* The next hears of a trap where this one met its point. */
	stops(GDB_STOP_SOFTWARE, 0, 5);
	fake.stands = true;
	gdb_session_begin(session);
	say("qSupported:swbreak+");
	forget();
	answers("?", "+|T05thread:1;10:0000010000000000;");
}
END_TEST

START_TEST(a_lost_debugger_leaves_the_guest_as_it_was)
{
	attach();
	say("c");
	gdb_session_end(session);
	ck_assert(fake.ran_on);
	ck_assert(!gdb_session_active(session));
	gdb_session_end(session);
	ck_assert_uint_eq(fake.detaches, 1);
	/* One that goes while the guest is being halted. */
	gdb_session_begin(session);
	say("g");
	gdb_session_end(session);
	ck_assert_uint_eq(fake.detaches, 2);
	ck_assert(fake.ran_on);
	stops(GDB_STOP_SIGNAL, 0, 2);
	hears("+|");
}
END_TEST

START_TEST(acknowledgements_and_repetition)
{
	fake.stands = true;
	gdb_session_begin(session);
	feed("-+", 2);
	hears("");
	feed("$qAttached#8e", 13);
	hears("-|");
	feed("$qAttached#8f", 13);
	hears("+|1|");
	feed("--", 2);
	hears("1|1|");
	feed("$qAtt$qAttached#8f", 18);
	hears("+|1|");
	say("QStartNoAckMode");
	hears("+|OK|");
	feed("-", 1);
	hears("");
	feed("$qAttached#8e", 13);
	hears("E.the packet's checksum is wrong|");
}
END_TEST

START_TEST(what_is_too_long_is_skipped)
{
	attach();
	feed("$M10000,1:", 10);
	for (unsigned int i = 0; i < GDB_PACKET_MAX; i++)
		feed("0", 1);
	hears("");
	feed("#00", 3);
	hears("E.the packet is too long, or cut off|");
	answers("qAttached", "1");
}
END_TEST

START_TEST(stops_are_told_with_their_reason)
{
	attach();
	say("c");
	stops(GDB_STOP_SOFTWARE, 2, 5);
	hears("T05thread:3;swbreak:;10:0002010000000000;|");
	say("c");
	stops(GDB_STOP_HARDWARE, 0, 5);
	hears("T05thread:1;hwbreak:;10:0000010000000000;|");
	say("c");
	stops_watch(GDB_WATCH_WRITE, 0xffffffff81000004);
	hears("T05thread:1;watch:ffffffff81000004;10:0000010000000000;|");
	say("c");
	stops_watch(GDB_WATCH_READ, 8);
	hears("T05thread:1;rwatch:8;10:0000010000000000;|");
	say("c");
	stops_watch(GDB_WATCH_ACCESS, 0);
	hears("T05thread:1;awatch:0;10:0000010000000000;|");
	answers("?", "T05thread:1;awatch:0;10:0000010000000000;");
	say("c");
	stops(GDB_STOP_SIGNAL, 0, 6);
	hears("T06thread:1;10:0000010000000000;|");
	stops(GDB_STOP_SIGNAL, 0, 5); /* nobody let it go */
	hears("");
}
END_TEST

START_TEST(detaching_lets_the_guest_go)
{
	attach();
	say("Z0,10010,1");
	hears("OK|");
	answers("D", "OK");
	ck_assert_uint_eq(fake.detaches, 1);
	ck_assert(fake.ran_on);
	ck_assert_uint_eq(fake.point_count, 0);
	ck_assert_uint_eq(parts, 1);
	ck_assert(!gdb_session_active(session));
	gdb_session_end(session);
	ck_assert_uint_eq(fake.detaches, 1);
	/* From a guest that runs, too. */
	attach();
	say("c");
	answers("D;1", "OK");
	ck_assert_uint_eq(fake.detaches, 2);
	ck_assert(fake.ran_on);
}
END_TEST

START_TEST(killing)
{
	attach();
	say("k");
	hears("");
	ck_assert_uint_eq(fake.kills, 1);
	ck_assert_uint_eq(parts, 1);
	attach();
	say("c");
	answers("vKill;1", "OK");
	ck_assert_uint_eq(fake.kills, 2);
	ck_assert_uint_eq(fake.detaches, 0);
	ck_assert(!gdb_session_active(session));
}
END_TEST

START_TEST(a_guest_that_ends_is_no_more)
{
	attach();
	say("c");
	gdb_session_exited(session, 3, 0);
	hears("W03|");
	answers("?", "W03");
	answers("g", "E.the guest is no more");
	answers("c", "E.the guest is no more");
	answers("qRcmd,6162", "E03");
	feed("\003", 1);
	ck_assert_uint_eq(fake.halts, 0);
	gdb_session_exited(session, 4, 0);
	hears("");
	gdb_session_end(session);
	ck_assert(!fake.ran_on);
	gdb_session_begin(session);
	answers("?", "+|W03");
	say("k");
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_eq(fake.detaches, 2);
	ck_assert(!fake.ran_on);
	gdb_session_begin(session);
	say("D");
	ck_assert_uint_eq(fake.detaches, 3);
	ck_assert(!fake.ran_on);
}
END_TEST

START_TEST(a_guest_may_end_by_a_signal_and_while_it_is_halted)
{
	gdb_session_begin(session);
	say("?");
	hears("+|");
	gdb_session_exited(session, 0, 6);
	hears("X06|");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, the_guest_is_halted_before_anything_is_answered);
	tcase_add_test(tests, a_guest_that_stands_stays);
	tcase_add_test(tests, a_lost_debugger_leaves_the_guest_as_it_was);
	tcase_add_test(tests, acknowledgements_and_repetition);
	tcase_add_test(tests, what_is_too_long_is_skipped);
	tcase_add_test(tests, stops_are_told_with_their_reason);
	tcase_add_test(tests, detaching_lets_the_guest_go);
	tcase_add_test(tests, killing);
	tcase_add_test(tests, a_guest_that_ends_is_no_more);
	tcase_add_test(tests, a_guest_may_end_by_a_signal_and_while_it_is_halted);
}

int main(void)
{
	return run_suite("gdb session", add_tests);
}
