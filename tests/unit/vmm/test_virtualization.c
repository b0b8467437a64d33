/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a made-up host has no KVM: its processor, its firmware, a hypervisor above, a module. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/virtualization.h"

static void setup(void)
{
	fake_tree_create();
	fake_tree_folder("proc");
	fake_tree_folder("sys");
	fake_tree_write("proc/cmdline", "quiet\n");
}

static void is_for(const char *cause, const char *command)
{
	struct virtualization found;
	char proc[256];

	snprintf(proc, sizeof(proc), "%s", fake_tree_path("proc"));
	virtualization_find(proc, fake_tree_path("sys"), &found);
	ck_assert_str_eq(found.cause, cause);
	ck_assert_str_eq(found.command, command);
	ck_assert_str_ne(found.text, "");
	ck_assert_str_ne(found.mend, "");
}

START_TEST(the_processor_or_who_hides_it)
{
	fake_tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx\n");
	is_for("none", "");
	fake_tree_write("proc/cpuinfo",
			"vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor avx\n");
	is_for("hidden", "");
}
END_TEST

START_TEST(a_module_by_the_flag_else_by_the_vendor)
{
	fake_tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: svm\n");
	is_for("module", "modprobe kvm-amd");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: vmx\n");
	is_for("module", "modprobe kvm-intel");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	is_for("module", "modprobe kvm-amd");
	fake_tree_write("proc/cpuinfo", "");
	is_for("unknown", "modprobe kvm-intel");
	fake_tree_folder("sys/module/kvm_intel");
	is_for("node", "mknod /dev/kvm c 10 232");
}
END_TEST

START_TEST(where_an_arm_kernel_was_started)
{
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	is_for("kernel", "");
	fake_tree_folder("sys/module/kvm");
	is_for("el1", "");
	fake_tree_folder("sys/firmware/devicetree/base/psci");
	fake_tree_write("sys/firmware/devicetree/base/psci/method", "hvc");
	is_for("hidden", "");
	fake_tree_folder("sys/class/misc/kvm");
	is_for("node", "mknod /dev/kvm c 10 232");
	fake_tree_write("proc/cmdline", "quiet kvm-arm.mode=none\n");
	is_for("off", "");
}
END_TEST

START_TEST(only_a_lack_is_explained)
{
	struct err err = {0};
	char proc[256];

	snprintf(proc, sizeof(proc), "%s", fake_tree_path("proc"));
	ck_assert(virtualization_is_lacking(-ENOENT) && virtualization_is_lacking(-ENODEV));
	ck_assert(!virtualization_is_lacking(-EACCES) && !virtualization_is_lacking(0));
	err_set(&err, -EACCES, "KVM: opening /dev/kvm: Permission denied");
	virtualization_explain(proc, fake_tree_path("sys"), &err);
	ck_assert_str_eq(err.text, "KVM: opening /dev/kvm: Permission denied");
	fake_tree_write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: vmx\n");
	err_set(&err, -ENOENT, "something");
	virtualization_explain(proc, fake_tree_path("sys"), &err);
	ck_assert_int_eq(err.code, -ENOENT);
	ck_assert_str_eq(err.text, "KVM: opening /dev/kvm: No such file or directory: the module "
				   "kvm-intel is not loaded: modprobe kvm-intel (where that fails, "
				   "turn VT-x on in the firmware)");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, the_processor_or_who_hides_it);
	tcase_add_test(tests, a_module_by_the_flag_else_by_the_vendor);
	tcase_add_test(tests, where_an_arm_kernel_was_started);
	tcase_add_test(tests, only_a_lack_is_explained);
}

int main(void)
{
	return run_suite("virtualization", add_tests);
}
