/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host whose sysfs and /proc say anything, of one network card with a disk beside it: what is
 * read of it before a device is opened, what it would lose, and what is printed of it.
 */

#include <errno.h>
#include <unistd.h>

#include "tests/fuzz/input.h"

#include "tests/unit/support/fake_sysfs.h"
#include "vfio/host/cdev.h"
#include "vfio/host/claim.h"
#include "vfio/host/memlock.h"
#include "vmm/hostcpu.h"
#include "vmm/hostmem.h"
#include "vmm/tools/inuse.h"
#include "vmm/tools/tools.h"

#define ADDRESS "0000:01:00.0"
#define DEVICE  "bus/pci/devices/" ADDRESS

enum { PIECES_MAX = 32, GROUP = 7, CONFIG = 1 /* of the names */ };

/* What an input may write, by letters from 'A' on. */
static const char *const names[] = {
	DEVICE "/resource",
	DEVICE "/config",
	DEVICE "/vendor",
	DEVICE "/class",
	DEVICE "/reset_method",
	DEVICE "/sriov_numvfs",
	DEVICE "/iommu/intel-iommu/cap",
	"kernel/iommu_groups/7/reserved_regions",
	"kernel/irq/24/chip_name",
	"proc/meminfo",
	"proc/self/cgroup",
	"proc/self/statm",
	"fs/cgroup/one/memory.max",
	"fs/cgroup/one/memory.current",
	"fs/cgroup/one/memory.stat",
	"proc/cpuinfo",
	"proc/cmdline",
	"proc/iomem",
	"proc/ioports",
	"proc/self/mountinfo",
	"proc/swaps",
	"proc/net/route",
	"proc/net/ipv6_route",
	"proc/driver/nvidia/gpus/" ADDRESS "/information",
	"proc/1/status",
	"class/block/dm-0/dm/name",
	"pci.ids",
};

/* Links; an input says where they lead. */
static const char *const links[] = {
	DEVICE "/driver",
	DEVICE "/iommu_group",
	DEVICE "/physfn",
	DEVICE "/virtfn0",
};

static struct tool tool;
static bool written[ARRAY_SIZE(names)], linked[ARRAY_SIZE(links)];

static int each_address(tool_take_address take, void *context)
{
	take(context, "eth0", "192.0.2.1/24");
	take(context, "br0", "2001:db8::1/64");
	return 0;
}

static void create_tree(void)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", true); /* several times as fast */
	fake_tree_create();
	atexit(fake_tree_remove);
	fake_tree_add_device(ADDRESS, GROUP, "e1000e");
	fake_tree_add_device("0000:01:00.1", GROUP, "vfio-pci");
	fake_tree_unlink(DEVICE "/driver");
	fake_tree_unlink(DEVICE "/iommu_group");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char folder[256];

		snprintf(folder, sizeof(folder), "%s", names[i]);
		if (strrchr(folder, '/')) {
			*strrchr(folder, '/') = '\0';
			fake_tree_folder(folder);
		}
	}
	fake_tree_folder(DEVICE "/net/eth0");
	fake_tree_folder(DEVICE "/block/sda");
	fake_tree_folder("class/net/br0");
	fake_tree_folder("dev/block");
	fake_tree_folder("class/block/dm-0/holders");
	fake_tree_link("class/net/eth0", "../../" DEVICE "/net/eth0");
	fake_tree_link("class/net/br0/lower_eth0", "../eth0");
	fake_tree_link("class/block/sda", "../../" DEVICE "/block/sda");
	fake_tree_link("dev/block/8:0", "../../class/block/sda");
	fake_tree_folder(DEVICE "/block/sda/holders");
	fake_tree_link(DEVICE "/block/sda/holders/dm-0", "../../../../../../../class/block/dm-0");
	fake_tree_write("dev/sda", "");
}

static void create(void)
{
	static char sys[PATH_MAX], dev[PATH_MAX], proc[PATH_MAX], ids[PATH_MAX];
	static const char *const pci_ids[] = {ids, NULL};

	create_tree();
	snprintf(sys, sizeof(sys), "%s", fake_tree_path(""));
	snprintf(dev, sizeof(dev), "%s", fake_tree_path("dev"));
	snprintf(proc, sizeof(proc), "%s", fake_tree_path("proc"));
	snprintf(ids, sizeof(ids), "%s", fake_tree_path("pci.ids"));
	tool = (struct tool){
		.sys = sys,
		.dev = dev,
		.proc = proc,
		.run = "/nonexistent",
		.modules = "/nonexistent",
		.passwd = "/nonexistent",
		.pci_ids = pci_ids,
		.each_address = each_address,
		.out = fopen("/dev/null", "w"),
		.width = 80,
	};
	require(tool.out);
}

/* A file: its letter, bytes up to a zero, or with a small letter a number of them. */
static void take_file(struct input *input, size_t which, bool counted)
{
	const uint8_t *end = input->left ? memchr(input->bytes, '\0', input->left) : NULL;
	size_t size = counted ? take8(input) : (end ? (size_t)(end - input->bytes) : input->left);
	FILE *file = fopen(fake_tree_path(names[which]), "w");

	require(file);
	size = size < input->left ? size : input->left;
	require(fwrite(input->bytes, 1, size, file) == size);
	/* Root is shown all of a config space. */
	while (counted && which == CONFIG && ftell(file) < PCI_CONFIG_SIZE)
		fputc(0, file);
	require(fclose(file) == 0);
	input->bytes += size;
	input->left -= size;
	if (!counted)
		take8(input);
	written[which] = true;
}

/* A link: its digit, where it leads up to a zero. */
static void take_link(struct input *input, size_t which)
{
	char target[256];
	size_t length = 0;

	for (char byte; length < sizeof(target) - 1 && (byte = (char)take8(input)); length++)
		target[length] = byte;
	target[length] = '\0';
	if (linked[which])
		fake_tree_unlink(links[which]);
	linked[which] = length > 0;
	if (length)
		fake_tree_link(links[which], target);
}

static void take_tree(struct input *input)
{
	for (unsigned int i = 0; i < PIECES_MAX && input->left > 0; i++) {
		uint8_t what = take8(input);

		if (what >= '0' && what <= '9')
			take_link(input, (size_t)(what - '0') % ARRAY_SIZE(links));
		else if (what >= 'a')
			take_file(input, (size_t)(what - 'a') % ARRAY_SIZE(names), true);
		else if (what >= 'A')
			take_file(input, (size_t)(what - 'A') % ARRAY_SIZE(names), false);
		else
			take_file(input, what % ARRAY_SIZE(names), false);
	}
}

static void clear_tree(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (written[i])
			fake_tree_unlink(names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (linked[i])
			fake_tree_unlink(links[i]);
	memset(written, 0, sizeof(written));
	memset(linked, 0, sizeof(linked));
}

static void read_memory(void)
{
	const struct vfio_memlock_scope scope = {.user_proc = tool.proc};
	struct vfio_memlock memlock;
	struct err err = {0};
	struct hostmem host;
	struct hostcpu cpu;
	int rc;

	hostmem_read(tool.proc, tool.sys, &host);
	require(host.most <= host.available);
	rc = hostmem_check(&host, GIB, HOSTMEM_PINNED, &err);
	require(rc == 0 ? host.most >= GIB : rc == -ENOMEM && err.text[0]);
	rc = hostmem_check_rest(&host, GIB, hostmem_resident(tool.proc), &err);
	require(rc == 0 || rc == -ENOMEM);
	hostcpu_read(tool.proc, &cpu);
	(void)hostcpu_booted_with(tool.proc, "intel_iommu=on");
	rc = vfio_memlock_check(&scope, GIB, &memlock, &err);
	require(rc == 0 || rc == -ENOMEM);
	require(memchr(memlock.doubt, '\0', sizeof(memlock.doubt)));
}

/* Regions as they are in order; ranges without them keep to what there was. */
static void read_regions(unsigned int group)
{
	struct vfio_host_region regions[4];
	struct ram_range ranges[8] = {{0x1000, 0xfffff000}};
	size_t all = vfio_host_reserved(tool.sys, group, regions, ARRAY_SIZE(regions)), count = 1;

	for (size_t i = 0; i < all && i < ARRAY_SIZE(regions); i++) {
		require(regions[i].first <= regions[i].last);
		count = vfio_host_exclude(ranges, count, ARRAY_SIZE(ranges), regions[i].first,
					  regions[i].last);
	}
	for (size_t i = 0; i < count; i++) {
		require(ranges[i].size > 0 && ranges[i].base >= 0x1000);
		require(ranges[i].base + (ranges[i].size - 1) <= UINT32_MAX);
	}
}

static void read_device(const struct vfio_host_device *device)
{
	struct vfio_host_interrupts interrupts;
	struct vfio_host_device *members;
	struct vfio_claim claim;
	char text[256];
	size_t count;

	vfio_host_interrupts(device, &interrupts);
	require(interrupts.msix <= 2048 && interrupts.msi <= 32);
	require(vfio_host_iova_bits(device) >= 1 && vfio_host_iova_bits(device) <= 64);
	if (vfio_claim_find(tool.proc, &device->sysfs, device->driver, &claim)) {
		vfio_claim_tell(&claim, text, sizeof(text));
		vfio_claim_mend(&claim, text, sizeof(text));
	}
	if (device->has_group)
		read_regions(device->group);
	if (!vfio_host_functions(tool.sys, device, &members, &count, NULL))
		free(members);
}

static void read_devices(void)
{
	struct vfio_host_device *devices;
	struct inuse inuse = {0};
	struct err err = {0};
	size_t count;

	require(!vfio_host_devices(tool.sys, &devices, &count, &err));
	for (size_t i = 0; i < count; i++)
		read_device(&devices[i]);
	inuse_find(&tool, devices, count, false, &inuse);
	inuse_find_openers(&tool, devices, count, &inuse);
	for (size_t i = 0; i < inuse.count && i < INUSE_MAX; i++)
		require(inuse.reasons[i].device < count && inuse.reasons[i].text[0]);
	(void)vfio_host_remapping(tool.sys);
	free(devices);
}

/* As before it is opened. */
static void find_device(const char *name)
{
	struct vfio_sysfs_device device;
	uint64_t below = 0, above = 0;
	struct err err = {0};
	char node[PATH_MAX];
	unsigned int group;
	int rc = vfio_sysfs_find(tool.sys, name, &device, &group, &err);

	require(rc == 0 || (rc < 0 && err.text[0]));
	if (rc)
		return;
	require(vfio_sysfs_not_viable(tool.sys, group, &err) == -EPERM && err.text[0]);
	vfio_sysfs_window(&device, &below, &above);
	(void)!vfio_cdev_find(&device, tool.dev, node, sizeof(node));
}

static void print_devices(void)
{
	char command[] = "devices", json[] = "--json";
	char *text[] = {command, NULL}, *object[] = {command, json, NULL};

	(void)tool_devices(&tool, 1, text);
	(void)tool_devices(&tool, 2, object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.bytes = data, .left = size};
	unsigned int descriptors;

	if (!tool.out)
		create();
	descriptors = open_descriptors();
	take_tree(&input);
	read_memory();
	read_devices();
	find_device(ADDRESS);
	find_device("01:00.1");
	print_devices();
	clear_tree();
	require(open_descriptors() == descriptors);
	return 0;
}
