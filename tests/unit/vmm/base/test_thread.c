/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads leave the run's signals to the main one and have the stack that they are given. */

#include <check.h>
#include <signal.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/thread.h"

static struct {
	sigset_t blocked;
	size_t stack;
} seen;

static void *look(void *argument)
{
	pthread_attr_t attributes;

	pthread_sigmask(SIG_BLOCK, NULL, &seen.blocked);
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		pthread_attr_getstacksize(&attributes, &seen.stack);
		pthread_attr_destroy(&attributes);
	}
	return argument;
}

START_TEST(the_mains_signals_stay_its_own)
{
	sigset_t mains, before, after;
	pthread_t thread;
	void *result;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	ck_assert_int_eq(thread_create(&thread, look, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &seen);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	thread_main_signals(&mains);
	for (int number = 1; number < SIGRTMIN; number++) {
		if (sigismember(&mains, number) == 1)
			ck_assert_int_eq(sigismember(&seen.blocked, number), 1);
		ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
	}
	ck_assert_int_eq(sigismember(&mains, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&mains, SIGSEGV), 0);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGSEGV), 0);
}
END_TEST

/* The size is the whole of it with most C libraries; none gives a huge page's. */
START_TEST(the_stack_is_small)
{
	pthread_t thread;

	ck_assert_int_eq(thread_create(&thread, look, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_ge(seen.stack, 256 * 1024);
	ck_assert_uint_lt(seen.stack, 2 * 1024 * 1024);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, the_mains_signals_stay_its_own);
	tcase_add_test(tests, the_stack_is_small);
}

int main(void)
{
	return run_suite("thread", add_tests);
}
