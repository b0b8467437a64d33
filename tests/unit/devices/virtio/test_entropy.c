/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes as a driver gets them: how many, where, and what it may not ask for. */

#include "devices/virtio/entropy.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/suite.h"

enum { BUFFERS = 0x100000, QUEUE_SIZE = 16 };

static struct virtio_bench *bench;

static void set_up(void)
{
	struct err err = {0};
	struct virtio_device *device = entropy_create(&err);

	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	ck_assert_int_eq(device->ops->begin(device, &err), 0);
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
}

static void tear_down(void)
{
	virtio_bench_destroy(bench);
}

static uint8_t *guest(uint64_t gpa)
{
	return ram_host(bench->memory.ram, gpa, 1);
}

static void ask(uint64_t gpa, uint32_t size)
{
	driver_describe(&bench->queues[0], 0, gpa, size, VRING_DESC_F_WRITE, 0);
	driver_offer(&bench->queues[0], 0);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
}

static uint32_t given(void)
{
	uint32_t head, written;

	ck_assert(driver_take(&bench->queues[0], &head, &written));
	ck_assert_uint_eq(head, 0);
	return written;
}

/* Whether the @size bytes at @gpa are as they were: all zero. */
static bool is_fresh(uint64_t gpa, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (guest(gpa)[i])
			return false;
	return true;
}

START_TEST(it_is_an_entropy_device)
{
	unsigned int at = virtio_config_read(bench, PCI_CAPABILITY_LIST, 1);

	ck_assert_uint_eq(virtio_config_read(bench, PCI_VENDOR_ID, 4), 0x10441af4);
	ck_assert_uint_eq(virtio_config_read(bench, PCI_CLASS_REVISION, 4) >> 24, 0xff);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 4), UINT32_MAX);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), 1);
	/* It has no configuration of its own, and says so by not having a place for it. */
	for (; at; at = virtio_config_read(bench, at + 1, 1))
		ck_assert(virtio_config_read(bench, at, 1) != PCI_CAP_ID_VNDR ||
			  virtio_config_read(bench, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) !=
				  VIRTIO_PCI_CAP_DEVICE_CFG);
}
END_TEST

/* As many as were asked for, and none behind them. */
START_TEST(it_gives_what_is_asked_for)
{
	static const uint32_t sizes[] = {16, 64, 255, 256, 257, 1000, ENTROPY_MOST};
	uint32_t size = sizes[_i];

	ask(BUFFERS, size);
	ck_assert_uint_eq(given(), size);
	ck_assert(!is_fresh(BUFFERS, 16));
	ck_assert(!is_fresh(BUFFERS + size - 16, 16));
	ck_assert(is_fresh(BUFFERS + size, 4096));
	ask(BUFFERS + 0x10000, size);
	ck_assert_uint_eq(given(), size);
	ck_assert_mem_ne(guest(BUFFERS), guest(BUFFERS + 0x10000), 16);
}
END_TEST

/* VIRTIO 1.2 5.4.6.2: it may use less than the buffer, and never without end. */
START_TEST(it_gives_so_much_at_most)
{
	ask(BUFFERS, 0x100000);
	ck_assert_uint_eq(given(), ENTROPY_MOST);
	ck_assert(!is_fresh(BUFFERS + ENTROPY_MOST - 16, 16));
	ck_assert(is_fresh(BUFFERS + ENTROPY_MOST, 0x1000));
}
END_TEST

START_TEST(a_buffer_may_be_in_pieces)
{
	/* Two pieces of memory touch there. */
	uint64_t seam = DRIVER_SEAM - 20;

	driver_describe(&bench->queues[0], 1, seam, 40, VRING_DESC_F_WRITE, 0);
	driver_describe(&bench->queues[0], 0, BUFFERS, 32, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
			1);
	driver_offer(&bench->queues[0], 0);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(given(), 72);
	ck_assert(!is_fresh(BUFFERS, 32));
	ck_assert(!is_fresh(seam, 20));
	ck_assert(!is_fresh(DRIVER_SEAM, 20));
	ck_assert(is_fresh(BUFFERS + 32, 64));
	ck_assert(is_fresh(DRIVER_SEAM + 20, 64));
}
END_TEST

START_TEST(nothing_is_little)
{
	ask(BUFFERS, 0);
	ck_assert_uint_eq(given(), 0);
	ck_assert_uint_eq(virtio_status(bench), 15);
}
END_TEST

START_TEST(it_reads_nothing)
{
	driver_describe(&bench->queues[0], 0, BUFFERS, 16, 0, 0);
	driver_offer(&bench->queues[0], 0);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(virtio_status(bench), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_is_an_entropy_device);
	tcase_add_loop_test(tests, it_gives_what_is_asked_for, 0, 7);
	tcase_add_test(tests, it_gives_so_much_at_most);
	tcase_add_test(tests, a_buffer_may_be_in_pieces);
	tcase_add_test(tests, nothing_is_little);
	tcase_add_test(tests, it_reads_nothing);
}

int main(void)
{
	int rc = run_suite("virtio_entropy, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("virtio_entropy, split queues", add_tests) || rc;
}
