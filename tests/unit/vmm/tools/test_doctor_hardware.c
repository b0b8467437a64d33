/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry doctor` on what the hardware can do: virtualization, interrupts, IOVA ranges; and no node
 * opened.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"

START_TEST(a_processor_without_virtualization)
{
	fake.open_fails = -ENODEV;
	tree_write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
				   "flags\t\t: fpu vme svmx avmx hypervisors\n\n"
				   "processor\t: 1\nflags\t\t: svm hypervisor\n");
	finds("the processor has neither VMX nor SVM, or the firmware turned it off",
	      "turn VT-x (Intel) or SVM (AMD) on in the firmware");
	has_not(tools_out, "modprobe kvm");
	tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor avx\n");
	finds("neither VMX nor SVM: nested virtualization is off in the hypervisor above",
	      "turn nested virtualization on in the hypervisor above");
	has_not(tools_out, "modprobe kvm");
	/* The flag, not the vendor, says which module it is. */
	tree_write("proc/cpuinfo", "vendor_id\t: CentaurHauls\nflags\t\t: hypervisor vmx\n");
	finds("the module kvm-intel is not loaded", "mend it: modprobe kvm-intel");
	tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu svm\n");
	finds("the module kvm-amd is not loaded", "mend it: modprobe kvm-amd");
	tree_folder("module/kvm_amd");
	finds("KVM is loaded, but its node is not here", "mknod /dev/kvm c 10 232");
}
END_TEST

START_TEST(arm_without_el2)
{
	fake.open_fails = -ENOENT;
	tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	finds("this kernel is without KVM", "starts in EL2");
	tree_folder("module/kvm/parameters");
	finds("the kernel was started in EL1", "have the firmware start the kernel in EL2");
	tree_folder("firmware/devicetree/base/psci");
	tree_write("firmware/devicetree/base/psci/method", "smc");
	finds("the kernel was started in EL1", "have the firmware start the kernel in EL2");
	tree_write("firmware/devicetree/base/psci/method", "hvc");
	finds("started in EL1: nested virtualization is off in the hypervisor above",
	      "virt,virtualization=on");
	tree_write("proc/cmdline", "quiet kvm-arm.mode=none\n");
	finds("KVM is turned off by kvm-arm.mode=none", "take kvm-arm.mode=none from");
}
END_TEST

/* A config space with MSI-X of 33 and MSI of 8, as root sees it or (64 bytes) as others do. */
static void write_config(unsigned int msix, size_t size)
{
	unsigned char config[256] = {[6] = 0x10, [0x34] = 0x40, [0x3d] = 1};
	FILE *file = fopen(tree_path("bus/pci/devices/" NVME "/config"), "w");

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
	tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
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
	tree_folder("bus/pci/devices/" NVME "/iommu/intel-iommu");
	tools_file(NVME, "iommu/intel-iommu/cap", "d2008c222f0686\n");
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	has(tools_out,
	    "IOVA ranges: 0x0-0xfedfffff, 0xfef00000-0xffffffffffff can be mapped for its "
	    "DMA\n");
}
END_TEST

/* Whatever is under /dev is looked at from outside. */
START_TEST(no_node_is_opened)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char event[512];

	ck_assert_int_ge(watch, 0);
	ck_assert_int_ge(inotify_add_watch(watch, tree_path("dev/vfio/vfio"), IN_OPEN), 0);
	ck_assert_int_ge(inotify_add_watch(watch, tree_path("dev/vfio/7"), IN_OPEN), 0);
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_lt((int)read(watch, event, sizeof(event)), 0);
	close(watch);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, a_processor_without_virtualization);
	tcase_add_test(tests, arm_without_el2);
	tcase_add_test(tests, interrupts);
	tcase_add_test(tests, iova_ranges);
	tcase_add_test(tests, no_node_is_opened);
}

int main(void)
{
	return run_suite("tool doctor hardware", add_tests);
}
