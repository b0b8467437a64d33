/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways a function is reset over the fake peer: its own, tried again, and the bus's; whom each
 * spares.
 */

#include <limits.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_busy.h"

START_TEST(without_one_of_its_own_the_bus_is_reset)
{
	set_dependents(3, 7);
	start_busy();
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_uint_eq(spared, 1);
	/* Shown what its provider has to show. */
	ck_assert_ptr_nonnull(strstr(bench.fake.log, "hot0:0+1 "));
	is_as_after_power_on();
	/* A neighbour's reset was this one's too, until the guest uses it again. */
	bench.pci->reset.spared = true;
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	bench.pci->reset.spared = true;
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 2);
	stop_busy();
}
END_TEST

START_TEST(a_bus_with_somebody_elses_device_is_left_alone)
{
	struct err err = {0};

	set_dependents(2, 8);
	start_busy();
	ck_assert_ptr_null(bus_reset(NULL, bench.pci, VFIO_RESET_MACHINE, &err));
	ck_assert_int_eq(err.code, -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.0"));
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.1 is not ours"));
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 0);
	is_as_after_power_on();
	stop_busy();
}
END_TEST

START_TEST(the_bus_is_reset_at_the_end_too)
{
	set_dependents(2, 7);
	start_busy();
	stop_busy();
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(spared, 1);
}
END_TEST

/* Its neighbours still need their own; it is not given to a guest as the one before left it. */
START_TEST(a_bus_reset_that_is_refused_spares_nobody)
{
	set_dependents(2, 7);
	bench.fake.hot_refusals = UINT_MAX;
	start_busy();
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 3);
	ck_assert_uint_eq(spared, 0);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	/* The next restart may have more luck. */
	bench.fake.hot_refusals = 2;
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 6);
	ck_assert_uint_eq(spared, 1);
	is_as_after_power_on();
	stop_busy();
}
END_TEST

static void guest_resets(void)
{
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
}

static void error_strikes(void)
{
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	run_loop_while(VFIO_PCI_RESETTING);
}

static void come_to_an_end(void)
{
	stop_busy();
	ck_assert(bench.fake.closed);
}

static void (*const causes[])(void) = {guest_resets, restart, error_strikes, come_to_an_end};

START_TEST(a_reset_that_is_refused_is_tried_again)
{
	start_busy();
	bench.fake.refusals = 2;
	causes[_i]();
	ck_assert_uint_eq(bench.fake.resets, 3);
	if (bench.fake.closed)
		return;
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	stop_busy();
}
END_TEST

START_TEST(a_function_that_is_refused_is_reset_with_its_bus)
{
	set_dependents(2, 7);
	bench.fake.info.flags |= VFIO_DEVICE_FLAGS_RESET;
	start_busy();
	bench.fake.refusals = UINT_MAX;
	bench.fake.hot_refusals = 1;
	causes[_i]();
	ck_assert_uint_eq(bench.fake.resets, 3);
	ck_assert_uint_eq(bench.fake.hot_resets, 2);
	ck_assert_uint_eq(spared, 1);
	if (bench.fake.closed)
		return;
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	stop_busy();
}
END_TEST

START_TEST(a_function_that_nothing_resets_is_kept_away)
{
	set_dependents(2, 8);
	bench.fake.info.flags |= VFIO_DEVICE_FLAGS_RESET;
	start_busy();
	bench.fake.refusals = UINT_MAX;
	hear();
	causes[_i]();
	ck_assert_uint_eq(bench.fake.hot_resets, 0);
	ck_assert_ptr_nonnull(strstr(heard(), "0000:01:00.1 is not ours"));
	if (bench.fake.closed)
		return;
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	bench.fake.refusals = 0;
	restart();
	is_as_after_power_on();
	stop_busy();
}
END_TEST

/* The guest has restarted without it, and may use the others by now. */
START_TEST(one_that_is_refused_too_late_leaves_the_bus_alone)
{
	set_dependents(2, 7);
	bench.fake.info.flags |= VFIO_DEVICE_FLAGS_RESET;
	start_busy();
	hold_resets();
	bench.pci->reset.deadline_ms = 20;
	bench.fake.refusals = UINT_MAX;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	let_resets_go();
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(bench.fake.hot_resets, 0);
	bench.fake.refusals = 0;
	bench.pci->reset.deadline_ms = 60000;
	restart();
	is_as_after_power_on();
	stop_busy();
}
END_TEST

/* The tries end, and nothing else is begun. */
START_TEST(the_host_gets_one_whose_reset_is_refused)
{
	static const int hour_ms[] = {3600 * 1000, 0};

	set_dependents(2, 7);
	bench.fake.info.flags |= VFIO_DEVICE_FLAGS_RESET;
	start_busy();
	bench.pci->reset.retries_ms = hour_ms;
	bench.fake.refusals = UINT_MAX;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_until_closed();
	ck_assert_uint_eq(bench.fake.hot_resets, 0);
	stop_busy();
}
END_TEST

START_TEST(after_an_error_the_bus_is_reset_where_the_function_cannot_be)
{
	uint64_t address;

	set_dependents(2, 7);
	start_busy();
	address = bar(0);
	hear();
	error_strikes();
	ck_assert_ptr_nonnull(strstr(heard(), "it recovered and was reset"));
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(spared, 1);
	is_as_after_recovery(address);
	stop_busy();
}
END_TEST

/* That a neighbour's reset has hit it says nothing of what came after. */
START_TEST(after_an_error_nobody_is_spared)
{
	start_busy();
	bench.pci->reset.spared = true;
	error_strikes();
	ck_assert_uint_eq(bench.fake.resets, 1);
	ck_assert(!bench.pci->reset.spared);
	stop_busy();
}
END_TEST

/* By its end the neighbours are the new guest's, and may be in use. */
START_TEST(a_bus_reset_that_outlives_the_wait_spares_nobody)
{
	set_dependents(2, 7);
	start_busy();
	hold_resets();
	bench.pci->reset.deadline_ms = 20;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	let_resets_go();
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(spared, 0);
	is_as_after_power_on();
	/* The next one is waited for: what it hits is spared again. */
	bench.pci->reset.deadline_ms = 60000;
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	stop_busy();
	ck_assert_uint_eq(bench.fake.hot_resets, 2);
	ck_assert_uint_eq(spared, 1);
}
END_TEST

START_TEST(a_device_that_is_lost_at_the_end_spares_nobody)
{
	set_dependents(2, 7);
	start_busy();
	bench.fake.dies_in_reset = true;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	spared = bench.fake.hot_resets = 0;
	stop_busy();
	ck_assert_uint_eq(bench.fake.hot_resets, 0);
	ck_assert_uint_eq(spared, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_one_of_its_own_the_bus_is_reset);
	tcase_add_test(tests, a_bus_with_somebody_elses_device_is_left_alone);
	tcase_add_test(tests, the_bus_is_reset_at_the_end_too);
	tcase_add_test(tests, a_bus_reset_that_is_refused_spares_nobody);
	tcase_add_loop_test(tests, a_reset_that_is_refused_is_tried_again, 0, ARRAY_SIZE(causes));
	tcase_add_loop_test(tests, a_function_that_is_refused_is_reset_with_its_bus, 0,
			    ARRAY_SIZE(causes));
	tcase_add_loop_test(tests, a_function_that_nothing_resets_is_kept_away, 0,
			    ARRAY_SIZE(causes));
	tcase_add_test(tests, one_that_is_refused_too_late_leaves_the_bus_alone);
	tcase_add_test(tests, the_host_gets_one_whose_reset_is_refused);
	tcase_add_test(tests, after_an_error_the_bus_is_reset_where_the_function_cannot_be);
	tcase_add_test(tests, after_an_error_nobody_is_spared);
	tcase_add_test(tests, a_bus_reset_that_outlives_the_wait_spares_nobody);
	tcase_add_test(tests, a_device_that_is_lost_at_the_end_spares_nobody);
}

int main(void)
{
	return run_suite("vfio bus reset", add_tests);
}
