/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices on the root bus that answer no more: when that is told, and that they answer again. */

#include <check.h>
#include <poll.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX, FLR_AT = 0xa8, DISK = 1 };

static uint32_t config[PCI_CONFIG_SIZE / 4];

static struct vfio_pci *disk(void)
{
	return bench.vfio->entries[0]->pci;
}

/* A guest without slots, whose driver uses the first device. */
static void setup_root_bus(void)
{
	static const int pauses_ms[] = {1, 1, 0};
	const struct vfio_device_config first = {.path = "01:00.0",
						 .id = "disk",
						 .via = VFIO_VIA_GROUP};
	struct fake_vfio *device = &kernel.devices[0];

	setup();
	fake_vfio_poke(device, CONFIG, 0xa4, 4, PCI_EXP_DEVCAP_FLR);
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE / 4; i++)
		config[i] = (uint32_t)fake_vfio_peek(device, CONFIG, i * 4, 4);
	start_guest_with(&first, 0, no_mapping);
	while (!vfio_ram_is_pinned(bench.vfio))
		turn();
	disk()->reset.pauses_ms = pauses_ms;
	ck_assert_int_eq(port_write(DISK, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
}

static void revive(void)
{
	kernel.devices[0].dies_in_reset = false;
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE / 4; i++)
		fake_vfio_poke(&kernel.devices[0], CONFIG, i * 4, 4, config[i]);
}

static void wait_for_end_of_reset(void)
{
	while (disk()->state == VFIO_PCI_RESETTING) {
		turn();
		usleep(1000);
	}
}

START_TEST(one_lost_in_the_guests_reset)
{
	kernel.devices[0].dies_in_reset = true;
	ck_assert_int_eq(port_write(DISK, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	wait_for_end_of_reset();
	guest_told("lost disk " FIRST " -; ");
	/* It stays, and is no more lost than it was. */
	ck_assert_int_eq(disk()->state, VFIO_PCI_ISOLATED);
	guest_restarts();
	guest_told("");
	revive();
	guest_restarts();
	guest_told("recovered disk " FIRST " -; ");
	guest_restarts();
	guest_told("");
	kernel.devices[0].dies_in_reset = true;
	guest_restarts();
	guest_told("lost disk " FIRST " -; ");
}
END_TEST

static void error_strikes(void)
{
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_ERR_IRQ_INDEX, 0));
	turn();
}

START_TEST(one_that_does_not_recover)
{
	fake_vfio_kill(&kernel.devices[0]);
	error_strikes();
	wait_for_end_of_reset();
	guest_told("failed disk " FIRST " -; lost disk " FIRST " -; ");
}
END_TEST

START_TEST(one_that_recovers_is_not_lost)
{
	error_strikes();
	wait_for_end_of_reset();
	guest_told("failed disk " FIRST " -; recovered disk " FIRST " -; ");
}
END_TEST

/* A refusal is no answer of the device's. */
START_TEST(one_that_the_kernel_does_not_reset_is_not_lost)
{
	static const int retries_ms[] = {1, 0};

	disk()->reset.retries_ms = retries_ms;
	kernel.devices[0].refusals = UINT_MAX;
	guest_restarts();
	ck_assert_int_eq(disk()->state, VFIO_PCI_ISOLATED);
	guest_told("");
}
END_TEST

static void host_wants(void)
{
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
	settle();
}

START_TEST(one_that_is_pulled_out_of_the_host)
{
	fake_vfio_kill(&kernel.devices[0]);
	host_wants();
	guest_told("wanted disk " FIRST " -; lost disk " FIRST " -; removed disk " FIRST " -; ");
}
END_TEST

START_TEST(one_that_answers_as_it_is_taken_is_not_lost)
{
	host_wants();
	guest_told("wanted disk " FIRST " -; removed disk " FIRST " -; ");
}
END_TEST

/* Its tries end early: that says nothing of the device. */
START_TEST(one_that_is_taken_as_it_recovers_is_not_lost)
{
	static const int pauses_ms[] = {5000, 0};

	disk()->reset.pauses_ms = pauses_ms;
	error_strikes();
	host_wants();
	guest_told("failed disk " FIRST " -; wanted disk " FIRST " -; ");
	wait_for_news();
	guest_told("removed disk " FIRST " -; ");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_root_bus, teardown_guest);
	tcase_add_test(tests, one_lost_in_the_guests_reset);
	tcase_add_test(tests, one_that_does_not_recover);
	tcase_add_test(tests, one_that_recovers_is_not_lost);
	tcase_add_test(tests, one_that_the_kernel_does_not_reset_is_not_lost);
	tcase_add_test(tests, one_that_is_pulled_out_of_the_host);
	tcase_add_test(tests, one_that_answers_as_it_is_taken_is_not_lost);
	tcase_add_test(tests, one_that_is_taken_as_it_recovers_is_not_lost);
}

int main(void)
{
	return run_suite("vfio lost", add_tests);
}
