/* SPDX-License-Identifier: BSD-3-Clause */
/* What a made-up host tells of its devices and groups: identity, regions, widths, remapping. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/host.h"
#include "vmm/base/bits.h"

#define NVME "0000:01:00.0"
#define NIC  "0000:02:00.0"

static struct err err;
static struct vfio_host_device device;

static void put(const char *address, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", address, name);
	fake_tree_write(path, text);
}

static void look(const char *name)
{
	ck_assert_msg(vfio_host_device(fake_tree_path(""), name, &device, &err) == 0, "%s",
		      err.text);
}

static void setup(void)
{
	fake_tree_create();
	fake_tree_add_device(NVME, 7, "nvme");
}

START_TEST(a_device_has_its_identity)
{
	put(NVME, "vendor", "0x144d\n");
	put(NVME, "device", "0xa808\n");
	put(NVME, "class", "0x010802\n");
	put(NVME, "revision", "0x21\n");
	put(NVME, "boot_vga", "1\n");
	put(NVME, "sriov_numvfs", "4\n");
	put(NVME, "reset_method", "flr bus\n");
	put(NVME, "reset", "");
	look("01:00.0");
	ck_assert_str_eq(device.sysfs.address, NVME);
	ck_assert(device.vendor == 0x144d && device.device == 0xa808);
	ck_assert(device.class_code == 0x010802 && device.revision == 0x21);
	ck_assert(device.has_group && device.group == 7 && !device.unconfined);
	ck_assert(device.boot_vga && device.functions == 4 && !device.bridge && device.resettable);
	ck_assert_str_eq(device.driver, "nvme");
	ck_assert_str_eq(device.reset_methods, "flr bus");
	ck_assert(!vfio_host_is_bound(&device) && vfio_host_is_in_the_way(&device));
	ck_assert_int_eq(vfio_host_device(fake_tree_path(""), NIC, &device, &err), -ENOENT);
}
END_TEST

START_TEST(virtual_functions_by_number)
{
	struct vfio_host_device *functions;
	size_t count;

	fake_tree_add_device("0000:01:00.1", 8, "vfio-pci");
	fake_tree_add_device("0000:01:00.2", 9, NULL);
	put(NVME, "sriov_totalvfs", "8\n");
	put(NVME, "sriov_numvfs", "3\n");
	fake_tree_link("bus/pci/devices/" NVME "/virtfn0", "../0000:01:00.2");
	fake_tree_link("bus/pci/devices/" NVME "/virtfn1", "../0000:01:00.1");
	fake_tree_link("bus/pci/devices/" NVME "/virtfn2", "../0000:01:00.3");
	fake_tree_link("bus/pci/devices/0000:01:00.2/physfn", "../" NVME);
	look(NVME);
	ck_assert(device.functions == 3 && device.most_functions == 8 && !device.physical[0]);
	/* The third is gone already. */
	ck_assert_int_eq(vfio_host_functions(fake_tree_path(""), &device, &functions, &count, &err),
			 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(functions[0].sysfs.address, "0000:01:00.2");
	ck_assert_str_eq(functions[0].physical, NVME);
	ck_assert_str_eq(functions[1].driver, "vfio-pci");
	free(functions);
}
END_TEST

START_TEST(what_is_garbled_stays_zero)
{
	put(NVME, "vendor", "144d\n");
	put(NVME, "device", "0x1a808\n");
	put(NVME, "class", "-1\n");
	put(NVME, "boot_vga", "2\n");
	look(NVME);
	ck_assert(device.device == 0 && device.class_code == 0 && !device.boot_vga);
	ck_assert_uint_eq(device.vendor, 0);
	ck_assert(!device.resettable);
	ck_assert_str_eq(device.reset_methods, "");
}
END_TEST

START_TEST(who_keeps_a_group_from_being_passed)
{
	fake_tree_add_device(NIC, 8, "vfio-pci");
	look(NIC);
	ck_assert(vfio_host_is_bound(&device) && !vfio_host_is_in_the_way(&device));
	fake_tree_unlink("bus/pci/devices/" NIC "/driver");
	look(NIC);
	ck_assert(!vfio_host_is_bound(&device) && !vfio_host_is_in_the_way(&device));
	fake_tree_write("kernel/iommu_groups/8/name", "vfio-noiommu\n");
	look(NIC);
	ck_assert(device.unconfined);
}
END_TEST

START_TEST(a_group_may_come_with_the_first_driver)
{
	fake_tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	look(NVME);
	ck_assert(!device.has_group && !device.group_to_come);
	fake_tree_unlink("bus/pci/devices/" NVME "/driver");
	look(NVME);
	ck_assert(!device.group_to_come);
	fake_tree_folder("class/iommu/smmu3.0x0000000009050000");
	look(NVME);
	ck_assert(device.group_to_come);
}
END_TEST

START_TEST(devices_are_listed_by_address)
{
	struct vfio_host_device *devices;
	size_t count;

	fake_tree_add_device("0000:00:1f.3", 9, NULL);
	fake_tree_add_device("0000:00:03.0", 9, NULL);
	fake_tree_folder("bus/pci/devices/nonsense");
	ck_assert_int_eq(vfio_host_devices(fake_tree_path(""), &devices, &count, &err), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(devices[0].sysfs.address, "0000:00:03.0");
	ck_assert_str_eq(devices[1].sysfs.address, "0000:00:1f.3");
	ck_assert_str_eq(devices[2].sysfs.address, NVME);
	free(devices);
	ck_assert_int_eq(vfio_host_group(fake_tree_path(""), 9, &devices, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	free(devices);
	ck_assert_int_eq(vfio_host_group(fake_tree_path(""), 77, &devices, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_ptr_null(devices);
}
END_TEST

START_TEST(reserved_regions_have_their_kind)
{
	struct vfio_host_region regions[3];

	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x00000000000a0000 0x00000000000bffff direct-relaxable\n"
			"nonsense\n"
			"0x0000000000002000 0x0000000000001000 direct\n"
			"0x00000000ce000000 0x00000000cfffffff direct\n"
			"0x00000000fee00000 0x00000000feefffff msi\n"
			"0x00000000fef00000 0x00000000feffffff reserved\n");
	ck_assert_uint_eq(vfio_host_reserved(fake_tree_path(""), 7, regions, 3), 4);
	ck_assert(regions[0].first == 0xa0000 && regions[0].last == 0xbffff);
	ck_assert(regions[0].relaxed && !regions[0].direct);
	ck_assert(!regions[1].relaxed && regions[1].direct && !regions[1].msi);
	ck_assert(!regions[2].direct && regions[2].msi);
	ck_assert_uint_eq(vfio_host_reserved(fake_tree_path(""), 8, regions, 2), 0);
}
END_TEST

START_TEST(intels_iommu_tells_its_width)
{
	look(NVME);
	ck_assert_uint_eq(vfio_host_iova_bits(&device), 64);
	fake_tree_folder("bus/pci/devices/" NVME "/iommu/intel-iommu");
	put(NVME, "iommu/intel-iommu/cap", "260000\n");
	ck_assert_uint_eq(vfio_host_iova_bits(&device), 39);
	put(NVME, "iommu/intel-iommu/cap", "d2008c2f0000\n");
	ck_assert_uint_eq(vfio_host_iova_bits(&device), 48);
	put(NVME, "iommu/intel-iommu/cap", "nonsense\n");
	ck_assert_uint_eq(vfio_host_iova_bits(&device), 64);
}
END_TEST

START_TEST(ranges_lose_what_is_excluded)
{
	struct ram_range ranges[4] = {{0, 0x1000}, {0x2000, 0x1000}};
	size_t count = vfio_host_exclude(ranges, 2, 4, 0x2400, 0x27ff);

	ck_assert_uint_eq(count, 3);
	ck_assert(ranges[0].base == 0 && ranges[0].size == 0x1000);
	ck_assert(ranges[1].base == 0x2000 && ranges[1].size == 0x400);
	ck_assert(ranges[2].base == 0x2800 && ranges[2].size == 0x800);
	count = vfio_host_exclude(ranges, count, 4, 0, 0x23ff);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(ranges[0].base, 0x2800);
	count = vfio_host_exclude(ranges, count, 4, 0, UINT64_MAX);
	ck_assert_uint_eq(count, 0);
	ranges[0] = (struct ram_range){0, UINT64_MAX};
	count = vfio_host_exclude(ranges, 1, 1, 0x1000, 0x1fff);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(ranges[0].size, 0x1000);
}
END_TEST

START_TEST(remapping_is_told_by_the_chips)
{
	ck_assert_int_eq(vfio_host_remapping(fake_tree_path("")), VFIO_REMAPPING_UNKNOWN);
	fake_tree_folder("kernel/irq/1");
	fake_tree_write("kernel/irq/1/chip_name", "IO-APIC\n");
	ck_assert_int_eq(vfio_host_remapping(fake_tree_path("")), VFIO_REMAPPING_OFF);
	fake_tree_folder("kernel/irq/24");
	fake_tree_write("kernel/irq/24/chip_name", "IR-PCI-MSI-0000:01:00.0\n");
	ck_assert_int_eq(vfio_host_remapping(fake_tree_path("")), VFIO_REMAPPING_ON);
}
END_TEST

START_TEST(the_display_of_the_chipset_is_known)
{
	ck_assert(vfio_host_is_igd("0000:00:02.0", 0x8086, 0x030000));
	ck_assert(vfio_host_is_igd("0000:00:02.1", 0x8086, 0x038000));
	ck_assert(!vfio_host_is_igd("0000:00:02.0", 0x8086, 0x040000));
	ck_assert(!vfio_host_is_igd("0000:00:02.0", 0x10de, 0x030000));
	ck_assert(!vfio_host_is_igd("0000:03:00.0", 0x8086, 0x030000));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, a_device_has_its_identity);
	tcase_add_test(tests, virtual_functions_by_number);
	tcase_add_test(tests, what_is_garbled_stays_zero);
	tcase_add_test(tests, who_keeps_a_group_from_being_passed);
	tcase_add_test(tests, a_group_may_come_with_the_first_driver);
	tcase_add_test(tests, devices_are_listed_by_address);
	tcase_add_test(tests, reserved_regions_have_their_kind);
	tcase_add_test(tests, intels_iommu_tells_its_width);
	tcase_add_test(tests, ranges_lose_what_is_excluded);
	tcase_add_test(tests, remapping_is_told_by_the_chips);
	tcase_add_test(tests, the_display_of_the_chipset_is_known);
}

int main(void)
{
	return run_suite("vfio host", add_tests);
}
