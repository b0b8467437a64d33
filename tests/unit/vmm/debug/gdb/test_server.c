/* SPDX-License-Identifier: BSD-3-Clause */
/* Debuggers that connect to the gdb server, wait, do not read, and leave in every way. */

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_server.h"

START_TEST(a_debugger_comes_and_detaches_and_comes_again)
{
	if (!listen_number(_i))
		return;
	for (unsigned int i = 1; i <= 3; i++) {
		int fd = come();

		ck_assert(!gdb_attached(gdb));
		type(fd, "+$?#3f");
		await(gdb_attached(gdb));
		ck_assert_uint_eq(fake.halts, i);
		halts();
		reads(fd, "+$T05thread:1;10:0000000000000000;#ad");
		type(fd, "+$qAttached#8f");
		reads(fd, "+$1#31");
		type(fd, "+$D#44");
		reads(fd, "+$OK#9a");
		await(!gdb_attached(gdb));
		ck_assert_uint_eq(fake.detaches, i);
		ck_assert(fake.ran_on);
		if (*addresses[_i] != 'p')
			ends(fd);
		close(fd);
		quiet();
	}
}
END_TEST

START_TEST(a_lost_connection_is_a_lost_debugger)
{
	int fd;

	if (!listen_number(_i))
		return;
	fake.stands = true;
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	type(fd, "+$g#6"); /* in the middle of a packet */
	close(fd);
	await(!gdb_attached(gdb));
	ck_assert_uint_eq(fake.detaches, 1);
	ck_assert(!fake.ran_on);
	quiet();
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	type(fd, "+$c#63");
	reads(fd, "+");
	await(!fake.stands);
	type(fd, "\003");
	await(fake.halting);
	close(fd);
	await(!gdb_attached(gdb));
	ck_assert_uint_eq(fake.detaches, 2);
	ck_assert(fake.ran_on);
	quiet();
}
END_TEST

/* Some of an answer is on its way to a debugger that left: the next must not see it. */
START_TEST(answers_of_the_last_are_not_the_nexts)
{
	int fd;

	if (!listen_number(_i))
		return;
	fake.stands = true;
	fake.monitor_size = 100000;
	fd = come();
	type(fd, "+$qRcmd,#23");
	await(gdb_attached(gdb));
	reads(fd, "+$O6d6d");
	close(fd);
	await(!gdb_attached(gdb));
	quiet();
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

START_TEST(a_probe_does_not_halt_the_guest)
{
	int fd;

	if (!listen_number(_i))
		return;
	fd = come();
	close(fd);
	turn();
	fd = come();
	type(fd, "+\003+");
	close(fd);
	quiet();
	ck_assert_uint_eq(fake.halts, 0);
	ck_assert_uint_eq(fake.detaches, 0);
	/* What is left on a serial line is passed over. */
	fd = come();
	type(fd, *addresses[_i] == 'p' ? "noise$?#3f" : "+$?#3f");
	halts();
	reads(fd, "+$T05");
	close(fd);
}
END_TEST

START_TEST(last_words_are_heard)
{
	int fd;

	if (!listen_number(_i))
		return;
	fake.stands = true;
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	ck_assert_int_eq(write(fd, "+$k#6b", 6), 6);
	close(fd);
	await(fake.kills == 1);
	await(!gdb_attached(gdb));
	ck_assert_uint_eq(fake.detaches, 0);
	quiet();
}
END_TEST

/* The end of one connection and the beginning of the next are seen in the same turn of the loop. */
START_TEST(who_comes_back_at_once_is_let_in)
{
	int fd, next;

	if (!listen_number(_i) || *addresses[_i] == 'p')
		return;
	fake.stands = true;
	fd = come();
	for (unsigned int i = 1; i <= 20; i++) {
		type(fd, "+$qAttached#8f");
		reads(fd, "+$1#31");
		ck_assert_int_eq(write(fd, "+$?#3f+", 7), 7);
		close(fd);
		next = *name == '/' ? connect_unix() : connect_tcp();
		ck_assert_int_eq(fcntl(next, F_SETFL, O_NONBLOCK), 0);
		await(fake.detaches == i);
		fd = next;
	}
	close(fd);
}
END_TEST

/* Whoever asks and does not listen is not listened to. */
START_TEST(a_debugger_that_does_not_read_waits)
{
	static const char question[] = "$qXfer:features:read:core.xml:0,1000#2e";
	static char questions[64 * (sizeof(question) - 1) + 1];
	static char bytes[64 * 1024];
	size_t asked = 0, told = 0;
	ssize_t n;
	int fd;

	if (!listen_number(_i))
		return;
	for (unsigned int i = 0; i < 64; i++)
		strcat(questions, question);
	fake.stands = true;
	fd = come();
	type(fd, "+$QStartNoAckMode#b0");
	reads(fd, "+$OK#9a");
	for (int idle = 0; idle < 20;) {
		size_t done = asked % strlen(questions);

		n = write(fd, questions + done, strlen(questions) - done);
		idle = n < 0 ? idle + 1 : 0;
		asked += n > 0 ? (size_t)n : 0;
		ck_assert_uint_lt(asked, 64 << 20);
		turn();
	}
	quiet();
	/* All the kernel holds would take long. */
	while (told < asked / strlen(question) && told < 3000) {
		n = read(fd, bytes, sizeof(bytes));
		for (ssize_t i = 0; i < n; i++)
			told += bytes[i] == '$';
		turn();
	}
	ck_assert(gdb_attached(gdb));
	close(fd);
	await(!gdb_attached(gdb));
}
END_TEST

START_TEST(packets_wait_for_the_guest_to_stand)
{
	int fd;

	if (!listen_number(_i))
		return;
	fd = come();
	type(fd, "+$QStartNoAckMode#b0$?#3f$qAttached#8f");
	reads(fd, "+");
	await(gdb_attached(gdb));
	quiet();
	halts();
	reads(fd, "$OK#9a$T05thread:1;10:0000000000000000;#ad$1#31");
	close(fd);
	await(!gdb_attached(gdb));
	/* One that leaves before is not waited for. */
	fake.stands = false;
	fd = come();
	type(fd, "+$?#3f$?#3f");
	await(fake.halting);
	close(fd);
	await(!gdb_attached(gdb));
	ck_assert(fake.ran_on);
}
END_TEST

START_TEST(the_end_of_the_guest_is_told)
{
	int fd;

	if (!listen_number(_i))
		return;
	fake.stands = true;
	fd = come();
	type(fd, "+$QStartNoAckMode#b0");
	reads(fd, "+$OK#9a");
	type(fd, "$c#63");
	await(!fake.stands);
	gdb_exited(gdb, 0, 0);
	if (*addresses[_i] != 'p') { /* a terminal's output goes with it */
		gdb_destroy(gdb);
		gdb = NULL;
	}
	reads(fd, "$W00#b7");
	close(fd);
}
END_TEST

START_TEST(a_stop_may_come_at_once)
{
	struct gdb_stop stop;
	int fd;

	listen_at("0");
	fd = come();
	gdb_exited(gdb, 5, 0); /* nobody listens */
	stop = fake_gdb_stop(&fake, GDB_STOP_SIGNAL, 0, 5);
	gdb_stopped(gdb, &stop);
	type(fd, "$?#3f");
	reads(fd, "+$W05#bc");
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, a_debugger_comes_and_detaches_and_comes_again, 0, ADDRESSES);
	tcase_add_loop_test(tests, a_lost_connection_is_a_lost_debugger, 0, ADDRESSES);
	tcase_add_loop_test(tests, answers_of_the_last_are_not_the_nexts, 0, ADDRESSES);
	tcase_add_loop_test(tests, a_probe_does_not_halt_the_guest, 0, ADDRESSES);
	tcase_add_loop_test(tests, last_words_are_heard, 0, ADDRESSES);
	tcase_add_loop_test(tests, who_comes_back_at_once_is_let_in, 0, ADDRESSES);
	tcase_add_loop_test(tests, a_debugger_that_does_not_read_waits, 0, ADDRESSES);
	tcase_add_loop_test(tests, packets_wait_for_the_guest_to_stand, 0, ADDRESSES);
	tcase_add_loop_test(tests, the_end_of_the_guest_is_told, 0, ADDRESSES);
	tcase_add_test(tests, a_stop_may_come_at_once);
}

int main(void)
{
	return run_suite("gdb_server", add_tests);
}
