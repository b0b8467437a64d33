/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways a function is reset over the fake peer: its own, tried again, and the bus's; whom each spares. */

#include "tests/unit/support_vfio_busy.h"

START_TEST(without_one_of_its_own_the_bus_is_reset)
{
	set_dependents(3, 7);
	start_busy();
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_uint_eq(spared, 1);
	/* One descriptor for all three, which are of one group. */
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

	set_dependents(2, 9);
	start_busy();
	ck_assert_ptr_null(bus_reset(NULL, bench.pci, &err));
	ck_assert_int_eq(err.code, -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.0"));
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.1 in IOMMU group 9"));
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

/* Its neighbours still need their own. */
START_TEST(a_bus_reset_that_was_refused_spares_nobody)
{
	set_dependents(2, 7);
	bench.fake.hot_reset_error = -EAGAIN;
	start_busy();
	restart();
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(spared, 0);
	stop_busy();
	ck_assert_uint_eq(spared, 0);
}
END_TEST

/* By its end the neighbours are the new guest's, and may be in use. */
START_TEST(a_bus_reset_that_outlives_the_wait_spares_nobody)
{
	set_dependents(2, 7);
	start_busy();
	bench.fake.reset_ms = 300;
	bench.pci->reset.deadline_ms = 20;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_uint_eq(spared, 0);
	is_as_after_power_on();
	stop_busy();
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
	tcase_add_test(tests, a_bus_reset_that_was_refused_spares_nobody);
	tcase_add_test(tests, a_bus_reset_that_outlives_the_wait_spares_nobody);
	tcase_add_test(tests, a_device_that_is_lost_at_the_end_spares_nobody);
}

int main(void)
{
	return run_suite("vfio bus reset", add_tests);
}
