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

/* One that somebody else has made, whose name is left. */
START_TEST(a_socket_that_listens_already)
{
	char place[] = "/tmp/ferry-given-XXXXXX";
	struct gdb_listener listener;
	struct sockaddr_un at;
	int client, fd, given = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_ptr_nonnull(mkdtemp(place));
	ck_assert_int_eq(rmdir(place), 0);
	ck_assert_int_eq(local_address(place, &at, &err), 0);
	ck_assert_int_eq(bind(given, (struct sockaddr *)&at, sizeof(at)), 0);
	snprintf(name, sizeof(name), "fd=%d", given);
	ck_assert_int_eq(gdb_check_address(name, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "it is a socket that does not listen"), "%s", err.text);
	ck_assert_int_eq(listen(given, 1), 0);
	ck_assert_int_eq(gdb_check_address(name, &err), 0);
	ck_assert_int_eq(gdb_listener_open(&listener, name, &err), 0);
	ck_assert_int_eq(listener.fd, given);
	ck_assert_str_eq(listener.name, place);
	ck_assert(gdb_listener_is_local(&listener));
	ck_assert_int_eq(gdb_listener_accept(&listener), -EAGAIN);
	client = local_connect(&at, 0);
	ck_assert_int_ge(client, 0);
	fd = gdb_listener_accept(&listener);
	ck_assert_int_ge(fd, 0);
	close(fd);
	close(client);
	gdb_listener_close(&listener);
	ck_assert_int_eq(fcntl(given, F_GETFD), -1);
	ck_assert_int_eq(unlink(place), 0);
}
END_TEST

/* As systemd opens one of TCP; and one that has no name. */
START_TEST(sockets_of_other_families)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	struct gdb_listener listener;
	int given = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (given >= 0) {
		ck_assert_int_eq(bind(given, (struct sockaddr *)&any, sizeof(any)), 0);
		ck_assert_int_eq(listen(given, 1), 0);
		snprintf(name, sizeof(name), "fd=%d", given);
		ck_assert_int_eq(gdb_listener_open(&listener, name, &err), 0);
		ck_assert_msg(strncmp(listener.name, "[::]:", 5) == 0, "%s", listener.name);
		ck_assert(!gdb_listener_is_local(&listener));
		gdb_listener_close(&listener);
	}
	given = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(given, (const struct sockaddr *)&nameless, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(given, 1), 0);
	snprintf(name, sizeof(name), "fd=%d", given);
	ck_assert_int_eq(gdb_listener_open(&listener, name, &err), 0);
	ck_assert_str_eq(listener.name, name);
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
	tcase_add_test(tests, the_unix_socket_is_its_owners);
	tcase_add_test(tests, a_socket_that_nobody_listens_at_is_replaced);
	tcase_add_test(tests, paths_that_are_somebody_elses_are_refused);
	tcase_add_test(tests, addresses_that_cannot_be_had_are_refused);
	tcase_add_test(tests, others_of_the_network_are_warned_of);
	tcase_add_test(tests, no_more_descriptors_are_no_endless_work);
	tcase_add_test(tests, a_machine_that_vanished_is_noticed);
	tcase_add_test(tests, a_socket_that_listens_already);
	tcase_add_test(tests, sockets_of_other_families);
	tcase_add_test(tests, a_pty_is_raw_and_can_be_kept_open);
}

int main(void)
{
	return run_suite("gdb listen", add_tests);
}
