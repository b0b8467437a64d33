/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads leave the run's signals to the main one, have a small stack, and a starter. */

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/thread.h"

static struct {
	sigset_t blocked;
	size_t stack;
	int nice;
	pid_t id;
} seen;

/* In which threads, and as what. */
static struct {
	atomic_uint count;
	enum thread_kind kinds[4];
	pid_t ids[4];
} entered;

static pthread_t child;

/* More than this process may have. */
enum { NICE = 18 };

static void *look(void *argument)
{
	pthread_attr_t attributes;

	pthread_sigmask(SIG_BLOCK, NULL, &seen.blocked);
	seen.nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	seen.id = gettid();
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		pthread_attr_getstacksize(&attributes, &seen.stack);
		pthread_attr_destroy(&attributes);
	}
	return argument;
}

static void *look_nowhere(void *argument)
{
	return argument;
}

START_TEST(the_mains_signals_stay_its_own)
{
	sigset_t mains, before, after;
	pthread_t thread;
	void *result;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	ck_assert_int_eq(thread_create(&thread, THREAD_VCPU, look, &seen), 0);
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

	ck_assert_int_eq(thread_create(&thread, THREAD_VCPU, look, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_ge(seen.stack, 256 * 1024);
	ck_assert_uint_lt(seen.stack, 2 * 1024 * 1024);
}
END_TEST

static void enter(enum thread_kind kind)
{
	unsigned int index = atomic_fetch_add(&entered.count, 1);

	ck_assert_uint_lt(index, 4);
	entered.kinds[index] = kind;
	entered.ids[index] = gettid();
}

static void *start_another(void *argument)
{
	(void)argument;
	ck_assert_int_eq(thread_create(&child, THREAD_POPULATE, look, &seen), 0);
	return NULL;
}

START_TEST(a_starter_starts_for_others)
{
	const struct thread_place place = {.nice = NICE};
	int own = getpriority(PRIO_PROCESS, 0);
	pthread_t thread;
	void *result;

	ck_assert_int_eq(thread_begin_starter(enter), 0);
	thread_use_starter();
	ck_assert_int_eq(thread_create_at(&thread, THREAD_MAPPER, &place, start_another, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(pthread_join(child, &result), 0);
	ck_assert_ptr_eq(result, &seen);
	thread_end_starter();
	ck_assert_uint_eq(atomic_load(&entered.count), 3);
	ck_assert_int_eq(entered.kinds[0], THREAD_STARTER);
	ck_assert_int_eq(entered.kinds[1], THREAD_MAPPER);
	ck_assert_int_eq(entered.kinds[2], THREAD_POPULATE);
	ck_assert_int_eq(entered.ids[2], seen.id);
	/* As of a thread that its parent had started itself. */
	ck_assert_int_eq(seen.nice, NICE);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), own);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGSEGV), 0);
}
END_TEST

static void *start_one(void *argument)
{
	(void)argument;
	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		ck_assert_int_eq(thread_create(&thread, THREAD_RESET, look_nowhere, NULL), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
	return NULL;
}

START_TEST(a_starter_serves_several_at_once)
{
	pthread_t threads[4];

	ck_assert_int_eq(thread_begin_starter(NULL), 0);
	thread_use_starter();
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(thread_create(&threads[i], THREAD_VCPU, start_one, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	thread_end_starter();
}
END_TEST

/* Those of a run that has none, and of one that is at its end. */
START_TEST(without_a_starter_all_start_themselves)
{
	pthread_t thread;

	thread_end_starter();
	ck_assert_int_eq(thread_begin_starter(enter), 0);
	thread_end_starter();
	ck_assert_int_eq(thread_create(&thread, THREAD_VCPU, look, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(atomic_load(&entered.count), 1);
}
END_TEST

static void enter_nothing(enum thread_kind kind)
{
	(void)kind;
}

static void *start_many(void *unused)
{
	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		int rc = thread_create(&thread, THREAD_RESET, look_nowhere, NULL);

		ck_assert(rc == 0 || rc == -ESRCH);
		if (!rc)
			ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
	return unused;
}

/* Whoever asks the starter while it ends gets an answer. */
START_TEST(nobody_waits_for_a_starter_that_ends)
{
	pthread_t askers[4];

	for (int round = 0; round < 10; round++) {
		ck_assert_int_eq(thread_begin_starter(enter_nothing), 0);
		thread_use_starter();
		for (size_t i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_create(&askers[i], NULL, start_many, NULL), 0);
		ck_assert_int_eq(thread_create(&child, THREAD_RESET, look_nowhere, NULL), 0);
		ck_assert_int_eq(pthread_join(child, NULL), 0);
		thread_end_starter();
		for (size_t i = 0; i < 4; i++)
			ck_assert_int_eq(pthread_join(askers[i], NULL), 0);
	}
}
END_TEST

/* The thread sanitizer hands a signal on with the next call of the C library that may wait. */
static void await_signal(void)
{
	poll(NULL, 0, 1);
}

static void *signal_itself(void *unused)
{
	thread_signal(thread_number(), SIGUSR2);
	await_signal();
	return unused;
}

static atomic_int signalled;

static void note_signal(int number)
{
	(void)number;
	atomic_store(&signalled, gettid());
}

START_TEST(a_thread_signals_itself)
{
	struct sigaction action = {.sa_handler = note_signal};
	pthread_t thread;

	sigaction(SIGUSR2, &action, NULL);
	signal_itself(NULL);
	ck_assert_int_eq(atomic_load(&signalled), getpid());
	ck_assert_int_eq(thread_own_kind(), THREAD_MAIN);
	ck_assert_int_eq(thread_create(&thread, THREAD_RESET, signal_itself, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_ne(atomic_load(&signalled), getpid());
	ck_assert_int_eq(thread_process(), getpid());
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, the_mains_signals_stay_its_own);
	tcase_add_test(tests, the_stack_is_small);
	tcase_add_test(tests, a_starter_starts_for_others);
	tcase_add_test(tests, a_starter_serves_several_at_once);
	tcase_add_test(tests, without_a_starter_all_start_themselves);
	tcase_add_test(tests, nobody_waits_for_a_starter_that_ends);
	tcase_add_test(tests, a_thread_signals_itself);
}

int main(void)
{
	return run_suite("thread", add_tests);
}
