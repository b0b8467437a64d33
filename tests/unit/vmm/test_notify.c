/* SPDX-License-Identifier: BSD-3-Clause */
/* Whoever waits for a run to be ready, as systemd does, is told, and nobody is waited for. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/notify.h"

static char folder[] = "/tmp/ferry-notify-XXXXXX", name[64];

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/socket", folder);
}

static void tear_down(void)
{
	scratch_remove(folder);
}

static int service_manager(const char *path, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (abstract)
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void hears(int fd, const char *wanted)
{
	char text[64] = "";
	ssize_t size = recv(fd, text, sizeof(text) - 1, 0);

	ck_assert_int_eq(size, wanted ? (ssize_t)strlen(wanted) : -1);
	ck_assert_str_eq(text, wanted ? wanted : "");
}

static void is_told(const char *path, bool abstract)
{
	int manager = service_manager(path, abstract), fd = notify_open(), open_fd = fd;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	hears(manager, NULL);
	notify_ready(&fd);
	hears(manager, "READY=1");
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(open_fd, F_GETFD), -1);
	/* Once. */
	notify_ready(&fd);
	hears(manager, NULL);
	close(manager);
}

START_TEST(who_waits_is_told)
{
	is_told(name, false);
	snprintf(name, sizeof(name), "@%s", folder);
	is_told(name, true);
}
END_TEST

START_TEST(nobody_waits)
{
	int fd;

	unsetenv("NOTIFY_SOCKET");
	fd = notify_open();
	ck_assert_int_eq(fd, -1);
	notify_ready(&fd);
	setenv("NOTIFY_SOCKET", "", 1);
	hear();
	ck_assert_int_eq(notify_open(), -1);
	ck_assert_str_eq(heard(), "");
}
END_TEST

static void cannot_be_told(const char *text, const char *why)
{
	unsigned int descriptors = count_descriptors();

	setenv("NOTIFY_SOCKET", text, 1);
	hear();
	ck_assert_int_eq(notify_open(), -1);
	ck_assert_msg(strstr(heard(), why), "%s", heard());
	ck_assert_uint_eq(count_descriptors(), descriptors);
}

START_TEST(what_is_no_address)
{
	char more[200] = "/";

	cannot_be_told("vsock:2:1234", "NOTIFY_SOCKET=vsock:2:1234: nobody can be told");
	memset(more + 1, 'a', sizeof(more) - 2);
	cannot_be_told(more, "aaa: nobody can be told that the guest runs: Invalid argument");
	cannot_be_told(name, "nobody can be told that the guest runs: No such file");
}
END_TEST

/* One that is gone, or that does not read, is no reason to wait nor to end. */
START_TEST(who_does_not_listen_is_not_waited_for)
{
	int manager = service_manager(name, false), fd = notify_open();
	ssize_t sent = 0;

	while (sent >= 0)
		sent = write(fd, "x", 1);
	ck_assert_int_eq(errno, EAGAIN);
	hear();
	notify_ready(&fd);
	ck_assert_msg(strstr(heard(), "NOTIFY_SOCKET: nobody heard that the guest runs"), "%s",
		      heard());
	close(manager);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, who_waits_is_told);
	tcase_add_test(tests, nobody_waits);
	tcase_add_test(tests, what_is_no_address);
	tcase_add_test(tests, who_does_not_listen_is_not_waited_for);
}

int main(void)
{
	return run_suite("notify", add_tests);
}
