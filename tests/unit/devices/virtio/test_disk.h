/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of a disk share: its image, the device, requests as a driver makes them. */

#ifndef FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_DISK_H
#define FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_DISK_H

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "devices/virtio/disk_private.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"

enum {
	IMAGE_SIZE = 4 * 1024 * 1024,
	HEADER = 0x100000, /* guest-physical: of request number n at n KiB */
	DATA = 0x300000,
	QUEUE_SIZE = 64,
	FRESH = 0xee, /* a status that nobody wrote */
};

static char path[] = "/tmp/ferry-disk-XXXXXX";
static struct disk_config config;
static struct virtio_bench *bench;
static int file;

static inline void begin(void)
{
	struct err err = {0};
	struct virtio_device *device = disk_create(&config, 0, &err);

	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	ck_assert_msg(device->ops->begin(device, &err) == 0, "%s", err.text);
}

static inline void set_up(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, IMAGE_SIZE), 0);
	config = (struct disk_config){.image.path = path, .queues = 1};
}

static inline void tear_down(void)
{
	if (bench)
		virtio_bench_destroy(bench);
	bench = NULL;
	close(file);
	unlink(path);
}

static inline uint8_t *guest(uint64_t gpa)
{
	return ram_host(bench->memory.ram, gpa, 1);
}

static inline void drive(void)
{
	begin();
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
}

/* Request number @n in three descriptors: header, @size bytes at @data, status. */
static inline void prepare(unsigned int n, uint32_t type, uint64_t sector, uint64_t data,
			   uint32_t size)
{
	struct driver_queue *queue = &bench->queues[0];
	uint64_t header = HEADER + 1024 * n;
	bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	unsigned int first = 3 * n;

	store_le32(guest(header), type);
	store_le32(guest(header) + 4, 0);
	store_le64(guest(header) + 8, sector);
	*guest(header + 16) = FRESH;
	driver_describe(queue, first, header, 16, VRING_DESC_F_NEXT, first + 1);
	driver_describe(queue, first + 1, data, size,
			VRING_DESC_F_NEXT | (reads ? VRING_DESC_F_WRITE : 0), first + 2);
	driver_describe(queue, first + 2, header + 16, 1, VRING_DESC_F_WRITE, 0);
}

static inline void submit(unsigned int n)
{
	driver_offer(&bench->queues[0], 3 * n);
	virtio_kick(bench, 0);
}

/* Does it and waits; its status, with what the used ring says in *@written. */
static inline uint8_t request(uint32_t type, uint64_t sector, uint64_t data, uint32_t size,
			      uint32_t *written)
{
	prepare(0, type, sector, data, size);
	submit(0);
	ck_assert_uint_eq(virtio_await(bench, 0, written), 0);
	return *guest(HEADER + 16);
}

static inline uint8_t do_request(uint32_t type, uint64_t sector, uint64_t data, uint32_t size)
{
	uint32_t written;

	return request(type, sector, data, size, &written);
}

#endif
