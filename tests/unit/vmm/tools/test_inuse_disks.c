/* SPDX-License-Identifier: BSD-3-Clause */
/* Disks that the host cannot do without: mounts, swap, arrays, shares. */

#include <check.h>
#include <sys/syscall.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

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
	fake_tree_folder("dev/mapper");
	fake_tree_write("dev/nvme0n1", "");
	fake_tree_link("dev/mapper/data", "../nvme0n1");
	tools_mount("0:45", "/data", "btrfs", "/dev/mapper/data");
	refused_unless_forced(NVME, "nvme0n1 is mounted at /data");
}
END_TEST

START_TEST(btrfs_of_several_disks)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	fake_tree_folder("fs/btrfs/features");
	fake_tree_folder("fs/btrfs/1234-5678/devices/nvme0n1");
	refused_unless_forced(NVME, "nvme0n1 is part of the btrfs 1234-5678");
}
END_TEST

START_TEST(swap)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	fake_tree_write("proc/swaps", "Filename Type Size Used Priority\n"
				      "/dev/nvme0n1 partition 1000 0 -2\n");
	refused_unless_forced(NVME, "nvme0n1 is used for swap");
}
END_TEST

START_TEST(arrays_and_mappings)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	fake_tree_folder("devices/virtual/block/dm-1/dm");
	fake_tree_folder("devices/virtual/block/dm-1/holders");
	fake_tree_write("devices/virtual/block/dm-1/dm/name", "vg-root\n");
	fake_tree_link("class/block/dm-1", "../../devices/virtual/block/dm-1");
	fake_tree_link("class/block/nvme0n1/holders/dm-1",
		       "../../../../../../../../class/block/dm-1");
	refused_unless_forced(NVME, "nvme0n1 is part of dm-1 (vg-root)");
	fake_tree_link("dev/block/253:1", "../../devices/virtual/block/dm-1");
	tools_mount("253:1", "/srv", "xfs", "/dev/mapper/vg-root");
	refused_unless_forced(NVME, "nvme0n1 is part of dm-1 (vg-root), mounted at /srv");
	/* A ring of holders must not be walked for ever. */
	fake_tree_link("devices/virtual/block/dm-1/holders/dm-1", "../../dm-1");
	refused(NVME, "nvme0n1 is part of dm-1");
}
END_TEST

START_TEST(multipath)
{
	fake_tree_folder("bus/pci/devices/" NVME "/nvme/nvme0");
	fake_tree_folder("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1/holders");
	fake_tree_link("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		       "../../../../bus/pci/devices/" NVME "/nvme/nvme0");
	fake_tree_link("class/block/nvme0n1p1",
		       "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	fake_tree_folder("dev/block");
	fake_tree_link("dev/block/259:1", "../../class/block/nvme0n1p1");
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
	fake_tree_folder("bus/pci/devices/0000:00:02.0/virtio0");
	fake_tree_link("bus/pci/devices/0000:00:02.0/virtio0/driver", "../../9pnet_virtio");
	tools_file("0000:00:02.0", "virtio0/mount_tag", "home");
	tools_mount("0:30", "/work", "9p", "other");
	ck_assert_int_eq(bind("00:02.0", NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind("00:02.0", NULL, NULL), TOOL_OK);
	tools_mount("0:31", "/home", "9p", "home");
	refused_unless_forced("0000:00:02.0", "the share home is mounted at /home");
	fake_tree_unlink("bus/pci/devices/0000:00:02.0/virtio0/mount_tag");
	fake_tree_unlink("bus/pci/devices/0000:00:02.0/virtio0/driver");
	fake_tree_link("bus/pci/devices/0000:00:02.0/virtio0/driver", "../../virtiofs");
	tools_mount("0:32", "/srv", "virtiofs", "srv");
	refused_unless_forced("0000:00:02.0", "the share virtio0 is mounted at /srv");
}
END_TEST

START_TEST(mounts_that_cannot_be_told)
{
	fake_tree_unlink("proc/self/mountinfo");
	refused_unless_forced(NVME, "what is mounted cannot be told");
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
}

int main(void)
{
	return run_suite("inuse disks", add_tests);
}
