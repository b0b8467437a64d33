/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that the loop serves: when it works, when it does not, and what it keeps meanwhile. */

#include <limits.h>
#include <stdatomic.h>

#include "devices/virtio/looped.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/suite.h"

enum { QUEUE_SIZE = 64, BUFFERS = 0x100000 };

/* It does a byte of a chain for each credit, and keeps the chain without one. */
static struct lazy {
	struct virtio_looped looped;
	unsigned int credit[LOOPED_QUEUES_MAX], begun;
	atomic_uint works;
	bool refuses;
} lazy;

static struct virtio_bench *bench;
static bool destroyed;

static int lazy_work(struct virtio_looped *looped, unsigned int queue, struct looped_chain *chain,
		     struct err *err)
{
	uint64_t size = chain->chain.in_size;

	(void)looped;
	lazy.works++;
	lazy.begun += chain->done == 0;
	if (lazy.refuses)
		return err_set(err, -EBADMSG, "it is refused");
	for (; chain->done < size && lazy.credit[queue]; chain->done++)
		lazy.credit[queue]--;
	chain->written = (uint32_t)chain->done;
	return chain->done == size ? LOOPED_DONE : LOOPED_LATER;
}

static void lazy_destroy(struct virtio_looped *looped)
{
	looped_end(looped);
	destroyed = true;
}

static const struct looped_ops lazy_ops = {lazy_work, lazy_destroy};

static void create(void)
{
	lazy = (struct lazy){
		.looped.device =
			{
				.name = "lazy",
				.id = 4,
				.features = VIRTIO_FEATURES_QUEUES,
				.queue_count = 2,
				.queue_size = QUEUE_SIZE,
			},
		.credit = {1000, 1000},
	};
	destroyed = false;
	looped_init(&lazy.looped, &lazy_ops);
	bench = virtio_bench_create(&lazy.looped.device);
}

static void set_up(void)
{
	struct err err = {0};

	create();
	ck_assert_int_eq(bench->device->ops->begin(bench->device, &err), 0);
}

static void tear_down(void)
{
	virtio_bench_destroy(bench);
	ck_assert(destroyed);
}

static void drive(void)
{
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
}

/* A chain of @size bytes in one descriptor of its own number. */
static void offer(unsigned int queue, unsigned int n, uint32_t size)
{
	driver_describe(&bench->queues[queue], n, BUFFERS + 4096 * n, size, VRING_DESC_F_WRITE, 0);
	driver_offer(&bench->queues[queue], n);
}

static unsigned int take_all(unsigned int queue)
{
	uint32_t head, written;
	unsigned int count = 0;

	while (driver_take(&bench->queues[queue], &head, &written))
		count++;
	return count;
}

START_TEST(a_kick_has_it_work)
{
	drive();
	ck_assert_uint_eq(lazy.looped.features, virtio_wanted(bench));
	virtio_turn_loop(bench);
	offer(0, 3, 10);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 0);
	virtio_kick(bench, 0);
	ck_assert_uint_eq(take_all(0), 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_uint_eq(lazy.credit[0], 990);
	/* The other queue's kick is the other queue's. */
	offer(1, 0, 10);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(1), 0);
	virtio_kick(bench, 1);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(1), 1);
}
END_TEST

/* What came before the driver was ready, or while it was no bus master, is not lost. */
START_TEST(an_early_kick_counts)
{
	virtio_negotiate(bench, virtio_wanted(bench));
	for (unsigned int i = 0; i < 2; i++) {
		bench->queues[i] = driver_queue(&bench->memory, i, QUEUE_SIZE, bench->features);
		virtio_place_queue(bench, i);
	}
	offer(0, 0, 1);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.works, 0);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY), MEM_DONE);
	offer(0, 1, 1);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 0);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
}
END_TEST

/* Before it begins nobody listens. */
START_TEST(it_begins_when_it_is_told_to)
{
	struct err err = {0};

	virtio_bench_destroy(bench);
	create();
	drive();
	offer(0, 0, 1);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.works, 0);
	ck_assert_int_eq(bench->device->ops->begin(bench->device, &err), 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
}
END_TEST

/* The others in the loop have their turn in between. */
START_TEST(many_chains_are_many_turns)
{
	unsigned int given = 0, turns = 0;

	drive();
	virtio_turn_loop(bench);
	for (unsigned int i = 0; i < QUEUE_SIZE; i++)
		offer(0, i, 1);
	virtio_kick(bench, 0);
	while (given < QUEUE_SIZE) {
		unsigned int more;

		virtio_turn_loop(bench);
		more = take_all(0);
		ck_assert_uint_le(more, LOOPED_TURN);
		ck_assert_uint_gt(more, 0);
		given += more;
		turns++;
	}
	ck_assert_uint_ge(turns, QUEUE_SIZE / LOOPED_TURN);
}
END_TEST

START_TEST(a_chain_that_takes_longer_is_kept)
{
	uint32_t head, written;

	lazy.credit[0] = 4;
	drive();
	offer(0, 5, 10);
	offer(0, 6, 1);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.works, 1);
	ck_assert_uint_eq(take_all(0), 0);
	lazy.credit[0] = 100;
	looped_poke(&lazy.looped, 0);
	virtio_turn_loop(bench);
	ck_assert(driver_take(&bench->queues[0], &head, &written));
	ck_assert_uint_eq(head, 5);
	ck_assert_uint_eq(written, 10);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_uint_eq(lazy.begun, 2);
	ck_assert_uint_eq(lazy.credit[0], 93);
}
END_TEST

/* Not master of the bus any more it stands where it is, and goes on from there. */
START_TEST(a_pause_keeps_its_place)
{
	lazy.credit[0] = 4;
	drive();
	offer(0, 0, 10);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY), MEM_DONE);
	lazy.credit[0] = 6;
	looped_poke(&lazy.looped, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.works, 1);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_uint_eq(lazy.begun, 1);
}
END_TEST

/* What was kept is the driver's again, and nothing comes back of it. */
START_TEST(a_reset_forgets)
{
	lazy.credit[0] = 4;
	drive();
	offer(0, 0, 10);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	virtio_write(bench, COMMON_STATUS, 1, 0);
	ck_assert_uint_eq(virtio_status(bench), 0);
	lazy.credit[0] = 100;
	looped_poke(&lazy.looped, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 0);
	drive();
	offer(0, 0, 2);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_uint_eq(lazy.credit[0], 98);
}
END_TEST

START_TEST(one_queue_is_reset_alone)
{
	lazy.credit[0] = 4;
	drive();
	offer(0, 0, 10);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 0);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 0);
	lazy.credit[0] = 100;
	looped_poke(&lazy.looped, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.credit[0], 100);
	offer(1, 0, 1);
	virtio_kick(bench, 1);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(1), 1);
	bench->queues[0] = driver_queue(&bench->memory, 0, QUEUE_SIZE, bench->features);
	virtio_place_queue(bench, 0);
	offer(0, 0, 3);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0), 1);
	ck_assert_uint_eq(lazy.credit[0], 97);
}
END_TEST

/* It stands still until it is reset, whatever is at fault. */
START_TEST(a_fault_stands_until_a_reset)
{
	drive();
	lazy.refuses = _i;
	driver_describe(&bench->queues[0], 0, BUFFERS, 1, _i ? 0 : VRING_DESC_F_NEXT, 0);
	driver_offer(&bench->queues[0], 0);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(virtio_status(bench), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	lazy.refuses = false;
	offer(1, 0, 1);
	virtio_kick(bench, 1);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(0) + take_all(1), 0);
	virtio_write(bench, COMMON_STATUS, 1, 0);
	drive();
	offer(1, 0, 1);
	virtio_kick(bench, 1);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(take_all(1), 1);
	ck_assert_uint_eq(virtio_status(bench), 15);
}
END_TEST

START_TEST(a_queue_that_is_none_is_a_fault)
{
	virtio_negotiate(bench, virtio_wanted(bench));
	bench->queues[0] = driver_queue(&bench->memory, 0, QUEUE_SIZE, bench->features);
	bench->queues[0].place.device = DRIVER_END;
	virtio_place_queue(bench, 0);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert_uint_eq(virtio_status(bench), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_kick(bench, 0);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(lazy.works, 0);
	virtio_write(bench, COMMON_STATUS, 1, 0);
	drive();
	ck_assert_uint_eq(virtio_status(bench), 15);
}
END_TEST

static void *drive_again(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 200 || (lazy.works == 0 && i < 100000); i++) {
		drive();
		for (unsigned int n = 0; n < QUEUE_SIZE; n++)
			offer(0, n, 1);
		virtio_kick(bench, 0);
		ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY),
				 MEM_DONE);
		ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
						     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
				 MEM_DONE);
		virtio_write(bench, COMMON_STATUS, 1, 0);
		ck_assert_uint_eq(virtio_status(bench), 0);
	}
	loop_stop(bench->loop);
	return NULL;
}

/* A processor that drives and resets while the loop is at work. */
START_TEST(a_reset_comes_at_any_moment)
{
	struct err err = {0};
	pthread_t driver;

	lazy.credit[0] = UINT_MAX;
	ck_assert_int_eq(pthread_create(&driver, NULL, drive_again, NULL), 0);
	ck_assert_int_eq(loop_run(bench->loop, &err), 0);
	pthread_join(driver, NULL);
	ck_assert_uint_gt(lazy.works, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_kick_has_it_work);
	tcase_add_test(tests, an_early_kick_counts);
	tcase_add_test(tests, it_begins_when_it_is_told_to);
	tcase_add_test(tests, many_chains_are_many_turns);
	tcase_add_test(tests, a_chain_that_takes_longer_is_kept);
	tcase_add_test(tests, a_pause_keeps_its_place);
	tcase_add_test(tests, a_reset_forgets);
	tcase_add_test(tests, one_queue_is_reset_alone);
	tcase_add_loop_test(tests, a_fault_stands_until_a_reset, 0, 2);
	tcase_add_test(tests, a_queue_that_is_none_is_a_fault);
	tcase_add_test(tests, a_reset_comes_at_any_moment);
}

int main(void)
{
	int rc = run_suite("virtio_looped, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("virtio_looped, split queues", add_tests) || rc;
}
