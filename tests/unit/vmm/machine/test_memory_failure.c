/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that fails under the monitor's own access, or under a guest's. */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/thread.h"
#include "vmm/machine/memory_failure.h"
#include "vmm/sandbox/sandbox.h"

START_TEST(a_guests_is_noted)
{
	const void *host = NULL;

	if (!memory_failures_are_told("a_guests_is_noted"))
		return;
	memory_failure_watch();
	ck_assert(!memory_failure_take(&host));
	memory_failure_expect(true);
	send_memory_failure(BUS_MCEERR_AR, 0x123000);
	memory_failure_expect(false);
	ck_assert(memory_failure_take(&host));
	ck_assert_uint_eq((uintptr_t)host, 0x123000);
	ck_assert(!memory_failure_take(&host));
	/* Found before anybody used it. */
	send_memory_failure(BUS_MCEERR_AO, 0x124000);
	ck_assert(!memory_failure_take(&host));
}
END_TEST

/* The end of a file that was mapped is no memory any more. */
static void touch_a_hole(int file)
{
	volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);

	memory_failure_watch();
	(void)*page;
}

static void expect_end(int number, void (*touch)(int file))
{
	int ends[2], status, file = memfd_create("hole", MFD_CLOEXEC);
	char text[256] = "";
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		touch(file);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_ge(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_msg(strstr(text, "ferry: the host's memory failed or is missing at 0x0000") ==
			      text,
		      "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "the devices go back to the host\n"));
	ck_assert_ptr_null(strstr(text + 1, "ferry: the host's memory"));
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == number, "status 0x%x: %s", status,
		      text);
	close(ends[0]);
	close(file);
}

START_TEST(the_monitors_own_is_the_end)
{
	expect_end(SIGBUS, touch_a_hole);
}
END_TEST

/* Who waited for a reader would never end; an emulator of user mode does, with its own words. */
START_TEST(nobody_need_read_it)
{
	static const char page[4096];
	int ends[2], status, file = memfd_create("hole", MFD_CLOEXEC);
	pid_t child;

	if (!memory_failures_are_told("nobody_need_read_it"))
		return;
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	while (write(ends[1], page, sizeof(page)) > 0)
		;
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		touch_a_hole(file);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	close(ends[0]);
	close(ends[1]);
	close(file);
}
END_TEST

/* Not the guest's access: the vCPU's thread is not in KVM_RUN. */
static void meet_a_failure(int file)
{
	(void)file;
	memory_failure_watch();
	memory_failure_expect(true);
	memory_failure_expect(false);
	send_memory_failure(BUS_MCEERR_AR, 0x123000);
}

START_TEST(outside_the_guest_too)
{
	if (!memory_failures_are_told("outside_the_guest_too"))
		return;
	expect_end(SIGBUS, meet_a_failure);
}
END_TEST

static void *touch_in_a_thread(void *file)
{
	(void)*(volatile char *)mmap(NULL, 4096, PROT_READ, MAP_SHARED, *(int *)file, 0);
	return NULL;
}

/* Which may not set what becomes of a signal. */
static void touch_behind_the_walls(int file)
{
	const struct sandbox_settings settings = {.mode = SANDBOX_ON, .wake = -1};
	struct err err = {0};
	pthread_t thread;

	memory_failure_watch();
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(sandbox_begin(&settings, &err), 0);
	sandbox_close();
	ck_assert_int_eq(thread_create(&thread, THREAD_POPULATE, touch_in_a_thread, &file), 0);
	pthread_join(thread, NULL);
}

START_TEST(behind_the_walls_too)
{
	expect_end(SIGBUS, touch_behind_the_walls);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_guests_is_noted);
	tcase_add_test(tests, the_monitors_own_is_the_end);
	tcase_add_test(tests, nobody_need_read_it);
	tcase_add_test(tests, outside_the_guest_too);
	tcase_add_test(tests, behind_the_walls_too);
}

int main(void)
{
	return run_suite("memory failure", add_tests);
}
