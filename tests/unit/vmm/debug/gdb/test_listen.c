/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the gdb server listens, and who may connect there. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_server.h"
#include "vmm/base/bits.h"
#include "vmm/debug/gdb/listen.h"

START_TEST(addresses_are_checked)
{
	static const char *const good[] = {"1234",           ":1234",         "localhost:1234",
					   "127.0.0.1:1",    "0.0.0.0:65535", "[::1]:1234",
					   "[::]:0",         "pty",           "unix:a",
					   "unix:/tmp/a b:c"};
	static const char *const bad[] = {"",
					  "x",
					  "65536",
					  "-1",
					  "0x10",
					  "12 ",
					  "host:12",
					  "::1:12",
					  "[::1]",
					  "[::1]12",
					  "[::1:12",
					  "[]:12",
					  "[:12",
					  "1.2.3.4",
					  "1.2.3:4",
					  "1.2.3.4:",
					  "[1.2.3.4]:5",
					  "unix:",
					  "unix",
					  "ptys",
					  "tcp::1234",
					  "99999999999999999999"};
	char text[200] = "unix:";

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(gdb_check_address(good[i], &err) == 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		ck_assert_msg(gdb_check_address(bad[i], &err) == -EINVAL, "%s", bad[i]);
		ck_assert(strstr(err.text, ": give ") || strstr(err.text, "unix:PATH"));
	}
	memset(text + 5, 'p', 107);
	ck_assert_int_eq(gdb_check_address(text, &err), 0);
	text[5 + 107] = 'p';
	ck_assert_int_eq(gdb_check_address(text, &err), -EINVAL);
	memset(text, '1', sizeof(text) - 1);
	text[100] = ':';
	ck_assert_int_eq(gdb_check_address(text, &err), -EINVAL);
}
END_TEST

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

/*
 * The user of a socket is the file system user of who made it, which a thread may change for
 * itself.
 */
START_TEST(other_users_are_shut_out)
{
	enum { NOBODY = 65534 };
	int fd;

	if (geteuid() != 0) {
		printf("skip: only root can be another user\n");
		return;
	}
	if (!listen_number(_i) || *addresses[_i] == 'u' || *addresses[_i] == 'p')
		return;
	hear();
	setfsuid(NOBODY);
	fd = come();
	setfsuid(0);
	ends(fd);
	ck_assert_ptr_nonnull(strstr(heard(), "another user of this machine"));
	close(fd);
	ck_assert(!gdb_attached(gdb));
	/* It has gone before it is looked at, and cannot be told from root then. */
	setfsuid(NOBODY);
	fd = *name == '[' || *name == '1' ? connect_tcp() : -1;
	setfsuid(0);
	ck_assert_int_eq(write(fd, "$k#6b", 5), 5);
	close(fd);
	turn();
	ck_assert_uint_eq(fake.kills, 0);
	fake.stands = true;
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

/* A client of IPv6 may come to an address of IPv4, and is in that table. */
START_TEST(a_mapped_address_is_found)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	unsigned int port;
	int fd;

	if (!has_v6()) {
		printf("skip: no IPv6 here\n");
		return;
	}
	listen_at("0");
	fake.stands = true;
	ck_assert_int_eq(sscanf(name, "127.0.0.1:%u", &port), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr), 1);
	v6.sin6_port = htons((in_port_t)port);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert(connect(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0 || errno == EINPROGRESS);
	turn();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

START_TEST(the_unix_socket_is_its_owners)
{
	struct stat file;

	listen_at(unix_address);
	ck_assert_str_eq(name, path);
	ck_assert_int_eq(lstat(path, &file), 0);
	ck_assert_uint_eq(file.st_mode, S_IFSOCK | 0600);
	gdb_destroy(gdb);
	gdb = NULL;
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

static void leave_socket(bool stale)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	if (stale)
		close(fd);
}

START_TEST(a_socket_that_nobody_listens_at_is_replaced)
{
	int fd;

	leave_socket(true);
	listen_at(unix_address);
	fd = come();
	type(fd, "$?#3f");
	await(gdb_attached(gdb));
	close(fd);
	/* What is there in the end is not this one's. */
	ck_assert_int_eq(unlink(path), 0);
	leave_socket(true);
	gdb_destroy(gdb);
	gdb = NULL;
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(paths_that_are_somebody_elses_are_refused)
{
	char below[96];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	refused(unix_address, -EEXIST, "something else than a socket");
	ck_assert_int_eq(access(path, F_OK), 0);
	snprintf(below, sizeof(below), "%s/below", unix_address);
	refused(below, -ENOTDIR, below);
	ck_assert_int_eq(unlink(path), 0);
	refused(below, -ENOENT, below);
	ck_assert_int_eq(symlink("socket", path), 0);
	refused(unix_address, -EEXIST, "something else than a socket");
	ck_assert_int_eq(unlink(path), 0);
	leave_socket(false);
	refused(unix_address, -EADDRINUSE, "another program listens there");
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(addresses_that_cannot_be_had_are_refused)
{
	char address[160];

	refused("192.0.2.1:1234", -EADDRNOTAVAIL, "192.0.2.1:1234");
	refused("nowhere", -EINVAL, "unix:PATH");
	listen_at("0");
	refused(name, -EADDRINUSE, name);
	snprintf(address, sizeof(address), "%.150s", name);
	gdb_destroy(gdb);
	listen_at(address);
}
END_TEST

START_TEST(others_of_the_network_are_warned_of)
{
	const char *text;

	hear();
	gdb = create("0.0.0.0:0");
	text = heard();
	ck_assert_ptr_nonnull(gdb);
	ck_assert_ptr_nonnull(strstr(text, "owns the guest"));
	gdb_destroy(gdb);
	hear();
	gdb = create("127.1.2.3:0");
	text = heard();
	ck_assert_ptr_nonnull(gdb);
	ck_assert_ptr_null(strstr(text, "owns the guest"));
	ck_assert_ptr_nonnull(strstr(text, "target remote 127.1.2.3:"));
}
END_TEST

START_TEST(no_more_descriptors_are_no_endless_work)
{
	struct rlimit limit, tight;
	int fd, client;

	fake.stands = true;
	listen_at(unix_address);
	client = connect_unix();
	hear();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fd = dup(client);
	close(fd);
	tight = (struct rlimit){.rlim_cur = (rlim_t)fd, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	turn();
	quiet();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "no debugger can connect: Too many open files"));
	ck_assert(!gdb_attached(gdb));
	/* It has waited. */
	ck_assert_int_eq(fcntl(client, F_SETFL, O_NONBLOCK), 0);
	type(client, "+$qAttached#8f");
	reads(client, "+$1#31");
	close(client);
}
END_TEST

START_TEST(a_machine_that_vanished_is_noticed)
{
	struct gdb_listener listener;
	socklen_t size = sizeof(int);
	int client, fd, alive = 0;

	ck_assert_int_eq(gdb_listener_open(&listener, "0", &err), 0);
	snprintf(name, sizeof(name), "%s", listener.name);
	client = connect_tcp();
	fd = gdb_listener_accept(&listener);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &size), 0);
	ck_assert_int_eq(alive, 1);
	close(fd);
	close(client);
	gdb_listener_close(&listener);
}
END_TEST

/* A debugger on a serial line may stay when it detaches, and come back over the same one. */
START_TEST(a_pty_is_raw_and_can_be_kept_open)
{
	struct termios mode;
	int fd;

	fake.stands = true;
	listen_at("pty");
	fd = come();
	ck_assert_int_eq(tcgetattr(fd, &mode), 0);
	ck_assert_int_eq(mode.c_lflag & (ICANON | ECHO | ISIG), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		type(fd, "+$qAttached#8f");
		reads(fd, "+$1#31");
		type(fd, "+$D#44");
		reads(fd, "+$OK#9a");
		type(fd, "+");
		await(!gdb_attached(gdb));
		ck_assert_uint_eq(fake.detaches, i);
		fake.stands = true;
		quiet();
	}
	close(fd);
	quiet();
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, addresses_are_checked);
	tcase_add_loop_test(tests, only_one_at_a_time, 0, ADDRESSES);
	tcase_add_loop_test(tests, who_speaks_first_is_the_debugger, 0, ADDRESSES);
	tcase_add_loop_test(tests, other_protocols_are_shut_out, 0, ADDRESSES);
	tcase_add_test(tests, a_first_packet_has_a_greatest_length);
	tcase_add_loop_test(tests, other_users_are_shut_out, 0, ADDRESSES);
	tcase_add_test(tests, a_mapped_address_is_found);
	tcase_add_test(tests, the_unix_socket_is_its_owners);
	tcase_add_test(tests, a_socket_that_nobody_listens_at_is_replaced);
	tcase_add_test(tests, paths_that_are_somebody_elses_are_refused);
	tcase_add_test(tests, addresses_that_cannot_be_had_are_refused);
	tcase_add_test(tests, others_of_the_network_are_warned_of);
	tcase_add_test(tests, no_more_descriptors_are_no_endless_work);
	tcase_add_test(tests, a_machine_that_vanished_is_noticed);
	tcase_add_test(tests, a_pty_is_raw_and_can_be_kept_open);
}

int main(void)
{
	return run_suite("gdb_listen", add_tests);
}
