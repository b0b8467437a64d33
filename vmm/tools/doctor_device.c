/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of the devices: driver, group, node, resets, interrupts, places. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arch/arch.h"
#include "vfio/host/cdev.h"
#include "vfio/host/openers.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/page.h"
#include "vmm/base/text.h"
#include "vmm/hostcpu.h"
#include "vmm/tools/doctor.h"
#include "vmm/tools/json.h"

enum {
	/*
	 * x86's vectors of one processor, 32 to 255, less those that the kernel keeps for itself.
	 */
	VECTORS_PER_CPU = 200,
	/* What the monitor opens, and keeps from the guest, beside one eventfd for each vector. */
	DESCRIPTORS_BESIDE = FD_RESERVE + 32,
	DESCRIPTORS_PER_DEVICE = 16,
};

enum { REGIONS_MAX = 64, MEMBERS_TOLD = 8 };

static void doctor_check_driver(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (vfio_host_is_bound(device))
		doctor_tell(doctor, FINDING_OK, "driver", address, "%s has it", device->driver);
	else if (device->driver[0])
		doctor_tell(doctor, FINDING_FAILURE, "driver", address, "%s has it, not vfio-pci",
			    device->driver);
	else
		doctor_tell(doctor, FINDING_FAILURE, "driver", address,
			    "it has none, and must have vfio-pci");
	if (!vfio_host_is_bound(device))
		doctor_mend_by(doctor, "", "ferry bind %s", address);
	doctor_fact_text(doctor, "driver", device->driver);
}

static json_t *doctor_members_json(const struct vfio_host_device *members, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:o}", "address", members[i].sysfs.address,
						"driver", tool_json_text(members[i].driver)));
	return array;
}

static void doctor_tell_members(struct doctor *doctor, const struct vfio_host_device *device,
				const struct vfio_host_device *members, size_t count)
{
	const struct vfio_host_device *blocker = NULL;
	char told[MEMBERS_TOLD * (VFIO_ADDRESS_SIZE + VFIO_DRIVER_SIZE + 8)] = "";
	size_t others = 0;

	for (size_t i = 0; i < count; i++) {
		const struct vfio_host_device *member = &members[i];
		size_t used = strlen(told);

		if (strcmp(member->sysfs.address, device->sysfs.address) == 0)
			continue;
		if (vfio_host_is_in_the_way(member) && (!blocker || !blocker->bridge))
			blocker = member;
		if (others++ < MEMBERS_TOLD)
			snprintf(told + used, sizeof(told) - used, "%s%s (%s)", used ? ", " : "",
				 member->sysfs.address,
				 member->driver[0] ? member->driver : "no driver");
	}
	if (!blocker) {
		doctor_tell(doctor, FINDING_OK, "group", device->sysfs.address,
			    "IOMMU group %u%s%s", device->group, others ? ", with " : ", alone",
			    told);
		return;
	}
	doctor_tell(doctor, FINDING_FAILURE, "group", device->sysfs.address,
		    "IOMMU group %u is not viable: %s has driver %s; its members are %s",
		    device->group, blocker->sysfs.address, blocker->driver, told);
	if (blocker->bridge)
		doctor_mend_by(doctor, "", "echo %s > /sys/bus/pci/devices/%s/driver/unbind",
			       blocker->sysfs.address, blocker->sysfs.address);
	else
		doctor_mend_by(doctor, "", "ferry bind --group %s", device->sysfs.address);
}

static void doctor_check_group(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_host_device *members;
	struct err err = {0};
	size_t count;

	if (vfio_host_group(doctor->tool->sys, device->group, &members, &count, &err)) {
		doctor_tell(doctor, FINDING_FAILURE, "group", device->sysfs.address, "%s",
			    err.text);
		return;
	}
	doctor_tell_members(doctor, device, members, count);
	doctor_fact_number(doctor, "iommu_group", device->group);
	doctor_fact(doctor, "members", doctor_members_json(members, count));
	free(members);
}

static void doctor_check_opener(struct doctor *doctor, const struct vfio_host_device *device,
				const char *path)
{
	struct vfio_opener opener;

	if (!vfio_node_opener(doctor->tool->proc, path, &opener))
		return;
	doctor_tell(doctor, FINDING_FAILURE, "node", device->sysfs.address,
		    "%s is in use by process %u (%s)", path, opener.process, opener.name);
	doctor_mend_by(doctor, "", "kill %u", opener.process);
	doctor_fact_number(doctor, "process", opener.process);
	doctor_fact_text(doctor, "name", opener.name);
}

/*
 * The first device settles the way. Where that is iommufd, a device that has to go by its group is
 * refused; by groups go all.
 */
static void doctor_check_way(struct doctor *doctor, const struct vfio_host_device *device)
{
	const struct vfio_host_device *first = doctor->devices;
	char path[PATH_MAX];

	if (!doctor_may_go_by_iommufd(doctor, first, path, sizeof(path)) ||
	    doctor_may_go_by_iommufd(doctor, device, path, sizeof(path)))
		return;
	doctor_tell(doctor, FINDING_FAILURE, "node", device->sysfs.address,
		    "it would be had by its group, and %s before it by iommufd: one guest takes "
		    "devices by one way",
		    first->sysfs.address);
	doctor_mend_by(doctor, "", "ferry run --vfio %s,via=group", first->sysfs.address);
}

/* False when this user may not have all by iommufd; then the group's node counts. */
static bool doctor_check_cdev(struct doctor *doctor, const struct vfio_host_device *device)
{
	char path[PATH_MAX];

	if (!doctor_goes_by_iommufd(doctor) ||
	    !doctor_may_go_by_iommufd(doctor, device, path, sizeof(path)))
		return false;
	doctor_tell(doctor, FINDING_OK, "node", device->sysfs.address,
		    "%s and %s/iommu may be opened by this user", path, doctor->tool->dev);
	doctor_fact_text(doctor, "path", path);
	doctor_check_opener(doctor, device, path);
	return true;
}

/* There is a node only once a device of the group is bound. */
static void doctor_check_node(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;
	char path[PATH_MAX];
	int rc;

	if (!vfio_host_is_bound(device) || doctor_check_cdev(doctor, device))
		return;
	doctor_check_way(doctor, device);
	snprintf(path, sizeof(path), "%s/vfio/%u", doctor->tool->dev, device->group);
	rc = tool_may_open(path);
	if (!rc)
		doctor_tell(doctor, FINDING_OK, "node", address, "%s may be opened by this user",
			    path);
	else
		doctor_tell(doctor, FINDING_FAILURE, "node", address, "%s: %s", path, err_text(rc));
	if (rc == -ENOENT)
		doctor_mend_by(doctor, "", "udevadm trigger --settle");
	else if (rc)
		doctor_mend_by(doctor, "", "ferry bind --user %u %s", (unsigned int)geteuid(),
			       address);
	doctor_fact_text(doctor, "path", path);
	if (!rc)
		doctor_check_opener(doctor, device, path);
}

static void doctor_check_reset(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (device->reset_methods[0])
		doctor_tell(doctor, FINDING_OK, "reset", address, "%s", device->reset_methods);
	else if (device->resettable)
		doctor_tell(doctor, FINDING_OK, "reset", address,
			    "there is a method that this kernel does not name");
	else
		doctor_tell(doctor, FINDING_WARNING, "reset", address,
			    "there is no method: what one guest leaves in the device the next one "
			    "finds, until the host starts anew");
	doctor_fact(doctor, "methods", tool_json_words(device->reset_methods));
}

/*
 * The driver of the physical function gives a virtual one what it works with. Where that driver is
 * VFIO's, a virtual function asks for a token.
 */
static void doctor_check_physical(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;
	struct vfio_host_device physical;
	char rest[VFIO_ADDRESS_SIZE + 32];

	if (!doctor_read_physical(doctor, device, &physical))
		return;
	snprintf(rest, sizeof(rest), ", or ferry unbind %s", device->physical);
	if (vfio_host_is_bound(&physical)) {
		doctor_tell(doctor, FINDING_WARNING, "physical function", address,
			    "its physical function %s is bound to %s, so that VFIO wants the token "
			    "that was set there",
			    device->physical, physical.driver);
		doctor_mend_by(doctor, rest, "ferry run --vfio %s,vf-token=UUID", address);
	} else if (!physical.driver[0]) {
		doctor_tell(doctor, FINDING_WARNING, "physical function", address,
			    "its physical function %s has no driver, without which it may not work",
			    device->physical);
		doctor_mend_by(doctor, rest, "echo %s > /sys/bus/pci/drivers_probe",
			       device->physical);
	} else {
		doctor_tell(doctor, FINDING_OK, "physical function", address, "%s with driver %s",
			    device->physical, physical.driver);
	}
	doctor_fact_text(doctor, "physical_function", device->physical);
	doctor_fact_text(doctor, "driver", physical.driver);
}

/* vfio-pci takes no physical function while there are virtual ones. */
static void doctor_check_functions(struct doctor *doctor, const struct vfio_host_device *device)
{
	if (!device->functions || vfio_host_is_bound(device))
		return;
	doctor_tell(doctor, FINDING_FAILURE, "virtual functions", device->sysfs.address,
		    "%u of it are on, and vfio-pci takes it without them only", device->functions);
	doctor_mend_by(doctor, "", "echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
		       device->sysfs.address);
	doctor_fact_number(doctor, "virtual_functions", device->functions);
}

static json_t *doctor_range_json(uint64_t first, uint64_t last)
{
	return json_pack("{s:o, s:o}", "first", json_sprintf("0x%" PRIx64, first), "last",
			 json_sprintf("0x%" PRIx64, last));
}

static json_t *doctor_regions_json(const struct vfio_host_region *regions, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, doctor_range_json(regions[i].first, regions[i].last));
	return array;
}

static void doctor_check_reserved(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_host_region regions[REGIONS_MAX];
	size_t count =
		vfio_host_reserved(doctor->tool->sys, device->group, regions, ARRAY_SIZE(regions));
	size_t read = count < ARRAY_SIZE(regions) ? count : ARRAY_SIZE(regions), direct = 0;

	while (direct < read && !regions[direct].direct)
		direct++;
	if (direct < read) {
		doctor_tell(doctor, FINDING_FAILURE, "reserved regions", device->sysfs.address,
			    "the firmware wants 0x%" PRIx64 "-0x%" PRIx64
			    " mapped as it is, so that the kernel keeps the device",
			    regions[direct].first, regions[direct].last);
		doctor_mend(doctor, "turn off in the firmware what uses it there (its "
				    "RMRR), or choose another device");
	} else {
		doctor_tell(doctor, FINDING_OK, "reserved regions", device->sysfs.address,
			    "%zu, none of which keeps it from a guest", count);
	}
	doctor_fact(doctor, "regions", doctor_regions_json(regions, read));
}

/* What VFIO would offer, by sysfs: the IOMMUs' widths less what each group reserves. */
static size_t doctor_usable_ranges(const struct doctor *doctor,
				   const struct vfio_host_device *devices, size_t device_count,
				   struct ram_range *usable, size_t room)
{
	struct vfio_host_region regions[REGIONS_MAX];
	unsigned int bits = 64;
	size_t count = 1;

	for (size_t i = 0; i < device_count; i++)
		if (vfio_host_iova_bits(&devices[i]) < bits)
			bits = vfio_host_iova_bits(&devices[i]);
	usable[0] = (struct ram_range){0, bits == 64 ? UINT64_MAX : (uint64_t)1 << bits};
	for (size_t i = 0; i < device_count; i++) {
		size_t found = devices[i].has_group
				       ? vfio_host_reserved(doctor->tool->sys, devices[i].group,
							    regions, ARRAY_SIZE(regions))
				       : 0;

		for (size_t j = 0; j < found && j < ARRAY_SIZE(regions); j++)
			if (!regions[j].relaxed)
				count = vfio_host_exclude(usable, count, room, regions[j].first,
							  regions[j].last);
	}
	return count;
}

/* Where the device's DMA can go; the guest's RAM is laid out in it. */
static void doctor_check_iova(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct ram_range usable[VFIO_IOVA_RANGES_MAX];
	size_t count = doctor_usable_ranges(doctor, device, 1, usable, ARRAY_SIZE(usable));
	unsigned int bits = vfio_host_iova_bits(device);
	json_t *array = json_array();
	char said[512] = "nothing";
	struct text text = {said, sizeof(said)};

	for (size_t i = 0; i < count; i++) {
		uint64_t first = usable[i].base, last = first + usable[i].size - 1;

		text_append(&text, "%s0x%" PRIx64 "-0x%" PRIx64, i ? ", " : "", first, last);
		json_array_append_new(array, doctor_range_json(first, last));
	}
	doctor_tell(doctor, count ? FINDING_OK : FINDING_FAILURE, "IOVA ranges",
		    device->sysfs.address, "%s can be mapped for its DMA%s", said,
		    bits == 64 ? " (its IOMMU does not say how far it reaches)" : "");
	doctor_fact(doctor, "ranges", array);
	doctor_fact(doctor, "bits", bits == 64 ? json_null() : json_integer(bits));
}

/* It runs, with less than the host's driver has. */
static void doctor_check_graphics(struct doctor *doctor, const struct vfio_host_device *device)
{
	if (vfio_host_is_igd(device->sysfs.address, device->vendor, device->class_code))
		doctor_tell(doctor, FINDING_WARNING, "graphics", device->sysfs.address,
			    "of Intel's own graphics the guest gets neither the stolen memory nor "
			    "the firmware's OpRegion, which are memory of the host: its displays "
			    "may stay dark; computing and video coding work");
}

static void doctor_check_device(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (device->bridge) {
		doctor_tell(doctor, FINDING_FAILURE, "device", address,
			    "it is a bridge: only what is behind it can be handed over");
		doctor_mend_by(doctor, " (lists what can)", "ferry devices");
		return;
	}
	if (device->group_to_come) {
		doctor_tell(doctor, FINDING_FAILURE, "group", address,
			    "it has no driver, and gets its IOMMU group with the first");
		doctor_mend_by(doctor, "", "ferry bind %s", address);
		return;
	}
	if (!device->has_group) {
		doctor_tell(doctor, FINDING_FAILURE, "group", address, "it is in no IOMMU group");
		doctor_mend_iommu(doctor);
		return;
	}
	if (device->unconfined) {
		doctor_tell(doctor, FINDING_FAILURE, "group", address,
			    "IOMMU group %u has no IOMMU behind it (VFIO's no-IOMMU mode): a guest "
			    "could reach all of the host's memory",
			    device->group);
		doctor_mend_iommu(doctor);
		return;
	}
	doctor_check_driver(doctor, device);
	doctor_check_functions(doctor, device);
	doctor_check_physical(doctor, device);
	doctor_check_group(doctor, device);
	doctor_check_node(doctor, device);
	doctor_check_bars(doctor, device);
	doctor_check_graphics(doctor, device);
	doctor_check_reset(doctor, device);
	doctor_check_reserved(doctor, device);
	doctor_check_iova(doctor, device);
}

/* At most one of the three kinds is in use at a time. */
static unsigned int doctor_most_vectors(const struct vfio_host_interrupts *interrupts)
{
	if (interrupts->msix >= interrupts->msi && interrupts->msix)
		return interrupts->msix;
	return interrupts->msi ? interrupts->msi : interrupts->intx;
}

static unsigned int doctor_tell_interrupts(struct doctor *doctor,
					   const struct vfio_host_device *device)
{
	struct vfio_host_interrupts interrupts;
	char said[128];
	struct text text = {said, sizeof(said)};

	vfio_host_interrupts(device, &interrupts);
	said[0] = '\0';
	if (interrupts.msix)
		text_append(&text, "MSI-X with a table of %u, ", interrupts.msix);
	if (interrupts.msi)
		text_append(&text, "MSI with up to %u, ", interrupts.msi);
	text_append(&text, "%s", interrupts.intx ? "INTx" : "no INTx");
	doctor_tell(doctor, FINDING_OK, "interrupts", device->sysfs.address, "%s%s", said,
		    interrupts.complete ? "" : "; MSI and MSI-X can be read by root only");
	doctor_fact(doctor, "msix",
		    interrupts.complete ? json_integer(interrupts.msix) : json_null());
	doctor_fact(doctor, "msi",
		    interrupts.complete ? json_integer(interrupts.msi) : json_null());
	doctor_fact(doctor, "intx", json_boolean(interrupts.intx));
	return doctor_most_vectors(&interrupts);
}

/* Interrupts that the host has set up. */
static unsigned int doctor_taken_interrupts(const struct doctor *doctor)
{
	char path[PATH_MAX];
	struct dirent *entry;
	unsigned int count = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/kernel/irq", doctor->tool->sys);
	list = opendir(path);
	while (list && (entry = readdir(list)))
		count += entry->d_name[0] != '.';
	if (list)
		closedir(list);
	return count;
}

/*
 * A guest takes as many vectors as its driver wants, which is seldom all: no more than a warning.
 */
static void doctor_check_vectors(struct doctor *doctor, unsigned int needed)
{
	unsigned int vectors, taken = doctor_taken_interrupts(doctor);
	unsigned int descriptors =
		needed + DESCRIPTORS_BESIDE + DESCRIPTORS_PER_DEVICE * (unsigned int)doctor->count;
	struct rlimit limit = {.rlim_max = RLIM_INFINITY};
	struct hostcpu host;

	hostcpu_read(doctor->tool->proc, &host);
	/* Controllers of others do not count by processor. */
	vectors = host.x86 ? host.count * VECTORS_PER_CPU : 0;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_max = RLIM_INFINITY;
	if (vectors && taken + needed > vectors)
		doctor_tell(doctor, FINDING_WARNING, "vectors", "",
			    "a guest may want %u: the host's processors have about %u, of which %u "
			    "are taken: it may get fewer",
			    needed, vectors, taken);
	else if (limit.rlim_max < descriptors)
		doctor_tell(doctor, FINDING_WARNING, "vectors", "",
			    "a guest may want %u, each of which takes a descriptor: %llu are the "
			    "most",
			    needed, (unsigned long long)limit.rlim_max);
	else
		doctor_tell(doctor, FINDING_OK, "vectors", "",
			    "a guest may want %u, and can have them", needed);
	if (limit.rlim_max < descriptors)
		doctor_mend_by(doctor, " (in the shell that starts ferry)",
			       "sudo prlimit --pid $$ --nofile=%u", descriptors);
	doctor_fact_number(doctor, "wanted", needed);
	doctor_fact(doctor, "host", vectors ? json_integer(vectors) : json_null());
	doctor_fact_number(doctor, "taken", taken);
}

static void doctor_check_interrupts(struct doctor *doctor)
{
	unsigned int needed = 0;

	for (size_t i = 0; i < doctor->count; i++)
		if (!doctor->devices[i].bridge)
			needed += doctor_tell_interrupts(doctor, &doctor->devices[i]);
	if (needed)
		doctor_check_vectors(doctor, needed);
}

static void doctor_check_layout(struct doctor *doctor)
{
	struct ram_range usable[VFIO_IOVA_RANGES_MAX];
	struct platform platform;
	struct err err = {0};
	struct arch_layout_request request = {
		.cpus = 1,
		.buses = 1,
		.ram_size = doctor->memory,
		.page_size = doctor->page_size ? doctor->page_size : host_page_size(),
		.physical_bits = doctor->physical_bits,
		.serial = true,
	};

	if (!doctor->physical_bits)
		return;
	for (size_t i = 0; i < doctor->count; i++)
		vfio_sysfs_window(&doctor->devices[i].sysfs, &request.mmio32_needed,
				  &request.mmio64_needed);
	doctor_add_socket_windows(doctor, &request.mmio32_needed, &request.mmio64_needed);
	if (doctor->count) {
		request.usable_count = doctor_usable_ranges(doctor, doctor->devices, doctor->count,
							    usable, ARRAY_SIZE(usable));
		request.usable = usable;
	}
	if (arch_layout(&request, &platform, &err)) {
		doctor_tell(doctor, FINDING_FAILURE, "layout", "", "%s", err.text);
		return;
	}
	doctor_tell(doctor, FINDING_OK, "layout", "",
		    "%" PRIu64 " MiB of RAM (pieces: %zu), BARs of %" PRIu64 " KiB below 4 GiB and "
		    "%" PRIu64 " KiB above find their places",
		    doctor->memory / MIB, platform.ram_count, request.mmio32_needed / KIB,
		    request.mmio64_needed / KIB);
	doctor_fact_number(doctor, "ram_pieces", platform.ram_count);
	doctor_fact_number(doctor, "bars_below_4g_bytes", request.mmio32_needed);
	doctor_fact_number(doctor, "bars_above_4g_bytes", request.mmio64_needed);
}

void doctor_check_devices(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++)
		doctor_check_device(doctor, &doctor->devices[i]);
	doctor_check_interrupts(doctor);
	doctor_check_layout(doctor);
}
