/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device tells by itself: an error, and that the host wants it back. */

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

/* The first try of its recovery is some time away. */
START_TEST(an_error_isolates_until_the_next_reset)
{
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.pci->errors, 1);
	ck_assert_uint_eq(bench.irq.attached, 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	ck_assert_uint_eq(config_read(0xa8, 1), 0xff);
	/* The host's kernel may be resetting its link: no processor waits for that. */
	for (int i = 0; i < 5000 && fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2); i++)
		usleep(1000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert(!bench.fake.closed);

	restart();
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(bench.irq.attached, 1);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
}
END_TEST

START_TEST(the_host_gets_its_device_back)
{
	uint64_t base;

	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	base = bar(0);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(bench.fake.closed);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
	for (uint32_t i = 0; i < FAKE_IRQS; i++)
		ck_assert_uint_eq(bench.fake.span[i], 0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(guest_read(base, 4), UINT32_MAX);
	restart();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, NULL, 0, 0), 0);
}
END_TEST

START_TEST(events_that_do_not_exist_are_done_without)
{
	bench.fake.irqs[VFIO_PCI_ERR_IRQ_INDEX].count = 0;
	bench.fake.irqs[VFIO_PCI_REQ_IRQ_INDEX].flags = 0;
	start();
	ck_assert_int_eq(bench.pci->error_event, -1);
	ck_assert_int_eq(bench.pci->request_event, -1);
}
END_TEST

static atomic_bool guest_stops;

/* A guest that turns decode on and off, programs MSI-X and reads registers. */
static void *busy_guest(void *argument)
{
	uint64_t base = *(const uint64_t *)argument, value;

	for (uint32_t i = 0; !atomic_load(&guest_stops); i++) {
		config_write(PCI_COMMAND, 2, i % 8 ? PCI_COMMAND_MEMORY : 0);
		config_write(0x72, 2, i % 16 ? 0x8000 : 0);
		mem_map_write(bench.mmio, base + 0x3000 + i % 10 * 16 + 12, 4, i % 3 == 0);
		mem_map_write(bench.mmio, base + 0x3000 + i % 10 * 16 + 8, 4, i);
		mem_map_read(bench.mmio, base + 0x4000, 8, &value);
		mem_map_read(bench.mmio, base + 8, 4, &value);
		config_read(PCI_STATUS, 2);
	}
	return NULL;
}

START_TEST(the_device_is_taken_away_under_a_busy_guest)
{
	pthread_t guests[2];
	uint64_t base;

	start();
	base = bar(0);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		ck_assert_int_eq(pthread_create(&guests[i], NULL, busy_guest, &base), 0);
	usleep(20000);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	usleep(5000);
	/* The recovery that has begun is ended first. */
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_until_closed();
	ck_assert_uint_eq(bench.mapped_count, 0);
	usleep(5000);
	atomic_store(&guest_stops, true);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		pthread_join(guests[i], NULL);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_error_isolates_until_the_next_reset);
	tcase_add_test(tests, the_host_gets_its_device_back);
	tcase_add_test(tests, events_that_do_not_exist_are_done_without);
	tcase_add_test(tests, the_device_is_taken_away_under_a_busy_guest);
}

int main(void)
{
	return run_suite("vfio events", add_tests);
}
