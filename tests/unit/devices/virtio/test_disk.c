/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk as a driver has it, over a file: every request, what is wrong with some, resets. */

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

static void begin(void)
{
	struct err err = {0};
	struct virtio_device *device = disk_create(&config, 0, &err);

	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	ck_assert_msg(device->ops->begin(device, &err) == 0, "%s", err.text);
}

static void set_up(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, IMAGE_SIZE), 0);
	config = (struct disk_config){.image.path = path, .queues = 1};
}

/* A file in memory instead: it can have holes, but no zeros by fallocate(2). */
static void use_memory(void)
{
	static char of_memory[32];

	close(file);
	unlink(path);
	file = memfd_create("disk", MFD_CLOEXEC);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, IMAGE_SIZE), 0);
	snprintf(of_memory, sizeof(of_memory), "/proc/self/fd/%d", file);
	config.image.path = of_memory;
}

static void tear_down(void)
{
	if (bench)
		virtio_bench_destroy(bench);
	bench = NULL;
	close(file);
	unlink(path);
}

static uint8_t *guest(uint64_t gpa)
{
	return ram_host(bench->memory.ram, gpa, 1);
}

static void drive(void)
{
	begin();
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
}

/* Request number @n in three descriptors: header, @size bytes at @data, status. */
static void prepare(unsigned int n, uint32_t type, uint64_t sector, uint64_t data, uint32_t size)
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

/* A table has them as the ring has (VIRTIO 1.2 2.7.5.3, 2.8.7). */
static void describe_indirect(const struct driver_queue *queue, uint64_t at, uint64_t gpa,
			      uint32_t size, uint16_t flags)
{
	uint8_t *descriptor = guest(at);

	store_le64(descriptor, gpa);
	store_le32(descriptor + 8, size);
	store_le16(descriptor + (queue->packed ? 14 : 12), flags);
	if (!queue->packed)
		store_le16(descriptor + 14, (uint16_t)((at & 63) / 16 + 1));
}

/* Request number @n of queue @index, a long read, in one descriptor that leads to its three. */
static void offer_indirect(unsigned int index, unsigned int n)
{
	struct driver_queue *queue = &bench->queues[index];
	const uint64_t header = HEADER + 1024 * n, table = header + 64;

	memset(guest(header), 0, 16);
	*guest(header + 16) = FRESH;
	describe_indirect(queue, table, header, 16, VRING_DESC_F_NEXT);
	describe_indirect(queue, table + 16, DATA, 256 * 1024,
			  VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	describe_indirect(queue, table + 32, header + 16, 1, VRING_DESC_F_WRITE);
	driver_describe(queue, n % 256, table, 48, VRING_DESC_F_INDIRECT, 0);
	driver_offer(queue, n % 256);
}

static void submit(unsigned int n)
{
	driver_offer(&bench->queues[0], 3 * n);
	virtio_kick(bench, 0);
}

/* Does it and waits; its status, with what the used ring says in *@written. */
static uint8_t request(uint32_t type, uint64_t sector, uint64_t data, uint32_t size,
		       uint32_t *written)
{
	prepare(0, type, sector, data, size);
	submit(0);
	ck_assert_uint_eq(virtio_await(bench, 0, written), 0);
	return *guest(HEADER + 16);
}

static uint8_t do_request(uint32_t type, uint64_t sector, uint64_t data, uint32_t size)
{
	uint32_t written;

	return request(type, sector, data, size, &written);
}

/* VIRTIO 1.2 5.2.4. No ring is needed to tell. */
START_TEST(its_config_space_says_what_it_is)
{
	const uint64_t all = UINT64_C(1) << VIRTIO_BLK_F_RO | UINT64_C(1) << VIRTIO_BLK_F_DISCARD |
			     UINT64_C(1) << VIRTIO_BLK_F_WRITE_ZEROES;
	struct virtio_device *device;
	struct err err = {0};

	config.queues = 3;
	config.image.block_size = _i & 1 ? 4096 : 512;
	config.image.readonly = _i & 2;
	config.discard = !config.image.readonly;
	device = disk_create(&config, 7, &err);
	ck_assert_msg(device, "%s", err.text);
	ck_assert_str_eq(device->name, "disk7");
	ck_assert_uint_eq(device->id, 2);
	ck_assert_uint_eq(load_le64(device->config), IMAGE_SIZE / 512);
	ck_assert_uint_eq(load_le32(device->config + 20), config.image.block_size);
	ck_assert_uint_eq(device->config[24], _i & 1 ? 0 : 3);
	ck_assert_uint_eq(load_le16(device->config + 34), 3);
	ck_assert_uint_eq(device->config[56], config.discard);
	ck_assert_uint_eq(device->config_size, 60);
	ck_assert_uint_eq(device->features & all,
			  config.image.readonly ? UINT64_C(1) << VIRTIO_BLK_F_RO
						: all & ~(UINT64_C(1) << VIRTIO_BLK_F_RO));
	device->ops->destroy(device);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	uint8_t byte;
	uint32_t written;

	drive();
	memset(guest(DATA), 0x5a, 4096);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_OUT, 8, DATA, 4096, &written), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(written, 1);
	ck_assert_int_eq(pread(file, &byte, 1, 8 * 512 + 4095), 1);
	ck_assert_uint_eq(byte, 0x5a);
	memset(guest(DATA), 0, 8192);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_IN, 7, DATA, 1024, &written), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(written, 1025);
	ck_assert_uint_eq(*guest(DATA), 0);
	ck_assert_uint_eq(*guest(DATA + 512), 0x5a);
	ck_assert_uint_eq(*guest(DATA + 1024), 0);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_FLUSH, 0, DATA, 0), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_buffer_may_cross_pieces)
{
	drive();
	memset(guest(DRIVER_SEAM - 512), 0x11, 512);
	memset(guest(DRIVER_SEAM), 0x22, 512);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_OUT, 0, DRIVER_SEAM - 512, 1024), 0);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 1024), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(*guest(DATA + 511), 0x11);
	ck_assert_uint_eq(*guest(DATA + 512), 0x22);
}
END_TEST

/* The header, the data and the status in whatever descriptors (VIRTIO 1.2 2.7.4.1). */
START_TEST(a_request_may_be_cut_anywhere)
{
	struct driver_queue *queue;
	uint32_t written;

	drive();
	queue = &bench->queues[0];
	ck_assert_int_eq(pwrite(file, "x", 1, 1024 + 511), 1);
	store_le32(guest(HEADER), VIRTIO_BLK_T_IN);
	store_le64(guest(HEADER + 8), 2);
	driver_describe(queue, 0, HEADER, 5, VRING_DESC_F_NEXT, 1);
	driver_describe(queue, 1, HEADER + 5, 11, VRING_DESC_F_NEXT, 2);
	driver_describe(queue, 2, DATA, 100, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3);
	/* The status is the last byte of what also has data. */
	driver_describe(queue, 3, DATA + 100, 413, VRING_DESC_F_WRITE, 0);
	*guest(DATA + 512) = FRESH;
	submit(0);
	ck_assert_uint_eq(virtio_await(bench, 0, &written), 0);
	ck_assert_uint_eq(written, 513);
	ck_assert_uint_eq(*guest(DATA + 511), 'x');
	ck_assert_uint_eq(*guest(DATA + 512), VIRTIO_BLK_S_OK);
}
END_TEST

static const struct refusal {
	uint32_t type;
	uint64_t sector;
	uint32_t size;
	uint8_t status;
} refusals[] = {
	{VIRTIO_BLK_T_IN, IMAGE_SIZE / 512, 512, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_IN, IMAGE_SIZE / 512 - 1, 1024, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_OUT, UINT64_MAX, 512, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1, 512, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_OUT, 0, 511, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_IN, 0, 0, VIRTIO_BLK_S_OK},
	{VIRTIO_BLK_T_IN, IMAGE_SIZE / 512, 0, VIRTIO_BLK_S_OK},
	{VIRTIO_BLK_T_DISCARD, 0, 16, VIRTIO_BLK_S_UNSUPP},
	{VIRTIO_BLK_T_WRITE_ZEROES, 0, 15, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_WRITE_ZEROES, 0, 32, VIRTIO_BLK_S_IOERR},
	{VIRTIO_BLK_T_SECURE_ERASE, 0, 16, VIRTIO_BLK_S_UNSUPP},
	{0xffffffff, 0, 512, VIRTIO_BLK_S_UNSUPP},
};

START_TEST(what_cannot_be_done_is_answered_so)
{
	const struct refusal *row = &refusals[_i];

	drive();
	ck_assert_uint_eq(do_request(row->type, row->sector, DATA, row->size), row->status);
	/* And it goes on. */
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 512), VIRTIO_BLK_S_OK);
}
END_TEST

static uint8_t range_request(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	store_le64(guest(DATA), sector);
	store_le32(guest(DATA) + 8, sectors);
	store_le32(guest(DATA) + 12, flags);
	return do_request(type, 0, DATA, 16);
}

START_TEST(ranges_are_zeroed_and_given_up)
{
	static uint8_t ones[65536], bytes[65536];
	struct stat before, after;

	if (_i)
		use_memory();
	config.discard = true;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned int i = 0; i < IMAGE_SIZE; i += sizeof(ones))
		ck_assert_int_eq(pwrite(file, ones, sizeof(ones), i), sizeof(ones));
	drive();
	fstat(file, &before);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 128, 128, 0), VIRTIO_BLK_S_OK);
	ck_assert_int_eq(pread(file, bytes, sizeof(bytes), 65536), sizeof(bytes));
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], 0);
	ck_assert_int_eq(pread(file, bytes, 1, 65535), 1);
	ck_assert_uint_eq(bytes[0], 0xff);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_DISCARD, 1024, 2048, 0), VIRTIO_BLK_S_OK);
	fstat(file, &after);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 1, 3071, 1), VIRTIO_BLK_S_OK);
	for (unsigned int i = 1; i < 3072; i++) {
		ck_assert_int_eq(pread(file, bytes, 512, i * 512), 512);
		ck_assert_mem_eq(bytes, (uint8_t[512]){0}, 512);
	}
	ck_assert_int_eq(pread(file, bytes, 1, 3072 * 512), 1);
	ck_assert_uint_eq(bytes[0], 0xff);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_DISCARD, 0, 8, 1), VIRTIO_BLK_S_UNSUPP);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2), VIRTIO_BLK_S_UNSUPP);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 0, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, UINT64_MAX, 8, 0),
			  VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, UINT32_MAX, 0),
			  VIRTIO_BLK_S_IOERR);
}
END_TEST

/* The guest has asked for no write. */
static bool zeros_were_written(void)
{
	struct disk *disk = container_of(bench->device, struct disk, device);
	bool written = false;

	pthread_mutex_lock(&disk->worker.lock);
	for (unsigned int i = 0; i < ARRAY_SIZE(disk->requests); i++) {
		written |= disk->requests[i].type == VIRTIO_BLK_T_OUT;
		disk->requests[i].type = VIRTIO_BLK_T_IN;
	}
	pthread_mutex_unlock(&disk->worker.lock);
	return written;
}

/*
 * Zeros that must be written: in memory, which has no such operation; for a driver without flushes.
 * Those of an end that is no whole write too.
 */
START_TEST(zeros_are_written_where_they_must_be)
{
	static uint8_t ones[IMAGE_SIZE], bytes[IMAGE_SIZE];
	const uint32_t first = 1, count = 3071;

	if (_i)
		use_memory();
	memset(ones, 0xff, sizeof(ones));
	ck_assert_int_eq(ftruncate(file, 2 * DISK_ZEROS_MAX), 0);
	ck_assert_int_eq(pwrite(file, ones, sizeof(ones), 0), sizeof(ones));
	begin();
	virtio_drive(bench, virtio_wanted(bench) & ~(_i ? 0 : UINT64_C(1) << VIRTIO_BLK_F_FLUSH),
		     QUEUE_SIZE);
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, first, count, i),
				  VIRTIO_BLK_S_OK);
		ck_assert(zeros_were_written());
		ck_assert_int_eq(pread(file, bytes, sizeof(bytes), 0), sizeof(bytes));
		memset(ones + 512 * first, 0, 512 * count);
		ck_assert(memcmp(bytes, ones, sizeof(bytes)) == 0);
		memset(ones, 0xff, sizeof(ones));
		ck_assert_int_eq(pwrite(file, ones, sizeof(ones), 0), sizeof(ones));
	}
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 32768, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 32769, 0),
			  VIRTIO_BLK_S_IOERR);
}
END_TEST

START_TEST(it_has_a_name_of_its_own)
{
	uint32_t written;

	config.serial = "ferry-0";
	drive();
	memset(guest(DATA), 0xff, 32);
	ck_assert_uint_eq(request(VIRTIO_BLK_T_GET_ID, 0, DATA, 20, &written), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(written, 21);
	ck_assert_str_eq((char *)guest(DATA), "ferry-0");
	ck_assert_uint_eq(*guest(DATA + 19), 0);
	ck_assert_uint_eq(*guest(DATA + 20), 0xff);
	/* One who wants less gets less. */
	memset(guest(DATA), 0xff, 32);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_GET_ID, 0, DATA, 3), VIRTIO_BLK_S_OK);
	ck_assert_mem_eq(guest(DATA), "fer\xff", 4);
}
END_TEST

START_TEST(one_that_is_only_read_is_not_written)
{
	config.image.readonly = true;
	drive();
	ck_assert(bench->features >> VIRTIO_BLK_F_RO & 1);
	ck_assert(!(bench->features >> VIRTIO_BLK_F_WRITE_ZEROES & 1));
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_OUT, 0, DATA, 512), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(range_request(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 0), VIRTIO_BLK_S_UNSUPP);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_FLUSH, 0, DATA, 0), VIRTIO_BLK_S_OK);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 512), VIRTIO_BLK_S_OK);
}
END_TEST

START_TEST(a_file_that_became_shorter_is_an_error)
{
	drive();
	ck_assert_int_eq(ftruncate(file, 1024), 0);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 1, DATA, 1024), VIRTIO_BLK_S_IOERR);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 1, DATA, 512), VIRTIO_BLK_S_OK);
}
END_TEST

/* More requests at once than the worker has room for. */
START_TEST(all_that_is_offered_is_done)
{
	uint32_t head, written;

	config.queues = 1;
	begin();
	virtio_drive(bench, virtio_wanted(bench), 256);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int n = 0; n < 85; n++) {
			prepare(n, n % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 8 * n,
				DATA + 4096 * n, 4096);
			driver_offer(&bench->queues[0], 3 * n);
		}
		virtio_kick(bench, 0);
		for (unsigned int n = 0; n < 85; n++) {
			head = virtio_await(bench, 0, &written);
			ck_assert_uint_eq(*guest(HEADER + 1024 * (head / 3) + 16), VIRTIO_BLK_S_OK);
		}
	}
	ck_assert(!driver_take(&bench->queues[0], &head, &written));
}
END_TEST

static void set_mastering(bool on)
{
	const uint16_t command = PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0);

	while (virtio_config_write(bench, PCI_COMMAND, 2, command) == MEM_NOT_YET)
		usleep(100);
}

/* What is given back is offered again; how much that was. */
static unsigned int offer_again(void)
{
	uint32_t head, written;
	unsigned int count = 0;

	for (; driver_take(&bench->queues[0], &head, &written); count++)
		offer_indirect(0, head);
	return count;
}

/* A queue that offers more than there is room for, on and on, leaves room for the other. */
START_TEST(no_queue_keeps_all_the_room)
{
	uint32_t head, written;
	unsigned int given = 0;

	config.queues = 2;
	begin();
	virtio_drive(bench, virtio_wanted(bench), 256);
	set_mastering(false);
	for (unsigned int n = 0; n < 256; n++)
		offer_indirect(0, n);
	offer_indirect(1, 256);
	virtio_kick(bench, 0);
	virtio_kick(bench, 1);
	/* It stands each time as soon as it has begun what there is room for. */
	for (unsigned int i = 0; given < 256 && i < 10000; i++) {
		set_mastering(true);
		usleep(100);
		set_mastering(false);
		given += offer_again();
	}
	ck_assert_uint_ge(given, 256);
	ck_assert(driver_take(&bench->queues[1], &head, &written));
	ck_assert_uint_eq(*guest(HEADER + 1024 * 256 + 16), VIRTIO_BLK_S_OK);
}
END_TEST

/* A vCPU that waits until nothing is under way is told as well when all goes on instead. */
START_TEST(who_waits_is_told_that_it_goes_on)
{
	const uint16_t off = PCI_COMMAND_MEMORY, on = off | PCI_COMMAND_MASTER;
	enum mem_result result = MEM_DONE;
	unsigned int told = 0;

	begin();
	virtio_drive(bench, virtio_wanted(bench), 256);
	for (unsigned int n = 0; n < 256; n++)
		offer_indirect(0, n);
	for (unsigned int i = 0; result == MEM_DONE && i < 1000; i++) {
		virtio_kick(bench, 0);
		usleep(100);
		told = atomic_load(&bench->wakes);
		result = virtio_config_write(bench, PCI_COMMAND, 2, off);
		ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, on), MEM_DONE);
		offer_again();
	}
	ck_assert_int_eq(result, MEM_NOT_YET);
	for (unsigned int i = 0; atomic_load(&bench->wakes) == told; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}
END_TEST

/* Whatever is under way, after a reset nothing of it comes any more. */
START_TEST(a_reset_ends_what_is_under_way)
{
	begin();
	for (unsigned int round = 0; round < 50; round++) {
		uint32_t head, written;

		virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
		for (unsigned int n = 0; n < 20; n++) {
			prepare(n, VIRTIO_BLK_T_OUT, 8 * n, DATA + 4096 * n, 4096);
			driver_offer(&bench->queues[0], 3 * n);
		}
		virtio_kick(bench, 0);
		usleep((unsigned int)rand() % 300);
		virtio_reset(bench);
		while (driver_take(&bench->queues[0], &head, &written))
			;
		usleep(100);
		ck_assert(!driver_take(&bench->queues[0], &head, &written));
	}
}
END_TEST

/* Bus mastering goes off once nothing is under way, and what is offered meanwhile waits. */
START_TEST(without_bus_mastering_it_does_nothing)
{
	uint32_t head, written;
	unsigned int done = 0, all = 20;

	drive();
	for (unsigned int n = 0; n < all; n++) {
		prepare(n, VIRTIO_BLK_T_OUT, 8 * n, DATA + 4096 * n, 4096);
		driver_offer(&bench->queues[0], 3 * n);
	}
	virtio_kick(bench, 0);
	while (virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY) == MEM_NOT_YET)
		usleep(100);
	while (driver_take(&bench->queues[0], &head, &written))
		done++;
	prepare(20, VIRTIO_BLK_T_IN, 0, DATA, 512);
	submit(20);
	all++;
	usleep(20000);
	ck_assert(!driver_take(&bench->queues[0], &head, &written));
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	for (; done < all; done++)
		virtio_await(bench, 0, &written);
}
END_TEST

/* What no driver sends: the device stops until it is reset, and says so once. */
START_TEST(a_chain_that_is_none_stops_it)
{
	drive();
	driver_describe(&bench->queues[0], 0, HEADER, 15, VRING_DESC_F_NEXT, 1);
	driver_describe(&bench->queues[0], 1, HEADER + 16, 1, VRING_DESC_F_WRITE, 0);
	submit(0);
	for (unsigned int i = 0; !(virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), ISR_CONFIG);
	virtio_reset(bench);
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 512), VIRTIO_BLK_S_OK);
}
END_TEST

/* The kernel takes its time to close a ring, which has the image too. */
START_TEST(its_image_is_free_at_once)
{
	for (unsigned int round = 0; round < 20; round++) {
		drive();
		ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 512), VIRTIO_BLK_S_OK);
		virtio_bench_destroy(bench);
		bench = NULL;
	}
}
END_TEST

/* One queue alone begins anew. */
START_TEST(a_queue_is_reset)
{
	uint32_t written;

	config.queues = 2;
	begin();
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
	prepare(0, VIRTIO_BLK_T_IN, 0, DATA, 512);
	submit(0);
	virtio_await(bench, 0, &written);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 0);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	while (virtio_read(bench, COMMON_QUEUE_RESET, 2))
		usleep(100);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 0);
	bench->queues[0] = driver_queue(&bench->memory, 0, 16, bench->features);
	virtio_place_queue(bench, 0);
	ck_assert_uint_eq(do_request(VIRTIO_BLK_T_IN, 0, DATA, 512), VIRTIO_BLK_S_OK);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, its_config_space_says_what_it_is, 0, 4);
	if (!rings_are_had("disk"))
		return;
	tcase_add_test(tests, what_is_written_is_read);
	tcase_add_test(tests, a_buffer_may_cross_pieces);
	tcase_add_test(tests, a_request_may_be_cut_anywhere);
	tcase_add_loop_test(tests, what_cannot_be_done_is_answered_so, 0, ARRAY_SIZE(refusals));
	tcase_add_loop_test(tests, ranges_are_zeroed_and_given_up, 0, 2);
	tcase_add_loop_test(tests, zeros_are_written_where_they_must_be, 0, 2);
	tcase_add_test(tests, it_has_a_name_of_its_own);
	tcase_add_test(tests, one_that_is_only_read_is_not_written);
	tcase_add_test(tests, a_file_that_became_shorter_is_an_error);
	tcase_add_test(tests, all_that_is_offered_is_done);
	tcase_add_test(tests, no_queue_keeps_all_the_room);
	tcase_add_test(tests, who_waits_is_told_that_it_goes_on);
	tcase_add_test(tests, a_reset_ends_what_is_under_way);
	tcase_add_test(tests, without_bus_mastering_it_does_nothing);
	tcase_add_test(tests, a_chain_that_is_none_stops_it);
	tcase_add_test(tests, its_image_is_free_at_once);
	tcase_add_test(tests, a_queue_is_reset);
}

int main(void)
{
	int rc = run_suite("disk, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("disk, split queues", add_tests) || rc;
}
