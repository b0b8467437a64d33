/* SPDX-License-Identifier: BSD-3-Clause */
/* Works in their order, each in steps of a thread's, while the loop goes on. */

#include <check.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vfio/worker.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

struct job {
	struct vfio_work work;
	char name;
	unsigned int steps; /* that it is to take */
	sem_t *waits_for;
	pthread_t thread; /* of its last step */
};

static struct vfio_worker worker;
static char happened[64];
static sem_t go_on;

static void setup(void)
{
	memset(&worker, 0, sizeof(worker));
	happened[0] = '\0';
	sem_init(&go_on, 0, 0);
	worker.turn = fd_eventfd();
}

static void teardown(void)
{
	fd_close(&worker.turn);
	sem_destroy(&go_on);
}

static void note(char what)
{
	size_t used = strlen(happened);

	ck_assert_uint_lt(used + 1, sizeof(happened));
	happened[used] = what;
	happened[used + 1] = '\0';
}

static bool job_advance(struct vfio_work *work)
{
	struct job *job = container_of(work, struct job, work);

	note(job->name);
	return job->steps-- > 0;
}

static void job_carry_out(struct vfio_work *work)
{
	struct job *job = container_of(work, struct job, work);

	job->thread = pthread_self();
	while (job->waits_for && sem_wait(job->waits_for) < 0)
		;
}

static struct job job(char name, unsigned int steps)
{
	return (struct job){
		.work = {.advance = job_advance, .carry_out = job_carry_out},
		.name = name,
		.steps = steps,
	};
}

static void turn(void)
{
	fd_take(worker.turn);
	vfio_worker_turn(&worker);
}

static void turn_until(const char *events)
{
	struct pollfd ready = {.fd = worker.turn, .events = POLLIN};

	while (strcmp(happened, events) != 0) {
		ck_assert_int_eq(poll(&ready, 1, 30000), 1);
		turn();
	}
}

START_TEST(nothing_happens_before_a_turn)
{
	struct job a = job('a', 0);

	vfio_worker_add(&worker, &a.work);
	ck_assert_str_eq(happened, "");
	turn();
	ck_assert_str_eq(happened, "a");
	ck_assert(!vfio_worker_is_busy(&worker));
}
END_TEST

START_TEST(one_ends_before_the_next_begins)
{
	struct job a = job('a', 2), b = job('b', 1), c = job('c', 0);
	unsigned int threads = count_threads();

	vfio_worker_add(&worker, &a.work);
	vfio_worker_add(&worker, &b.work);
	vfio_worker_add(&worker, &c.work);
	turn_until("aaabbc");
	ck_assert(!pthread_equal(a.thread, pthread_self()));
	ck_assert(!vfio_worker_is_busy(&worker));
	ck_assert(threads_are(threads));
}
END_TEST

START_TEST(the_loop_goes_on_under_a_step)
{
	struct job a = job('a', 1), b = job('b', 1);

	a.waits_for = &go_on;
	vfio_worker_add(&worker, &a.work);
	turn();
	ck_assert(vfio_worker_is_busy(&worker));
	vfio_worker_add(&worker, &b.work);
	for (int i = 0; i < 100; i++)
		turn();
	ck_assert_str_eq(happened, "a");
	sem_post(&go_on);
	turn_until("aabb");
}
END_TEST

START_TEST(one_that_was_not_begun_is_dropped)
{
	struct job a = job('a', 1), b = job('b', 1), c = job('c', 1);

	a.waits_for = &go_on;
	vfio_worker_add(&worker, &a.work);
	vfio_worker_add(&worker, &b.work);
	vfio_worker_add(&worker, &c.work);
	turn();
	ck_assert(!vfio_worker_drop(&worker, &a.work));
	ck_assert(vfio_worker_drop(&worker, &b.work));
	ck_assert(!vfio_worker_drop(&worker, &b.work));
	sem_post(&go_on);
	turn_until("aacc");
}
END_TEST

START_TEST(the_end_waits_for_a_step)
{
	struct job a = job('a', 9), b = job('b', 1);
	unsigned int threads = count_threads();

	ck_assert_ptr_null(vfio_worker_stop(&worker));
	a.waits_for = &go_on;
	vfio_worker_add(&worker, &a.work);
	vfio_worker_add(&worker, &b.work);
	turn();
	sem_post(&go_on);
	ck_assert_ptr_eq(vfio_worker_stop(&worker), &a.work);
	ck_assert(threads_are(threads));
	turn();
	ck_assert_str_eq(happened, "a");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_happens_before_a_turn);
	tcase_add_test(tests, one_ends_before_the_next_begins);
	tcase_add_test(tests, the_loop_goes_on_under_a_step);
	tcase_add_test(tests, one_that_was_not_begun_is_dropped);
	tcase_add_test(tests, the_end_waits_for_a_step);
}

int main(void)
{
	return run_suite("vfio worker", add_tests);
}
