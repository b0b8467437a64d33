/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `ferry doctor` finds of a device: drivers, groups, resets, interrupts, places in the guest.
 */

#include <check.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"

START_TEST(a_group_in_use)
{
	fake_tree_unlink("dev/vfio/7");
	fake_tree_link("dev/vfio/7", "/dev/null");
	fake_tree_folder("proc/4321/fd");
	fake_tree_link("proc/4321/fd/9", "/dev/null");
	fake_tree_write("proc/4321/comm", "ferry\n");
	finds("dev/vfio/7 is in use by process 4321 (ferry)", "mend it: kill 4321");
}
END_TEST

/* Neither the group's node nor the container's is needed. */
START_TEST(by_iommufd)
{
	fake_tree_add_cdev(NVME, 3);
	fake_tree_unlink("dev/vfio/7");
	fake_tree_unlink("dev/vfio/vfio");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "dev/vfio/devices/vfio3 and ");
	has(tools_out, "dev/iommu may be opened by this user");
	has_not(tools_out, "container");
	/* Another device without brings them back. */
	tools_add("0000:02:00.0", 8, "vfio-pci", "144d:a808", "010802");
	ck_assert_int_eq(doctor(NVME, "02:00.0", NULL), TOOL_FAILED);
	has(tools_out, "failure  container: ");
	has(tools_out, "dev/vfio/8: No such file");
	has(tools_out, "dev/vfio/7: No such file");
}
END_TEST

/* The first settles the way: behind it iommufd's may go by its group, but not the reverse. */
START_TEST(only_some_by_iommufd)
{
	fake_tree_add_cdev(NVME, 3);
	fake_tree_write("dev/vfio/8", "");
	tools_add("0000:02:00.0", 8, "vfio-pci", "144d:a808", "010802");
	ck_assert_int_eq(doctor(NVME, "02:00.0", NULL), TOOL_FAILED);
	has(tools_out, "(failures: 1, ");
	has(tools_out, "failure  0000:02:00.0 node: it would be had by its group, and 0000:01:00.0 "
		       "before it by iommufd: one guest takes devices by one way\n"
		       "         mend it: ferry run --vfio 0000:01:00.0,via=group\n");
	has(tools_out, "dev/vfio/7 may be opened");
	ck_assert_msg(doctor("02:00.0", NVME, NULL) == TOOL_OK, "%s", tools_out);
	has_not(tools_out, "by iommufd");
	has(tools_out, "ok       0000:01:00.0 node: ");
	has(tools_out, "dev/vfio/7 may be opened");
	has(tools_out, "dev/vfio/8 may be opened");
	has(tools_out, "dev/vfio/vfio may be opened");
}
END_TEST

/* One that gets its node with its driver is none that cannot. */
START_TEST(one_by_iommufd_and_one_not_bound)
{
	fake_tree_add_cdev(NVME, 3);
	tools_add("0000:02:00.0", 8, "nvme", "144d:a808", "010802");
	ck_assert_int_eq(doctor(NVME, "02:00.0", NULL), TOOL_FAILED);
	has(tools_out, "failure  0000:02:00.0 driver: nvme has it");
	has_not(tools_out, "one guest takes devices by one way");
}
END_TEST

/* Its token takes the group's way. */
START_TEST(a_virtual_function_of_a_passed_one_by_iommufd)
{
	fake_tree_add_cdev(NVME, 3);
	tools_add("0000:04:00.0", 12, "vfio-pci", "8086:10d3", "020000");
	fake_tree_link("bus/pci/devices/" NVME "/physfn", "../0000:04:00.0");
	warns("dev/vfio/7 may be opened");
	has(tools_out, "dev/vfio/vfio may be opened");
	has_not(tools_out, "iommufd");
	has_not(tools_out, "dev/iommu");
	fake_tree_unlink("dev/vfio/7");
	finds("dev/vfio/7: No such file", "udevadm trigger --settle");
	/* With a driver of the host's on the physical one none is wanted. */
	fake_tree_unlink("bus/pci/devices/0000:04:00.0/driver");
	fake_tree_link("bus/pci/devices/0000:04:00.0/driver", "../../../../bus/pci/drivers/igb");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "dev/iommu may be opened by this user");
}
END_TEST

START_TEST(a_device_by_iommufd_in_use)
{
	fake_tree_add_cdev(NVME, 3);
	fake_tree_unlink("dev/vfio/devices/vfio3");
	fake_tree_link("dev/vfio/devices/vfio3", "/dev/null");
	fake_tree_folder("proc/4321/fd");
	fake_tree_link("proc/4321/fd/9", "/dev/null");
	fake_tree_write("proc/4321/comm", "ferry\n");
	finds("vfio3 is in use by process 4321 (ferry)", "mend it: kill 4321");
}
END_TEST

START_TEST(drivers)
{
	tools_add("0000:02:00.0", 8, "nvme", "144d:a808", "010802");
	tools_add("0000:03:00.0", 9, NULL, "144d:a808", "010802");
	ck_assert_int_eq(doctor(NVME, "02:00.0", "03:00.0"), TOOL_FAILED);
	has(tools_out, "failure  0000:02:00.0 driver: nvme has it, not vfio-pci\n"
		       "         mend it: ferry bind 0000:02:00.0\n");
	has(tools_out, "failure  0000:03:00.0 driver: it has none, and must have vfio-pci");
}
END_TEST

START_TEST(groups)
{
	tools_add("0000:01:00.1", 7, "ahci", "1234:0002", "010601");
	tools_add("0000:01:00.2", 7, NULL, "1234:0003", "010601");
	finds("IOMMU group 7 is not viable: 0000:01:00.1 has driver ahci; its members are "
	      "0000:01:00.1 (ahci), 0000:01:00.2 (no driver)",
	      "mend it: ferry bind --group 0000:01:00.0");
	tools_add("0000:00:01.0", 7, "shpchp", "8086:1901", "060400");
	finds("0000:00:01.0 has driver shpchp",
	      "echo 0000:00:01.0 > /sys/bus/pci/devices/0000:00:01.0/driver/unbind");
}
END_TEST

START_TEST(a_virtual_function_of_a_passed_one)
{
	tools_add("0000:04:00.0", 12, "vfio-pci", "8086:10d3", "020000");
	fake_tree_link("bus/pci/devices/" NVME "/physfn", "../0000:04:00.0");
	warns("its physical function 0000:04:00.0 is bound to vfio-pci");
	has(tools_out, "--vfio 0000:01:00.0,vf-token=UUID, or ferry unbind 0000:04:00.0");
}
END_TEST

START_TEST(a_virtual_function_needs_the_driver_of_its_physical_one)
{
	tools_add("0000:04:00.0", 12, "igb", "8086:10c9", "020000");
	fake_tree_link("bus/pci/devices/" NVME "/physfn", "../0000:04:00.0");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "ok       0000:01:00.0 physical function: 0000:04:00.0 with driver igb");
	fake_tree_unlink("bus/pci/devices/0000:04:00.0/driver");
	warns("its physical function 0000:04:00.0 has no driver, without which it may not work");
	has(tools_out, "mend it: echo 0000:04:00.0 > /sys/bus/pci/drivers_probe, or ferry unbind "
		       "0000:04:00.0");
}
END_TEST

START_TEST(a_physical_function_with_virtual_ones)
{
	tools_add("0000:04:00.0", 12, "igb", "8086:10c9", "020000");
	tools_file("0000:04:00.0", "sriov_numvfs", "0\n");
	ck_assert_int_eq(doctor("04:00.0", NULL, NULL), TOOL_FAILED);
	has_not(tools_out, "virtual functions");
	tools_file("0000:04:00.0", "sriov_numvfs", "3\n");
	ck_assert_int_eq(doctor("04:00.0", NULL, NULL), TOOL_FAILED);
	has(tools_out, "0000:04:00.0 virtual functions: 3 of it are on, and vfio-pci takes it "
		       "without them only\n"
		       "         mend it: echo 0 > /sys/bus/pci/devices/0000:04:00.0/sriov_numvfs");
	/* vfio-pci may have had it first, and made them. */
	tools_file(NVME, "sriov_numvfs", "3\n");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(resets_and_bridges)
{
	fake_tree_unlink("bus/pci/devices/" NVME "/reset_method");
	warns("warning  0000:01:00.0 reset: there is no method");
	tools_file(NVME, "reset", "");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "a method that this kernel does not name");
	tools_file(NVME, "class", "0x060400\n");
	finds("failure  0000:01:00.0 device: it is a bridge", "ferry devices");
}
END_TEST

START_TEST(graphics_of_the_chipset)
{
	tools_add("0000:00:02.0", 7, "vfio-pci", "8086:3e92", "030000");
	ck_assert_int_eq(doctor("00:02.0", NULL, NULL), TOOL_OK);
	has(tools_out, "its displays may stay dark; computing and video coding work");
	tools_add("0000:03:00.0", 7, "vfio-pci", "8086:56a0", "030000");
	ck_assert_int_eq(doctor("03:00.0", NULL, NULL), TOOL_OK);
	has_not(tools_out, "OpRegion");
}
END_TEST

START_TEST(reserved_regions)
{
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"rubbish\n0x1000 0x0 reserved\n0x7d000000 0x7dffffff direct\n");
	finds("the firmware wants 0x7d000000-0x7dffffff mapped as it is", "RMRR");
	fake_tree_write("kernel/iommu_groups/7/reserved_regions", "0x0 0xfffffffff reserved\n");
	finds("failure  layout: ", "");
	/* Reserved space is stepped around, wherever RAM begins: above it there is enough. */
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x10000000 0x1fffffff reserved\n0x50000000 0x5fffffff reserved\n");
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "layout: 512 MiB of RAM (pieces: 2)");
}
END_TEST

START_TEST(places_in_the_guest)
{
	ck_assert_int_eq(doctor("--memory=100G", NULL, NULL), TOOL_FAILED);
	has(tools_out, "do not fit the guest-physical addresses");
	ck_assert_int_eq(doctor("--memory=8G", NVME, NULL), TOOL_OK);
	/* An IOMMU of 32 bits: nothing can be above. */
	fake_tree_folder("bus/pci/devices/" NVME "/iommu/intel-iommu");
	tools_file(NVME, "iommu/intel-iommu/cap", "1f0000\n");
	ck_assert_int_eq(doctor("--memory=8G", NVME, NULL), TOOL_FAILED);
	has(tools_out, "failure  layout: guest memory: 8192 MiB");
	tools_file(NVME, "iommu/intel-iommu/cap", "d2008c222f0686\n");
	ck_assert_int_eq(doctor("--memory=8G", NVME, NULL), TOOL_OK);
	tools_file(NVME, "resource", "0x0 0x1ffffffffff 0x14220c\n");
	finds("failure  layout: PCI window above 4 GiB", "");
	tools_file(NVME, "resource", "0x0 0xffffffff 0x40200\n");
	finds("failure  layout: PCI window below 4 GiB", "");
}
END_TEST

/* A config space with MSI-X of 33 and MSI of 8, as root sees it or (64 bytes) as others do. */
static void write_config(unsigned int msix, size_t size)
{
	unsigned char config[256] = {[6] = 0x10, [0x34] = 0x40, [0x3d] = 1};
	FILE *file = fopen(fake_tree_path("bus/pci/devices/" NVME "/config"), "w");

	config[0x40] = 0x05;
	config[0x41] = 0x60;
	config[0x42] = 0x86; /* 2^3, 64-bit */
	config[0x60] = 0x11;
	config[0x61] = 0x40; /* a list that goes round */
	config[0x62] = (msix - 1) & 0xff;
	config[0x63] = (unsigned char)(0x80 | (msix - 1) >> 8);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(config, size, 1, file), 1);
	fclose(file);
}

START_TEST(interrupts)
{
	const struct rlimit limit = {.rlim_cur = 512, .rlim_max = 1024};

	write_config(33, 256);
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out,
	    "ok       0000:01:00.0 interrupts: MSI-X with a table of 33, MSI with up to 8, "
	    "INTx");
	has(tools_out, "ok       vectors: a guest may want 33, and can have them");
	write_config(33, 64);
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "interrupts: INTx; MSI and MSI-X can be read by root only");
	write_config(2048, 256);
	warns("warning  vectors: a guest may want 2048: the host's processors have about 200, of "
	      "which 1 are taken");
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	warns("a guest may want 2048, each of which takes a descriptor: 1024 are the most");
	has(tools_out,
	    "mend it: sudo prlimit --pid $$ --nofile=2128 (in the shell that starts ferry)\n");
	tools_width = 40;
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "\n         mend it:\n"
		       "         sudo prlimit --pid $$ --nofile=2128\n"
		       "         (in the shell that starts\n"
		       "         ferry)\n");
}
END_TEST

START_TEST(iova_ranges)
{
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "ok       0000:01:00.0 IOVA ranges: 0x0-0xfedfffff, "
		       "0xfef00000-0xfffffffffffffffe can be mapped for its DMA (its IOMMU does");
	fake_tree_folder("bus/pci/devices/" NVME "/iommu/intel-iommu");
	tools_file(NVME, "iommu/intel-iommu/cap", "d2008c222f0686\n");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out,
	    "IOVA ranges: 0x0-0xfedfffff, 0xfef00000-0xffffffffffff can be mapped for its "
	    "DMA\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, a_group_in_use);
	tcase_add_test(tests, by_iommufd);
	tcase_add_test(tests, only_some_by_iommufd);
	tcase_add_test(tests, one_by_iommufd_and_one_not_bound);
	tcase_add_test(tests, a_device_by_iommufd_in_use);
	tcase_add_test(tests, drivers);
	tcase_add_test(tests, groups);
	tcase_add_test(tests, a_virtual_function_of_a_passed_one);
	tcase_add_test(tests, a_virtual_function_of_a_passed_one_by_iommufd);
	tcase_add_test(tests, a_virtual_function_needs_the_driver_of_its_physical_one);
	tcase_add_test(tests, a_physical_function_with_virtual_ones);
	tcase_add_test(tests, resets_and_bridges);
	tcase_add_test(tests, graphics_of_the_chipset);
	tcase_add_test(tests, reserved_regions);
	tcase_add_test(tests, places_in_the_guest);
	tcase_add_test(tests, interrupts);
	tcase_add_test(tests, iova_ranges);
}

int main(void)
{
	return run_suite("doctor device", add_tests);
}
