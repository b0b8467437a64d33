/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop: calls, stops, and watches that go. */

#include <check.h>
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/err.h"
#include "vmm/base/fd.h"
#include "vmm/base/loop.h"

struct stopper {
	struct loop *loop;
	int fd;
	unsigned int calls;
};

static void stop_after_three(void *owner, uint32_t events)
{
	struct stopper *stopper = owner;

	ck_assert(events & EPOLLIN);
	fd_take(stopper->fd);
	if (++stopper->calls == 3) {
		loop_remove(stopper->loop, stopper->fd);
		loop_stop(stopper->loop);
	}
	fd_signal(stopper->fd);
}

START_TEST(loop_calls_until_stopped)
{
	struct err err = {0};
	struct stopper stopper = {.loop = loop_create(&err), .fd = fd_eventfd()};

	ck_assert_ptr_nonnull(stopper.loop);
	ck_assert_int_eq(loop_add(stopper.loop, stopper.fd, EPOLLIN, stop_after_three, &stopper,
				  &err),
			 0);
	ck_assert_int_ne(loop_add(stopper.loop, stopper.fd, EPOLLIN, stop_after_three, &stopper,
				  &err),
			 0);
	fd_signal(stopper.fd);
	ck_assert_int_eq(loop_run(stopper.loop, &err), 0);
	ck_assert_uint_eq(stopper.calls, 3);
	loop_stop(stopper.loop);
	ck_assert_int_eq(loop_run(stopper.loop, &err), 0);
	ck_assert_uint_eq(stopper.calls, 3);
	loop_destroy(stopper.loop);
	loop_destroy(NULL);
	fd_close(&stopper.fd);
}
END_TEST

static void never(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	ck_abort_msg("a watch that is gone was called");
}

static void remove_other(void *owner, uint32_t events)
{
	struct stopper *stopper = owner;

	(void)events;
	loop_remove(stopper->loop, stopper->fd);
	loop_stop(stopper->loop);
}

/* Two that are ready in one round: whichever comes first takes the other away. */
START_TEST(a_watch_can_go_while_it_is_ready)
{
	struct err err = {0};
	struct loop *loop = loop_create(&err);
	int fds[2] = {fd_eventfd(), fd_eventfd()};
	struct stopper first = {.loop = loop, .fd = fds[1]}, second = {.loop = loop, .fd = fds[0]};

	ck_assert_int_eq(loop_add(loop, fds[0], EPOLLIN, remove_other, &first, &err), 0);
	ck_assert_int_eq(loop_add(loop, fds[1], EPOLLIN, remove_other, &second, &err), 0);
	fd_signal(fds[0]);
	fd_signal(fds[1]);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_destroy(loop);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}
END_TEST

/*
 * A guest that turns its interrupts on and off for hours must not fill a list that nobody clears.
 */
START_TEST(watches_do_not_pile_up)
{
	struct err err = {0};
	struct loop *loop = loop_create(&err);
	int fd = fd_eventfd();
	clock_t begin = clock();

	for (unsigned int i = 0; i < 100000; i++) {
		ck_assert_int_eq(loop_add(loop, fd, EPOLLIN, never, NULL, &err), 0);
		loop_remove(loop, fd);
	}
	ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, 3);
	loop_destroy(loop);
	fd_close(&fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, loop_calls_until_stopped);
	tcase_add_test(tests, a_watch_can_go_while_it_is_ready);
	tcase_add_test(tests, watches_do_not_pile_up);
}

int main(void)
{
	return run_suite("loop", add_tests);
}
