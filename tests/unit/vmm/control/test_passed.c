/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors of a client: their names, how many there may be, and when they are closed. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/thread.h"
#include "vmm/control/passed.h"

static struct control_passed passed, other;
static unsigned int all;
static struct err err;

static int an_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_gt(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void set_up(void)
{
	all = 0;
	passed = (struct control_passed){.waiting = -1, .all = &all};
	other = passed;
	err = (struct err){0};
}

static void tear_down(void)
{
	control_passed_release(&passed);
	control_passed_release(&other);
	ck_assert_uint_eq(all, 0);
}

static int keep(const char *name)
{
	int fd = an_fd();

	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	ck_assert_msg(control_passed_keep(&passed, name, &err) == 0, "%s", err.text);
	return fd;
}

static void refuses(const char *name, int code, const char *part)
{
	ck_assert_int_eq(control_passed_keep(&passed, name, &err), code);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	ck_assert_int_eq(passed.waiting, -1);
}

START_TEST(each_has_its_name)
{
	int disk = keep("disk"), nic = keep("nic");

	ck_assert_int_eq(control_passed_find(&passed, "disk", &err), disk);
	ck_assert_int_eq(control_passed_find(&passed, "nic", &err), nic);
	ck_assert_uint_eq(all, 2);
	ck_assert_int_eq(control_passed_drop(&passed, "disk", &err), 0);
	ck_assert(!is_open(disk) && is_open(nic));
	ck_assert_int_eq(control_passed_find(&passed, "disk", &err), -EBADF);
	ck_assert_str_eq(err.text, "no descriptor has the name 'disk': getfd gives it one");
	ck_assert_int_eq(control_passed_drop(&passed, "disk", &err), -EBADF);
	control_passed_give(&passed, nic);
	ck_assert(is_open(nic));
	ck_assert_uint_eq(all, 0);
	ck_assert_int_eq(control_passed_find(&passed, "nic", &err), -EBADF);
	close(nic);
	/* One that it does not have. */
	control_passed_give(&passed, 12345);
}
END_TEST

START_TEST(a_second_of_a_name_replaces_the_first)
{
	int first = keep("a"), second = keep("a");

	ck_assert(!is_open(first) && is_open(second));
	ck_assert_int_eq(control_passed_find(&passed, "a", &err), second);
	ck_assert_uint_eq(all, 1);
}
END_TEST

START_TEST(names_are_checked)
{
	char name[CONTROL_PASSED_NAME + 1] = "";
	int fd = an_fd();

	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	refuses("1a", -EINVAL, "fdname '1a': it takes a name that does not begin with a digit");
	ck_assert(!is_open(fd));
	refuses("", -EINVAL, "fdname ''");
	memset(name, 'n', sizeof(name) - 1);
	refuses(name, -EINVAL, "it is too long: 63 bytes are the most");
	name[CONTROL_PASSED_NAME - 1] = '\0';
	keep(name);
}
END_TEST

START_TEST(what_came_is_told)
{
	int fd = an_fd();

	refuses("a", -EBADF, "no descriptor came with it");
	control_passed_bring(&passed, -1, CONTROL_CAME_LOST);
	refuses("a", -EMFILE, "too many open");
	refuses("a", -EBADF, "no descriptor came with it");
	control_passed_bring(&passed, fd, CONTROL_CAME_SEVERAL);
	refuses("a", -EINVAL, "several descriptors came with it");
	ck_assert(!is_open(fd));
}
END_TEST

START_TEST(one_waits_at_a_time)
{
	int first = an_fd(), second = an_fd();

	control_passed_bring(&passed, first, CONTROL_CAME_ONE);
	control_passed_bring(&passed, second, CONTROL_CAME_ONE);
	ck_assert(!is_open(first) && is_open(second));
	control_passed_bring(&passed, -1, CONTROL_CAME_NONE);
	ck_assert(is_open(second));
	ck_assert_int_eq(control_passed_keep(&passed, "a", &err), 0);
	refuses("a", -EBADF, "no descriptor came");
}
END_TEST

/* A socket whose close waits for its peer would have the whole monitor wait. */
START_TEST(what_may_wait_is_not_taken)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 3600};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other_end, ends[2];
	struct linger left = linger;
	socklen_t size = sizeof(left);

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	other_end = dup(fd);
	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	refuses("a", -ENODEV, "fdname 'a': what came is no character device, as /dev/iommu");
	ck_assert(!is_open(fd));
	ck_assert_int_eq(getsockopt(other_end, SOL_SOCKET, SO_LINGER, &left, &size), 0);
	ck_assert_int_eq(left.l_onoff, 0);
	close(other_end);
	control_passed_bring(&passed, open("/tmp", O_RDONLY | O_CLOEXEC), CONTROL_CAME_ONE);
	refuses("a", -ENODEV, "no character device");
	/* Of Unix, but nobody is at its other end. */
	control_passed_bring(&passed, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
			     CONTROL_CAME_ONE);
	refuses("a", -ENODEV, "and no connected socket of Unix");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	control_passed_bring(&passed, ends[0], CONTROL_CAME_ONE);
	ck_assert_int_eq(control_passed_keep(&passed, "server", &err), 0);
	close(ends[1]);
	/* Files of this host's and pipes are for a device's options. */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	control_passed_bring(&passed, ends[1], CONTROL_CAME_ONE);
	ck_assert_int_eq(control_passed_keep(&passed, "trace", &err), 0);
	control_passed_bring(&passed, open("/proc/self/status", O_RDONLY | O_CLOEXEC),
			     CONTROL_CAME_ONE);
	ck_assert_int_eq(control_passed_keep(&passed, "rom", &err), 0);
	close(ends[0]);
}
END_TEST

static long system_type;           /* of the next file that is asked about; 0: what it is */
static unsigned int system_silent; /* for so many seconds */

/* The C library's. */
int fstatfs(int fd, struct statfs *system)
{
	int rc = (int)syscall(SYS_fstatfs, fd, system);

	sleep(system_silent);
	if (system_type)
		system->f_type = (__typeof__(system->f_type))system_type;
	return rc;
}

/* The close of a file there may wait for a server, or for another machine. */
START_TEST(files_of_others_are_not_taken)
{
	static const long types[] = {
		FUSE_SUPER_MAGIC,      NFS_SUPER_MAGIC,         SMB_SUPER_MAGIC,
		CIFS_SUPER_MAGIC,      SMB2_SUPER_MAGIC,        V9FS_MAGIC,
		CEPH_SUPER_MAGIC,      CODA_SUPER_MAGIC,        AFS_SUPER_MAGIC,
		AFS_FS_MAGIC,          NCP_SUPER_MAGIC,         OCFS2_SUPER_MAGIC,
		0x01161970 /* GFS2 */, 0x0bd00bd0 /* Lustre */,
	};
	static const long host[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
				    TMPFS_MAGIC};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		system_type = types[i];
		control_passed_bring(&passed, open("/proc/self/status", O_RDONLY | O_CLOEXEC),
				     CONTROL_CAME_ONE);
		refuses("a", -ENODEV, "no pipe or file of this host's");
		/* As a kernel of 32 bits would have it, and one that extends the sign. */
		system_type = (int)types[i];
		control_passed_bring(&passed, open("/proc/self/status", O_RDONLY | O_CLOEXEC),
				     CONTROL_CAME_ONE);
		refuses("a", -ENODEV, "no pipe or file of this host's");
	}
	for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
		system_type = host[i];
		control_passed_bring(&passed, open("/proc/self/status", O_RDONLY | O_CLOEXEC),
				     CONTROL_CAME_ONE);
		ck_assert_int_eq(control_passed_keep(&passed, "a", &err), 0);
	}
}
END_TEST

static void bring_to(struct control_passed *whose, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		control_passed_bring(whose, an_fd(), CONTROL_CAME_ONE);
		ck_assert_msg(control_passed_keep(whose, name, &err) == 0, "%s", err.text);
	}
}

START_TEST(there_is_an_end_to_them)
{
	struct control_passed more[CONTROL_PASSED_ALL / CONTROL_PASSED_MAX];
	int fd = an_fd();

	bring_to(&passed, CONTROL_PASSED_MAX);
	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	refuses("more", -EMFILE, "8 descriptors have names already");
	ck_assert(!is_open(fd));
	/* In the place of another it is none more. */
	keep("n3");
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = (struct control_passed){.waiting = -1, .all = &all};
		bring_to(&more[i], i ? CONTROL_PASSED_MAX : 0);
	}
	ck_assert_uint_eq(all, CONTROL_PASSED_ALL);
	control_passed_bring(&other, an_fd(), CONTROL_CAME_ONE);
	ck_assert_int_eq(control_passed_keep(&other, "a", &err), -EMFILE);
	ck_assert_msg(strstr(err.text, "32 descriptors of all clients"), "%s", err.text);
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++)
		control_passed_release(&more[i]);
	bring_to(&other, 1);
}
END_TEST

/* It is not taken, and closed once its server has answered. */
START_TEST(a_file_whose_server_is_silent_is_not_waited_for)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	int64_t begun;

	ck_assert_int_eq(thread_begin_starter(NULL), 0);
	thread_use_starter();
	system_silent = 4;
	begun = clock_now_ms();
	control_passed_bring(&passed, fd, CONTROL_CAME_ONE);
	refuses("a", -ENODEV, "no pipe or file of this host's");
	ck_assert_int_lt(clock_now_ms() - begun, 3000);
	for (unsigned int i = 0; is_open(fd) && i < 20000; i++)
		usleep(1000);
	ck_assert(!is_open(fd));
	thread_end_starter();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, each_has_its_name);
	tcase_add_test(tests, a_second_of_a_name_replaces_the_first);
	tcase_add_test(tests, names_are_checked);
	tcase_add_test(tests, what_came_is_told);
	tcase_add_test(tests, one_waits_at_a_time);
	tcase_add_test(tests, what_may_wait_is_not_taken);
	tcase_add_test(tests, files_of_others_are_not_taken);
	tcase_add_test(tests, a_file_whose_server_is_silent_is_not_waited_for);
	tcase_add_test(tests, there_is_an_end_to_them);
}

int main(void)
{
	return run_suite("passed", add_tests);
}
