/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry doctor` over made-up hosts: each thing that is amiss, what is said and what mends it. */

#include <check.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"
#include "vmm/base/bits.h"

START_TEST(all_is_well)
{
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       KVM: it makes machines with 36 bits");
	has(tools_out, "ok       IOMMU: it is on: 1 groups");
	has(tools_out, "ok       interrupt remapping: it is on");
	has(tools_out, "ok       module: vfio is there");
	has(tools_out, "ok       0000:01:00.0 driver: vfio-pci has it");
	has(tools_out, "ok       0000:01:00.0 group: IOMMU group 7, alone");
	has(tools_out, "ok       0000:01:00.0 reset: flr bus");
	has(tools_out, "ok       0000:01:00.0 reserved regions: 2,");
	has(tools_out, "ok       layout: 512 MiB");
	has(tools_out, "ferry run would start (failures: 0, warnings: 0)\n");
	has_not(tools_out, "mend it");
}
END_TEST

/* The facts of the finding of @check, of those the one where @key is @value. */
static json_t *fact_of(json_t *root, const char *check, const char *key, const char *value)
{
	json_t *finding, *facts;
	size_t i;

	json_array_foreach(json_object_get(root, "findings"), i, finding)
	{
		if (strcmp(json_string_value(json_object_get(finding, "check")), check) != 0)
			continue;
		facts = json_object_get(finding, "facts");
		if (!key || strcmp(json_string_value(json_object_get(facts, key)), value) == 0)
			return facts;
	}
	ck_abort_msg("no %s with %s in:\n%s", check, key ? value : "facts", tools_out);
}

START_TEST(json_holds_every_finding)
{
	json_t *root, *finding;

	ck_assert_int_eq(doctor("--json", NVME, NULL), TOOL_OK);
	root = tools_json();
	ck_assert(json_is_true(json_object_get(root, "would_start")));
	finding = json_array_get(json_object_get(root, "findings"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(finding, "status")), "ok");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "check")), "KVM");
	ck_assert(json_is_null(json_object_get(finding, "device")));
	finding = fact_of(root, "module", "module", "vfio_iommu_type1");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "state")), "there");
	finding = fact_of(root, "free memory", "whose", "the host");
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "asked_bytes")), 512 << 20);
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "available_bytes")),
			 80000000LL << 10);
	finding = fact_of(root, "driver", "driver", "vfio-pci");
	finding = fact_of(root, "layout", NULL, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "ram_pieces")), 1);
	finding = fact_of(root, "IOVA ranges", NULL, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(finding, "ranges")), 2);
	json_decref(root);
	fake.open_fails = -EACCES;
	ck_assert_int_eq(doctor("--json", NVME, NULL), TOOL_FAILED);
	root = tools_json();
	ck_assert(json_is_false(json_object_get(root, "would_start")));
	finding = json_array_get(json_object_get(root, "findings"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(finding, "status")), "failure");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "mend")),
			 "usermod -aG kvm USER (then log in again)");
	json_decref(root);
}
END_TEST

START_TEST(kvm)
{
	fake.open_fails = -ENOENT;
	finds("failure  KVM: opening /dev/kvm: No such file or directory: the module kvm-intel is "
	      "not loaded",
	      "mend it: modprobe kvm-intel");
	tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	finds("failure  KVM: opening /dev/kvm", "mend it: modprobe kvm-amd");
	fake.open_fails = 0;
	fake.version = 11;
	finds("failure  KVM: /dev/kvm: API version 11, not 12", "");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_FAILED);
}
END_TEST

static void turn_iommu_off(void)
{
	tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	ck_assert_int_eq(rename(tree_path("kernel/iommu_groups"), tree_path("kernel/gone")), 0);
}

START_TEST(iommu)
{
	turn_iommu_off();
	finds("failure  IOMMU: it is off", "start the host's kernel with intel_iommu=on");
	has(tools_out, "failure  0000:01:00.0 group: it is in no IOMMU group");
	tree_write("proc/cmdline", "quiet intel_iommu=on\n");
	finds("IOMMU: it is off", "mend it: turn VT-d on in the firmware");
	tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	finds("IOMMU: it is off", "turn AMD-Vi (IOMMU) on in the firmware");
	tree_write("proc/cpuinfo", "CPU implementer\t: 0x41\n");
	finds("IOMMU: it is off", "turn the SMMU on in the firmware");
	tree_write("proc/cmdline", "amd_iommu=off\n");
	finds("IOMMU: it is off", "take amd_iommu=off from the kernel's command line");
	tree_unlink("proc/cpuinfo");
	tree_unlink("proc/cmdline");
	finds("IOMMU: it is off", "turn the IOMMU on in the firmware");
}
END_TEST

START_TEST(a_host_without_an_iommu_still_runs_guests_without_devices)
{
	turn_iommu_off();
	ck_assert_msg(doctor(NULL, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "warning  IOMMU: it is off");
}
END_TEST

START_TEST(an_iommu_that_is_none)
{
	tree_write("kernel/iommu_groups/7/name", "vfio-noiommu\n");
	tree_unlink("dev/vfio/7");
	tree_write("dev/vfio/noiommu-7", "");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_out, "failure  IOMMU: it is off: there are no IOMMU groups");
	has(tools_out, "failure  0000:01:00.0 group: IOMMU group 7 has no IOMMU behind it");
	has(tools_out, "intel_iommu=on");
	ck_assert_ptr_null(strstr(tools_out, "udevadm"));
	ck_assert_ptr_null(strstr(tools_out, "ferry bind 0000"));
}
END_TEST

START_TEST(interrupt_remapping)
{
	tree_write("kernel/irq/24/chip_name", "PCI-MSI\n");
	finds("failure  interrupt remapping: it is off",
	      "turn interrupt remapping on in the firmware");
	tree_write("proc/cmdline", "intremap=off\n");
	finds("interrupt remapping: it is off", "take intremap=off from");
	tree_write("proc/cmdline", "\n");
	tree_folder("class/iommu/dmar0/intel-iommu");
	tree_write("class/iommu/dmar0/intel-iommu/ecap", "f020d7\n");
	finds("the IOMMU cannot do it", "mend it: trust the guest: vfio_iommu_type1.allow_unsafe");
	tree_write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	warns("warning  interrupt remapping: it is not known to be on");
	tree_write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	tree_write("kernel/irq/24/chip_name", "GICv3\n");
	warns("warning  interrupt remapping: it cannot be told");
	tree_write("kernel/irq/24/chip_name", "ITS-MSI\n");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "ok       interrupt remapping: it is on");
}
END_TEST

START_TEST(modules)
{
	ck_assert_int_eq(rename(tree_path("module/vfio_iommu_type1"), tree_path("module/x")), 0);
	finds("vfio_iommu_type1 is neither loaded nor under", "install the package");
	tree_write("modules/modules.dep",
		   "kernel/drivers/vfio/vfio_iommu_type1.ko.xz: kernel/drivers/vfio/vfio.ko.xz\n"
		   "kernel/drivers/vfio/pci/vfio-pci.ko: a b\n");
	finds("vfio_iommu_type1 is not loaded", "mend it: modprobe vfio_iommu_type1");
	ck_assert_msg(doctor(NULL, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       module: vfio_iommu_type1 is not loaded; `ferry bind` loads it");
	ck_assert_int_eq(rename(tree_path("module/x"), tree_path("module/vfio_iommu_type1")), 0);
	ck_assert_int_eq(rename(tree_path("module/vfio_pci"), tree_path("module/x")), 0);
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
}
END_TEST

static void drop_root(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

START_TEST(nodes)
{
	tree_unlink("dev/vfio/7");
	finds("failure  0000:01:00.0 node: ", "udevadm trigger");
	tree_write("dev/vfio/7", "");
	tree_unlink("dev/vfio/vfio");
	finds("failure  container: ", "mend it: modprobe vfio\n");
	tree_write("dev/vfio/vfio", "");
	ck_assert_int_eq(chmod(tree_path("dev/vfio/vfio"), 0), 0);
	ck_assert_int_eq(chmod(tree_path("dev/vfio/7"), 0), 0);
	drop_root();
	finds("failure  container: ", "mend it: chmod 666 ");
	finds("failure  0000:01:00.0 node: ", "mend it: chown ");
}
END_TEST

START_TEST(a_group_in_use)
{
	tree_unlink("dev/vfio/7");
	tree_link("dev/vfio/7", "/dev/null");
	tree_folder("proc/4321/fd");
	tree_link("proc/4321/fd/9", "/dev/null");
	tree_write("proc/4321/comm", "ferry\n");
	finds("IOMMU group 7 is in use by process 4321 (ferry)", "mend it: kill 4321");
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
	tree_link("bus/pci/devices/" NVME "/physfn", "../0000:04:00.0");
	warns("its physical function 0000:04:00.0 is bound to vfio-pci");
	has(tools_out, "--vfio 0000:01:00.0,vf-token=UUID, or ferry unbind 0000:04:00.0");
}
END_TEST

START_TEST(resets_and_bridges)
{
	tree_unlink("bus/pci/devices/" NVME "/reset_method");
	warns("warning  0000:01:00.0 reset: there is no method");
	tools_file(NVME, "reset", "");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out, "a method that this kernel does not name");
	tools_file(NVME, "class", "0x060400\n");
	finds("failure  0000:01:00.0 device: it is a bridge", "ferry devices");
}
END_TEST

START_TEST(bars_that_the_host_holds)
{
	tree_write("proc/iomem", "feb40000-feb4ffff : " NVME "\n"
				 "  feb40000-feb4ffff : vfio-pci\n"
				 "12c0000000-12c01fffff : " NVME "\n"
				 "  12c0000000-12c00fffff : efifb\n");
	finds("BAR 4 is held by efifb (0x12c0000000-0x12c00fffff), the display of the host's start, "
	      "so that VFIO does not get it",
	      "start the host with video=efifb:off");
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
	tree_write("kernel/iommu_groups/7/reserved_regions",
		   "rubbish\n0x1000 0x0 reserved\n0x7d000000 0x7dffffff direct\n");
	finds("the firmware wants 0x7d000000-0x7dffffff mapped as it is", "RMRR");
	tree_write("kernel/iommu_groups/7/reserved_regions", "0x0 0xfffffffff reserved\n");
	finds("failure  layout: ", "");
	/* Reserved space is stepped around, wherever RAM begins: above it there is enough. */
	tree_write("kernel/iommu_groups/7/reserved_regions",
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
	tree_folder("bus/pci/devices/" NVME "/iommu/intel-iommu");
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

START_TEST(memory)
{
	const struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 1 << 20};

	tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 786431 kB\n");
	finds("failure  free memory: guest memory: 512 MiB are asked, and a passed-through device "
	      "pins all: the host has 767 MiB available, and needs 256 of them itself",
	      "mend it: --memory 511M, or free some");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "warning  free memory: ");
	tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 204800 kB\n");
	finds("failure  free memory: ", "mend it: free some memory");
	tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 786432 kB\n");
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	tree_write("proc/meminfo", "MemAvailable: 8000000 kB\n");
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit_counts = true;
	drop_root();
	finds("needs 524288 KiB, the limit is 1024 KiB",
	      "mend it: sudo prlimit --pid $$ --memlock=536870912:536870912");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "warning  locked memory: ");
}
END_TEST

START_TEST(huge_pages)
{
	ck_assert_int_eq(doctor("--hugepages=2M", NVME, NULL), TOOL_FAILED);
	has(tools_out, "this host has none of that size");
	tree_folder("kernel/mm/hugepages/hugepages-2048kB");
	tree_write("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "300\n");
	tree_write("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "280\n");
	tree_write("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "30\n");
	ck_assert_int_eq(doctor("--hugepages=2M", NVME, NULL), TOOL_FAILED);
	has(tools_out, "256 huge pages of 2 MiB: only 250 are free");
	has(tools_out,
	    "mend it: echo 306 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	tools_width = 83;
	ck_assert_int_eq(doctor("--hugepages=2M", NVME, NULL), TOOL_FAILED);
	has(tools_out,
	    "mend it: echo 306 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n");
	tools_width--;
	ck_assert_int_eq(doctor("--hugepages=2M", NVME, NULL), TOOL_FAILED);
	has(tools_out,
	    "mend it:\n"
	    "         echo 306 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n");
	tools_width = 0;
	tree_write("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "24\n");
	ck_assert_msg(doctor("--hugepages=2M", NVME, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       huge pages: 256 of 2 MiB are free");
}
END_TEST

START_TEST(devices_that_are_not_there)
{
	ck_assert_int_eq(doctor("77:00.0", NVME, NULL), TOOL_FAILED);
	has(tools_out, "failure  0000:77:00.0 device: this host has none there\n"
		       "         mend it: ferry devices (lists those that are)\n");
	ck_assert_int_eq(doctor(NVME, "01:00.0", NULL), TOOL_FAILED);
	has(tools_out, "it was given twice");
	ck_assert_int_eq(doctor("eth0", NULL, NULL), TOOL_USAGE);
	has(tools_errors, "not a PCI address");
	ck_assert_str_eq(tools_out, "");
}
END_TEST

/* A run takes them, and looks at what nobody can see from outside. */
START_TEST(mediated_devices_are_left_to_a_run)
{
	static const char name[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	char path[PATH_MAX];

	ck_assert_int_eq(doctor(name, NULL, NULL), TOOL_FAILED);
	has(tools_out, "failure  83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 device: this host has none");
	has_not(tools_out, "ferry devices");
	tree_folder("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	tree_link("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/subsystem",
		  "../../../../bus/mdev");
	tree_link("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/iommu_group",
		  "../../../../kernel/iommu_groups/8");
	ck_assert_msg(doctor(name, NVME, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "warning  83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 device: it is no PCI device");
	/*
	 * What has a PCI device's name and is none is no device of VFIO's, nor what has no group.
	 */
	tree_folder("elsewhere/0000:03:00.0");
	snprintf(path, sizeof(path), "%s", tree_path("elsewhere/0000:03:00.0"));
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
	tree_folder("elsewhere/eth0");
	snprintf(path, sizeof(path), "%s", tree_path("elsewhere/eth0"));
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
}
END_TEST

static void wrong(const char *option, const char *sentence)
{
	ck_assert_int_eq(doctor(option, NVME, NULL), TOOL_USAGE);
	has(tools_errors, sentence);
	ck_assert_str_eq(tools_out, "");
}

START_TEST(wrong_arguments_are_told)
{
	wrong("--memory=lots", "--memory: 'lots': not a size");
	wrong("--memory=4K", "too small");
	wrong("--memory=4096", "--memory: '4096': it has no unit: write 4096M");
	wrong("--memory=1025.5K", "not a multiple of the page size");
	wrong("--hugepages=4M", "--hugepages: '4M': huge pages are of 2M or 1G");
	wrong("--hugepages=2", "--hugepages: '2': it has no unit: write 2M");
	wrong("--vfio=01:00.0", "'--vfio=01:00.0': devices are named without one: see");
	wrong("-smp", "unknown option '-smp': it is for ferry run: Ferry's word is --cpus N: see "
		      "ferry doctor --help");
	wrong("-m", "unknown option '-m': Ferry's word is --memory SIZE");
	wrong("-memory=1G", "unknown option '-memory=1G': it has two dashes: see");
	wrong("--device", "'--device': devices are named without one: see");
	wrong("--memory=1G,hugepages=2M", "it takes a size alone; huge pages are --hugepages 2M");
	wrong("--group", "unknown option '--group': see ferry doctor --help");
	ck_assert_int_eq(doctor("--memory", NULL, NULL), TOOL_USAGE);
	has(tools_errors, "--memory: needs a value: see ferry doctor --help");
	ck_assert_int_eq(doctor("--memory=3M", "--hugepages=2M", NULL), TOOL_USAGE);
	ck_assert_int_eq(doctor("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry doctor");
	ck_assert_int_eq(doctor(NVME, "-h", NULL), TOOL_OK);
	has(tools_out, "Usage: ferry doctor");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, all_is_well);
	tcase_add_test(tests, json_holds_every_finding);
	tcase_add_test(tests, kvm);
	tcase_add_test(tests, iommu);
	tcase_add_test(tests, a_host_without_an_iommu_still_runs_guests_without_devices);
	tcase_add_test(tests, an_iommu_that_is_none);
	tcase_add_test(tests, interrupt_remapping);
	tcase_add_test(tests, modules);
	tcase_add_test(tests, nodes);
	tcase_add_test(tests, a_group_in_use);
	tcase_add_test(tests, drivers);
	tcase_add_test(tests, groups);
	tcase_add_test(tests, a_virtual_function_of_a_passed_one);
	tcase_add_test(tests, resets_and_bridges);
	tcase_add_test(tests, bars_that_the_host_holds);
	tcase_add_test(tests, graphics_of_the_chipset);
	tcase_add_test(tests, reserved_regions);
	tcase_add_test(tests, places_in_the_guest);
	if (limit_reaches(MIB, "memory"))
		tcase_add_test(tests, memory);
	tcase_add_test(tests, huge_pages);
	tcase_add_test(tests, devices_that_are_not_there);
	tcase_add_test(tests, mediated_devices_are_left_to_a_run);
	tcase_add_test(tests, wrong_arguments_are_told);
}

int main(void)
{
	return run_suite("tool doctor", add_tests);
}
