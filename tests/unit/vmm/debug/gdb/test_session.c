/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger that comes to a machine, lets it run, steps it, stops it and leaves. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/log.h"
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

static void does(const char *packet, enum gdb_action first, enum gdb_action second,
		 enum gdb_action third)
{
	say(packet);
	hears("");
	ck_assert_int_eq(fake.actions[0], first);
	ck_assert_int_eq(fake.actions[1], second);
	ck_assert_int_eq(fake.actions[2], third);
	ck_assert(!fake.stands);
	stops(GDB_STOP_SIGNAL, 1, 5);
	hears("T05thread:2;10:0001010000000000;|");
	answers("qC", "QC2");
}

START_TEST(actions_go_to_the_vcpus)
{
	attach();
	does("vCont;c", GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE);
	does("vCont;C05", GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE);
	does("vCont;s:2;c", GDB_CONTINUE, GDB_STEP, GDB_CONTINUE);
	does("vCont;S05:3", GDB_HOLD, GDB_HOLD, GDB_STEP);
	does("vCont;c:1;s:-1", GDB_CONTINUE, GDB_STEP, GDB_STEP);
	does("vCont;s:1;c:1;c:3", GDB_STEP, GDB_HOLD, GDB_CONTINUE);
	does("vCont;s:0", GDB_HOLD, GDB_STEP, GDB_HOLD);
	does("c", GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE);
	does("C02", GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE);
	does("s", GDB_CONTINUE, GDB_STEP, GDB_CONTINUE);
	say("Hc3");
	hears("OK|");
	does("s", GDB_HOLD, GDB_HOLD, GDB_STEP);
	does("S05;0000000000012345", GDB_HOLD, GDB_HOLD, GDB_STEP);
	ck_assert_uint_eq(gdb_fake_pc(&fake, 2), 0x12345);
	does("c", GDB_HOLD, GDB_HOLD, GDB_CONTINUE);
	ck_assert_uint_eq(fake.resumes, 13);
}
END_TEST

START_TEST(wrong_actions_move_nothing)
{
	static const char *const wrong[] = {"vCont;",
					    "vCont;x",
					    "vCont;c;",
					    "vCont;c:4",
					    "vCont;c:-2",
					    "vCont;t",
					    "vCont;C",
					    "vCont;C5",
					    "vCont;s:2;Sxx",
					    "vCont;r",
					    "vCont;r1",
					    "vCont;r2,1",
					    "vCont;r1,2,3",
					    "vCont;c:p1.1",
					    "cx",
					    "c1,",
					    "s-1",
					    "C",
					    "C5",
					    "C05;x",
					    "S05:1",
					    "Cxx",
					    "s10000000000000000"};

	attach();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		answers(wrong[i], "E16");
	answers("vCont", "");
	fake.resume_status = -EOPNOTSUPP;
	answers("vCont;s:1;c", "E.this host cannot step single instructions");
	fake.resume_status = -EIO;
	answers("c", "E05");
	ck_assert_uint_eq(fake.resumes, 0);
	answers("p10", "0000010000000000");
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

START_TEST(a_running_guest_can_only_be_interrupted)
{
	attach();
	say("c");
	answers("g", "E.the guest is running: interrupt it first");
	answers("m10000,4", "E.the guest is running: interrupt it first");
	answers("vCont;c", "E.the guest is running: interrupt it first");
	answers("?", "E.the guest is running");
	answers("qRcmd,6162", "O796f7520736169642061620a|OK");
	ck_assert_uint_eq(fake.halts, 0);
	feed("\003", 1);
	ck_assert_uint_eq(fake.halts, 1);
	hears("");
	stops(GDB_STOP_SIGNAL, 0, 2);
	hears("T02thread:1;10:0000010000000000;|");
	feed("\003", 1);
	ck_assert_uint_eq(fake.halts, 1);
	say("c");
	answers("vCtrlC", "OK");
	ck_assert_uint_eq(fake.halts, 2);
	stops(GDB_STOP_SIGNAL, 0, 2);
	hears("T02thread:1;10:0000010000000000;|");
	answers("vCtrlC", "OK");
	ck_assert_uint_eq(fake.halts, 2);
}
END_TEST

/* Steps until the session lets the guest stand; how many. */
static unsigned int steps(unsigned int most)
{
	struct gdb_stop stop;
	unsigned int count = 0;

	while (!fake.stands && count < most) {
		count++;
		if (gdb_fake_run(&fake, &stop))
			gdb_session_stopped(session, &stop);
	}
	return count;
}

START_TEST(a_range_is_stepped_through)
{
	attach();
	say("vCont;r10000,10010:1;c");
	ck_assert_uint_eq(steps(100), 16);
	hears("T05thread:1;10:1000010000000000;|");
	ck_assert_uint_eq(fake.resumes, 16);
	ck_assert_int_eq(fake.actions[1], GDB_CONTINUE);
	/* An empty one is a step. */
	say("vCont;r10010,10010:1");
	ck_assert_uint_eq(steps(100), 1);
	hears("T05thread:1;10:1100010000000000;|");
	/* A point within, and another vCPU's. */
	say("Z1,10014,1");
	hears("OK|");
	say("vCont;r10000,10020:1;c");
	ck_assert_uint_eq(steps(100), 3);
	hears("T05thread:1;hwbreak:;10:1400010000000000;|");
	say("vCont;r10000,10020:1;c");
	stops(GDB_STOP_SOFTWARE, 1, 5);
	say("?");
	ck_assert(strstr(sent, "T05thread:2;swbreak:;") == sent);
	forget();
	/* It is over then. */
	say("vCont;s:1");
	ck_assert_uint_eq(steps(100), 1);
	hears("T05thread:1;10:1500010000000000;|");
}
END_TEST

START_TEST(a_range_can_be_interrupted)
{
	attach();
	say("vCont;r10000,20000:1");
	ck_assert_uint_eq(steps(5), 5);
	hears("");
	feed("\003", 1);
	ck_assert_uint_eq(fake.halts, 1);
	fake.halting = false; /* the step comes first */
	ck_assert_uint_eq(steps(5), 1);
	hears("T02thread:1;10:0600010000000000;|");
	/* And fails to go on. */
	say("vCont;r10000,20000:1");
	ck_assert_uint_eq(steps(2), 2);
	fake.resume_status = -EIO;
	ck_assert_uint_eq(steps(5), 1);
	hears("T05thread:1;10:0900010000000000;|");
}
END_TEST

START_TEST(limits_are_told_when_the_guest_runs)
{
	fake.limits = "no steps";
	hear();
	attach();
	ck_assert_ptr_nonnull(strstr(heard(), "no steps"));
	fake.resume_status = -EIO;
	answers("c", "E05");
	fake.resume_status = 0;
	answers("c", "O66657272793a206e6f2073746570730a");
	stops(GDB_STOP_SIGNAL, 0, 5);
	forget();
	say("c");
	hears("");
	gdb_session_end(session);
	hear();
	attach();
	ck_assert_str_eq(heard(), "");
	answers("c", "O66657272793a206e6f2073746570730a");
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
	tcase_add_test(tests, actions_go_to_the_vcpus);
	tcase_add_test(tests, wrong_actions_move_nothing);
	tcase_add_test(tests, stops_are_told_with_their_reason);
	tcase_add_test(tests, a_running_guest_can_only_be_interrupted);
	tcase_add_test(tests, a_range_is_stepped_through);
	tcase_add_test(tests, a_range_can_be_interrupted);
	tcase_add_test(tests, limits_are_told_when_the_guest_runs);
	tcase_add_test(tests, detaching_lets_the_guest_go);
	tcase_add_test(tests, killing);
	tcase_add_test(tests, a_guest_that_ends_is_no_more);
	tcase_add_test(tests, a_guest_may_end_by_a_signal_and_while_it_is_halted);
}

int main(void)
{
	return run_suite("gdb_session", add_tests);
}
