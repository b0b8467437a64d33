/* SPDX-License-Identifier: BSD-3-Clause */
/* A BAR that somebody on the host holds: who it is, and that no guest gets the device then. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/host/claim.h"
#include "vfio/host/host.h"

#define DEVICE "0000:01:00.0"

/* The BARs of the made-up device, as the kernel lists them, with @inside what lies in BAR 4. */
static void list_memory(const char *inside)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "00000000-00000fff : Reserved\n"
		 "fe000000-fecfffff : PCI Bus 0000:01\n"
		 "  feb40000-feb4ffff : 0000:01:00.0\n"
		 "    feb40000-feb4ffff : vfio-pci\n"
		 "  feb50000-feb5ffff : 0000:01:00.3\n"
		 "    feb50000-feb5ffff : efifb\n"
		 "1000000000-1fffffffff : PCI Bus 0000:00\n"
		 "  12c0000000-12c01fffff : 0000:01:00.0\n"
		 "%s"
		 "  12c0200000-12c03fffff : 0000:02:00.0\n"
		 "    12c0200000-12c03fffff : simplefb\n",
		 inside);
	fake_tree_folder("proc");
	fake_tree_write("proc/iomem", text);
}

static bool find(const char *driver, struct vfio_claim *claim)
{
	struct vfio_host_device device;

	ck_assert_int_eq(vfio_host_device(fake_tree_path(""), DEVICE, &device, &bench.err), 0);
	return vfio_claim_find(fake_tree_path("proc"), &device.sysfs, driver, claim);
}

START_TEST(what_lies_in_a_bar_holds_it)
{
	struct vfio_claim claim;
	char text[256];

	list_memory("    12c0000000-12c007ffff : BOOTFB\n"
		    "      12c0000000-12c007ffff : simpledrm\n");
	ck_assert(find("vfio-pci", &claim));
	ck_assert_str_eq(claim.name, "BOOTFB");
	vfio_claim_tell(&claim, text, sizeof(text));
	ck_assert_str_eq(text,
			 "BAR 4 is held by BOOTFB (0x12c0000000-0x12c007ffff), the display of "
			 "the host's start");
	vfio_claim_mend(&claim, text, sizeof(text));
	ck_assert_str_eq(text, "start the host with initcall_blacklist=sysfb_init");
	list_memory("    12c0001000-12c0001fff : a driver's\n");
	ck_assert(find("", &claim));
	vfio_claim_mend(&claim, text, sizeof(text));
	ck_assert_str_eq(text, "end on the host what has it as a driver's");
}
END_TEST

START_TEST(what_is_its_drivers_goes_with_it)
{
	struct vfio_claim claim;

	list_memory("    12c0000000-12c01fffff : vfio-pci\n");
	ck_assert(!find("vfio-pci", &claim));
	ck_assert(!find("mlx5_vfio_pci", &claim));
	list_memory("    12c0000000-12c01fffff : ICH HD audio\n");
	ck_assert(!find("snd_hda_intel", &claim));
	ck_assert(find("vfio-pci", &claim));
	/* A framebuffer's memory is never the driver's of the device. */
	list_memory("    12c0000000-12c007ffff : efifb\n");
	ck_assert(find("snd_hda_intel", &claim));
}
END_TEST

START_TEST(ports_are_held_too)
{
	struct vfio_claim claim;

	list_memory("");
	fake_tree_write("proc/ioports", "e000-efff : PCI Bus 0000:01\n"
					"  e000-e01f : 0000:01:00.0\n"
					"    e000-e00f : somebody\n");
	ck_assert(find("vfio-pci", &claim));
	ck_assert_uint_eq(claim.bar, 2);
	ck_assert_str_eq(claim.name, "somebody");
}
END_TEST

/* Others than root read zeros; and there may be no such file, or garbage in it. */
START_TEST(what_is_not_told_is_not_known)
{
	struct vfio_claim claim;

	ck_assert(!find("vfio-pci", &claim));
	fake_tree_folder("proc");
	fake_tree_write("proc/iomem", "00000000-00000000 : PCI Bus 0000:01\n"
				      "  00000000-00000000 : 0000:01:00.0\n"
				      "    00000000-00000000 : efifb\n");
	ck_assert(!find("vfio-pci", &claim));
	fake_tree_write("proc/iomem", "12c0000000-12c01fffff : 0000:01:00.0\nnonsense\n\n  :\n");
	ck_assert(!find("vfio-pci", &claim));
	list_memory("");
	ck_assert(!find("vfio-pci", &claim));
}
END_TEST

/* BAR 4, which cannot be mapped, is the only one read at the start: @code is its answer. */
static int attach_with_bar_4(int code)
{
	int rc;

	kernel.devices[0].regions[4].flags =
		VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	vfio_destroy(bench.vfio);
	bench.vfio = vfio_create(&(struct vfio_settings){.sysfs = fake_tree_path(""),
							 .dev = fake_tree_path("dev"),
							 .proc = fake_tree_path("proc")},
				 &bench.err);
	ck_assert_int_eq(add("01:00.0"), 0);
	fault_plan = (struct fault_plan){.at = 1,
					 .fault = FAULT_ERROR,
					 .error = code,
					 .only = "BAR read"};
	rc = attach();
	ck_assert_uint_eq(fault_plan.struck, 1);
	fault_disarm();
	return rc;
}

START_TEST(a_held_bar_ends_the_start)
{
	list_memory("    12c0000000-12c007ffff : efifb\n");
	ck_assert_int_eq(attach_with_bar_4(-EBUSY), -EBUSY);
	ck_assert_str_eq(
		bench.err.text,
		"passthrough device 0000:01:00.0: BAR 4 is held by efifb "
		"(0x12c0000000-0x12c007ffff), the display of the host's start, so that "
		"VFIO does not get it: as root: start the host with video=efifb:off, or "
		"`echo efi-framebuffer.0 > /sys/bus/platform/drivers/efi-framebuffer/unbind`");
}
END_TEST

START_TEST(a_held_bar_whose_holder_is_not_told)
{
	ck_assert_int_eq(attach_with_bar_4(-EBUSY), -EBUSY);
	said("passthrough device 0000:01:00.0: BAR 4 is held by something on the host");
	said("as root, ferry doctor 0000:01:00.0 names it");
}
END_TEST

/* As it is while the device does not decode. */
START_TEST(a_bar_that_merely_does_not_answer_is_trapped)
{
	ck_assert_int_eq(attach_with_bar_4(-EIO), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_lies_in_a_bar_holds_it);
	tcase_add_test(tests, what_is_its_drivers_goes_with_it);
	tcase_add_test(tests, ports_are_held_too);
	tcase_add_test(tests, what_is_not_told_is_not_known);
	tcase_add_test(tests, a_held_bar_ends_the_start);
	tcase_add_test(tests, a_held_bar_whose_holder_is_not_told);
	tcase_add_test(tests, a_bar_that_merely_does_not_answer_is_trapped);
}

int main(void)
{
	return run_suite("vfio claims", add_tests);
}
