/* SPDX-License-Identifier: BSD-3-Clause */
/* How gdb has the guest go on: actions of the vCPUs, steps, ranges, interruptions. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_gdb.h"

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
	ck_assert_uint_eq(fake_gdb_pc(&fake, 2), 0x12345);
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
		if (fake_gdb_run(&fake, &stop))
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

/* By another than the debugger, as by its own interrupt. */
START_TEST(a_range_can_be_halted)
{
	attach();
	say("vCont;r10000,20000:1");
	ck_assert_uint_eq(steps(5), 5);
	gdb_session_halt(session);
	ck_assert_uint_eq(fake.halts, 1);
	fake.halting = false; /* the step comes first */
	ck_assert_uint_eq(steps(5), 1);
	hears("T02thread:1;10:0600010000000000;|");
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

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, actions_go_to_the_vcpus);
	tcase_add_test(tests, wrong_actions_move_nothing);
	tcase_add_test(tests, a_running_guest_can_only_be_interrupted);
	tcase_add_test(tests, a_range_is_stepped_through);
	tcase_add_test(tests, a_range_can_be_interrupted);
	tcase_add_test(tests, a_range_can_be_halted);
	tcase_add_test(tests, limits_are_told_when_the_guest_runs);
}

int main(void)
{
	return run_suite("gdb resume", add_tests);
}
