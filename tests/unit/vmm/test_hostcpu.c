/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host's kernel tells of its processors and its command line, over a made-up /proc. */

#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/hostcpu.h"

static struct hostcpu host;

static void cpuinfo_is(const char *text)
{
	fake_tree_write("cpuinfo", text);
	hostcpu_read(fake_tree_path(""), &host);
}

START_TEST(the_vendor_and_how_many_there_are)
{
	cpuinfo_is("processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t: fpu vmx ept\n\n"
		   "processor\t: 1\nvendor_id\t: GenuineIntel\nflags\t: fpu\n\n");
	ck_assert_int_eq(host.vendor, HOSTCPU_INTEL);
	ck_assert_uint_eq(host.count, 2);
	ck_assert(host.x86 && host.flags && host.vmx && !host.svm && !host.hypervisor);
	cpuinfo_is("processor\t: 0\nvendor_id\t: AuthenticAMD\nvmx flags\t: svm\n"
		   "flags\t: svm_lock hypervisor svm\n");
	ck_assert_int_eq(host.vendor, HOSTCPU_AMD);
	ck_assert(host.svm && !host.vmx && host.hypervisor);
	cpuinfo_is("processor\t: 0\nvendor_id\t: HygonGenuine\n");
	ck_assert_int_eq(host.vendor, HOSTCPU_AMD);
	ck_assert(!host.flags);
	cpuinfo_is("processor\t: 0\nvendor_id\t: CentaurHauls\nflags\t: vmx\n");
	ck_assert_int_eq(host.vendor, HOSTCPU_OTHER);
	ck_assert(host.x86 && host.vmx);
	cpuinfo_is("processor\t: 0\nFeatures\t: fp\nCPU implementer\t: 0x41\n");
	ck_assert_int_eq(host.vendor, HOSTCPU_ARM);
	ck_assert(!host.x86 && !host.flags);
}
END_TEST

START_TEST(a_host_that_does_not_say)
{
	memset(&host, 1, sizeof(host));
	hostcpu_read(fake_tree_path("nowhere"), &host);
	ck_assert_int_eq(host.vendor, HOSTCPU_OTHER);
	ck_assert(!host.x86 && !host.flags && host.count == 0);
	ck_assert(!hostcpu_booted_with(fake_tree_path("nowhere"), "quiet"));
}
END_TEST

START_TEST(arguments_are_whole_words)
{
	fake_tree_write("cmdline", "root=/dev/sda1 intel_iommu=on,sm_on iommu=off\n");
	ck_assert(hostcpu_booted_with(fake_tree_path(""), "iommu=off"));
	ck_assert(hostcpu_booted_with(fake_tree_path(""), "root=/dev/sda1"));
	ck_assert(!hostcpu_booted_with(fake_tree_path(""), "intel_iommu=on"));
	ck_assert(!hostcpu_booted_with(fake_tree_path(""), "iommu"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, the_vendor_and_how_many_there_are);
	tcase_add_test(tests, a_host_that_does_not_say);
	tcase_add_test(tests, arguments_are_whole_words);
}

int main(void)
{
	return run_suite("host processors", add_tests);
}
