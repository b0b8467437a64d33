/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry bind` and `ferry unbind` ended or failing at every change to the host, and gone on with.
 */

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

enum { STEPS_MAX = 64 };

/* What is put on record is a change to the host as well: these take the C library's place. */
int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	long rc;

	if (fake_step()) {
		errno = EIO;
		return -1;
	}
	rc = syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
	fake_stepped();
	return (int)rc;
}

int unlinkat(int folder, const char *name, int flags)
{
	long rc;

	if (fake_step()) {
		errno = EIO;
		return -1;
	}
	rc = syscall(SYS_unlinkat, folder, name, flags);
	fake_stepped();
	return (int)rc;
}

/* The commands as they are tried: on one device, or on a group of two. */
static const char *group; /* "--group", or NULL */

static int one(int (*command)(const char *, const char *, const char *))
{
	return group ? command(group, NVME, NULL) : command(NVME, NULL, NULL);
}

/*
 * A host whose disk has a name for its driver in the override, and a sound card without a driver.
 */
static void start(const char *of_group)
{
	group = of_group;
	tools_teardown();
	setup();
	tools_add(SOUND, 7, NULL, "1234:0001", "040300");
	tools_file(NVME, "driver_override", "nvme\n");
	/* What the kernel would choose is wrong, so that it shows. */
	fake.choice = "e1000e";
}

static void is_taken(void)
{
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	if (group)
		ck_assert_str_eq(driver_of(SOUND), "vfio-pci");
}

static void is_back(void)
{
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(override_of(NVME), "nvme");
	ck_assert(!recorded(NVME));
	ck_assert_str_eq(driver_of(SOUND), "");
	ck_assert_str_ne(override_of(SOUND), "vfio-pci");
	ck_assert(!recorded(SOUND));
}

/*
 * In a process of its own, which is killed @before or @after step @at (0: not): then -1, else its
 * status. This one stays without threads, which TSan wants of one that forks.
 */
static int apart(int (*command)(const char *, const char *, const char *), unsigned int before,
		 unsigned int after)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		fake.steps = 0;
		fake.dies_before = before;
		fake.dies_after = after;
		status = one(command);
		fputs(tools_errors, stderr);
		_exit(status);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return -1;
	ck_assert(WIFEXITED(status));
	ck_assert_int_le(WEXITSTATUS(status), TOOL_USAGE);
	return WEXITSTATUS(status);
}

static void does(int (*command)(const char *, const char *, const char *))
{
	ck_assert_int_eq(apart(command, 0, 0), TOOL_OK);
}

/* Whether the command got to step @at. */
static bool end_at(int (*command)(const char *, const char *, const char *), unsigned int at,
		   bool after)
{
	return apart(command, after ? 0 : at, after ? at : 0) < 0;
}

static void go_on(bool by_bind)
{
	if (by_bind) {
		does(bind);
		is_taken();
	}
	does(unbind);
	is_back();
}

/*
 * Ends the command at step @at, and what goes on at step @again (0: not); whether it got that far.
 */
static bool try_end(const int *way, unsigned int at, unsigned int again, bool after, bool *ended)
{
	int (*command)(const char *, const char *, const char *) = *way & 1 ? unbind : bind;
	bool by_bind = *way & 2;

	start(*way & 4 ? "--group" : NULL);
	if (command == unbind)
		does(bind);
	if (!end_at(command, at, after))
		return false;
	*ended = again && end_at(by_bind ? bind : unbind, again, after);
	go_on(by_bind);
	return true;
}

START_TEST(ended_anywhere)
{
	unsigned int at = 1;
	bool ended;

	while (try_end(&_i, at, 0, false, &ended) && try_end(&_i, at, 0, true, &ended))
		ck_assert_uint_lt(at++, STEPS_MAX);
	ck_assert_uint_gt(at, 4);
}
END_TEST

START_TEST(ended_anywhere_twice)
{
	unsigned int at = 1, again;
	bool ended = false, reached = true;

	for (; reached; at++) {
		again = 1;
		do
			reached = try_end(&_i, at, again++, at & 1, &ended);
		while (reached && ended);
		ck_assert_uint_lt(at, STEPS_MAX);
	}
	ck_assert_uint_gt(at, 4);
}
END_TEST

/* Every change fails from @at on or once; what is said of it, and that it can be gone on with. */
static void walk_failures(bool of_unbind, const char *of_group, bool onwards)
{
	for (unsigned int at = 1; at < STEPS_MAX; at++) {
		int status;

		start(of_group);
		if (of_unbind)
			ck_assert_int_eq(one(bind), TOOL_OK);
		fake.steps = 0;
		fake.fails = at;
		fake.fails_onwards = onwards;
		status = one(of_unbind ? unbind : bind);
		if (fake.steps < at)
			return;
		fake.fails = 0;
		fake.steps = 0;
		if (status == TOOL_FAILED)
			has(tools_errors, "ferry: 0000:01:00.");
		else if (of_unbind)
			is_back();
		else
			is_taken();
		if (!of_unbind && !onwards && status == TOOL_FAILED)
			is_back();
		go_on(at & 1);
	}
	ck_abort_msg("it never ends");
}

START_TEST(failing_anywhere)
{
	walk_failures(_i & 1, _i & 2 ? "--group" : NULL, _i & 4);
}
END_TEST

START_TEST(without_a_record)
{
	for (unsigned int at = 1; at < STEPS_MAX; at++) {
		start(NULL);
		fake.choice = "nvme";
		does(bind);
		fake_tree_unlink("run/ferry/" NVME);
		if (!end_at(unbind, at, at & 1))
			return;
		does(unbind);
		ck_assert_str_eq(driver_of(NVME), "nvme");
		ck_assert_str_eq(override_of(NVME), "");
		ck_assert(!recorded(NVME));
	}
}
END_TEST

START_TEST(one_that_vfio_takes_again)
{
	start(NULL);
	tools_add("0000:03:00.0", 9, "vfio-pci", "144d:a808", "010802");
	fake.choice = "vfio-pci"; /* as by its option `ids=` */
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_FAILED);
	has(tools_errors, "0000:03:00.0: driver vfio-pci took it again");
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_FAILED);
	fake.choice = "nvme";
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of("0000:03:00.0"), "nvme");
}
END_TEST

START_TEST(a_driver_that_came_since_is_kept)
{
	start(NULL);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	/* By hand, past `ferry unbind`. */
	fake_tree_folder("bus/pci/drivers/other");
	fake_tree_unlink("bus/pci/devices/" NVME "/driver");
	fake_tree_link("bus/pci/devices/" NVME "/driver", "../../../../bus/pci/drivers/other");
	tools_file(NVME, "driver_override", "\n");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "other");
	ck_assert(!recorded(NVME));
	/* And is what the next one remembers. */
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "other");
}
END_TEST

/* Until @process waits for a lock of another's, or two seconds where that cannot be seen. */
static void await_waiter(pid_t process)
{
	char line[256], waiter[64];
	bool waits = false;

	snprintf(waiter, sizeof(waiter), " %d ", process);
	for (unsigned int i = 0; i < 200 && !waits; i++) {
		FILE *locks = fopen("/proc/locks", "re");

		usleep(10000);
		while (locks && !waits && fgets(line, sizeof(line), locks))
			waits = strstr(line, "-> FLOCK") && strstr(line, waiter);
		if (locks)
			fclose(locks);
	}
}

/* Waits for the lock in another process; when that gives it up, goes on. */
START_TEST(two_at_once)
{
	char text[256] = "";
	int ends[2], lock, status;
	pid_t child;

	start(NULL);
	fake_tree_folder("run/ferry");
	lock = open(fake_tree_path("run/ferry/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(lock);
		status = bind(NVME, NULL, NULL);
		if (write(ends[1], tools_errors, strlen(tools_errors)) < 0)
			_exit(1);
		_exit(status);
	}
	close(ends[1]);
	await_waiter(child);
	ck_assert_str_eq(driver_of(NVME), "nvme");
	close(lock);
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	has(text, "another ferry bind or unbind is at work: waiting for its end");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	close(ends[0]);
}
END_TEST

START_TEST(a_slow_driver_is_named)
{
	start(NULL);
	fake.slow = NVME "/driver/unbind";
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors,
			 "ferry: " NVME ": waiting for driver nvme to let go of it\n");
	fake.slow = "drivers/nvme/bind";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors, "ferry: " NVME ": waiting for driver nvme to take it\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_loop_test(tests, ended_anywhere, 0, 8);
	tcase_add_loop_test(tests, ended_anywhere_twice, 0, 4);
	tcase_add_loop_test(tests, failing_anywhere, 0, 8);
	tcase_add_test(tests, without_a_record);
	tcase_add_test(tests, one_that_vfio_takes_again);
	tcase_add_test(tests, a_driver_that_came_since_is_kept);
	tcase_add_test(tests, two_at_once);
	tcase_add_test(tests, a_slow_driver_is_named);
}

int main(void)
{
	return run_suite("tool resume", add_tests);
}
