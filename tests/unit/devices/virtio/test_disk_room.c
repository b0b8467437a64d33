/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk with many requests: what there is room for, resets and pauses while they are under way. */

#include "tests/unit/devices/virtio/test_disk.h"

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
	if (!rings_are_had("disk"))
		return;
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, all_that_is_offered_is_done);
	tcase_add_test(tests, no_queue_keeps_all_the_room);
	tcase_add_test(tests, who_waits_is_told_that_it_goes_on);
	tcase_add_test(tests, a_reset_ends_what_is_under_way);
	tcase_add_test(tests, without_bus_mastering_it_does_nothing);
	tcase_add_test(tests, a_queue_is_reset);
}

int main(void)
{
	int rc = run_suite("disk's room, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("disk's room, split queues", add_tests) || rc;
}
