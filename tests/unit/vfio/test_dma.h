/* SPDX-License-Identifier: BSD-3-Clause */
/* RAM of three pieces, a space, and the mapper over both, for the one program including this. */

#ifndef FERRY_TESTS_UNIT_VFIO_TEST_DMA_H
#define FERRY_TESTS_UNIT_VFIO_TEST_DMA_H

#include <check.h>
#include <semaphore.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vfio/dma.h"
#include "vmm/base/bits.h"

static struct mem_map *map;
static struct ram *ram;
static struct fake_vfio_space space;
static struct vfio_dma dma;
static unsigned int threads;
static struct err err;
static struct dma_outcome {
	sem_t done;
	unsigned int calls;
	struct err err;
	bool failed;
} outcome;

static inline void mapped(void *machine, const struct err *reason)
{
	struct dma_outcome *to = machine;

	to->calls++;
	to->failed = reason;
	if (reason)
		to->err = *reason;
	sem_post(&to->done);
}

static struct vfio_dma_config config = {
	.space = &space.space,
	.callback = mapped,
	.machine = &outcome,
};

static inline void setup(void)
{
	const struct ram_range pieces[] = {
		{.base = 0, .size = 640 * KIB},
		{.base = MIB, .size = 130 * MIB},
		{.base = 4 * GIB, .size = 2 * MIB},
	};
	const struct ram_config ordinary = {0};

	map = mem_map_create("mmio", 0, &err);
	ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &ordinary, &err);
	ck_assert_msg(ram, "%s", err.text);
	fake_vfio_space_init(&space);
	sem_init(&outcome.done, 0, 0);
	threads = count_threads();
	config.ram = ram;
}

static inline void teardown(void)
{
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(space.count, 0);
	ck_assert(!vfio_dma_mapped(&dma));
	ram_destroy(ram);
	mem_map_destroy(map);
	sem_destroy(&outcome.done);
	ck_assert(threads_are(threads));
}

static inline void start(void)
{
	ck_assert_int_eq(vfio_dma_start(&dma, &config, &err), 0);
}

static inline void wait_done(void)
{
	while (sem_wait(&outcome.done) < 0)
		;
}

#endif
