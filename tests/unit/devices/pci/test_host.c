/* SPDX-License-Identifier: BSD-3-Clause */
/* The host bridge: decoding below a bridge, reset, the end of everything, what is refused. */

#include <errno.h>

#include "devices/pci/host.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

START_TEST(reset_restores_what_was_assigned)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(toy, 1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, WINDOW32 + 0x8000);
	map_write(bench->pio, 0xcf8, 4, 0x80000800);
	bench_take(bench);
	pci_host_reset(bench->host);
	ck_assert_str_eq(bench_take(bench), "-a0 reset ");
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(toy_read(toy, PCI_BASE_ADDRESS_0, 4), WINDOW32);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(the_end_comes_in_reverse)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a");

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(a, 3, 0);
	toy_add(toy_create(bench, "b"), 1, 0);
	toy_write(a, PCI_BASE_ADDRESS_0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	pci_host_destroy(bench->host);
	ck_assert_str_eq(bench_take(bench), "destroy:b -a0 destroy:a ");
	ck_assert_uint_eq(map_read(bench->mmio, ECAM, 4), UINT32_MAX);
	pci_host_destroy(NULL);
	bench->host = NULL;
	bench_destroy(bench);
}
END_TEST

START_TEST(impossible_bridges_are_refused)
{
	struct bench *bench = bench_create();
	struct pci_host_config config = bench_config(bench);
	struct err err = {0};

	ck_assert_ptr_null(pci_host_create(&config, &err)); /* ECAM is taken */
	ck_assert_int_eq(err.code, -EBUSY);
	config.ecam_base += 0x10000000;
	ck_assert_ptr_null(pci_host_create(&config, &err)); /* the ports are */
	ck_assert_int_eq(err.code, -EBUSY);
	ck_assert_uint_eq(map_read(bench->mmio, config.ecam_base, 4), UINT32_MAX);
	config.buses = 257;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	config.buses = 1;
	config.intx_count = 6;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	config.intx_count = 4;
	config.mmio64_size = UINT64_MAX;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	ck_assert_int_eq(err.code, -EINVAL);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, reset_restores_what_was_assigned);
	tcase_add_test(tests, the_end_comes_in_reverse);
	tcase_add_test(tests, impossible_bridges_are_refused);
}

int main(void)
{
	return run_suite("pci host", add_tests);
}
