/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` finds of a host: KVM, IOMMU, interrupt remapping, modules, nodes, memory. */

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"
#include "vmm/base/bits.h"

START_TEST(kvm)
{
	fake.open_fails = -ENOENT;
	finds("failure  KVM: opening /dev/kvm: No such file or directory: the module kvm-intel is "
	      "not loaded",
	      "mend it: modprobe kvm-intel");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	finds("failure  KVM: opening /dev/kvm", "mend it: modprobe kvm-amd");
	fake.open_fails = 0;
	fake.version = 11;
	finds("failure  KVM: /dev/kvm: API version 11, not 12", "");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_FAILED);
}
END_TEST

static void turn_iommu_off(void)
{
	fake_tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	ck_assert_int_eq(rename(fake_tree_path("kernel/iommu_groups"),
				fake_tree_path("kernel/gone")),
			 0);
}

START_TEST(iommu)
{
	turn_iommu_off();
	finds("failure  IOMMU: it is off", "start the host's kernel with intel_iommu=on");
	has(tools_out, "failure  0000:01:00.0 group: it is in no IOMMU group");
	fake_tree_write("proc/cmdline", "quiet intel_iommu=on\n");
	finds("IOMMU: it is off", "mend it: turn VT-d on in the firmware");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	finds("IOMMU: it is off", "turn AMD-Vi (IOMMU) on in the firmware");
	fake_tree_write("proc/cpuinfo", "CPU implementer\t: 0x41\n");
	finds("IOMMU: it is off", "turn the SMMU on in the firmware");
	fake_tree_write("proc/cmdline", "amd_iommu=off\n");
	finds("IOMMU: it is off", "take amd_iommu=off from the kernel's command line");
	fake_tree_unlink("proc/cpuinfo");
	fake_tree_unlink("proc/cmdline");
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
	fake_tree_write("kernel/iommu_groups/7/name", "vfio-noiommu\n");
	fake_tree_unlink("dev/vfio/7");
	fake_tree_write("dev/vfio/noiommu-7", "");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_out, "failure  IOMMU: it is off: there are no IOMMU groups");
	has(tools_out, "failure  0000:01:00.0 group: IOMMU group 7 has no IOMMU behind it");
	has(tools_out, "intel_iommu=on");
	ck_assert_ptr_null(strstr(tools_out, "udevadm"));
	ck_assert_ptr_null(strstr(tools_out, "ferry bind 0000"));
}
END_TEST

START_TEST(what_cards_and_sockets_need)
{
	fake_tree_folder("dev/net");
	fake_tree_write("dev/net/tun", "");
	ck_assert_msg(doctor(NULL, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "dev/net/tun may be opened by this user");
	has(tools_out, "ok       --net: it cannot be had: ");
	has(tools_out, "dev/vhost-net: No such file or directory: modprobe vhost_net");
	has(tools_out, "ok       --vsock: it cannot be had: ");
	has(tools_out, "dev/vhost-vsock: No such file or directory: modprobe vhost_vsock");
	has(tools_out, "(failures: 0, warnings: 0)");
}
END_TEST

START_TEST(programs_that_a_run_starts)
{
	setenv("PATH", "/nowhere", 1);
	ck_assert_msg(doctor(NULL, NULL, NULL) == TOOL_OK, "%s", tools_out);
	if (access("/usr/libexec/virtiofsd", X_OK) == 0 ||
	    access("/usr/lib/qemu/virtiofsd", X_OK) == 0)
		has(tools_out, "virtiofsd is there");
	else
		has(tools_out, "ok       --share: it cannot be had: there is no program virtiofsd");
	has(tools_out, "ok       --disk with format=: it cannot be had: there is no program "
		       "qemu-storage-daemon: Debian's package qemu-utils has it");
	has(tools_out, "(failures: 0, warnings: 0)");
}
END_TEST

START_TEST(interrupt_remapping)
{
	fake_tree_write("kernel/irq/24/chip_name", "PCI-MSI\n");
	finds("failure  interrupt remapping: it is off",
	      "turn interrupt remapping on in the firmware");
	fake_tree_write("proc/cmdline", "intremap=off\n");
	finds("interrupt remapping: it is off", "take intremap=off from");
	fake_tree_write("proc/cmdline", "\n");
	fake_tree_folder("class/iommu/dmar0/intel-iommu");
	fake_tree_write("class/iommu/dmar0/intel-iommu/ecap", "f020d7\n");
	finds("the IOMMU cannot do it", "mend it: trust the guest: vfio_iommu_type1.allow_unsafe");
	fake_tree_write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	warns("warning  interrupt remapping: it is not known to be on");
	fake_tree_write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	fake_tree_write("kernel/irq/24/chip_name", "GICv3\n");
	warns("warning  interrupt remapping: it cannot be told");
	fake_tree_write("kernel/irq/24/chip_name", "ITS-MSI\n");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "ok       interrupt remapping: it is on");
}
END_TEST

START_TEST(modules)
{
	ck_assert_int_eq(rename(fake_tree_path("module/vfio_iommu_type1"),
				fake_tree_path("module/x")),
			 0);
	finds("vfio_iommu_type1 is neither loaded nor under", "install the package");
	fake_tree_write(
		"modules/modules.dep",
		"kernel/drivers/vfio/vfio_iommu_type1.ko.xz: kernel/drivers/vfio/vfio.ko.xz\n"
		"kernel/drivers/vfio/pci/vfio-pci.ko: a b\n");
	finds("vfio_iommu_type1 is not loaded", "mend it: modprobe vfio_iommu_type1");
	ck_assert_msg(doctor(NULL, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       module: vfio_iommu_type1 is not loaded; `ferry bind` loads it");
	ck_assert_int_eq(rename(fake_tree_path("module/x"),
				fake_tree_path("module/vfio_iommu_type1")),
			 0);
	ck_assert_int_eq(rename(fake_tree_path("module/vfio_pci"), fake_tree_path("module/x")), 0);
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
}
END_TEST

START_TEST(nodes)
{
	fake_tree_unlink("dev/vfio/7");
	finds("failure  0000:01:00.0 node: ", "udevadm trigger");
	fake_tree_write("dev/vfio/7", "");
	fake_tree_unlink("dev/vfio/vfio");
	finds("failure  container: ", "mend it: modprobe vfio\n");
	fake_tree_write("dev/vfio/vfio", "");
	ck_assert_int_eq(chmod(fake_tree_path("dev/vfio/vfio"), 0), 0);
	ck_assert_int_eq(chmod(fake_tree_path("dev/vfio/7"), 0), 0);
	drop_root();
	finds("failure  container: ", "mend it: chmod 666 ");
	finds("failure  0000:01:00.0 node: ", "mend it: ferry bind --user ");
}
END_TEST

START_TEST(memory)
{
	fake_tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 786431 kB\n");
	finds("failure  free memory: guest memory: 512 MiB are asked, and a passed-through device "
	      "pins all: the host has 767 MiB available, and needs 256 of them itself",
	      "mend it: --memory 511M, or free some");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "warning  free memory: ");
	fake_tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 204800 kB\n");
	finds("failure  free memory: ", "mend it: free some memory");
	fake_tree_write("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 786432 kB\n");
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	fake_tree_write("proc/meminfo", "MemAvailable: 8000000 kB\n");
	limit_counts = true;
	drop_root_and_limit(65536, 1 << 20);
	finds("needs 524288 KiB, the limit is 1024 KiB",
	      "mend it: sudo prlimit --pid $$ --memlock=536870912:536870912");
	ck_assert_int_eq(doctor(NULL, NULL, NULL), TOOL_OK);
	has(tools_out, "warning  locked memory: ");
}
END_TEST

/* By iommufd what the user's other processes have pinned counts too. */
START_TEST(memory_by_iommufd)
{
	char text[64];

	fake_tree_add_cdev(NVME, 3);
	limit_counts = true;
	drop_root_and_limit(65536, 8 * MIB);
	doctor("--memory=6M", NVME, NULL);
	has(tools_out, "ok       locked memory: 6144 KiB may be locked once ferry has raised");
	snprintf(text, sizeof(text), "Uid:\t%u\t0\t0\t0\nVmPin:\t  3072 kB\n", getuid());
	fake_tree_folder("proc/4321");
	fake_tree_write("proc/4321/status", text);
	doctor("--memory=6M", NVME, NULL);
	has(tools_out, "warning  locked memory: locked-memory limit: guest RAM for passed-through "
		       "devices needs 6144 KiB, the limit is 8192 KiB for all processes of user ");
	has(tools_out, " together, of which others have pinned 3072 KiB: raise it");
	has(tools_out, "mend it: sudo prlimit --pid $$ --memlock=9437184:9437184");
	doctor("--json", "--memory=6M", NVME);
	has(tools_out, "\"others_bytes\": 3145728");
	/* By its group it has the limit to itself. */
	fake_tree_unlink("dev/iommu");
	doctor("--memory=6M", NVME, NULL);
	has(tools_out, "ok       locked memory: 6144 KiB may be locked once ferry has raised");
}
END_TEST

START_TEST(huge_pages)
{
	ck_assert_int_eq(doctor("--hugepages=2M", NVME, NULL), TOOL_FAILED);
	has(tools_out, "this host has none of that size");
	fake_tree_folder("kernel/mm/hugepages/hugepages-2048kB");
	fake_tree_write("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "300\n");
	fake_tree_write("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "280\n");
	fake_tree_write("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "30\n");
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
	fake_tree_write("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "24\n");
	ck_assert_msg(doctor("--hugepages=2M", NVME, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       huge pages: 256 of 2 MiB are free");
}
END_TEST

START_TEST(a_processor_without_virtualization)
{
	fake.open_fails = -ENODEV;
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
					"flags\t\t: fpu vme svmx avmx hypervisors\n\n"
					"processor\t: 1\nflags\t\t: svm hypervisor\n");
	finds("the processor has neither VMX nor SVM, or the firmware turned it off",
	      "turn VT-x (Intel) or SVM (AMD) on in the firmware");
	has_not(tools_out, "modprobe kvm");
	fake_tree_write("proc/cpuinfo",
			"vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor avx\n");
	finds("neither VMX nor SVM: nested virtualization is off in the hypervisor above",
	      "turn nested virtualization on in the hypervisor above");
	has_not(tools_out, "modprobe kvm");
	/* The flag, not the vendor, says which module it is. */
	fake_tree_write("proc/cpuinfo", "vendor_id\t: CentaurHauls\nflags\t\t: hypervisor vmx\n");
	finds("the module kvm-intel is not loaded", "mend it: modprobe kvm-intel");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu svm\n");
	finds("the module kvm-amd is not loaded", "mend it: modprobe kvm-amd");
	fake_tree_folder("module/kvm_amd");
	finds("KVM is loaded, but its node is not here", "mknod /dev/kvm c 10 232");
}
END_TEST

START_TEST(arm_without_el2)
{
	fake.open_fails = -ENOENT;
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	finds("this kernel is without KVM", "starts in EL2");
	fake_tree_folder("module/kvm/parameters");
	finds("the kernel was started in EL1", "have the firmware start the kernel in EL2");
	fake_tree_folder("firmware/devicetree/base/psci");
	fake_tree_write("firmware/devicetree/base/psci/method", "smc");
	finds("the kernel was started in EL1", "have the firmware start the kernel in EL2");
	fake_tree_write("firmware/devicetree/base/psci/method", "hvc");
	finds("started in EL1: nested virtualization is off in the hypervisor above",
	      "virt,virtualization=on");
	fake_tree_write("proc/cmdline", "quiet kvm-arm.mode=none\n");
	finds("KVM is turned off by kvm-arm.mode=none", "take kvm-arm.mode=none from");
}
END_TEST

/* Whatever is under /dev is looked at from outside. */
START_TEST(no_node_is_opened)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char event[512];

	ck_assert_int_ge(watch, 0);
	ck_assert_int_ge(inotify_add_watch(watch, fake_tree_path("dev/vfio/vfio"), IN_OPEN), 0);
	ck_assert_int_ge(inotify_add_watch(watch, fake_tree_path("dev/vfio/7"), IN_OPEN), 0);
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_lt((int)read(watch, event, sizeof(event)), 0);
	close(watch);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, kvm);
	tcase_add_test(tests, iommu);
	tcase_add_test(tests, a_host_without_an_iommu_still_runs_guests_without_devices);
	tcase_add_test(tests, an_iommu_that_is_none);
	tcase_add_test(tests, what_cards_and_sockets_need);
	tcase_add_test(tests, programs_that_a_run_starts);
	tcase_add_test(tests, interrupt_remapping);
	tcase_add_test(tests, modules);
	tcase_add_test(tests, nodes);
	if (limit_reaches(MIB, "memory"))
		tcase_add_test(tests, memory);
	if (limit_reaches(8 * MIB, "memory_by_iommufd"))
		tcase_add_test(tests, memory_by_iommufd);
	tcase_add_test(tests, huge_pages);
	tcase_add_test(tests, a_processor_without_virtualization);
	tcase_add_test(tests, arm_without_el2);
	tcase_add_test(tests, no_node_is_opened);
}

int main(void)
{
	return run_suite("doctor host", add_tests);
}
