/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry bind` and `ferry unbind` over made-up hosts: there and back, refusals, and failures half way. */

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_drivers.h"
#include "tests/unit/support_tools.h"
#include "tests/unit/support_vfio_fake.h"
#include "vmm/base/bits.h"

#define NVME  "0000:01:00.0"
#define SOUND "0000:01:00.1"
#define NIC   "0000:02:00.0"

static void setup(void)
{
	fake = (struct fake_drivers){0};
	tools_setup();
	tree_folder("bus/pci/drivers/vfio-pci");
	tree_folder("module/vfio_iommu_type1");
	tools_add(NVME, 7, "nvme", "144d:a808", "010802");
	tools_add(NIC, 8, "e1000e", "8086:10d3", "020000");
}

static int bind(const char *first, const char *second, const char *third)
{
	return tools_run(tool_bind, "bind", first, second, third, NULL);
}

static int unbind(const char *first, const char *second, const char *third)
{
	return tools_run(tool_unbind, "unbind", first, second, third, NULL);
}

/* Which driver a device has; "" for none; static. */
static const char *driver_of(const char *address)
{
	static char target[PATH_MAX];
	char path[256];
	ssize_t length;

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", address);
	length = readlink(tree_path(path), target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	return length < 0 ? "" : strrchr(target, '/') + 1;
}

static const char *override_of(const char *address)
{
	static char text[64];
	char path[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver_override", address);
	fake_read(path, text, sizeof(text));
	return text;
}

static bool recorded(const char *address)
{
	char path[256];

	snprintf(path, sizeof(path), "run/ferry/%s", address);
	return access(tree_path(path), F_OK) == 0;
}

/* Refused, and nothing written anywhere. */
static void refused(const char *address, const char *sentence)
{
	fake.log[0] = '\0';
	ck_assert_int_eq(bind(address, NULL, NULL), TOOL_FAILED);
	has(tools_errors, sentence);
	ck_assert_str_eq(fake.log, "");
	ck_assert(!recorded(address));
	ck_assert_str_eq(tools_out, "");
}

/* The same, but --force goes on. */
static void refused_unless_forced(const char *address, const char *sentence)
{
	refused(address, sentence);
	has(tools_errors, "or give --force");
	ck_assert_msg(bind("--force", address, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_errors, sentence);
	ck_assert_str_eq(driver_of(address), "vfio-pci");
	ck_assert_int_eq(unbind(address, NULL, NULL), TOOL_OK);
}

START_TEST(there_and_back)
{
	ck_assert_msg(bind("01:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(tools_out, "ADDRESS       BEFORE  NOW\n"
				    "0000:01:00.0  nvme    vfio-pci\n");
	ck_assert_str_eq(tools_errors, "");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert(recorded(NVME));
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK); /* again: nothing to do */
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_out, "0000:01:00.0  vfio-pci  nvme\n");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(override_of(NVME), "");
	ck_assert(!recorded(NVME));
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(in_the_order_that_lets_no_other_driver_in)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(fake.log, "bus/pci/devices/" NVME "/driver_override=vfio-pci\n"
				   "bus/pci/devices/" NVME "/driver/unbind=" NVME "\n"
				   "bus/pci/drivers_probe=" NVME "\n");
}
END_TEST

START_TEST(one_without_a_driver_gets_none_back)
{
	tree_unlink("bus/pci/devices/" NVME "/driver");
	fake.choice = "e1000e";
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "");
}
END_TEST

START_TEST(an_override_is_restored)
{
	tools_file(NVME, "driver_override", "nvme\n");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(override_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(without_a_record_the_kernel_chooses)
{
	tools_add("0000:03:00.0", 9, "vfio-pci", "144d:a808", "010802");
	tools_file("0000:03:00.0", "driver_override", "vfio-pci\n");
	fake.choice = "nvme";
	ck_assert_msg(unbind("03:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of("0000:03:00.0"), "nvme");
	has(fake.log, "drivers_probe=0000:03:00.0");
}
END_TEST

START_TEST(a_driver_that_went_is_loaded_again)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(rmdir(tree_path("bus/pci/drivers/nvme")), 0);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(fake.log, "modprobe=nvme\n");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(a_driver_that_takes_nothing_back_is_told)
{
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_OK);
	fake.lost = "nvme";
	ck_assert_int_eq(unbind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "0000:01:00.0: driver nvme did not take it back, it has no driver");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert(recorded(NVME) && !recorded(NIC));
}
END_TEST

START_TEST(a_whole_group)
{
	tools_add(SOUND, 7, "snd_hda_intel", "1234:0001", "040300");
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors, "IOMMU group 7 is not free yet: 0000:01:00.1 has driver snd_hda_intel: "
			  "ferry bind --group 0000:01:00.0");
	ck_assert_int_eq(bind("--group", NVME, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_str_eq(driver_of(SOUND), "vfio-pci");
	ck_assert_str_eq(driver_of("0000:00:01.0"), "pcieport");
	ck_assert_int_eq(unbind("--group", SOUND, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(SOUND), "snd_hda_intel");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of("0000:00:01.0"), "pcieport");
}
END_TEST

START_TEST(modules_are_loaded_when_needed)
{
	ck_assert_int_eq(rmdir(tree_path("bus/pci/drivers/vfio-pci")), 0);
	ck_assert_int_eq(rmdir(tree_path("module/vfio_iommu_type1")), 0);
	tree_write("modules/modules.dep", "kernel/drivers/vfio/vfio_iommu_type1.ko:\n");
	fake.modprobe_fails = -EIO;
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "modprobe vfio-pci failed");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	fake.modprobe_fails = 0;
	fake.log[0] = '\0';
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	has(fake.log, "modprobe=vfio_iommu_type1\nmodprobe=vfio-pci\n");
}
END_TEST

START_TEST(all_or_nothing)
{
	fake.stubborn = NIC;
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "0000:02:00.0: vfio-pci did not take it, it has no driver");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert_str_eq(override_of(NVME), "");
	ck_assert(!recorded(NVME) && !recorded(NIC));
	ck_assert_int_eq(bind("--json", NIC, NULL), TOOL_FAILED);
	has(tools_out, "\"done\": false");
	has(tools_out, "\"now\": \"e1000e\"");
	has(tools_out, "\"failed\": true");
}
END_TEST

START_TEST(one_that_is_in_use_keeps_all)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_mount("259:0", "/", "ext4", "/dev/root");
	ck_assert_int_eq(bind(NIC, NVME, NULL), TOOL_FAILED);
	ck_assert_str_eq(fake.log, "");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
	fake.deaf = NIC "/driver_override";
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "driver_override: Permission denied");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	fake.deaf = NIC "/driver/unbind";
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert_str_eq(override_of(NIC), "");
}
END_TEST

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
	ck_assert_msg(bind(NIC, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_int_eq(unbind(NIC, NULL, NULL), TOOL_OK);
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

START_TEST(virtual_functions_would_vanish)
{
	tools_file(NIC, "sriov_numvfs", "4\n");
	refused_unless_forced(NIC, "its 4 virtual functions would vanish");
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

START_TEST(what_no_force_helps_against)
{
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(bind("--force", "00:01.0", NULL), TOOL_FAILED);
	has(tools_errors, "it is a bridge");
	tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	ck_assert_int_eq(bind("--force", NVME, NULL), TOOL_FAILED);
	has(tools_errors, "it is in no IOMMU group");
	has_not(tools_errors, "give --force");
	tree_unlink("bus/pci/devices/" NIC "/driver_override");
	refused(NIC, "driver_override: No such file or directory: be root");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(a_guest_in_the_way)
{
	char node[PATH_MAX];

	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	snprintf(node, sizeof(node), "%s", tree_path("dev/vfio/7"));
	tree_folder("proc/77/fd");
	tree_link("proc/77/fd/5", node);
	tree_write("proc/77/comm", "ferry\n");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 77 (ferry) uses its IOMMU group: end that first");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
}
END_TEST

START_TEST(records_are_trusted_only_where_nobody_else_writes)
{
	tree_folder("run/ferry");
	ck_assert_int_eq(chmod(tree_path("run/ferry"), 0777), 0);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "cannot be remembered");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_int_eq(rmdir(tree_path("run/ferry")), 0);
	tree_folder("elsewhere");
	tree_link("run/ferry", "../elsewhere");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	tree_unlink("run/ferry");

	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(chmod(tree_path("run/ferry"), 0777), 0);
	fake.choice = "e1000e";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors, "is not used");
	ck_assert_str_eq(driver_of(NVME), "e1000e");
}
END_TEST

START_TEST(garbled_records_are_not_used)
{
	static const char *const texts[] = {"",
					    "rubbish",
					    "driver nvme",
					    "driver nvme\noverride",
					    "driver ../../x\noverride \n",
					    "driver ..\noverride \n",
					    "driver nvme\noverride a/b\n"};
	char huge[5000];

	fake.choice = "e1000e";
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
		memset(huge, 'x', sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		tree_write("run/ferry/" NVME, i < ARRAY_SIZE(texts) ? texts[i] : huge);
		ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
		has(tools_errors, "is not used");
		ck_assert_str_eq(driver_of(NVME), "e1000e");
	}
}
END_TEST

START_TEST(json_tells_how_it_went)
{
	json_t *root, *device;

	ck_assert_int_eq(bind("--json", NVME, NULL), TOOL_OK);
	root = tools_json();
	ck_assert(json_is_true(json_object_get(root, "done")));
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "before")), "nvme");
	ck_assert_str_eq(json_string_value(json_object_get(device, "now")), "vfio-pci");
	ck_assert(json_is_true(json_object_get(device, "changed")));
	json_decref(root);
	ck_assert_int_eq(unbind("--json", NVME, NULL), TOOL_OK);
	json_decref(tools_json());
	tools_file(NVME, "sriov_numvfs", "2\n");
	ck_assert_int_eq(bind("--json", NVME, NULL), TOOL_FAILED);
	root = tools_json();
	ck_assert(json_is_false(json_object_get(root, "done")));
	device = json_array_get(json_object_get(root, "refusals"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "address")), NVME);
	ck_assert(json_is_true(json_object_get(device, "forceable")));
	json_decref(root);
}
END_TEST

START_TEST(wrong_arguments_are_told)
{
	ck_assert_int_eq(bind(NULL, NULL, NULL), TOOL_USAGE);
	has(tools_errors, "no ADDR given: see ferry bind --help");
	ck_assert_int_eq(unbind("--force", NVME, NULL), TOOL_USAGE);
	has(tools_errors, "unknown option '--force': see ferry unbind --help");
	ck_assert_int_eq(bind("--group=7", NVME, NULL), TOOL_USAGE);
	ck_assert_int_eq(bind("0000:77:00.0", NULL, NULL), TOOL_FAILED);
	has(tools_errors, "0000:77:00.0");
	ck_assert_int_eq(bind("eth0", NULL, NULL), TOOL_FAILED);
	ck_assert_int_eq(bind(NVME, "01:00.0", NULL), TOOL_OK); /* twice the same is once */
	ck_assert_int_eq(bind("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry bind");
	ck_assert_int_eq(unbind("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry unbind");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, there_and_back);
	tcase_add_test(tests, in_the_order_that_lets_no_other_driver_in);
	tcase_add_test(tests, one_without_a_driver_gets_none_back);
	tcase_add_test(tests, an_override_is_restored);
	tcase_add_test(tests, without_a_record_the_kernel_chooses);
	tcase_add_test(tests, a_driver_that_went_is_loaded_again);
	tcase_add_test(tests, a_driver_that_takes_nothing_back_is_told);
	tcase_add_test(tests, a_whole_group);
	tcase_add_test(tests, modules_are_loaded_when_needed);
	tcase_add_test(tests, all_or_nothing);
	tcase_add_test(tests, one_that_is_in_use_keeps_all);
	tcase_add_test(tests, a_file_that_cannot_be_written_is_told);
	tcase_add_test(tests, mounted_disks);
	tcase_add_test(tests, mounts_that_only_name_their_source);
	tcase_add_test(tests, btrfs_of_several_disks);
	tcase_add_test(tests, swap);
	tcase_add_test(tests, arrays_and_mappings);
	tcase_add_test(tests, multipath);
	tcase_add_test(tests, a_disk_at_a_usb_controller);
	tcase_add_test(tests, mounts_that_cannot_be_told);
	tcase_add_test(tests, the_only_way_into_the_network);
	tcase_add_test(tests, a_route_by_way_of_a_bridge);
	tcase_add_test(tests, a_route_of_ipv6);
	tcase_add_test(tests, virtual_functions_would_vanish);
	tcase_add_test(tests, the_display_is_a_warning);
	tcase_add_test(tests, what_no_force_helps_against);
	tcase_add_test(tests, a_guest_in_the_way);
	tcase_add_test(tests, records_are_trusted_only_where_nobody_else_writes);
	tcase_add_test(tests, garbled_records_are_not_used);
	tcase_add_test(tests, json_tells_how_it_went);
	tcase_add_test(tests, wrong_arguments_are_told);
}

int main(void)
{
	return run_suite("tool bind", add_tests);
}
