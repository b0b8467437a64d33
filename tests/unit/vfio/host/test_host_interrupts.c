/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interrupts a device has, by a config space as sysfs shows it to root and to others. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/host.h"

#define ADDRESS "0000:01:00.0"

static uint8_t config[256];
static struct vfio_host_interrupts found;

/* Those of @size bytes of it. */
static void find(size_t size)
{
	struct vfio_host_device device;
	struct err err = {0};
	FILE *file = fopen(fake_tree_path("bus/pci/devices/" ADDRESS "/config"), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(config, 1, size, file), size);
	fclose(file);
	ck_assert_int_eq(vfio_host_device(fake_tree_path(""), ADDRESS, &device, &err), 0);
	vfio_host_interrupts(&device, &found);
}

/* INTx on pin A; MSI of 8 vectors at 0x50, then MSI-X of 32 at 0x70. */
static void setup(void)
{
	fake_tree_create();
	fake_tree_add_device(ADDRESS, 7, NULL);
	memset(config, 0, sizeof(config));
	config[0x06] = 0x10;
	config[0x34] = 0x50;
	config[0x3d] = 1;
	memcpy(config + 0x50, "\x05\x70\x06\x00", 4);
	memcpy(config + 0x70, "\x11\x00\x1f\x00\x03\x20\x00\x00\x04\x30\x01\x00", 12);
}

START_TEST(all_kinds_are_found)
{
	find(256);
	ck_assert(found.complete && found.intx);
	ck_assert_uint_eq(found.msi, 8);
	ck_assert_uint_eq(found.msix, 32);
	ck_assert(found.table_bar == 3 && found.table == 0x2000);
	ck_assert(found.pba_bar == 4 && found.pba == 0x13000);
}
END_TEST

/* Half of one at the end of config space. */
START_TEST(one_without_its_places_is_none)
{
	config[0x51] = 0xf8;
	memcpy(config + 0xf8, "\x11\x00\x1f\x00\x03\x20\x00\x00", 8);
	find(256);
	ck_assert(found.msi == 8 && found.msix == 0);
}
END_TEST

START_TEST(others_than_root_see_the_pin_alone)
{
	find(64);
	ck_assert(found.intx && !found.complete);
	ck_assert(found.msi == 0 && found.msix == 0);
	find(63);
	ck_assert(!found.intx && !found.complete);
}
END_TEST

START_TEST(without_a_list_there_is_nothing_to_find)
{
	config[0x06] = 0;
	find(256);
	ck_assert(found.complete && found.msi == 0 && found.msix == 0);
}
END_TEST

START_TEST(absurd_values_are_none)
{
	config[0x3d] = 5;
	config[0x52] = 0x0e;
	find(256);
	ck_assert(!found.intx && found.msi == 0);
	ck_assert_uint_eq(found.msix, 32);
}
END_TEST

START_TEST(a_chain_that_loops_ends)
{
	config[0x71] = 0x50;
	find(256);
	ck_assert_uint_eq(found.msi, 8);
	ck_assert_uint_eq(found.msix, 32);
	memset(config + 0x40, 0xff, sizeof(config) - 0x40);
	find(256);
	ck_assert(found.complete);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, all_kinds_are_found);
	tcase_add_test(tests, one_without_its_places_is_none);
	tcase_add_test(tests, others_than_root_see_the_pin_alone);
	tcase_add_test(tests, without_a_list_there_is_nothing_to_find);
	tcase_add_test(tests, absurd_values_are_none);
	tcase_add_test(tests, a_chain_that_loops_ends);
}

int main(void)
{
	return run_suite("vfio host interrupts", add_tests);
}
