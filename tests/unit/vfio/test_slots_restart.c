/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that are in slots, or on their way out of them, as the machine begins anew. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"

enum { FLR_AT = 0xa8 };

static bool by_cdevs;

static void setup_way(void)
{
	setup_guest_by(by_cdevs ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP);
}

static void restart(void)
{
	guest_restarts();
	turn();
	settle();
}

START_TEST(a_restart_ends_a_removal)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	restart();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	ck_assert(!slot_status(1).present);
	ck_assert_uint_eq(guest.parks, 1);
	is_empty();
}
END_TEST

START_TEST(a_restart_leaves_what_is_there)
{
	plug_used("01:00.0");
	restart();
	guest_told("");
	ck_assert(slot_status(1).present);
	/* As firmware leaves it: its buses and windows are set up, its BARs have addresses. */
	port_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_ne(device_read(1, 0, PCI_BASE_ADDRESS_0, 4), 0);
}
END_TEST

/* What waits for a reset goes when that has ended, and is gone for the new guest at once. */
START_TEST(a_restart_in_a_reset_of_one_that_leaves)
{
	plug_used("01:00.0");
	kernel.devices[0].reset_ms = 50;
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	restart();
	ck_assert(!slot_status(1).present);
	wait_for_news();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
	is_empty();
}
END_TEST

START_TEST(one_that_is_lost_in_a_restart_goes_after_it)
{
	plug_used("01:00.0");
	kernel.devices[0].dies_in_reset = true;
	restart();
	guest_told("lost " FIRST " " FIRST " slot1; removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, a_restart_ends_a_removal);
	tcase_add_test(tests, a_restart_leaves_what_is_there);
	tcase_add_test(tests, a_restart_in_a_reset_of_one_that_leaves);
	tcase_add_test(tests, one_that_is_lost_in_a_restart_goes_after_it);
}

int main(void)
{
	int status = run_suite("vfio slots at a restart by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio slots at a restart by iommufd", add_tests) || status;
}
