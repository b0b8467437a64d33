/* SPDX-License-Identifier: BSD-3-Clause */
/* A pause is waited out, or ended by whoever signals. */

#include <check.h>
#include <pthread.h>
#include <time.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/pause.h"

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void *signal_soon(void *fd)
{
	struct timespec moment = {.tv_nsec = 10000000};

	nanosleep(&moment, NULL);
	fd_signal(*(int *)fd);
	return NULL;
}

START_TEST(a_pause_is_waited_out)
{
	int stop = fd_eventfd();
	long begin = now_ms();

	ck_assert(pause_unless(stop, 30));
	ck_assert_int_ge(now_ms() - begin, 29);
	fd_close(&stop);
}
END_TEST

START_TEST(a_signal_ends_it_and_those_that_follow)
{
	int stop = fd_eventfd();
	long begin = now_ms();
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, signal_soon, &stop), 0);
	ck_assert(!pause_unless(stop, 60000));
	ck_assert(!pause_unless(stop, 60000));
	ck_assert_int_lt(now_ms() - begin, 30000);
	pthread_join(thread, NULL);
	fd_close(&stop);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_pause_is_waited_out);
	tcase_add_test(tests, a_signal_ends_it_and_those_that_follow);
}

int main(void)
{
	return run_suite("pause", add_tests);
}
