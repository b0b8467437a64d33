/* SPDX-License-Identifier: BSD-3-Clause */
/* The mapper where several threads may map at once: all or nothing, and stopping, as with one. */

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vfio/test_dma.h"
#include "vfio/space.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

/* A space that may be mapped by several threads at once, as iommufd's: it counts them. */
static struct side_space {
	struct vfio_space space;
	struct vfio_space_ops ops;
	pthread_mutex_t lock;
	unsigned int inside, most;
	sem_t entered;
	/* What is under way, but for the first piece, stays so until the end is asked for. */
	bool held;
	/* The first of a piece of many parts are under way until so many were at once. */
	unsigned int awaited;
} side = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool side_is_awaited(const struct vfio_mapping *part)
{
	bool awaited;

	pthread_mutex_lock(&side.lock);
	awaited = part->iova >= MIB && part->iova < 4 * GIB && side.most < side.awaited;
	pthread_mutex_unlock(&side.lock);
	return awaited;
}

static int side_map(struct vfio_space *base, const struct vfio_mapping *part)
{
	int rc;

	(void)base;
	pthread_mutex_lock(&side.lock);
	side.inside++;
	side.most = side.inside > side.most ? side.inside : side.most;
	pthread_mutex_unlock(&side.lock);
	sem_post(&side.entered);
	for (int i = 0; i < 3000 && side_is_awaited(part); i++)
		usleep(1000);
	do
		usleep(20000);
	while (side.held && part->iova && !atomic_load(&dma.stopping));
	pthread_mutex_lock(&side.lock);
	side.inside--;
	rc = space.space.ops->map(&space.space, part);
	pthread_mutex_unlock(&side.lock);
	return rc;
}

static int side_unmap(struct vfio_space *base, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	(void)base;
	return space.space.ops->unmap(&space.space, iova, size, unmapped);
}

/* 17 parts of the piece of 130 MiB. */
static void start_side(unsigned int at_once)
{
	log_set_level(LOG_ERROR); /* not how far it is, on a slow machine */
	side.ops = *space.space.ops;
	side.ops.map = side_map;
	side.ops.unmap = side_unmap;
	side.ops.maps_at_once = at_once;
	side.space.ops = &side.ops;
	side.space.page_sizes = 4096;
	side.most = 0;
	space.total = 0;
	sem_init(&side.entered, 0, 0);
	config.space = &side.space;
	config.part = 8 * MIB;
	start();
}

/* Not more than there are processors that this process may use. */
static unsigned int side_threads(unsigned int at_once)
{
	cpu_set_t cpus;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	return (unsigned int)CPU_COUNT(&cpus) < at_once ? (unsigned int)CPU_COUNT(&cpus) : at_once;
}

START_TEST(parts_are_mapped_side_by_side)
{
	side.awaited = side_threads(2);
	start_side(3);
	wait_done();
	ck_assert(!outcome.failed);
	ck_assert(vfio_dma_mapped(&dma));
	ck_assert_uint_eq(space.count, 1 + 17 + 1);
	ck_assert_uint_le(side.most, side_threads(3));
	ck_assert_uint_ge(side.most, side_threads(2));
	for (size_t i = 0; i < space.count; i++)
		ck_assert_ptr_eq(space.maps[i].host,
				 ram_host(ram, space.maps[i].iova, space.maps[i].size));
}
END_TEST

START_TEST(nor_are_they_where_it_gains_nothing)
{
	start_side(0);
	wait_done();
	ck_assert(!outcome.failed);
	ck_assert_uint_eq(side.most, 1);
}
END_TEST

/* Those that were under way meanwhile are taken back too. */
START_TEST(a_refusal_beside_others_is_undone)
{
	space.fail_code = -ENOMEM;
	for (unsigned int i = 1; i <= 19; i++) {
		space.fail_at = i;
		hear();
		start_side(4);
		wait_done();
		vfio_dma_join(&dma);
		ck_assert_uint_eq(space.count, 0);
		vfio_dma_stop(&dma);
		ck_assert_str_eq(heard(), "");
		ck_assert(outcome.failed);
		ck_assert_uint_eq(outcome.calls, i);
		ck_assert_int_eq(outcome.err.code, -ENOMEM);
		ck_assert_ptr_nonnull(strstr(outcome.err.text, "guest RAM 0x"));
		ck_assert_uint_le(space.total, i + 3);
		ck_assert_uint_eq(space.count, 0);
	}
}
END_TEST

START_TEST(the_end_waits_for_all_that_map)
{
	side.held = true;
	for (unsigned int at_once = 1; at_once <= 4; at_once++) {
		hear();
		start_side(at_once);
		for (unsigned int parts = 0; parts < 1 + side_threads(at_once); parts++)
			while (sem_wait(&side.entered) < 0)
				;
		vfio_dma_stop(&dma);
		ck_assert_str_eq(heard(), "");
		ck_assert_uint_eq(side.inside, 0);
		ck_assert_uint_eq(space.total, 1 + side_threads(at_once));
		ck_assert_uint_eq(space.count, 0);
		ck_assert_uint_eq(outcome.calls, 0);
	}
}
END_TEST

START_TEST(abandoned_beside_others)
{
	start_side(4);
	while (sem_wait(&side.entered) < 0)
		;
	vfio_dma_abandon(&dma);
	ck_assert_uint_eq(side.inside, 0);
	ck_assert_uint_eq(outcome.calls, 1);
	ck_assert(!outcome.failed);
	vfio_dma_stop(&dma);
	ck_assert_uint_gt(space.count, 0);
	space.count = 0;
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, parts_are_mapped_side_by_side);
	tcase_add_test(tests, nor_are_they_where_it_gains_nothing);
	tcase_add_test(tests, a_refusal_beside_others_is_undone);
	tcase_add_test(tests, the_end_waits_for_all_that_map);
	tcase_add_test(tests, abandoned_beside_others);
}

int main(void)
{
	return run_suite("vfio dma threads", add_tests);
}
