/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that somebody else has opened: which listen, which are connected, which are neither. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/activated.h"

static struct err err;

START_TEST(numbers)
{
	ck_assert_int_eq(activated_parse("fd=3"), 3);
	ck_assert_int_eq(activated_parse("fd=999999999"), 999999999);
	ck_assert_int_eq(activated_parse("fd=9999999999"), -EINVAL);
	ck_assert_int_eq(activated_parse("fd="), -EINVAL);
	ck_assert_int_eq(activated_parse("fd=-1"), -EINVAL);
	ck_assert_int_eq(activated_parse("fd=3x"), -EINVAL);
	ck_assert_int_eq(activated_parse("fe=3"), -EINVAL);
	ck_assert_int_eq(activated_parse(""), -EINVAL);
}
END_TEST

static void no_listener(int fd, const char *part)
{
	int family;

	ck_assert_int_eq(activated_check_listener(fd, &family, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	close(fd);
}

static void no_connection(int fd, const char *part)
{
	ck_assert_int_eq(activated_check_connection(fd, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	close(fd);
}

static int listening(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&nameless, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

START_TEST(those_that_listen)
{
	int family, ends[2], fd = listening();

	ck_assert_int_eq(activated_check_listener(fd, &family, &err), 0);
	ck_assert_int_eq(family, AF_UNIX);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(accept(fd, NULL, NULL), -1);
	close(fd);
	no_listener(open("/dev/null", O_RDWR), "it is no socket");
	no_listener(socket(AF_UNIX, SOCK_STREAM, 0), "does not listen");
	no_listener(socket(AF_UNIX, SOCK_DGRAM, 0), "it is no stream socket");
	no_listener(socket(AF_NETLINK, SOCK_RAW, 0), "neither of Unix nor of TCP");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	no_listener(ends[0], "does not listen");
	close(ends[1]);
}
END_TEST

START_TEST(those_that_are_connected)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(activated_check_connection(ends[0], &err), 0);
	/* What is no socket is somebody else's to judge. */
	ck_assert_int_eq(activated_check_connection(STDERR_FILENO, &err), 0);
	close(ends[0]);
	close(ends[1]);
	no_connection(listening(), "it is a socket that listens");
	no_connection(socket(AF_UNIX, SOCK_STREAM, 0), "that is not connected");
	no_connection(socket(AF_UNIX, SOCK_DGRAM, 0), "it is no stream socket");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, numbers);
	tcase_add_test(tests, those_that_listen);
	tcase_add_test(tests, those_that_are_connected);
}

int main(void)
{
	return run_suite("activated", add_tests);
}
