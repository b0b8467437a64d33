/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that leave while the guest runs: asked for, wanted back by the host, lost. */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"
#include "vfio/tell/describe.h"
#include "vmm/base/clock.h"

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX, FLR_AT = 0xa8, POWER_AT = 0x44 };

static bool by_cdevs;

static void setup_way(void)
{
	setup_guest_by(by_cdevs ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP);
}

static struct vfio_slot *slot(unsigned int number)
{
	return &bench.vfio->slots[number - 1];
}

/* The time that the guest was given is over. */
static void let_expire(unsigned int number)
{
	slot(number)->deadline = 0;
	vfio_slots_changed(bench.vfio);
	turn();
	settle();
}

START_TEST(the_guest_lets_it_go_as_it_is_asked)
{
	struct vfio_status status;

	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_ABP);
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert(status.leaving);
	guest_told("");
	guest_lets_go(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	/* It was reset when its slot was switched off, which is enough. */
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
	ck_assert_uint_eq(fake_vfio_peek(&kernel.devices[0], CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(guest_takes_events(1) & PCI_EXP_SLTSTA_PDC, PCI_EXP_SLTSTA_PDC);
	ck_assert(!slot_status(1).present);
	ck_assert_uint_eq(guest.parks, 1);
	is_empty();
	plug_used("01:00.0");
}
END_TEST

START_TEST(one_that_is_switched_off_is_not_asked_for)
{
	plug_in("01:00.0", NULL);
	guest.news[0] = '\0';
	guest_takes_events(1);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* A guest that does not hear is told by surprise; its device is reset before the host has it. */
START_TEST(a_guest_that_does_not_answer_loses_it)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_takes_events(1);
	turn();
	guest_told("");
	hear();
	let_expire(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	ck_assert_ptr_nonnull(strstr(heard(), "slot1: the guest has not let go"));
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
	is_empty();
}
END_TEST

/* What is told by the clock is that much longer ago, or nearer. */
static void let_time_pass(unsigned int ms)
{
	if (bench.vfio->stands_since)
		bench.vfio->stands_since -= ms;
	slot(1)->deadline -= ms;
	if (slot(1)->settled)
		slot(1)->settled -= ms;
	vfio_slots_changed(bench.vfio);
	turn();
	settle();
}

/* The monotonic clock alone does not tell how long it had. */
START_TEST(its_time_stands_as_the_guest_does)
{
	plug_used("01:00.0");
	vfio_stand(bench.vfio, true);
	vfio_stand(bench.vfio, true);
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	let_time_pass(90000);
	guest_told("");
	vfio_stand(bench.vfio, false);
	let_time_pass(30000);
	guest_told("");
	vfio_stand(bench.vfio, true);
	let_time_pass(90000);
	guest_told("");
	vfio_stand(bench.vfio, false);
	turn();
	guest_told("");
	let_time_pass(30000);
	wait_for_news();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

START_TEST(one_is_taken_at_once_from_a_guest_that_stands)
{
	plug_used("01:00.0");
	vfio_stand(bench.vfio, true);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* Nor does one have that long that was blinking as the guest stopped. */
START_TEST(a_guest_that_stands_cancels_nothing)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	vfio_slots_changed(bench.vfio);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	vfio_slots_changed(bench.vfio);
	vfio_stand(bench.vfio, true);
	let_time_pass(20000);
	guest_told("");
	vfio_stand(bench.vfio, false);
	wait_for_news();
	guest_told("refused " FIRST " " FIRST " slot1; ");
}
END_TEST

START_TEST(what_cannot_be_removed_is_said)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug("net7", 0), -ENOENT);
	said("device net7: the guest has none of that id");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	ck_assert_int_eq(unplug(FIRST, 30000), -EBUSY);
	said("device " FIRST ": its removal is under way");
	guest_told("");
	/* But it may be had at once. */
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

START_TEST(the_root_bus_has_no_slots)
{
	const struct vfio_device_config first = {.path = "01:00.0", .id = "disk"};
	struct vfio_status status;

	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(&first, 1, no_mapping);
	ck_assert_int_eq(unplug("disk", 0), -EOPNOTSUPP);
	said("device disk: it is on the root bus");
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.id, "disk");
	ck_assert_uint_eq(status.slot, 0);
	/* The host may have it, and the guest again, behind a port. */
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
	settle();
	guest_told("wanted disk " FIRST " -; removed disk " FIRST " -; ");
	ck_assert_ptr_null(hardware()->provider);
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert(status.gone);
	plug_in("01:00.0", NULL);
	vfio_get_status(bench.vfio, 1, &status);
	ck_assert(!status.gone);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	guest_told("added " FIRST " " FIRST " slot1; removed " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
}
END_TEST

START_TEST(one_that_was_there_from_the_start_goes_too)
{
	const struct vfio_device_config first = {.path = "01:00.0", .port = true};

	destroy();
	ram_destroy(guest.ram);
	bench.host = vfio_host_create(bench.mmio, bench.pio);
	start_guest_with(&first, 0, no_mapping);
	while (!vfio_ram_is_pinned(bench.vfio))
		turn();
	port_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	device_write(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_lets_go(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	ck_assert_ptr_null(hardware()->provider);
	plug_in("02:00.1", NULL);
	guest_uses(1);
}
END_TEST

/* The indicator blinks, and is on again to stay. */
START_TEST(the_guest_may_cancel)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	vfio_slots_changed(bench.vfio);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	vfio_slots_changed(bench.vfio);
	turn();
	guest_told("");
	hear();
	wait_for_news();
	guest_told("refused " FIRST " " FIRST " slot1; ");
	ck_assert_ptr_nonnull(strstr(heard(), FIRST ": the guest keeps it"));
	ck_assert(slot_status(1).present);
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), 0x10d38086);
	/* It is asked anew. */
	guest_takes_events(1);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_ABP);
	guest_lets_go(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* It was still switching the slot on, which its indicator told of in the same way. */
START_TEST(a_guest_that_is_not_ready_yet_does_not_cancel)
{
	plug_used("01:00.0");
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	vfio_slots_changed(bench.vfio);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	vfio_slots_changed(bench.vfio);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	vfio_slots_changed(bench.vfio);
	usleep(1100 * 1000);
	turn();
	guest_told("");
	guest_lets_go(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
}
END_TEST

START_TEST(functions_of_one_slot_go_together)
{
	plug_in("01:00.3", "slot1.1");
	plug_used("01:00.0");
	ck_assert_int_eq(unplug("0000:01:00.3", 30000), 0);
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	guest_lets_go(1);
	guest_told("removed 0000:01:00.3 0000:01:00.3 slot1; removed " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(guest.parks, 1);
	is_empty();
}
END_TEST

/* Of a bus that they have to themselves one reset is for all. */
START_TEST(a_bus_of_theirs_is_reset_once)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct fake_vfio *device = &kernel.devices[i];

		device->info.flags = VFIO_DEVICE_FLAGS_PCI;
		device->dependents = 2;
		device->dependent[0] =
			(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 0};
		device->dependent[1] =
			(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 3};
	}
	plug_in("01:00.3", "slot1.1");
	plug_used("01:00.0");
	pci_host_config_write(bench.host, 1 << 8 | 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	kernel.devices[0].hot_resets = kernel.devices[1].hot_resets = 0;
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	ck_assert_uint_eq(kernel.devices[0].hot_resets + kernel.devices[1].hot_resets, 1);
	is_empty();
}
END_TEST

/* One that stays is at work on that bus. */
START_TEST(a_bus_that_others_use_is_not_reset)
{
	struct fake_vfio *device = &kernel.devices[1];

	plug_in("01:00.3", "slot2");
	guest_uses(2);
	device->info.flags = VFIO_DEVICE_FLAGS_PCI;
	device->dependents = 2;
	device->dependent[0] =
		(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 0};
	device->dependent[1] =
		(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 3};
	hear();
	plug_used("01:00.0");
	ck_assert_ptr_nonnull(strstr(heard(), "its bus is not reset: 0000:01:00.3 is on it"));
	hear();
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "its bus is not reset: 0000:01:00.3 is on it"));
	ck_assert_uint_eq(device->hot_resets, 0);
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	ck_assert(vfio_ram_is_pinned(bench.vfio));
	ck_assert_uint_eq(device_read(2, 0, PCI_COMMAND, 2), 6);
}
END_TEST

static void host_wants(unsigned int device)
{
	ck_assert(fake_vfio_fire(&kernel.devices[device], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
	settle();
}

START_TEST(the_host_asks_and_the_guest_lets_go)
{
	plug_used("01:00.0");
	host_wants(0);
	guest_told("wanted " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_ABP);
	/* The kernel asks again and again. */
	host_wants(0);
	guest_told("");
	ck_assert_uint_eq(guest_takes_events(1), 0);
	hear();
	/* Off, on and off again before anybody has looked. */
	ck_assert_int_eq(guest_sets(1, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_OFF),
			 MEM_DONE);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	ck_assert_int_eq(guest_sets(1, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_OFF),
			 MEM_DONE);
	vfio_slots_changed(bench.vfio);
	settle();
	ck_assert_ptr_null(strstr(heard(), "reset"));
	guest_told("removed " FIRST " " FIRST " slot1; ");
	/* The host's kernel resets what it gets back. */
	ck_assert_uint_eq(kernel.devices[0].resets, 0);
	is_empty();
}
END_TEST

START_TEST(the_host_gets_it_whatever_the_guest_says)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	host_wants(0);
	ck_assert(slot(1)->forced);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_BLINK);
	vfio_slots_changed(bench.vfio);
	guest_sets(1, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON);
	vfio_slots_changed(bench.vfio);
	usleep(1100 * 1000);
	turn();
	guest_told("wanted " FIRST " " FIRST " slot1; ");
	let_expire(1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	/* The host's kernel resets what it gets back. */
	ck_assert_uint_eq(kernel.devices[0].resets, 0);
	is_empty();
}
END_TEST

START_TEST(the_host_does_not_wait_for_a_guest_that_stands)
{
	plug_used("01:00.0");
	vfio_stand(bench.vfio, true);
	ck_assert_int_eq(unplug(FIRST, 60000), 0);
	host_wants(0);
	slot(1)->host_deadline = clock_now_ms() + 50;
	vfio_stand(bench.vfio, false);
	vfio_stand(bench.vfio, true);
	wait_for(&guest.parks, 1);
	guest_told("wanted " FIRST " " FIRST " slot1; removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* The host has it no longer itself: there is nothing to be let go. */
START_TEST(one_that_is_gone_from_the_host_is_lost)
{
	plug_used("01:00.0");
	fake_vfio_kill(&kernel.devices[0]);
	guest_takes_events(1);
	host_wants(0);
	wait_for(&guest.parks, 1);
	guest_told("wanted " FIRST " " FIRST " slot1; lost " FIRST " " FIRST
		   " slot1; removed " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	is_empty();
}
END_TEST

START_TEST(one_that_does_not_come_back_from_its_reset_is_lost)
{
	plug_used("01:00.0");
	plug_in("02:00.1", "slot2");
	guest_uses(2);
	guest.news[0] = '\0';
	kernel.devices[0].dies_in_reset = true;
	hear();
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	wait_for(&guest.parks, 1);
	ck_assert_ptr_nonnull(strstr(heard(), FIRST ": it is lost: it is taken out of the guest"));
	guest_told("lost " FIRST " " FIRST " slot1; removed " FIRST " " FIRST " slot1; ");
	ck_assert(!slot_status(1).present);
	/* The rest of the guest goes on, and a write that waited for it has waited enough. */
	ck_assert_uint_eq(device_read(2, 0, PCI_COMMAND, 2), 6);
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_gt(guest.wakes, 0);
}
END_TEST

START_TEST(a_reset_under_way_ends_first)
{
	plug_used("01:00.0");
	kernel.devices[0].reset_ms = 100;
	ck_assert_int_eq(device_write(1, FLR_AT, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	/* The guest has it no longer, the host not yet. */
	ck_assert(!slot_status(1).present);
	ck_assert_int_eq(unplug_begins(FIRST, 0), -EBUSY);
	plug_begins("02:00.1", "slot1");
	plug_refused("slot1: " FIRST " is about to leave it: try again later");
	guest_told("");
	wait_for_news();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

START_TEST(it_leaves_from_its_sleep)
{
	plug_used("01:00.0");
	device_write(1, POWER_AT, 2, 3);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	ck_assert_uint_eq(fake_vfio_peek(&kernel.devices[0], CONFIG, POWER_AT, 1) & 3, 0);
	is_empty();
}
END_TEST

/* The second one still comes: its RAM is that which is being pinned. */
START_TEST(it_leaves_while_ram_is_pinned)
{
	hold_mapper();
	plug("01:00.0", NULL);
	plug("02:00.1", NULL);
	ck_assert_int_eq(unplug(FIRST, 0), 0);
	plug_refused(FIRST ": it was taken back before the guest had it");
	let_mapper_go();
	wait_for(&guest.added, 1);
	guest_told("removed " FIRST " " FIRST " slot1; added " SECOND " " SECOND " slot2; ");
	guest_uses(2);
}
END_TEST

START_TEST(the_run_ends_before_it_has_left)
{
	plug_used("01:00.0");
	ck_assert_int_eq(unplug(FIRST, 30000), 0);
	destroy();
	ck_assert_uint_eq(guest.parks, 0);
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
}
END_TEST

/* What a hundred leave behind: nothing. */
START_TEST(a_hundred_come_and_go)
{
	size_t slices = 0;

	for (unsigned int i = 0; i < 100; i++) {
		plug_used(i % 3 ? "01:00.0" : "02:00.1");
		if (i % 5 == 0)
			plug_in("01:00.3", "slot2");
		ck_assert_int_eq(unplug(i % 3 ? FIRST : SECOND, i % 2 ? 0 : 30000), 0);
		if (i % 2 == 0)
			guest_lets_go(1);
		if (i % 5 == 0)
			ck_assert_int_eq(unplug("0000:01:00.3", 0), 0);
		is_empty();
		slices = i == 0 ? bench.host->slice_count : slices;
		ck_assert_uint_eq(bench.host->slice_count, slices);
		ck_assert_uint_eq(bench.host->count, 1 + SLOTS);
	}
}
END_TEST

static void describe(char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	vfio_list_devices(bench.vfio, out);
	if (vfio_describe(bench.vfio, "net0", out))
		fputs("no net0", out);
	fclose(out);
}

START_TEST(a_person_sees_where_it_is)
{
	static char text[16384];

	plug_config(&(struct vfio_device_config){.path = "01:00.0", .id = "net0"}, NULL);
	wait_for(&guest.added, 1);
	guest_uses(1);
	ck_assert_int_eq(unplug("net0", 30000), 0);
	describe(text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, FIRST "  in the guest 01:00.0  8086:10d3  alive, MSI-X, "
						 "slot1, leaving, id net0\n"));
	ck_assert_ptr_nonnull(strstr(text, FIRST ", in the guest 01:00.0: alive\n"));
	guest_lets_go(1);
	describe(text, sizeof(text));
	ck_assert_str_eq(text, "no net0");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, the_guest_lets_it_go_as_it_is_asked);
	tcase_add_test(tests, one_that_is_switched_off_is_not_asked_for);
	tcase_add_test(tests, a_guest_that_does_not_answer_loses_it);
	tcase_add_test(tests, its_time_stands_as_the_guest_does);
	tcase_add_test(tests, one_is_taken_at_once_from_a_guest_that_stands);
	tcase_add_test(tests, a_guest_that_stands_cancels_nothing);
	tcase_add_test(tests, the_host_does_not_wait_for_a_guest_that_stands);
	tcase_add_test(tests, what_cannot_be_removed_is_said);
	tcase_add_test(tests, the_root_bus_has_no_slots);
	tcase_add_test(tests, one_that_was_there_from_the_start_goes_too);
	tcase_add_test(tests, the_guest_may_cancel);
	tcase_add_test(tests, a_guest_that_is_not_ready_yet_does_not_cancel);
	tcase_add_test(tests, functions_of_one_slot_go_together);
	tcase_add_test(tests, a_bus_of_theirs_is_reset_once);
	tcase_add_test(tests, a_bus_that_others_use_is_not_reset);
	tcase_add_test(tests, the_host_asks_and_the_guest_lets_go);
	tcase_add_test(tests, the_host_gets_it_whatever_the_guest_says);
	tcase_add_test(tests, one_that_is_gone_from_the_host_is_lost);
	tcase_add_test(tests, one_that_does_not_come_back_from_its_reset_is_lost);
	tcase_add_test(tests, a_reset_under_way_ends_first);
	tcase_add_test(tests, it_leaves_from_its_sleep);
	tcase_add_test(tests, it_leaves_while_ram_is_pinned);
	tcase_add_test(tests, the_run_ends_before_it_has_left);
	tcase_add_test(tests, a_hundred_come_and_go);
	tcase_add_test(tests, a_person_sees_where_it_is);
}

int main(void)
{
	int status = run_suite("vfio slots by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio slots by iommufd", add_tests) || status;
}
