/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections before a debugger is known to be there: the first that speaks its protocol is it. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_server.h"
#include "vmm/base/bits.h"

START_TEST(only_one_at_a_time)
{
	int first, second;

	if (!listen_number(_i) || *addresses[_i] == 'p')
		return;
	fake.stands = true;
	first = come();
	type(first, "+$qAttached#8f");
	reads(first, "+$1#31");
	second = come();
	ends(second);
	close(second);
	ck_assert(gdb_attached(gdb));
	type(first, "+$qAttached#8f");
	reads(first, "+$1#31");
	close(first);
	await(!gdb_attached(gdb));
	second = come();
	type(second, "+$qAttached#8f");
	reads(second, "+$1#31");
	close(second);
}
END_TEST

/* Whoever says nothing, or only begins, is in nobody's way; nor are many of them. */
START_TEST(who_speaks_first_is_the_debugger)
{
	int silent[10], fd;

	if (!listen_number(_i) || *addresses[_i] == 'p')
		return;
	fake.stands = true;
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		silent[i] = come();
		type(silent[i], i % 2 == 0 ? "" : "+$qAttached#8");
	}
	ck_assert(!gdb_attached(gdb));
	fd = come();
	type(fd, "+$qAtt");
	type(fd, "ached#8f");
	reads(fd, "+$1#31");
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		ends(silent[i]);
		close(silent[i]);
	}
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
	await(!gdb_attached(gdb));
	quiet();
}
END_TEST

/* As a browser posts what a page tells it to, and other protocols with a packet inside. */
START_TEST(other_protocols_are_shut_out)
{
	static const char *const said[] = {
		"POST / HTTP/1.1\r\nHost: localhost:1234\r\n\r\n$k#6b",
		"\r\n$k#6b",
		"-$k#6b",
		"+POST $k#6b",
		"$k#6c",
		"\x16\x03\x01$k#6b",
	};

	if (!listen_number(_i) || *addresses[_i] == 'p')
		return;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		int fd = come();

		hear();
		type(fd, said[i]);
		ck_assert_ptr_nonnull(strstr(heard(), "does not speak gdb's protocol"));
		await(read(fd, name + sizeof(name) - 1, 1) <= 0 && errno != EAGAIN);
		close(fd);
	}
	ck_assert_uint_eq(fake.kills, 0);
	ck_assert_uint_eq(fake.halts, 0);
	quiet();
}
END_TEST

START_TEST(a_first_packet_has_a_greatest_length)
{
	static char packet[5000];
	int fd;

	listen_at(unix_address);
	fd = come();
	memset(packet, 'x', sizeof(packet) - 1);
	packet[0] = '$';
	type(fd, packet);
	ends(fd);
	close(fd);
	quiet();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, only_one_at_a_time, 0, ADDRESSES);
	tcase_add_loop_test(tests, who_speaks_first_is_the_debugger, 0, ADDRESSES);
	tcase_add_loop_test(tests, other_protocols_are_shut_out, 0, ADDRESSES);
	tcase_add_test(tests, a_first_packet_has_a_greatest_length);
}

int main(void)
{
	return run_suite("gdb caller", add_tests);
}
