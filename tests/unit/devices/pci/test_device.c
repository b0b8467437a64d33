/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function by itself, before it is on any bus. */

#include <check.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "tests/unit/support/suite.h"

static const struct pci_device_ops ops;

START_TEST(it_begins_empty)
{
	static const uint8_t zeros[PCIE_CONFIG_SIZE];
	struct pci_device device;

	memset(&device, 0xa5, sizeof(device));
	pci_device_init(&device, &ops, PCI_CONFIG_SIZE, "0000:01:00.0");
	ck_assert_ptr_eq(device.ops, &ops);
	ck_assert_uint_eq(device.config_size, 256);
	ck_assert_str_eq(device.name, "0000:01:00.0");
	ck_assert_ptr_null(device.bus);
	ck_assert_mem_eq(device.config, zeros, sizeof(zeros));
	ck_assert_mem_eq(device.write_mask, zeros, sizeof(zeros));
	ck_assert_mem_eq(device.write_1_clear, zeros, sizeof(zeros));
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		ck_assert_int_eq(device.bars[i].kind, PCI_BAR_NONE);
	ck_assert_int_eq(pthread_mutex_trylock(&device.lock), 0);
	pthread_mutex_unlock(&device.lock);
	pci_device_release(&device);
}
END_TEST

START_TEST(a_long_name_is_cut)
{
	struct pci_device device;
	char name[100];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	pci_device_init(&device, &ops, PCIE_CONFIG_SIZE, name);
	ck_assert_uint_eq(strlen(device.name), sizeof(device.name) - 1);
	pci_device_release(&device);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, it_begins_empty);
	tcase_add_test(tests, a_long_name_is_cut);
}

int main(void)
{
	return run_suite("pci device", add_tests);
}
