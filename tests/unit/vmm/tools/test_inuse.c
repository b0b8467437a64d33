/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `ferry bind` takes for a use that the host cannot do without: nodes that are open, virtual
 * functions, BARs, displays.
 */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

/* In the C library's place: a file named MAJOR:MINOR is that character device. */
int statx(int folder, const char *restrict path, int flags, unsigned int mask,
	  struct statx *restrict status)
{
	int rc = (int)syscall(SYS_statx, folder, path, flags, mask, status);
	char real[PATH_MAX];

	if (rc == 0 && realpath(path, real) &&
	    sscanf(strrchr(real, '/') + 1, "%u:%u", &status->stx_rdev_major,
		   &status->stx_rdev_minor) == 2)
		status->stx_mode = S_IFCHR;
	return rc;
}

/* Process @process, which calls itself @name, has @node open. */
static void opens(unsigned int process, const char *name, const char *node)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%u/fd", process);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "proc/%u/fd/7", process);
	fake_tree_link(path, node);
	snprintf(path, sizeof(path), "proc/%u/comm", process);
	fake_tree_write(path, name);
}

/* The nodes of the made-up device do not go with its driver. */
static void forced(const char *address, const char *node)
{
	ck_assert_msg(bind("--force", address, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of(address), "vfio-pci");
	fake_tree_unlink(node);
	ck_assert_msg(unbind(address, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}

START_TEST(nodes_that_are_open)
{
	tools_add("0000:03:00.0", 9, "i915", "8086:3e98", "030000");
	fake_tree_folder("bus/pci/devices/0000:03:00.0/drm/card0");
	fake_tree_folder("bus/pci/devices/0000:03:00.0/drm/renderD128");
	tools_file("0000:03:00.0", "drm/card0/uevent", "MAJOR=1\nDEVNAME=dri/card0\n");
	fake_tree_folder("dev/char");
	fake_tree_link("dev/char/1:3", "../../bus/pci/devices/0000:03:00.0/drm/card0");
	fake_tree_link("dev/char/1:7", "../../bus/pci/devices/0000:03:00.0/drm/renderD128");
	opens(40, "other\n", "/dev/zero");
	ck_assert_msg(bind("03:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
	opens(812, "Xorg\n", "/dev/null");
	refused("0000:03:00.0", "process 812 (Xorg) has /dev/dri/card0 open");
	has(tools_errors, "or give --force");
	opens(813, "ffmpeg\n", "/dev/full");
	refused("0000:03:00.0", "process 813 (ffmpeg) has /dev/renderD128 open");
	for (unsigned int i = 0; i < 20; i++)
		opens(900 + i, "many\n", "/dev/null");
	refused("0000:03:00.0", "18 more processes have nodes of it open");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK); /* no other device's */
	fake_tree_unlink("dev/char/1:7");
	forced("0000:03:00.0", "dev/char/1:3");
}
END_TEST

/* Whose folder is elsewhere, and which only links to it. */
START_TEST(a_node_by_its_link)
{
	fake_tree_folder("devices/virtual/misc/thing");
	fake_tree_link("devices/virtual/misc/thing/device", "../../../../bus/pci/devices/" NIC);
	fake_tree_folder("dev/char");
	fake_tree_link("dev/char/1:3", "../../devices/virtual/misc/thing");
	opens(41, "daemon\n", "/dev/null");
	refused(NIC, "process 41 (daemon) has /dev/thing open");
	forced(NIC, "dev/char/1:3");
}
END_TEST

START_TEST(a_node_of_vfio_itself)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	fake_tree_folder("bus/pci/devices/" NVME "/vfio-dev/vfio0");
	tools_file(NVME, "vfio-dev/vfio0/uevent", "DEVNAME=vfio/devices/vfio0\n");
	fake_tree_folder("dev/char");
	fake_tree_link("dev/char/1:3", "../../bus/pci/devices/" NVME "/vfio-dev/vfio0");
	opens(60, "qemu\n", "/dev/null");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 60 (qemu) has /dev/vfio/devices/vfio0 open: stop that first");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
}
END_TEST

START_TEST(nodes_past_sysfs)
{
	tools_add("0000:03:00.0", 9, "nvidia", "10de:2684", "030000");
	fake_tree_folder("proc/driver/nvidia/gpus/0000:03:00.0");
	fake_tree_write("proc/driver/nvidia/gpus/0000:03:00.0/information",
			"Model: \t\t ANY\nDevice Minor: \t 3\n");
	fake_tree_write("dev/195:3", "");
	fake_tree_write("dev/195:4", "");
	opens(50, "python3\n", fake_tree_path("dev/195:4"));
	ck_assert_msg(bind("03:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
	opens(51, "trainer\n", fake_tree_path("dev/195:3"));
	refused_unless_forced("0000:03:00.0", "process 51 (trainer) has /dev/nvidia3 open");
	/* Where the driver does not say which, any may be its. */
	fake_tree_unlink("proc/driver/nvidia/gpus/0000:03:00.0/information");
	refused("0000:03:00.0", "process 50 (python3) has /dev/nvidia* open");
}
END_TEST

START_TEST(a_bar_that_the_host_holds)
{
	fake_tree_write("proc/iomem", "12c0000000-12c01fffff : " NIC "\n"
				      "  12c0000000-12c00fffff : efifb\n");
	refused_unless_forced(NIC, "would not get it: start the host with video=efifb:off");
}
END_TEST

START_TEST(the_display_is_a_warning)
{
	tools_add("0000:03:00.0", 9, "i915", "8086:3e98", "030000");
	tools_file("0000:03:00.0", "boot_vga", "1\n");
	ck_assert_int_eq(bind("03:00.0", NULL, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
	fake_tree_folder("class/graphics/fb0");
	ck_assert_int_eq(bind("03:00.0", NULL, NULL), TOOL_OK);
	has(tools_errors, "the host's console is on this display");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, nodes_that_are_open);
	tcase_add_test(tests, a_node_by_its_link);
	tcase_add_test(tests, a_node_of_vfio_itself);
	tcase_add_test(tests, nodes_past_sysfs);
	tcase_add_test(tests, a_bar_that_the_host_holds);
	tcase_add_test(tests, the_display_is_a_warning);
}

int main(void)
{
	return run_suite("inuse", add_tests);
}
