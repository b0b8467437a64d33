/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets where functions share a bus: before the first guest, and beside one that the guest uses.
 */

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/pci/pci.h"
#include "vfio/tell/describe.h"

enum { CONFIG = VFIO_PCI_CONFIG_REGION_INDEX, FLR_AT = 0xa8 };

/* Both are hit by a reset of their bus, with one more in @group; @flags beside "it is PCI". */
static void share_bus(uint32_t flags, uint32_t group)
{
	static const uint8_t functions[] = {0, 3, 1};

	for (unsigned int i = 0; i < 2; i++) {
		struct fake_vfio *device = &kernel.devices[i];

		device->info.flags = VFIO_DEVICE_FLAGS_PCI | flags;
		device->dependents = ARRAY_SIZE(functions);
		for (unsigned int j = 0; j < ARRAY_SIZE(functions); j++)
			device->dependent[j] =
				(struct vfio_pci_dependent_device){.group_id = j == 2 ? group : 7,
								   .bus = 1,
								   .devfn = functions[j]};
		fake_vfio_poke(device, CONFIG, 0xa4, 4, PCI_EXP_DEVCAP_FLR);
	}
}

static void add_both(void)
{
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add("01:00.3"), 0);
}

static struct vfio_pci *function(size_t index)
{
	const struct vfio_sysfs_device *sysfs;

	return vfio_device(bench.vfio, index, &sysfs);
}

START_TEST(the_first_guest_gets_them_reset_once)
{
	const struct fake_vfio *first = &kernel.devices[0];

	share_bus(0, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(first->hot_resets, 1);
	ck_assert_uint_eq(kernel.devices[1].hot_resets, 0);
	/* While nothing of it can interrupt. */
	ck_assert(strstr(first->log, "hot0:0+1 ") < strstr(first->log, "trigger0:"));
	ck_assert_uint_eq(fake_vfio_peek(first, CONFIG, PCI_COMMAND, 2), 0);
}
END_TEST

START_TEST(one_that_vfio_resets_needs_none)
{
	share_bus(VFIO_DEVICE_FLAGS_RESET, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(kernel.devices[0].hot_resets + kernel.devices[1].hot_resets, 0);
}
END_TEST

START_TEST(it_is_said_whose_device_is_in_the_way)
{
	const char *text;

	share_bus(0, 9);
	add_both();
	hear();
	ck_assert_int_eq(attach(), 0);
	text = heard();
	ck_assert_ptr_nonnull(strstr(text, "0000:01:00.0: its bus cannot be reset: 0000:01:00.1 in "
					   "IOMMU group 9 would be hit"));
	ck_assert_ptr_nonnull(strstr(text, "0000:01:00.3: its bus cannot be reset"));
	ck_assert_uint_eq(kernel.devices[0].hot_resets + kernel.devices[1].hot_resets, 0);
}
END_TEST

/* The kernel refuses it then, each time: a restart of the guest must not cost the function. */
START_TEST(one_that_vfio_does_not_have_is_in_the_way)
{
	static const char *const drivers[] = {NULL, "pci-stub"};
	const struct fake_vfio *first = &kernel.devices[0];

	fake_tree_add_device("0000:01:00.1", 7, drivers[_i]);
	share_bus(0, 7);
	kernel.devices[0].hot_refusals = UINT_MAX;
	ck_assert_int_eq(add("01:00.0"), 0);
	hear();
	ck_assert_int_eq(attach(), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "0000:01:00.0: its bus cannot be reset: 0000:01:00.1 "
					      "is on it and not bound to vfio-pci: as root: ferry "
					      "bind 0000:01:00.1"));
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
	ck_assert_int_eq(function(0)->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(first->hot_resets, 0);
}
END_TEST

/* Its request is still to be heard: it has lost its driver, and nobody is to give it one. */
START_TEST(one_that_the_host_takes_back_is_in_the_way)
{
	static const char *const takes[] = {"0000:01:00.0", "0000:01:00.3"};
	char link[64], said[128];
	const char *text;

	share_bus(0, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	kernel.devices[0].hot_resets = 0;
	snprintf(link, sizeof(link), "bus/pci/devices/%s/driver", takes[_i]);
	fake_tree_unlink(link);
	snprintf(said, sizeof(said), "0000:01:00.0: its bus is not reset: the host takes %s back",
		 takes[_i]);
	hear();
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
	text = heard();
	ck_assert_ptr_nonnull(strstr(text, said));
	ck_assert_ptr_null(strstr(text, "ferry bind"));
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 0);
}
END_TEST

START_TEST(one_that_another_driver_of_vfio_has_is_not)
{
	fake_tree_add_device("0000:01:00.1", 7, "mlx5_vfio_pci");
	share_bus(0, 7);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 1);
}
END_TEST

/* Its functions are dead, but the host may outlive it. */
START_TEST(both_are_reset_where_the_host_outlives_them)
{
	share_bus(0, 7);
	add_both();
	ck_assert_int_eq(add("02:00.1"), 0);
	ck_assert_int_eq(attach(), 0);
	for (unsigned int i = 0; i < 2; i++)
		pci_host_config_write(bench.host, (uint16_t)(1 << 3 | 3 * i), PCI_COMMAND, 2,
				      PCI_COMMAND_MEMORY);
	kernel.devices[0].hot_resets = 0;
	vfio_destroy(bench.vfio);
	bench.vfio = NULL;
	ck_assert_uint_eq(kernel.devices[0].hot_resets + kernel.devices[1].hot_resets, 1);
}
END_TEST

START_TEST(it_is_said_that_there_is_no_reset)
{
	share_bus(0, 7);
	kernel.devices[0].dependents = 0;
	ck_assert_int_eq(add("01:00.0"), 0);
	/* At the start the host's driver has left it as it is: nothing of a guest's is lost. */
	hear();
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(heard(), "");
	hear();
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
	ck_assert_ptr_nonnull(strstr(heard(), "0000:01:00.0: it has no reset"));
	/* Once is enough. */
	hear();
	pci_host_reset(bench.host);
	pci_host_start(bench.host);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(one_that_is_lost_in_it_is_refused)
{
	share_bus(0, 7);
	kernel.devices[0].dies_in_reset = true;
	add_both();
	ck_assert_int_eq(attach(), -EIO);
	said("0000:01:00.0: it does not answer after the reset of its bus");
}
END_TEST

static void turn_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(bench.loop);
}

static void turn_once(void)
{
	int stopper = fd_eventfd();

	ck_assert_int_eq(loop_add(bench.loop, stopper, EPOLLIN, turn_loop, NULL, &bench.err), 0);
	fd_signal(stopper);
	ck_assert_int_eq(loop_run(bench.loop, &bench.err), 0);
	loop_remove(bench.loop, stopper);
	fd_close(&stopper);
}

static void wait_for_reset(void)
{
	do {
		turn_once();
		usleep(1000);
	} while (function(0)->state == VFIO_PCI_RESETTING);
}

/* The guest resets 01:00.0, which it is refused, and uses 01:00.3 when @used; what was said. */
static const char *reset_beside(bool used)
{
	static const int retries_ms[] = {1, 0};

	share_bus(VFIO_DEVICE_FLAGS_RESET, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pci_host_assign(bench.host, &bench.err), 0);
	function(0)->reset.retries_ms = retries_ms;
	kernel.devices[0].refusals = UINT_MAX;
	if (used)
		pci_host_config_write(bench.host, 1 << 3 | 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	hear();
	ck_assert_int_eq(pci_host_config_write(bench.host, 1 << 3, FLR_AT, 2,
					       PCI_EXP_DEVCTL_BCR_FLR),
			 MEM_NOT_YET);
	wait_for_reset();
	return heard();
}

START_TEST(one_that_the_guest_uses_is_not_hit)
{
	const char *text = reset_beside(true);

	ck_assert_ptr_nonnull(strstr(text, "0000:01:00.3 is on it, which the guest uses"));
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 0);
	ck_assert_int_eq(function(0)->state, VFIO_PCI_ISOLATED);
	ck_assert_int_eq(function(1)->state, VFIO_PCI_ALIVE);
	/* All are idle at a restart. */
	pci_host_reset(bench.host);
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 1);
	ck_assert_int_eq(function(0)->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(kernel.devices[1].resets, 0);
}
END_TEST

START_TEST(one_that_the_guest_does_not_use_is_reset_too)
{
	reset_beside(false);
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 1);
	ck_assert_int_eq(function(0)->state, VFIO_PCI_ALIVE);
	kernel.devices[0].refusals = 0;
	pci_host_reset(bench.host);
	ck_assert_uint_eq(kernel.devices[1].resets, 0);
	pci_host_config_write(bench.host, 1 << 3 | 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_host_reset(bench.host);
	ck_assert_uint_eq(kernel.devices[1].resets, 1);
}
END_TEST

/* Its own error is no reason to take the guest's work from another. */
START_TEST(an_error_resets_no_bus_that_the_guest_uses)
{
	static const int pauses_ms[] = {1, 1, 0};
	FILE *out = fopen("/dev/null", "w");
	const char *text;

	share_bus(0, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	kernel.devices[0].hot_resets = 0;
	function(0)->reset.pauses_ms = pauses_ms;
	pci_host_config_write(bench.host, 1 << 3 | 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	hear();
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_ERR_IRQ_INDEX, 0));
	wait_for_reset();
	text = heard();
	ck_assert_ptr_nonnull(strstr(text, "0000:01:00.3 is on it, which the guest uses"));
	ck_assert_ptr_nonnull(strstr(text, "it recovered, without a reset"));
	ck_assert_ptr_null(strstr(text, "it has no reset"));
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 0);
	/* For a person it is what a restart would do. */
	ck_assert_int_eq(vfio_describe(bench.vfio, "01:00.0", out), 0);
	fclose(out);
}
END_TEST

/* It was idle when the bus was looked at, and not when that was reset. */
START_TEST(one_that_is_used_too_soon_is_told_of)
{
	share_bus(0, 7);
	add_both();
	ck_assert_int_eq(attach(), 0);
	kernel.devices[0].hot_resets = 0;
	hear();
	stand_at(VFIO_DEVICE_PCI_HOT_RESET);
	ck_assert(fake_vfio_fire(&kernel.devices[0], VFIO_PCI_ERR_IRQ_INDEX, 0));
	turn_once();
	wait_for_stand();
	pci_host_config_write(bench.host, 1 << 3 | 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	let_go_on();
	wait_for_reset();
	ck_assert_uint_eq(kernel.devices[0].hot_resets, 1);
	ck_assert_ptr_nonnull(strstr(heard(), "0000:01:00.3: the reset of its bus has hit it"));
	/* It has state of the guest's again. */
	ck_assert(!function(1)->reset.spared);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_first_guest_gets_them_reset_once);
	tcase_add_test(tests, one_that_vfio_resets_needs_none);
	tcase_add_test(tests, it_is_said_whose_device_is_in_the_way);
	tcase_add_loop_test(tests, one_that_vfio_does_not_have_is_in_the_way, 0, 2);
	tcase_add_loop_test(tests, one_that_the_host_takes_back_is_in_the_way, 0, 2);
	tcase_add_test(tests, one_that_another_driver_of_vfio_has_is_not);
	tcase_add_test(tests, both_are_reset_where_the_host_outlives_them);
	tcase_add_test(tests, it_is_said_that_there_is_no_reset);
	tcase_add_test(tests, one_that_is_lost_in_it_is_refused);
	tcase_add_test(tests, one_that_the_guest_uses_is_not_hit);
	tcase_add_test(tests, one_that_the_guest_does_not_use_is_reset_too);
	tcase_add_test(tests, an_error_resets_no_bus_that_the_guest_uses);
	tcase_add_test(tests, one_that_is_used_too_soon_is_told_of);
}

int main(void)
{
	return run_suite("vfio keeper", add_tests);
}
