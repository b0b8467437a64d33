/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio function on a bus of its own, with a driver in the test's thread. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VIRTIO_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VIRTIO_H

#include <linux/virtio_pci.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "devices/virtio/function.h"
#include "devices/virtio/function_private.h"
#include "tests/unit/support/fake_driver.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"

#include "vmm/base/fd.h"
#include "vmm/base/loop.h"

enum { VIRTIO_BDF = 1 << 3, VIRTIO_WAIT_MS = 20000 };

struct virtio_bench {
	struct bench *pci;
	struct loop *loop;
	struct kvm_irq irq;
	struct driver_memory memory;
	struct virtio_device *device;
	uint64_t bar;
	atomic_uint wakes;
	uint64_t features; /* that the driver took */
	struct driver_queue queues[VIRTIO_QUEUES_MAX];
};

static inline void virtio_bench_wake(void *machine)
{
	atomic_fetch_add(&((struct virtio_bench *)machine)->wakes, 1);
}

/* Of the function, which is the only one. */
static inline uint32_t virtio_config_read(struct virtio_bench *bench, unsigned int offset,
					  unsigned int size)
{
	uint32_t value;

	ck_assert_int_eq(pci_host_config_read(bench->pci->host, VIRTIO_BDF, offset, size, &value),
			 MEM_DONE);
	return value;
}

static inline enum mem_result virtio_config_write(struct virtio_bench *bench, unsigned int offset,
						  unsigned int size, uint32_t value)
{
	return pci_host_config_write(bench->pci->host, VIRTIO_BDF, offset, size, value);
}

static inline uint64_t virtio_read(struct virtio_bench *bench, uint64_t offset, unsigned int size)
{
	return map_read(bench->pci->mmio, bench->bar + offset, size);
}

static inline void virtio_write(struct virtio_bench *bench, uint64_t offset, unsigned int size,
				uint64_t value)
{
	map_write(bench->pci->mmio, bench->bar + offset, size, value);
}

/* Puts @device on the bus, decoding and a bus master. */
static inline struct virtio_bench *virtio_bench_create(struct virtio_device *device)
{
	struct virtio_bench *bench = calloc(1, sizeof(*bench));
	struct virtio_function_setup setup = {.wake = virtio_bench_wake, .machine = bench};
	struct err err = {0};

	bench->pci = bench_create();
	bench->loop = loop_create(&err);
	fake_irq_init(&bench->irq);
	bench->memory = driver_memory_create();
	bench->device = device;
	setup.host = bench->pci->host;
	setup.irq = &bench->irq;
	setup.loop = bench->loop;
	setup.ram = bench->memory.ram;
	ck_assert_msg(virtio_function_create(device, &setup, &err) == 0, "%s", err.text);
	ck_assert_msg(pci_host_assign(bench->pci->host, &err) == 0, "%s", err.text);
	bench->bar = virtio_config_read(bench, PCI_BASE_ADDRESS_0, 4) & ~15U;
	bench->bar |= (uint64_t)virtio_config_read(bench, PCI_BASE_ADDRESS_1, 4) << 32;
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	return bench;
}

static inline void virtio_bench_destroy(struct virtio_bench *bench)
{
	bench_destroy(bench->pci);
	driver_memory_destroy(&bench->memory);
	loop_destroy(bench->loop);
	ck_assert_uint_eq(fake_irq_attached(&bench->irq), 0);
	ck_assert_uint_eq(fake_irq_used(&bench->irq), 0);
	free(bench);
}

static inline void virtio_stop_loop(void *owner, uint32_t events)
{
	(void)events;
	loop_stop(owner);
}

/* The handlers of what is ready in the loop are run. */
static inline void virtio_turn_loop(struct virtio_bench *bench)
{
	int stopper = fd_eventfd();
	struct err err = {0};

	fd_signal(stopper);
	ck_assert_int_eq(loop_add(bench->loop, stopper, 1, virtio_stop_loop, bench->loop, &err), 0);
	ck_assert_int_eq(loop_run(bench->loop, &err), 0);
	loop_remove(bench->loop, stopper);
	fd_close(&stopper);
}

/* How a driver reads and sets the common configuration. */
static inline uint8_t virtio_status(struct virtio_bench *bench)
{
	return (uint8_t)virtio_read(bench, COMMON_STATUS, 1);
}

static inline void virtio_add_status(struct virtio_bench *bench, uint8_t bits)
{
	virtio_write(bench, COMMON_STATUS, 1, virtio_status(bench) | bits);
}

static inline uint64_t virtio_offered(struct virtio_bench *bench)
{
	uint64_t low;

	virtio_write(bench, COMMON_DEVICE_FEATURE_SELECT, 4, 0);
	low = virtio_read(bench, COMMON_DEVICE_FEATURE, 4);
	virtio_write(bench, COMMON_DEVICE_FEATURE_SELECT, 4, 1);
	return low | virtio_read(bench, COMMON_DEVICE_FEATURE, 4) << 32;
}

/* What a test's driver does without: its tests are had with split and packed queues. */
static uint64_t virtio_withheld;

/* All else that is offered. */
static inline uint64_t virtio_wanted(struct virtio_bench *bench)
{
	return virtio_offered(bench) & ~virtio_withheld;
}

static inline void virtio_take_features(struct virtio_bench *bench, uint64_t features)
{
	bench->features = features;
	for (unsigned int i = 0; i < 2; i++) {
		virtio_write(bench, COMMON_DRIVER_FEATURE_SELECT, 4, i);
		virtio_write(bench, COMMON_DRIVER_FEATURE, 4, (uint32_t)(features >> 32 * i));
	}
}

/* Up to FEATURES_OK. */
static inline void virtio_negotiate(struct virtio_bench *bench, uint64_t features)
{
	virtio_add_status(bench, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER);
	virtio_take_features(bench, features);
	virtio_add_status(bench, VIRTIO_CONFIG_S_FEATURES_OK);
	ck_assert(virtio_status(bench) & VIRTIO_CONFIG_S_FEATURES_OK);
}

static inline void virtio_place_queue(struct virtio_bench *bench, unsigned int index)
{
	const struct virtio_queue_place *place = &bench->queues[index].place;

	virtio_write(bench, COMMON_QUEUE_SELECT, 2, index);
	virtio_write(bench, COMMON_QUEUE_SIZE, 2, place->size);
	virtio_write(bench, COMMON_QUEUE_DESCRIPTORS, 8, place->descriptors);
	virtio_write(bench, COMMON_QUEUE_DRIVER, 4, place->driver);
	virtio_write(bench, COMMON_QUEUE_DRIVER + 4, 4, place->driver >> 32);
	virtio_write(bench, COMMON_QUEUE_DEVICE, 8, place->device);
	virtio_write(bench, COMMON_QUEUE_ENABLE, 2, 1);
}

/* All of it: queues of @size, no vectors. */
static inline void virtio_drive(struct virtio_bench *bench, uint64_t features, uint16_t size)
{
	virtio_negotiate(bench, features);
	for (unsigned int i = 0; i < bench->device->queue_count; i++) {
		bench->queues[i] = driver_queue(&bench->memory, i, size, features);
		virtio_place_queue(bench, i);
	}
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void virtio_kick(struct virtio_bench *bench, unsigned int queue)
{
	virtio_write(bench, FUNCTION_NOTIFY + FUNCTION_BELL * queue, 2, queue);
}

/* Begins a reset and waits for its end, as a driver does. */
static inline void virtio_reset(struct virtio_bench *bench)
{
	virtio_write(bench, COMMON_STATUS, 1, 0);
	for (unsigned int i = 0; virtio_status(bench) != 0; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

/* Waits for the next chain that is given back. */
static inline uint32_t virtio_await(struct virtio_bench *bench, unsigned int queue,
				    uint32_t *written)
{
	uint32_t head;

	for (unsigned int i = 0; !driver_take(&bench->queues[queue], &head, written); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
	return head;
}

#endif
