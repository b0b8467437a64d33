/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host tells of its PCI devices and their IOMMU groups without any of them being opened. */

#include "vfio/host/host.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/files.h"

enum { CLASS_BRIDGE = 6, HEADER_TYPE = 0x0e, HEADER_TYPE_MASK = 0x7f };

void vfio_host_line(const char *folder, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return;
	file = files_open(path);
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

/* A number as C writes it, up to @most; 0 for anything else. */
static uint64_t host_read_number(const char *folder, const char *name, uint64_t most)
{
	char text[32], *end;
	uint64_t value;

	vfio_host_line(folder, name, text, sizeof(text));
	if (text[0] < '0' || text[0] > '9')
		return 0;
	value = strtoull(text, &end, 0);
	return *end == '\0' && value <= most ? value : 0;
}

/* The kernel lets nobody pass through what has not an ordinary header. */
static bool host_has_bridge_header(const char *path)
{
	char name[PATH_MAX + 16];
	unsigned char head[HEADER_TYPE + 1];
	FILE *file;
	bool bridge;

	snprintf(name, sizeof(name), "%s/config", path);
	file = fopen(name, "re");
	if (!file)
		return false;
	bridge = fread(head, sizeof(head), 1, file) == 1 && head[HEADER_TYPE] != 0xff &&
		 (head[HEADER_TYPE] & HEADER_TYPE_MASK) != 0;
	fclose(file);
	return bridge;
}

static void host_read_text(const char *path, const char *name, char *text, size_t size)
{
	if (vfio_sysfs_link(path, name, text, size))
		text[0] = '\0';
}

/* Whether sysfs shows an IOMMU. */
static bool host_has_iommu(const char *sysfs)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/iommu", sysfs);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list)))
		found = entry->d_name[0] != '.';
	if (list)
		closedir(list);
	return found;
}

int vfio_host_device(const char *sysfs, const char *name, struct vfio_host_device *device,
		     struct err *err)
{
	const char *path = device->sysfs.path;
	char reset[PATH_MAX + 16];
	int rc;

	memset(device, 0, sizeof(*device));
	rc = vfio_sysfs_locate(sysfs, name, &device->sysfs, err);
	if (rc)
		return rc;
	device->has_group = vfio_sysfs_group(&device->sysfs, &device->group, NULL) == 0;
	device->unconfined = device->has_group && !vfio_sysfs_is_confined(sysfs, device->group);
	if (vfio_sysfs_resources(&device->sysfs, NULL))
		memset(device->sysfs.resources, 0, sizeof(device->sysfs.resources));
	device->vendor = (uint16_t)host_read_number(path, "vendor", UINT16_MAX);
	device->device = (uint16_t)host_read_number(path, "device", UINT16_MAX);
	device->subsystem_vendor = (uint16_t)host_read_number(path, "subsystem_vendor", UINT16_MAX);
	device->subsystem_device = (uint16_t)host_read_number(path, "subsystem_device", UINT16_MAX);
	device->class_code = (uint32_t)host_read_number(path, "class", 0xffffff);
	device->revision = (uint8_t)host_read_number(path, "revision", UINT8_MAX);
	device->bridge = device->class_code >> 16 == CLASS_BRIDGE || host_has_bridge_header(path);
	device->boot_vga = host_read_number(path, "boot_vga", 1) == 1;
	device->functions = (unsigned int)host_read_number(path, "sriov_numvfs", UINT16_MAX);
	device->most_functions = (unsigned int)host_read_number(path, "sriov_totalvfs", UINT16_MAX);
	host_read_text(path, "driver", device->driver, sizeof(device->driver));
	device->group_to_come = !device->has_group && !device->driver[0] && host_has_iommu(sysfs);
	host_read_text(path, "physfn", device->physical, sizeof(device->physical));
	vfio_host_line(path, "reset_method", device->reset_methods, sizeof(device->reset_methods));
	snprintf(reset, sizeof(reset), "%s/reset", path);
	device->resettable = access(reset, F_OK) == 0;
	return 0;
}

bool vfio_host_is_bound(const struct vfio_host_device *device)
{
	return vfio_driver_is_vfio(device->driver);
}

bool vfio_host_is_in_the_way(const struct vfio_host_device *device)
{
	return device->driver[0] != '\0' && !vfio_driver_is_harmless(device->driver);
}

static int host_compare_devices(const void *left, const void *right)
{
	const struct vfio_host_device *a = left, *b = right;

	if (a->sysfs.slot != b->sysfs.slot)
		return a->sysfs.slot < b->sysfs.slot ? -1 : 1;
	return (a->sysfs.function > b->sysfs.function) - (a->sysfs.function < b->sysfs.function);
}

/* The devices that @folder names, those of them that are PCI's. */
static int host_read_folder(const char *sysfs, const char *folder,
			    struct vfio_host_device **devices, size_t *count, struct err *err)
{
	struct vfio_host_device *grown;
	struct dirent *entry;
	DIR *list = opendir(folder);
	int rc = 0;

	*devices = NULL;
	*count = 0;
	while (list && !rc && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		grown = realloc(*devices, (*count + 1) * sizeof(**devices));
		if (grown)
			*devices = grown;
		else
			rc = err_set(err, -ENOMEM, "%s: out of memory", folder);
		if (grown && vfio_host_device(sysfs, entry->d_name, &grown[*count], NULL) == 0)
			++*count;
	}
	if (list)
		closedir(list);
	if (!rc && *count)
		qsort(*devices, *count, sizeof(**devices), host_compare_devices);
	if (rc) {
		free(*devices);
		*devices = NULL;
	}
	return rc;
}

int vfio_host_devices(const char *sysfs, struct vfio_host_device **devices, size_t *count,
		      struct err *err)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/bus/pci/devices", sysfs);
	return host_read_folder(sysfs, folder, devices, count, err);
}

int vfio_host_group(const char *sysfs, unsigned int group, struct vfio_host_device **members,
		    size_t *count, struct err *err)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/kernel/iommu_groups/%u/devices", sysfs, group);
	return host_read_folder(sysfs, folder, members, count, err);
}

int vfio_host_functions(const char *sysfs, const struct vfio_host_device *device,
			struct vfio_host_device **members, size_t *count, struct err *err)
{
	char name[32], address[VFIO_ADDRESS_SIZE];

	*count = 0;
	*members = calloc(device->functions + 1U, sizeof(**members));
	if (!*members)
		return err_set(err, -ENOMEM, "%s: out of memory", device->sysfs.address);
	for (unsigned int i = 0; i < device->functions; i++) {
		snprintf(name, sizeof(name), "virtfn%u", i);
		if (vfio_sysfs_link(device->sysfs.path, name, address, sizeof(address)) ||
		    vfio_host_device(sysfs, address, &(*members)[*count], NULL))
			break; /* it vanished meanwhile, with all that follow */
		++*count;
	}
	return 0;
}

size_t vfio_host_reserved(const char *sysfs, unsigned int group, struct vfio_host_region *regions,
			  size_t room)
{
	char path[PATH_MAX], line[128], kind[32];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u/reserved_regions", sysfs, group);
	file = files_open(path);
	while (file && fgets(line, sizeof(line), file)) {
		struct vfio_host_region region = {0};

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &region.first, &region.last,
			   kind) != 3 ||
		    region.last < region.first)
			continue;
		region.relaxed = strcmp(kind, "direct-relaxable") == 0;
		region.direct = strcmp(kind, "direct") == 0;
		region.msi = strcmp(kind, "msi") == 0;
		if (count < room)
			regions[count] = region;
		count++;
	}
	if (file)
		fclose(file);
	return count;
}

/* Intel's capability register: the width that it translates, less one, from bit 16. */
unsigned int vfio_host_iova_bits(const struct vfio_host_device *device)
{
	char folder[PATH_MAX + 32], text[32], *end;
	uint64_t capability;

	snprintf(folder, sizeof(folder), "%s/iommu/intel-iommu", device->sysfs.path);
	vfio_host_line(folder, "cap", text, sizeof(text));
	capability = strtoull(text, &end, 16);
	if (text[0] == '\0' || *end != '\0')
		return 64;
	/* The kernel uses tables of four levels unless those of five are turned on. */
	return capability >> 16 & 0x3f ? (unsigned int)(capability >> 16 & 0x3f) + 1 : 64;
}

size_t vfio_host_exclude(struct ram_range *ranges, size_t count, size_t room, uint64_t first,
			 uint64_t last)
{
	struct ram_range old[64];
	size_t kept = 0, olds = count < ARRAY_SIZE(old) ? count : ARRAY_SIZE(old);

	memcpy(old, ranges, olds * sizeof(old[0]));
	for (size_t i = 0; i < olds; i++) {
		uint64_t base = old[i].base, end = base + (old[i].size - 1);

		if (last < base || first > end) {
			if (kept < room)
				ranges[kept++] = old[i];
			continue;
		}
		if (first > base && kept < room)
			ranges[kept++] = (struct ram_range){base, first - base};
		if (last < end && kept < room)
			ranges[kept++] = (struct ram_range){last + 1, end - last};
	}
	return kept;
}

/*
 * A chip whose interrupts are remapped is named so by both vendors' drivers: IR-IO-APIC,
 * IR-PCI-MSI.
 */
enum vfio_host_remapping vfio_host_remapping(const char *sysfs)
{
	enum vfio_host_remapping answer = VFIO_REMAPPING_UNKNOWN;
	char folder[PATH_MAX], path[PATH_MAX + 300], chip[64];
	struct dirent *entry;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/kernel/irq", sysfs);
	list = opendir(folder);
	while (list && answer != VFIO_REMAPPING_ON && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		vfio_host_line(path, "chip_name", chip, sizeof(chip));
		/* Arm's ITS takes interrupts by device, which is what remapping is for. */
		if (strncmp(chip, "IR-", 3) == 0 || strncmp(chip, "ITS-", 4) == 0)
			answer = VFIO_REMAPPING_ON;
		else if (strstr(chip, "IO-APIC") || strstr(chip, "PCI-MSI"))
			answer = VFIO_REMAPPING_OFF;
	}
	if (list)
		closedir(list);
	return answer;
}

/* Function 0 and the virtual ones behind it; Intel's other displays have their own memory. */
bool vfio_host_is_igd(const char *address, uint16_t vendor, uint32_t class_code)
{
	enum { INTEL = 0x8086, CLASS_DISPLAY = 0x03 };
	static const char place[] = "0000:00:02.";

	return vendor == INTEL && class_code >> 16 == CLASS_DISPLAY &&
	       strncmp(address, place, strlen(place)) == 0;
}
