/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person is told of virtio functions: without a driver, with one, and of its faults. */

#include "devices/virtio/looped.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/suite.h"

enum { QUEUE_SIZE = 16, BUFFERS = 0x100000 };

static struct virtio_looped looped;
static struct virtio_bench *bench;
static char *answer;

static int give_back(struct virtio_looped *of, unsigned int queue, struct looped_chain *chain,
		     struct err *err)
{
	(void)of;
	(void)queue;
	return chain->chain.in_count ? LOOPED_DONE : err_set(err, -EBADMSG, "a wrong buffer");
}

static void destroy(struct virtio_looped *of)
{
	looped_end(of);
}

static const struct looped_ops ops = {.work = give_back, .destroy = destroy};

static void set_up(void)
{
	struct err err = {0};

	looped = (struct virtio_looped){
		.device =
			{
				.name = "toy",
				.id = 4,
				.features = VIRTIO_FEATURES_COMMON,
				.queue_count = 2,
				.queue_size = 64,
			},
	};
	looped_init(&looped, &ops);
	bench = virtio_bench_create(&looped.device);
	ck_assert_int_eq(bench->device->ops->begin(bench->device, &err), 0);
}

static void tear_down(void)
{
	free(answer);
	answer = NULL;
	virtio_bench_destroy(bench);
}

/* Whether @text is in what is told. */
static void tells(const char *text)
{
	size_t size;
	FILE *out;

	free(answer);
	out = open_memstream(&answer, &size);
	virtio_describe(bench->pci->host, out);
	fclose(out);
	ck_assert_msg(strstr(answer, text), "'%s' is not in:\n%s", text, answer);
}

static void offer(unsigned int flags)
{
	driver_describe(&bench->queues[1], 0, BUFFERS, 4, flags, 0);
	driver_offer(&bench->queues[1], 0);
	virtio_kick(bench, 1);
	virtio_turn_loop(bench);
}

START_TEST(a_device_without_a_driver)
{
	tells("00:01.0  1af4:1044  toy\n  status    0x00\n");
	tells("  features  0x0000010130000000 offered, 0x0000000000000000 taken\n");
	tells("  INTx      not in use\n");
	tells("  queue 0   64 of 64 entries, off\n  queue 1   64 of 64 entries, off\n");
}
END_TEST

START_TEST(a_device_at_work)
{
	virtio_drive(bench, VIRTIO_FEATURES_COMMON, QUEUE_SIZE);
	virtio_turn_loop(bench);
	for (unsigned int i = 0; i < 3; i++)
		offer(VRING_DESC_F_WRITE);
	tells("status    0x0f, seen, has a driver, features agreed, driver ready\n");
	tells("0x0000010130000000 taken\n");
	tells("INTx      in use, pending\n");
	tells("queue 0   16 of 64 entries, descriptors 0x10000, driver 0x14000, device 0x18000\n"
	      "            offered 0, taken 0, given back 0, interrupts 0\n");
	tells("queue 1   16 of 64 entries, descriptors 0x20000, driver 0x24000, device 0x28000\n"
	      "            offered 3, taken 3, given back 3, interrupts 1\n");
	virtio_write(bench, COMMON_STATUS, 1, 0);
	tells("  status    0x00\n");
	tells("queue 1   64 of 64 entries, off\n");
}
END_TEST

START_TEST(vectors)
{
	virtio_config_write(bench, 0x40 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	virtio_write(bench, COMMON_CONFIG_VECTOR, 2, 2);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 1);
	virtio_write(bench, COMMON_QUEUE_VECTOR, 2, 1);
	virtio_drive(bench, VIRTIO_FEATURES_COMMON, QUEUE_SIZE);
	tells("MSI-X     3 vectors, for the configuration vector 2\n");
	tells("interrupts 0 by no vector\n  queue 1");
	tells("interrupts 0 by vector 1\n");
}
END_TEST

START_TEST(a_fault)
{
	virtio_drive(bench, VIRTIO_FEATURES_COMMON, QUEUE_SIZE);
	offer(0);
	tells("driver ready, stands still until it is reset\n");
	atomic_store(&bench->device->gone, true);
	tells("driver ready, gone until the next run\n");
	tells("offered 1, taken 1, given back 0, ");
}
END_TEST

START_TEST(none)
{
	struct bench *empty = bench_create(), *full = bench->pci;

	bench->pci = empty;
	tells("there are none\n");
	bench->pci = full;
	bench_destroy(empty);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_device_without_a_driver);
	tcase_add_test(tests, a_device_at_work);
	tcase_add_test(tests, vectors);
	tcase_add_test(tests, a_fault);
	tcase_add_test(tests, none);
}

int main(void)
{
	return run_suite("virtio_describe", add_tests);
}
