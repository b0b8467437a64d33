/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of the devices: driver, group, node, resets, places in the guest. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "vfio/host/claim.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"
#include "vmm/base/text.h"
#include "vmm/tools/doctor.h"
#include "vmm/tools/json.h"

enum { REGIONS_MAX = 64, MEMBERS_TOLD = 8 };

static void doctor_check_driver(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (vfio_host_is_bound(device))
		findings_add(&doctor->findings, FINDING_OK, "driver", address, "%s has it",
			     device->driver);
	else if (device->driver[0])
		findings_add(&doctor->findings, FINDING_FAILURE, "driver", address,
			     "%s has it, not vfio-pci", device->driver);
	else
		findings_add(&doctor->findings, FINDING_FAILURE, "driver", address,
			     "it has none, and must have vfio-pci");
	if (!vfio_host_is_bound(device))
		findings_mend(&doctor->findings, "ferry bind %s", address);
	findings_fact_text(&doctor->findings, "driver", device->driver);
}

static json_t *doctor_members_json(const struct vfio_host_device *members, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:o}", "address", members[i].sysfs.address,
						"driver", json_text(members[i].driver)));
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
		findings_add(&doctor->findings, FINDING_OK, "group", device->sysfs.address,
			     "IOMMU group %u%s%s", device->sysfs.group,
			     others ? ", with " : ", alone", told);
		return;
	}
	findings_add(&doctor->findings, FINDING_FAILURE, "group", device->sysfs.address,
		     "IOMMU group %u is not viable: %s has driver %s; its members are %s",
		     device->sysfs.group, blocker->sysfs.address, blocker->driver, told);
	if (blocker->bridge)
		findings_mend(&doctor->findings, "echo %s > /sys/bus/pci/devices/%s/driver/unbind",
			      blocker->sysfs.address, blocker->sysfs.address);
	else
		findings_mend(&doctor->findings, "ferry bind --group %s", device->sysfs.address);
}

static void doctor_check_group(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_host_device *members;
	struct err err = {0};
	size_t count;

	if (vfio_host_group(doctor->tool->sys, device->sysfs.group, &members, &count, &err)) {
		findings_add(&doctor->findings, FINDING_FAILURE, "group", device->sysfs.address,
			     "%s", err.text);
		return;
	}
	doctor_tell_members(doctor, device, members, count);
	findings_fact_number(&doctor->findings, "iommu_group", device->sysfs.group);
	findings_fact(&doctor->findings, "members", doctor_members_json(members, count));
	free(members);
}

static void doctor_check_holder(struct doctor *doctor, const struct vfio_host_device *device)
{
	char folder[PATH_MAX], name[64];
	unsigned int holder;

	snprintf(folder, sizeof(folder), "%s/vfio", doctor->tool->dev);
	holder = vfio_host_holder(doctor->tool->proc, folder, device->sysfs.group);
	if (!holder)
		return;
	snprintf(folder, sizeof(folder), "%s/%u", doctor->tool->proc, holder);
	vfio_host_line(folder, "comm", name, sizeof(name));
	findings_add(&doctor->findings, FINDING_FAILURE, "node", device->sysfs.address,
		     "IOMMU group %u is in use by process %u (%s)", device->sysfs.group, holder,
		     name);
	findings_mend(&doctor->findings, "kill %u", holder);
	findings_fact_number(&doctor->findings, "process", holder);
	findings_fact_text(&doctor->findings, "name", name);
}

/* There is a node only once a device of the group is bound. */
static void doctor_check_node(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;
	char path[PATH_MAX];
	int rc;

	if (!vfio_host_is_bound(device))
		return;
	snprintf(path, sizeof(path), "%s/vfio/%u", doctor->tool->dev, device->sysfs.group);
	rc = faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
	if (rc == 0)
		findings_add(&doctor->findings, FINDING_OK, "node", address,
			     "%s may be opened by this user", path);
	else
		findings_add(&doctor->findings, FINDING_FAILURE, "node", address, "%s: %s", path,
			     err_text(rc));
	if (rc == -ENOENT)
		findings_mend(&doctor->findings, "udevadm trigger --settle");
	else if (rc)
		findings_mend(&doctor->findings, "chown %u %s", (unsigned int)geteuid(), path);
	findings_fact_text(&doctor->findings, "path", path);
	if (rc == 0)
		doctor_check_holder(doctor, device);
}

static void doctor_check_reset(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (device->reset_methods[0])
		findings_add(&doctor->findings, FINDING_OK, "reset", address, "%s",
			     device->reset_methods);
	else if (device->resettable)
		findings_add(&doctor->findings, FINDING_OK, "reset", address,
			     "there is a method that this kernel does not name");
	else
		findings_add(&doctor->findings, FINDING_WARNING, "reset", address,
			     "there is no method: what one guest leaves in the device the next one "
			     "finds, until the host starts anew");
	findings_fact(&doctor->findings, "methods", json_words(device->reset_methods));
}

/* A virtual function asks for a token once its physical one is VFIO's too. */
static void doctor_check_physical(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_host_device physical;

	if (!device->physical[0] ||
	    vfio_host_device(doctor->tool->sys, device->physical, &physical, NULL) ||
	    !vfio_host_is_bound(&physical))
		return;
	findings_add(&doctor->findings, FINDING_WARNING, "driver", device->sysfs.address,
		     "its physical function %s is bound to %s, so that VFIO wants the token that "
		     "was set there",
		     device->physical, physical.driver);
	findings_mend(&doctor->findings, "ferry run --vfio %s,vf-token=UUID, or ferry unbind %s",
		      device->sysfs.address, device->physical);
	findings_fact_text(&doctor->findings, "physical_function", device->physical);
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
	size_t count = vfio_host_reserved(doctor->tool->sys, device->sysfs.group, regions,
					  ARRAY_SIZE(regions));
	size_t read = count < ARRAY_SIZE(regions) ? count : ARRAY_SIZE(regions), direct = 0;

	while (direct < read && !regions[direct].direct)
		direct++;
	if (direct < read) {
		findings_add(&doctor->findings, FINDING_FAILURE, "reserved regions",
			     device->sysfs.address,
			     "the firmware wants 0x%" PRIx64 "-0x%" PRIx64
			     " mapped as it is, so that the kernel keeps the device",
			     regions[direct].first, regions[direct].last);
		findings_mend(&doctor->findings, "turn off in the firmware what uses it there (its "
						 "RMRR), or choose another device");
	} else {
		findings_add(&doctor->findings, FINDING_OK, "reserved regions",
			     device->sysfs.address, "%zu, none of which keeps it from a guest",
			     count);
	}
	findings_fact(&doctor->findings, "regions", doctor_regions_json(regions, read));
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
		size_t found =
			devices[i].has_group
				? vfio_host_reserved(doctor->tool->sys, devices[i].sysfs.group,
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
	findings_add(&doctor->findings, count ? FINDING_OK : FINDING_FAILURE, "IOVA ranges",
		     device->sysfs.address, "%s can be mapped for its DMA%s", said,
		     bits == 64 ? " (its IOMMU does not say how far it reaches)" : "");
	findings_fact(&doctor->findings, "ranges", array);
	findings_fact(&doctor->findings, "bits", bits == 64 ? json_null() : json_integer(bits));
}

/* Says nothing when nobody is seen: only root is told by the kernel where things are. */
static void doctor_check_bars(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_claim claim;
	char text[160], mend[FINDING_MEND];

	if (!vfio_claim_find(doctor->tool->proc, &device->sysfs, device->driver, &claim))
		return;
	vfio_claim_tell(&claim, text, sizeof(text));
	vfio_claim_mend(&claim, mend, sizeof(mend));
	findings_add(&doctor->findings, FINDING_FAILURE, "BARs", device->sysfs.address,
		     "%s, so that VFIO does not get it", text);
	findings_mend(&doctor->findings, "%s", mend);
}

/* It runs, with less than the host's driver has. */
static void doctor_check_graphics(struct doctor *doctor, const struct vfio_host_device *device)
{
	if (vfio_host_is_igd(device->sysfs.address, device->vendor, device->class_code))
		findings_add(&doctor->findings, FINDING_WARNING, "graphics", device->sysfs.address,
			     "of Intel's own graphics the guest gets neither the stolen memory nor "
			     "the firmware's OpRegion, which are memory of the host: its displays "
			     "may stay dark; computing and video coding work");
}

static void doctor_check_device(struct doctor *doctor, const struct vfio_host_device *device)
{
	const char *address = device->sysfs.address;

	if (device->bridge) {
		findings_add(&doctor->findings, FINDING_FAILURE, "device", address,
			     "it is a bridge: only what is behind it can be handed over");
		findings_mend(&doctor->findings, "ferry devices (lists what can)");
		return;
	}
	if (device->group_to_come) {
		findings_add(&doctor->findings, FINDING_FAILURE, "group", address,
			     "it has no driver, and gets its IOMMU group with the first");
		findings_mend(&doctor->findings, "ferry bind %s", address);
		return;
	}
	if (!device->has_group) {
		findings_add(&doctor->findings, FINDING_FAILURE, "group", address,
			     "it is in no IOMMU group");
		doctor_mend_iommu(doctor);
		return;
	}
	if (device->unconfined) {
		findings_add(
			&doctor->findings, FINDING_FAILURE, "group", address,
			"IOMMU group %u has no IOMMU behind it (VFIO's no-IOMMU mode): a guest "
			"could reach all of the host's memory",
			device->sysfs.group);
		doctor_mend_iommu(doctor);
		return;
	}
	doctor_check_driver(doctor, device);
	doctor_check_physical(doctor, device);
	doctor_check_group(doctor, device);
	doctor_check_node(doctor, device);
	doctor_check_bars(doctor, device);
	doctor_check_graphics(doctor, device);
	doctor_check_reset(doctor, device);
	doctor_check_reserved(doctor, device);
	doctor_check_iova(doctor, device);
}

void doctor_check_devices(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++)
		doctor_check_device(doctor, &doctor->devices[i]);
}

void doctor_check_layout(struct doctor *doctor)
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
	if (doctor->count) {
		request.usable_count = doctor_usable_ranges(doctor, doctor->devices, doctor->count,
							    usable, ARRAY_SIZE(usable));
		request.usable = usable;
	}
	if (arch_layout(&request, &platform, &err)) {
		findings_add(&doctor->findings, FINDING_FAILURE, "layout", "", "%s", err.text);
		return;
	}
	findings_add(&doctor->findings, FINDING_OK, "layout", "",
		     "%" PRIu64 " MiB of RAM (pieces: %zu), BARs of %" PRIu64
		     " KiB below 4 GiB and "
		     "%" PRIu64 " KiB above find their places",
		     doctor->memory / MIB, platform.ram_count, request.mmio32_needed / KIB,
		     request.mmio64_needed / KIB);
	findings_fact_number(&doctor->findings, "ram_pieces", platform.ram_count);
	findings_fact_number(&doctor->findings, "bars_below_4g_bytes", request.mmio32_needed);
	findings_fact_number(&doctor->findings, "bars_above_4g_bytes", request.mmio64_needed);
}
