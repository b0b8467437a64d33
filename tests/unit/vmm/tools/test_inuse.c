/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `ferry bind` takes for a use that the host cannot do without: disks, routes, shares,
 * displays.
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
#include "vmm/tools/inuse.h"

START_TEST(mounted_disks)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1/nvme0n1p2", "nvme0n1p2", "259:2");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	tools_mount("259:2", "/my\\040data", "ext4", "/dev/root");
	refused_unless_forced(NVME, "nvme0n1p2 is mounted at /my data");
}
END_TEST

START_TEST(mounts_that_only_name_their_source)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tree_folder("dev/mapper");
	tree_write("dev/nvme0n1", "");
	tree_link("dev/mapper/data", "../nvme0n1");
	tools_mount("0:45", "/data", "btrfs", "/dev/mapper/data");
	refused_unless_forced(NVME, "nvme0n1 is mounted at /data");
}
END_TEST

START_TEST(btrfs_of_several_disks)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tree_folder("fs/btrfs/features");
	tree_folder("fs/btrfs/1234-5678/devices/nvme0n1");
	refused_unless_forced(NVME, "nvme0n1 is part of the btrfs 1234-5678");
}
END_TEST

START_TEST(swap)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tree_write("proc/swaps", "Filename Type Size Used Priority\n"
				 "/dev/nvme0n1 partition 1000 0 -2\n");
	refused_unless_forced(NVME, "nvme0n1 is used for swap");
}
END_TEST

START_TEST(arrays_and_mappings)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tree_folder("devices/virtual/block/dm-1/dm");
	tree_folder("devices/virtual/block/dm-1/holders");
	tree_write("devices/virtual/block/dm-1/dm/name", "vg-root\n");
	tree_link("class/block/dm-1", "../../devices/virtual/block/dm-1");
	tree_link("class/block/nvme0n1/holders/dm-1", "../../../../../../../../class/block/dm-1");
	refused_unless_forced(NVME, "nvme0n1 is part of dm-1 (vg-root)");
	tree_link("dev/block/253:1", "../../devices/virtual/block/dm-1");
	tools_mount("253:1", "/srv", "xfs", "/dev/mapper/vg-root");
	refused_unless_forced(NVME, "nvme0n1 is part of dm-1 (vg-root), mounted at /srv");
	/* A ring of holders must not be walked for ever. */
	tree_link("devices/virtual/block/dm-1/holders/dm-1", "../../dm-1");
	refused(NVME, "nvme0n1 is part of dm-1");
}
END_TEST

START_TEST(multipath)
{
	tree_folder("bus/pci/devices/" NVME "/nvme/nvme0");
	tree_folder("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1/holders");
	tree_link("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		  "../../../../bus/pci/devices/" NVME "/nvme/nvme0");
	tree_link("class/block/nvme0n1p1",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	tree_folder("dev/block");
	tree_link("dev/block/259:1", "../../class/block/nvme0n1p1");
	tools_mount("259:1", "/", "ext4", "/dev/nvme0n1p1");
	refused_unless_forced(NVME, "nvme0n1p1 is mounted at /");
}
END_TEST

START_TEST(a_disk_at_a_usb_controller)
{
	tools_add("0000:00:14.0", 3, "xhci_hcd", "8086:a36d", "0c0330");
	tools_add_disk("0000:00:14.0", "usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
		       "sdb", "8:16");
	tools_mount("8:16", "/media", "vfat", "/dev/sdb");
	refused_unless_forced("0000:00:14.0", "sdb is mounted at /media");
}
END_TEST

START_TEST(shares_of_a_hypervisor)
{
	tools_add("0000:00:02.0", 3, "virtio-pci", "1af4:1049", "000200");
	tree_folder("bus/pci/devices/0000:00:02.0/virtio0");
	tree_link("bus/pci/devices/0000:00:02.0/virtio0/driver", "../../9pnet_virtio");
	tools_file("0000:00:02.0", "virtio0/mount_tag", "home");
	tools_mount("0:30", "/work", "9p", "other");
	ck_assert_int_eq(bind("00:02.0", NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind("00:02.0", NULL, NULL), TOOL_OK);
	tools_mount("0:31", "/home", "9p", "home");
	refused_unless_forced("0000:00:02.0", "the share home is mounted at /home");
	tree_unlink("bus/pci/devices/0000:00:02.0/virtio0/mount_tag");
	tree_unlink("bus/pci/devices/0000:00:02.0/virtio0/driver");
	tree_link("bus/pci/devices/0000:00:02.0/virtio0/driver", "../../virtiofs");
	tools_mount("0:32", "/srv", "virtiofs", "srv");
	refused_unless_forced("0000:00:02.0", "the share virtio0 is mounted at /srv");
}
END_TEST

START_TEST(mounts_that_cannot_be_told)
{
	tree_unlink("proc/self/mountinfo");
	refused_unless_forced(NVME, "what is mounted cannot be told");
}
END_TEST

static const char route_head[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";

static void write_routes(const char *first, const char *second)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%s%s\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
		 "%s\t%s\t00000000\t%s\t0\t0\t100\t%s\t0\t0\t0\n",
		 route_head, first, second ? second : first, second ? "00000000" : "0002A8C0",
		 second ? "0003" : "0001", second ? "00000000" : "00FFFFFF");
	tree_write("proc/net/route", text);
}

static void add_interface(const char *address, const char *name)
{
	char path[256], target[512];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/net/%s", address, name);
	tree_folder(path);
	tree_folder("class/net");
	snprintf(target, sizeof(target), "../../%s", path);
	strcat(path, "/device");
	tree_link(path, "../..");
	snprintf(path, sizeof(path), "class/net/%s", name);
	tree_link(path, target);
}

START_TEST(the_only_way_into_the_network)
{
	add_interface(NIC, "eth0");
	write_routes("eth0", NULL);
	refused_unless_forced(NIC, "the only default route (IPv4) goes by eth0");
	tools_add("0000:05:00.0", 12, "igb", "8086:1533", "020000");
	add_interface("0000:05:00.0", "eth1");
	write_routes("eth0", "eth1");
	refused_unless_forced(NIC, "eth0 has a default route");
	has_not(tools_errors, "the only default route");
	ck_assert_int_eq(bind(NIC, "05:00.0", NULL), TOOL_FAILED); /* both at once: the only ones */
	has(tools_errors, "the only default route (IPv4)");
}
END_TEST

START_TEST(a_route_by_way_of_a_bridge)
{
	add_interface(NIC, "eth0");
	tree_folder("class/net/br0");
	tree_folder("class/net/tap0");
	tree_link("class/net/br0/lower_eth0", "../eth0");
	tree_link("class/net/br0/lower_tap0", "../tap0");
	write_routes("br0", NULL);
	refused_unless_forced(NIC, "the only default route (IPv4) goes by br0");
}
END_TEST

START_TEST(a_route_of_ipv6)
{
	add_interface(NIC, "eth0");
	tree_write(
		"proc/net/ipv6_route",
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	refused_unless_forced(NIC, "the only default route (IPv6) goes by eth0");
}
END_TEST

START_TEST(an_address_of_its_own)
{
	add_interface(NIC, "eth0");
	tools_address("eth1", "192.0.2.9/24");
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	tools_address("eth0", "192.0.2.5/32");
	refused_unless_forced(NIC, "eth0 has the address 192.0.2.5/32");
	tools_address("eth0", "2001:db8::5/64");
	refused(NIC, "eth0 has the address 192.0.2.5/32 and 1 more");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(an_address_of_what_is_above)
{
	add_interface(NIC, "eth0");
	tree_folder("class/net/bond0");
	tree_folder("class/net/bond0.7");
	tree_link("class/net/bond0/lower_eth0", "../eth0");
	tree_link("class/net/bond0.7/lower_bond0", "../bond0");
	tools_address("bond0.7", "2001:db8::5/64");
	refused_unless_forced(NIC, "bond0.7, which goes by eth0, has the address 2001:db8::5/64");
}
END_TEST

START_TEST(a_port_of_a_bridge)
{
	add_interface(NIC, "eth0");
	tree_folder("class/net/br0");
	tree_link("class/net/eth0/master", "../br0");
	refused_unless_forced(NIC, "eth0 is part of br0");
}
END_TEST

START_TEST(a_route_of_its_own)
{
	add_interface(NIC, "eth0");
	tree_write("proc/net/route",
		   "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
		   "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n");
	refused_unless_forced(NIC, "eth0 has the route to 10.0.0.0/8");
	tree_unlink("proc/net/route");
	ck_assert_int_eq(bind(NIC, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	/* What every interface has that is up: link-local, multicast, its own address. */
	tree_write(
		"proc/net/ipv6_route",
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n"
		"fe8000000000000000fc00fffe000001 80 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0\n"
		"ff000000000000000000000000000000 08 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0\n");
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	tree_write(
		"proc/net/ipv6_route",
		"20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n");
	refused_unless_forced(NIC, "eth0 has the route to 2001:db8::/32");
}
END_TEST

START_TEST(addresses_that_cannot_be_told)
{
	tools_addresses_answer(-EACCES);
	/* Which is nothing to a device without an interface. */
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
	add_interface(NIC, "eth0");
	refused_unless_forced(NIC, "the host's network addresses cannot be told");
}
END_TEST

static void count_address(void *context, const char *interface, const char *address)
{
	unsigned int bits;

	ck_assert_int_gt((int)strlen(interface), 0);
	ck_assert_ptr_null(strchr(interface, ':'));
	ck_assert_ptr_nonnull(strchr(address, '/'));
	ck_assert_int_eq(sscanf(strchr(address, '/'), "/%u", &bits), 1);
	ck_assert_uint_le(bits, 128);
	ck_assert_str_ne(interface, "lo");
	ck_assert_int_ne(strncmp(address, "fe80", 4), 0);
	++*(unsigned int *)context;
}

/* Those of the host that the tests run on, whatever they are. */
START_TEST(addresses_of_this_host)
{
	unsigned int count = 0;

	ck_assert_int_eq(inuse_each_address(count_address, &count), 0);
}
END_TEST

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
	tree_folder(path);
	snprintf(path, sizeof(path), "proc/%u/fd/7", process);
	tree_link(path, node);
	snprintf(path, sizeof(path), "proc/%u/comm", process);
	tree_write(path, name);
}

/* The nodes of the made-up device do not go with its driver. */
static void forced(const char *address, const char *node)
{
	ck_assert_msg(bind("--force", address, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of(address), "vfio-pci");
	tree_unlink(node);
	ck_assert_msg(unbind(address, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}

START_TEST(nodes_that_are_open)
{
	tools_add("0000:03:00.0", 9, "i915", "8086:3e98", "030000");
	tree_folder("bus/pci/devices/0000:03:00.0/drm/card0");
	tree_folder("bus/pci/devices/0000:03:00.0/drm/renderD128");
	tools_file("0000:03:00.0", "drm/card0/uevent", "MAJOR=1\nDEVNAME=dri/card0\n");
	tree_folder("dev/char");
	tree_link("dev/char/1:3", "../../bus/pci/devices/0000:03:00.0/drm/card0");
	tree_link("dev/char/1:7", "../../bus/pci/devices/0000:03:00.0/drm/renderD128");
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
	tree_unlink("dev/char/1:7");
	forced("0000:03:00.0", "dev/char/1:3");
}
END_TEST

/* Whose folder is elsewhere, and which only links to it. */
START_TEST(a_node_by_its_link)
{
	tree_folder("devices/virtual/misc/thing");
	tree_link("devices/virtual/misc/thing/device", "../../../../bus/pci/devices/" NIC);
	tree_folder("dev/char");
	tree_link("dev/char/1:3", "../../devices/virtual/misc/thing");
	opens(41, "daemon\n", "/dev/null");
	refused(NIC, "process 41 (daemon) has /dev/thing open");
	forced(NIC, "dev/char/1:3");
}
END_TEST

START_TEST(a_node_of_vfio_itself)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	tree_folder("bus/pci/devices/" NVME "/vfio-dev/vfio0");
	tools_file(NVME, "vfio-dev/vfio0/uevent", "DEVNAME=vfio/devices/vfio0\n");
	tree_folder("dev/char");
	tree_link("dev/char/1:3", "../../bus/pci/devices/" NVME "/vfio-dev/vfio0");
	opens(60, "qemu\n", "/dev/null");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 60 (qemu) has /dev/vfio/devices/vfio0 open: end that first");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
}
END_TEST

START_TEST(nodes_past_sysfs)
{
	tools_add("0000:03:00.0", 9, "nvidia", "10de:2684", "030000");
	tree_folder("proc/driver/nvidia/gpus/0000:03:00.0");
	tree_write("proc/driver/nvidia/gpus/0000:03:00.0/information",
		   "Model: \t\t ANY\nDevice Minor: \t 3\n");
	tree_write("dev/195:3", "");
	tree_write("dev/195:4", "");
	opens(50, "python3\n", tree_path("dev/195:4"));
	ck_assert_msg(bind("03:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
	opens(51, "trainer\n", tree_path("dev/195:3"));
	refused_unless_forced("0000:03:00.0", "process 51 (trainer) has /dev/nvidia3 open");
	/* Where the driver does not say which, any may be its. */
	tree_unlink("proc/driver/nvidia/gpus/0000:03:00.0/information");
	refused("0000:03:00.0", "process 50 (python3) has /dev/nvidia* open");
}
END_TEST

START_TEST(virtual_functions_would_vanish)
{
	tools_file(NIC, "sriov_numvfs", "4\n");
	refused_unless_forced(NIC, "its 4 virtual functions would vanish");
}
END_TEST

START_TEST(a_bar_that_the_host_holds)
{
	tree_write("proc/iomem", "12c0000000-12c01fffff : " NIC "\n"
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
	tree_folder("class/graphics/fb0");
	ck_assert_int_eq(bind("03:00.0", NULL, NULL), TOOL_OK);
	has(tools_errors, "the host's console is on this display");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, mounted_disks);
	tcase_add_test(tests, mounts_that_only_name_their_source);
	tcase_add_test(tests, btrfs_of_several_disks);
	tcase_add_test(tests, swap);
	tcase_add_test(tests, arrays_and_mappings);
	tcase_add_test(tests, multipath);
	tcase_add_test(tests, a_disk_at_a_usb_controller);
	tcase_add_test(tests, shares_of_a_hypervisor);
	tcase_add_test(tests, mounts_that_cannot_be_told);
	tcase_add_test(tests, the_only_way_into_the_network);
	tcase_add_test(tests, a_route_by_way_of_a_bridge);
	tcase_add_test(tests, a_route_of_ipv6);
	tcase_add_test(tests, an_address_of_its_own);
	tcase_add_test(tests, an_address_of_what_is_above);
	tcase_add_test(tests, a_port_of_a_bridge);
	tcase_add_test(tests, a_route_of_its_own);
	tcase_add_test(tests, addresses_that_cannot_be_told);
	tcase_add_test(tests, addresses_of_this_host);
	tcase_add_test(tests, nodes_that_are_open);
	tcase_add_test(tests, a_node_by_its_link);
	tcase_add_test(tests, a_node_of_vfio_itself);
	tcase_add_test(tests, nodes_past_sysfs);
	tcase_add_test(tests, virtual_functions_would_vanish);
	tcase_add_test(tests, a_bar_that_the_host_holds);
	tcase_add_test(tests, the_display_is_a_warning);
}

int main(void)
{
	return run_suite("tool in use", add_tests);
}
