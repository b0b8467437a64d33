/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions on their bus: places given and refused, multi-function slots, pins of the root bus. */

#include <errno.h>

#include "devices/pci/host.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

START_TEST(places_are_given_and_refused)
{
	struct bench *bench = bench_create();
	struct toy *toys[31], *late = toy_create(bench, "late");
	struct err err = {0};

	toys[0] = toy_create(bench, "first");
	toy_add(toys[0], -1, 0);
	ck_assert_uint_eq(toys[0]->pci.devfn, 1 << 3);
	ck_assert_uint_eq(pci_device_requester(&toys[0]->pci), 1 << 3);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 1, 0, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "late: 00:01.0 is taken by first"));
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 0, 1, &err), -EINVAL);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 32, 0, &err), -EINVAL);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 1, 8, &err), -EINVAL);
	for (unsigned int i = 1; i < 31; i++) {
		toys[i] = toy_create(bench, "more");
		toy_add(toys[i], -1, 0);
	}
	ck_assert_uint_eq(toys[30]->pci.devfn, 31 << 3);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, -1, 0, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(
		err.text,
		"all 31 slots of the root bus are taken: give the guest fewer devices, or fewer slots in --hotplug"));
	toy_add(late, 1, 3);
	bench_destroy(bench);
}
END_TEST

START_TEST(function_0_tells_of_others)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a"), *b = toy_create(bench, "b");
	struct toy *c = toy_create(bench, "c"), *d = toy_create(bench, "d");

	toy_add(a, 1, 0);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0);
	toy_add(b, 1, 5);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0x80);
	ck_assert_uint_eq(toy_read(b, PCI_HEADER_TYPE, 1), 0);
	toy_add(c, 2, 1);
	toy_add(d, 2, 0);
	ck_assert_uint_eq(toy_read(d, PCI_HEADER_TYPE, 1), 0x80);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0x80);
	pthread_mutex_lock(&bench->host->lock);
	pci_bus_detach(&b->pci);
	pthread_mutex_unlock(&bench->host->lock);
	toy_destroy(&b->pci);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_function_that_leaves_makes_room)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a"), *b = toy_create(bench, "b");
	size_t slices = bench->host->slice_count;

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM32, 0x4000), 0);
	toy_add(a, 1, 0);
	toy_add(b, 2, 0);
	toy_write(a, PCI_BASE_ADDRESS_0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_nonnull(a->slices[0].region.map);
	bench_take(bench);
	pthread_mutex_lock(&bench->host->lock);
	pci_bus_detach(&a->pci);
	pthread_mutex_unlock(&bench->host->lock);
	ck_assert_str_eq(bench_take(bench), "-a0 ");
	ck_assert_ptr_null(a->pci.bus);
	ck_assert_uint_eq(bench->host->slice_count, slices);
	ck_assert_uint_eq(toy_read(b, PCI_VENDOR_ID, 2), 0x1234);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(a->resets, 0);
	ck_assert_uint_eq(b->resets, 1);
	toy_destroy(&a->pci);
	toy_add(toy_create(bench, "c"), 1, 0);
	bench_take(bench);
	bench_destroy(bench);
}
END_TEST

START_TEST(pins_are_swizzled)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	toy_add(toy, 1, 0);
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), -1);
	toy->pci.config[PCI_INTERRUPT_PIN] = 1;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 17);
	toy->pci.config[PCI_INTERRUPT_PIN] = 4;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 20);
	toy->pci.devfn = 6 << 3;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 17); /* 6 + 3 wraps at 8 */
	toy->pci.config[PCI_INTERRUPT_PIN] = 5;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), -1);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, places_are_given_and_refused);
	tcase_add_test(tests, function_0_tells_of_others);
	tcase_add_test(tests, a_function_that_leaves_makes_room);
	tcase_add_test(tests, pins_are_swizzled);
}

int main(void)
{
	return run_suite("pci bus", add_tests);
}
