/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk as a driver has it, over a file: every request, what is wrong with some. */

#include "tests/unit/devices/virtio/test_disk.h"

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
	tcase_add_test(tests, a_chain_that_is_none_stops_it);
	tcase_add_test(tests, its_image_is_free_at_once);
}

int main(void)
{
	int rc = run_suite("disk, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("disk, split queues", add_tests) || rc;
}
