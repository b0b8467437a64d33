/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that the host's kernel takes its time to open or to close: all else goes on meanwhile. */

#include <check.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_slots.h"
#include "vfio/iommufd/abi.h"
#include "vmm/base/clock.h"

enum { ANSWERS_MS = 20000 };

static bool by_cdevs;

static void setup_way(void)
{
	setup_guest_by(by_cdevs ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP);
}

static unsigned long opening(void)
{
	return by_cdevs ? IOMMUFD_DEVICE_BIND : VFIO_GROUP_GET_DEVICE_FD;
}

/* It comes, and the kernel stands as it opens it. */
static void stands_opening(const char *path, const char *slot)
{
	stand_at(opening());
	plug_begins(path, slot);
	while (sem_trywait(&standing.entered) < 0)
		turn();
}

/* The loop's turns do not wait for who stands. */
static void loop_answers(void)
{
	int64_t before = clock_now_ms();

	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_int_lt(clock_now_ms() - before, ANSWERS_MS);
}

static const char *state(size_t index)
{
	struct vfio_status status;

	vfio_get_status(bench.vfio, index, &status);
	return status.state;
}

static const char *described(void)
{
	static char text[512];
	FILE *out = fmemopen(text, sizeof(text), "w");

	vfio_list_devices(bench.vfio, out);
	fclose(out);
	return text;
}

START_TEST(the_loop_goes_on_as_one_is_opened)
{
	struct vfio_status status;

	stands_opening("01:00.0", NULL);
	loop_answers();
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	vfio_get_status(bench.vfio, 0, &status);
	ck_assert_str_eq(status.state, "being opened");
	ck_assert_str_eq(status.host, FIRST);
	ck_assert_uint_eq(status.slot, 1);
	ck_assert(!status.leaving && !status.gone && status.unseen);
	ck_assert_str_eq(described(), FIRST "  being opened\n");
	ck_assert_int_eq(vfio_describe(bench.vfio, FIRST, stderr), -ENOENT);
	ck_assert_uint_eq(guest.added + guest.refused, 0);
	let_go_on();
	wait_for(&guest.added, 1);
	guest_uses(1);
}
END_TEST

START_TEST(a_second_waits_for_its_turn)
{
	struct vfio_status status;

	stands_opening("01:00.0", NULL);
	plug_begins("02:00.1", NULL);
	loop_answers();
	vfio_get_status(bench.vfio, 1, &status);
	ck_assert_str_eq(status.state, "waits to be opened");
	ck_assert_str_eq(status.id, "02:00.1");
	ck_assert_str_eq(status.host, "02:00.1");
	ck_assert_uint_eq(status.slot, 2);
	plug_begins("01:00.3", "slot2");
	plug_refused("slot2: 02:00.1 is in it");
	let_go_on();
	wait_for(&guest.added, 2);
	guest_told("added " FIRST " " FIRST " slot1; added " SECOND " " SECOND " slot2; ");
	guest_uses(1);
	guest_uses(2);
}
END_TEST

/* Function 0 has the guest look, who looks once. */
START_TEST(function_0_waits_for_those_beside_it)
{
	plug_in("01:00.0", "slot1");
	stands_opening("02:00.1", "slot2");
	plug_begins("01:00.3", "slot2.1");
	let_go_on();
	while (!slot_status(2).present)
		turn();
	ck_assert_int_eq(guest_sets(2, PCI_EXP_SLTCTL_PWR_ON, PCI_EXP_SLTCTL_PWR_IND_ON), MEM_DONE);
	ck_assert_uint_eq(device_read(2, 1, PCI_VENDOR_ID, 4), 0x10d38086);
	guest_told("added " FIRST " " FIRST " slot1; added " SECOND " " SECOND " slot2; "
		   "added 0000:01:00.3 0000:01:00.3 slot2; ");
	ck_assert_uint_eq(guest.added, 3);
}
END_TEST

/* One that is refused is not waited for. */
START_TEST(function_0_does_not_wait_for_one_that_does_not_come)
{
	plug_in("01:00.0", "slot1");
	stands_opening("02:00.1", "slot2");
	plug_begins("01:00.0", "slot2.1");
	let_go_on();
	wait_for(&guest.added, 2);
	plug_refused(FIRST ": the guest has it already");
	ck_assert(slot_status(2).present);
}
END_TEST

/* What is wrong with one does not hold up those behind it. */
START_TEST(one_that_is_refused_makes_room_for_the_next)
{
	stands_opening("01:00.0", NULL);
	plug_begins("01:00.0", NULL);
	plug_begins("02:00.1", NULL);
	let_go_on();
	wait_for(&guest.added, 2);
	plug_refused(FIRST ": the guest has it already");
	guest_told("added " FIRST " " FIRST " slot1; added " SECOND " " SECOND " slot3; ");
}
END_TEST

START_TEST(one_that_is_being_opened_is_taken_back)
{
	stands_opening("01:00.0", NULL);
	ck_assert_int_eq(unplug_begins(FIRST, 30000), 0);
	ck_assert_int_eq(unplug_begins(FIRST, 0), -EBUSY);
	loop_answers();
	ck_assert_uint_eq(guest.refused, 0);
	let_go_on();
	settle();
	plug_refused(FIRST ": it was taken back before the guest had it");
	guest_told("removed " FIRST " " FIRST " slot1; ");
	ck_assert_uint_eq(guest.parks, 0);
	ck_assert_uint_eq(guest_takes_events(1), 0);
	is_empty();
	plug_in("01:00.0", NULL);
}
END_TEST

START_TEST(one_that_waits_is_taken_back_at_once)
{
	stands_opening("01:00.0", NULL);
	plug_begins("02:00.1", NULL);
	ck_assert_int_eq(unplug_begins("02:00.1", 30000), 0);
	plug_refused("02:00.1: it was taken back before the guest had it");
	guest_told("removed 02:00.1 02:00.1 slot2; ");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 1);
	let_go_on();
	wait_for(&guest.added, 1);
}
END_TEST

/* Once anything was said to who hears. */
static void *let_go_on_later(void *argument)
{
	int said = 0;

	(void)argument;
	for (int i = 0; i < 10000 && said == 0; i++) {
		usleep(1000);
		ioctl(STDERR_FILENO, FIONREAD, &said);
	}
	let_go_on();
	return NULL;
}

/* What stands is waited for, with a word; what waits is not begun. */
static void run_ends(const char *word)
{
	pthread_t waker;

	hear();
	ck_assert_int_eq(pthread_create(&waker, NULL, let_go_on_later, NULL), 0);
	vfio_stop(bench.vfio);
	pthread_join(waker, NULL);
	ck_assert_ptr_nonnull(strstr(heard(), word));
	destroy();
}

START_TEST(the_run_ends_as_one_is_opened)
{
	stands_opening("01:00.0", NULL);
	plug_begins("02:00.1", NULL);
	kernel.events[0] = '\0';
	run_ends(FIRST ": the host's kernel is still opening it");
	ck_assert_uint_eq(guest.refused, 2);
	ck_assert_ptr_nonnull(strstr(guest.err.text, "the run ended before the guest had it"));
	ck_assert_uint_eq(guest.added, 0);
	ck_assert_ptr_null(strstr(kernel.events, "join"));
}
END_TEST

START_TEST(the_guest_restarts_as_one_is_opened)
{
	stands_opening("01:00.0", NULL);
	guest_restarts();
	loop_answers();
	let_go_on();
	wait_for(&guest.added, 1);
	guest_uses(1);
}
END_TEST

START_TEST(the_guest_restarts_as_one_is_taken_back)
{
	stands_opening("01:00.0", NULL);
	ck_assert_int_eq(unplug_begins(FIRST, 30000), 0);
	guest_restarts();
	let_go_on();
	settle();
	plug_refused("it was taken back before the guest had it");
	is_empty();
}
END_TEST

/* Also with its bus. */
START_TEST(another_is_reset_as_one_is_opened)
{
	struct fake_vfio *device = &kernel.devices[0];

	device->info.flags = VFIO_DEVICE_FLAGS_PCI;
	device->dependents = 1;
	device->dependent[0] =
		(struct vfio_pci_dependent_device){.group_id = 7, .bus = 1, .devfn = 0};
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	device->hot_resets = 0;
	stands_opening("02:00.1", "slot2");
	while (port_write(1, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET) == MEM_NOT_YET)
		turn();
	port_write(1, PCI_BRIDGE_CONTROL, 2, 0);
	ck_assert_uint_eq(device->hot_resets, 1);
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), 0x10d38086);
	let_go_on();
	wait_for(&guest.added, 2);
}
END_TEST

/* The guest is rid of it at once, the host has it in its turn. */
START_TEST(the_host_wants_one_back_as_another_is_opened)
{
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	guest.news[0] = '\0';
	stands_opening("02:00.1", "slot2");
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_REQ_IRQ_INDEX, 0));
	turn();
	guest_sets(1, PCI_EXP_SLTCTL_PWR_OFF, PCI_EXP_SLTCTL_PWR_IND_OFF);
	vfio_slots_changed(bench.vfio);
	loop_answers();
	ck_assert_str_eq(state(0), "being given back");
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
	guest_told("wanted " FIRST " " FIRST " slot1; ");
	let_go_on();
	wait_for(&guest.added, 2);
	settle();
	guest_told("added " SECOND " " SECOND " slot2; removed " FIRST " " FIRST " slot1; ");
	guest_uses(2);
}
END_TEST

/* It leaves its group, with all that the guest has from the host. */
static void stands_closing(void)
{
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	guest.news[0] = '\0';
	stand_at(VFIO_GROUP_UNSET_CONTAINER);
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	while (sem_trywait(&standing.entered) < 0)
		turn();
}

START_TEST(the_loop_goes_on_as_one_is_closed)
{
	bool open;

	stands_closing();
	loop_answers();
	ck_assert_str_eq(state(0), "being given back");
	ck_assert_ptr_nonnull(strstr(described(), "being given back, slot1, leaving"));
	ck_assert_uint_eq(guest_takes_events(1), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	plug_begins("02:00.1", "slot1");
	plug_refused("slot1: " FIRST " is about to leave it: try again later");
	ck_assert_int_eq(unplug_begins(FIRST, 0), -EBUSY);
	ck_assert_int_eq(vfio_way(bench.vfio, &open), VFIO_VIA_ANY);
	ck_assert(!open);
	guest_told("");
	/* One that comes has all anew. */
	plug_begins("02:00.1", "slot2");
	loop_answers();
	let_go_on();
	wait_for(&guest.added, 2);
	guest_told("removed " FIRST " " FIRST " slot1; added " SECOND " " SECOND " slot2; ");
	guest_uses(2);
}
END_TEST

START_TEST(the_run_ends_as_one_is_closed)
{
	stands_closing();
	run_ends("the host's kernel is still closing it");
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
}
END_TEST

/* Another one has not begun to be closed by then. */
START_TEST(the_run_ends_before_one_is_closed)
{
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	plug_in("02:00.1", "slot2");
	stand_at(VFIO_GROUP_UNSET_CONTAINER);
	ck_assert_int_eq(unplug_begins(SECOND, 0), 0);
	while (sem_trywait(&standing.entered) < 0)
		turn();
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	loop_answers();
	run_ends(SECOND ": the host's kernel is still closing it");
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
}
END_TEST

START_TEST(the_guest_restarts_as_one_is_closed)
{
	stands_closing();
	guest_restarts();
	loop_answers();
	ck_assert_uint_eq(device_read(1, 0, PCI_VENDOR_ID, 4), UINT32_MAX);
	let_go_on();
	settle();
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

/* A reset as it leaves has a thread of its own. */
START_TEST(the_loop_goes_on_as_one_that_leaves_is_reset)
{
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	guest.news[0] = '\0';
	stand_at(VFIO_DEVICE_RESET);
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	wait_for_stand();
	loop_answers();
	guest_told("");
	let_go_on();
	/* Looked at again and again it is not hurried, nor reset twice. */
	settle();
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
	guest_told("removed " FIRST " " FIRST " slot1; ");
	is_empty();
}
END_TEST

START_TEST(the_run_ends_as_one_that_leaves_is_reset)
{
	plug_in("01:00.0", "slot1");
	guest_uses(1);
	kernel.devices[0].reset_ms = 100;
	ck_assert_int_eq(unplug_begins(FIRST, 0), 0);
	destroy();
	ck_assert_uint_eq(kernel.devices[0].resets, 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup_way, teardown_guest);
	tcase_add_test(tests, the_loop_goes_on_as_one_is_opened);
	tcase_add_test(tests, a_second_waits_for_its_turn);
	tcase_add_test(tests, function_0_waits_for_those_beside_it);
	tcase_add_test(tests, function_0_does_not_wait_for_one_that_does_not_come);
	tcase_add_test(tests, one_that_is_refused_makes_room_for_the_next);
	tcase_add_test(tests, one_that_is_being_opened_is_taken_back);
	tcase_add_test(tests, one_that_waits_is_taken_back_at_once);
	tcase_add_test(tests, the_run_ends_as_one_is_opened);
	tcase_add_test(tests, the_guest_restarts_as_one_is_opened);
	tcase_add_test(tests, the_guest_restarts_as_one_is_taken_back);
	tcase_add_test(tests, another_is_reset_as_one_is_opened);
	tcase_add_test(tests, the_host_wants_one_back_as_another_is_opened);
	tcase_add_test(tests, the_loop_goes_on_as_one_that_leaves_is_reset);
	tcase_add_test(tests, the_run_ends_as_one_that_leaves_is_reset);
	if (by_cdevs)
		return;
	tcase_add_test(tests, the_loop_goes_on_as_one_is_closed);
	tcase_add_test(tests, the_run_ends_as_one_is_closed);
	tcase_add_test(tests, the_run_ends_before_one_is_closed);
	tcase_add_test(tests, the_guest_restarts_as_one_is_closed);
}

int main(void)
{
	int status = run_suite("vfio plug slow by groups", add_tests);

	by_cdevs = true;
	return run_suite("vfio plug slow by iommufd", add_tests) || status;
}
