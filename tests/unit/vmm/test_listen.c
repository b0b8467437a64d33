/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors handed over by names, as the environment tells of them. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/listen.h"

static struct err err;

static void hand_over(const char *count, const char *names)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
}

static int found(const char *name)
{
	char value[32];
	int fd;

	snprintf(value, sizeof(value), "fd=%s", name);
	return listen_parse(value, &fd, &err) ? err.code : fd;
}

static void refused(const char *name, const char *part)
{
	ck_assert_int_eq(found(name), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
}

START_TEST(each_by_its_name)
{
	hand_over("3", "disk:iommufd:disk2");
	ck_assert_int_eq(found("disk"), 3);
	ck_assert_int_eq(found("iommufd"), 4);
	ck_assert_int_eq(found("disk2"), 5);
}
END_TEST

START_TEST(names_that_are_not_there)
{
	hand_over("2", "disk:iommufd:net");
	refused("net", "LISTEN_FDNAMES has 'disk:iommufd:net', LISTEN_FDS 2");
	refused("dis", "no descriptor of this name was handed over");
	refused("disks", "no descriptor of this name was handed over");
	hand_over("0", "");
	refused("disk", "LISTEN_FDNAMES has '', LISTEN_FDS 0");
	hand_over("1", NULL);
	refused("disk", "LISTEN_FDNAMES has '', LISTEN_FDS 1");
}
END_TEST

START_TEST(a_name_of_two)
{
	hand_over("3", "disk:iommufd:disk");
	refused("disk", "descriptors 3 and 5 both have this name");
	ck_assert_int_eq(found("iommufd"), 4);
}
END_TEST

START_TEST(none_at_all)
{
	hand_over("1", "disk");
	unsetenv("LISTEN_FDS");
	refused("disk", "OpenFile=PATH:NAME");
	hand_over("1", "disk");
	unsetenv("LISTEN_PID");
	refused("disk", "LISTEN_PID and LISTEN_FDS are not set");
}
END_TEST

START_TEST(those_of_another_process)
{
	hand_over("1", "disk");
	setenv("LISTEN_PID", "1", 1);
	refused("disk", "are for process 1 (LISTEN_PID), not for this one");
}
END_TEST

START_TEST(nonsense)
{
	hand_over("many", "disk");
	refused("disk", "LISTEN_FDS=many: not a number");
	hand_over("1", "disk");
	setenv("LISTEN_PID", "me", 1);
	refused("disk", "LISTEN_PID=me: no number of a process");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, each_by_its_name);
	tcase_add_test(tests, names_that_are_not_there);
	tcase_add_test(tests, a_name_of_two);
	tcase_add_test(tests, none_at_all);
	tcase_add_test(tests, those_of_another_process);
	tcase_add_test(tests, nonsense);
}

int main(void)
{
	return run_suite("vmm listen", add_tests);
}
