/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the targets of virtio devices do as any guest may, for the one program that includes this.
 * What the unit tests' driver checks holds here too; there is no test to fail.
 */

#ifndef FERRY_TESTS_FUZZ_VIRTIO_H
#define FERRY_TESTS_FUZZ_VIRTIO_H

#include "tests/fuzz/input.h"

#include <check.h>

#define _mark_point(file, line)                  ((void)0)
#define _ck_assert_failed(file, line, expr, ...) abort()

#include "tests/unit/support/fake_virtio.h"

static struct input input;
static struct virtio_bench *bench;

static inline unsigned int take_size(void)
{
	return 1u << (take8(&input) & 3);
}

static inline uint64_t take_place(void)
{
	return take16(&input) % (VIRTIO_FUNCTION_BAR_SIZE + 16);
}

static inline struct driver_queue *take_queue(void)
{
	struct driver_queue *queue = &bench->queues[take8(&input) % bench->device->queue_count];

	return queue->memory ? queue : NULL;
}

static inline void step_write(void)
{
	unsigned int size = take_size();
	uint64_t place = take_place();

	require(mem_map_write(bench->pci->mmio, bench->bar + place, size, take64(&input)) ==
		MEM_DONE);
}

static inline void step_read(void)
{
	uint64_t value;

	require(mem_map_read(bench->pci->mmio, bench->bar + take_place(), take_size(), &value) ==
		MEM_DONE);
}

static inline void step_config_read(void)
{
	unsigned int offset = take8(&input);

	(void)virtio_config_read(bench, offset, take_size());
}

/* In the rings, @stride bytes from one place to the next. */
static inline void step_poke(unsigned int stride)
{
	uint8_t bytes[16];
	uint64_t gpa = DRIVER_RINGS + take16(&input) * stride;

	take(&input, bytes, sizeof(bytes));
	require(ram_write(bench->memory.ram, gpa, bytes, sizeof(bytes)) == 0);
}

/* As a driver does, as far as it may. */
static inline void drive(uint64_t features, uint16_t size)
{
	virtio_add_status(bench, 3);
	virtio_take_features(bench, features);
	virtio_add_status(bench, VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < bench->device->queue_count; i++) {
		bench->queues[i] = driver_queue(&bench->memory, i, size, features);
		virtio_place_queue(bench, i);
	}
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void step_restart(void)
{
	pci_host_reset(bench->pci->host);
	(void)virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	require(virtio_status(bench) == 0);
}

#endif
