/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a device's place in sysfs, and telling a person what is wrong with it there. */

#include "vfio/host/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/files.h"
#include "vmm/base/page.h"

enum {
	MEMBERS_NAMED = 6,
	/* Flags of the `resource` file, as linux/ioport.h has had them since PCI exists. */
	RESOURCE_IO = 0x100,
	RESOURCE_MEM = 0x200,
	RESOURCE_PREFETCH = 0x2000,
	RESOURCE_MEM_64 = 0x100000,
};

#define TURN_IOMMU_ON                                                                              \
	"turn VT-d, AMD-Vi or the SMMU on in the firmware and start the host with intel_iommu=on " \
	"(Intel; AMD needs no argument unless amd_iommu=off is given)"

int vfio_sysfs_link(const char *folder, const char *name, char *component, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = files_link(path, target, sizeof(target));
	if (rc)
		return rc;
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	if (strlen(slash) >= size)
		return -ENAMETOOLONG;
	strcpy(component, slash);
	return 0;
}

bool vfio_driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio");
}

bool vfio_driver_is_harmless(const char *driver)
{
	return vfio_driver_is_vfio(driver) || strcmp(driver, "pci-stub") == 0 ||
	       strcmp(driver, "pcieport") == 0;
}

static bool sysfs_parse_address(const char *text, struct vfio_sysfs_device *device)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	/* sscanf() would take signs and blanks. */
	if (text[strspn(text, "0123456789abcdefABCDEF:.")] != '\0')
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 ||
	    text[end] != '\0') {
		domain = 0;
		end = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3 ||
		    text[end] != '\0')
			return false;
	}
	if (domain > INT_MAX || slot > 31 || function > 7)
		return false;
	snprintf(device->address, sizeof(device->address), "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	device->is_pci = true;
	device->slot = (uint64_t)domain << 13 | bus << 5 | slot;
	device->function = function;
	return true;
}

bool vfio_sysfs_is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* The last component of a path is what VFIO knows the device by, whatever bus it is on. */
static bool sysfs_take_name(const char *text, bool is_path, struct vfio_sysfs_device *device)
{
	if (sysfs_parse_address(text, device))
		return true;
	if (text[0] == '\0' || strlen(text) >= sizeof(device->address) ||
	    (!is_path && !vfio_sysfs_is_uuid(text)))
		return false;
	strcpy(device->address, text);
	return true;
}

/* Turns what the user wrote into a path and an address. */
static int sysfs_normalise(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
			   struct err *err)
{
	const char *last = name, *bus;
	char trimmed[PATH_MAX];
	size_t length = strlen(name);
	int size;

	if (length == 0 || length >= sizeof(trimmed))
		return err_set(err, -EINVAL, "passthrough device: '%.40s': not a path or address",
			       name);
	strcpy(trimmed, name);
	while (length > 1 && trimmed[length - 1] == '/')
		trimmed[--length] = '\0';
	last = strrchr(trimmed, '/');
	last = last ? last + 1 : trimmed;
	if (!sysfs_take_name(last, last != trimmed, device))
		return err_set(err, -EINVAL,
			       "passthrough device: %s: not a PCI address: give a path such as "
			       "/sys/bus/pci/devices/0000:01:00.0, an address such as 01:00.0 "
			       "(ferry devices lists them) or a mediated device's UUID",
			       name);
	bus = device->is_pci ? "pci" : "mdev";
	size = last != trimmed ? snprintf(device->path, sizeof(device->path), "%s", trimmed)
			       : snprintf(device->path, sizeof(device->path),
					  "%s/bus/%s/devices/%s", sysfs, bus, device->address);
	if (size >= (int)sizeof(device->path))
		return err_set(err, -ENAMETOOLONG, "passthrough device: %.80s: path too long",
			       name);
	return 0;
}

int vfio_sysfs_check_name(const char *name, struct err *err)
{
	struct vfio_sysfs_device device = {0};

	return sysfs_normalise("/sys", name, &device, err);
}

static int sysfs_check_exists(const struct vfio_sysfs_device *device, struct err *err)
{
	int rc = files_check(device->path);

	if (!rc)
		return 0;
	if (rc == -ENOENT && device->is_pci)
		return err_set(err, -ENOENT,
			       "passthrough device %s: this host has none there: ferry devices "
			       "lists those that are",
			       device->address);
	return err_set(err, rc, "passthrough device %s: %s: %s", device->address, device->path,
		       err_text(rc));
}

/* What lies elsewhere may be made up, as of files that never answer. */
static int sysfs_check_place(const char *sysfs, const struct vfio_sysfs_device *device,
			     struct err *err)
{
	char root[PATH_MAX], place[PATH_MAX];
	size_t length;
	int rc = files_real(sysfs, root);

	if (!rc)
		rc = files_real(device->path, place);
	if (rc)
		return err_set(err, rc, "passthrough device %s: %s: %s", device->address,
			       device->path, err_text(rc));
	length = strlen(root);
	if (strncmp(place, root, length) == 0 && place[length] == '/')
		return 0;
	return err_set(err, -ENODEV,
		       "passthrough device %s: %s: not in %s: give a path such as "
		       "/sys/bus/pci/devices/0000:01:00.0",
		       device->address, device->path, sysfs);
}

static int sysfs_check_is_pci(const struct vfio_sysfs_device *device, struct err *err)
{
	char subsystem[VFIO_DRIVER_SIZE] = "";
	int rc = vfio_sysfs_link(device->path, "subsystem", subsystem, sizeof(subsystem));

	if (rc && rc != -ENOENT && rc != -ENOTDIR)
		return err_set(err, rc, "passthrough device %s: %s: subsystem link: %s",
			       device->address, device->path, err_text(rc));
	if (strcmp(subsystem, "pci") != 0 && vfio_sysfs_is_uuid(device->address))
		return err_set(
			err, -ENODEV,
			"passthrough device %s: it is a mediated device, with a driver of VFIO's "
			"own: ferry run --vfio takes it as it is",
			device->address);
	if (strcmp(subsystem, "pci") != 0)
		return err_set(err, -ENODEV,
			       "passthrough device %s: %s: not a PCI device: give a path under "
			       "/sys/bus/pci/devices",
			       device->address, device->path);
	return 0;
}

int vfio_sysfs_group(const struct vfio_sysfs_device *device, unsigned int *group, struct err *err)
{
	char name[32], *end;
	unsigned long number;
	int rc = vfio_sysfs_link(device->path, "iommu_group", name, sizeof(name));

	if ((rc == -ENOENT || rc == -ENOTDIR) && !device->is_pci)
		return err_set(err, -ENODEV,
			       "passthrough device %s: %s: it is in no IOMMU group: not a device "
			       "that VFIO serves",
			       device->address, device->path);
	if (rc == -ENOENT)
		return err_set(err, -ENODEV,
			       "passthrough device %s: it is in no IOMMU group: the host's IOMMU "
			       "is off: " TURN_IOMMU_ON "; on aarch64 it may come with the first "
			       "driver: ferry bind %s",
			       device->address, device->address);
	if (rc)
		return err_set(err, rc, "passthrough device %s: iommu_group link: %s",
			       device->address, err_text(rc));
	errno = 0;
	number = strtoul(name, &end, 10);
	if (name[0] < '0' || name[0] > '9' || *end != '\0' || errno != 0 || number > INT_MAX)
		return err_set(err, -EINVAL,
			       "passthrough device %s: iommu_group link: '%s' is not a number",
			       device->address, name);
	*group = (unsigned int)number;
	return 0;
}

/* Most groups have no name: "". */
static int sysfs_read_group_name(const char *sysfs, unsigned int group, char *name, size_t size)
{
	char path[PATH_MAX];
	FILE *file;
	int rc;

	name[0] = '\0';
	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u/name", sysfs, group);
	if (files_check(path) == -ENOENT)
		return 0;
	file = files_open(path);
	if (!file)
		return -errno;
	rc = fgets(name, (int)size, file) || !ferror(file) ? 0 : -EIO;
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return rc;
}

bool vfio_sysfs_is_confined(const char *sysfs, unsigned int group)
{
	char name[32];

	return sysfs_read_group_name(sysfs, group, name, sizeof(name)) ||
	       strcmp(name, "vfio-noiommu") != 0;
}

/* The groups of mediated devices are named alike: their drivers pin what they reach. */
static int sysfs_check_confined(const char *sysfs, const struct vfio_sysfs_device *device,
				unsigned int group, struct err *err)
{
	char name[32];
	int rc;

	if (!device->is_pci)
		return 0;
	rc = sysfs_read_group_name(sysfs, group, name, sizeof(name));
	if (rc)
		return err_set(err, rc, "passthrough device %s: the name of its IOMMU group %u: %s",
			       device->address, group, err_text(rc));
	if (strcmp(name, "vfio-noiommu") != 0)
		return 0;
	return err_set(err, -EPERM,
		       "passthrough device %s: no IOMMU confines it (its group %u is of VFIO's "
		       "no-IOMMU mode), so that a guest could reach all of the host's "
		       "memory: " TURN_IOMMU_ON,
		       device->address, group);
}

static int sysfs_check_driver(struct vfio_sysfs_device *device, struct err *err)
{
	char driver[VFIO_DRIVER_SIZE];
	const char *address = device->address;
	int rc = vfio_sysfs_link(device->path, "driver", driver, sizeof(driver));

	device->variant = rc == 0 && device->is_pci && strcmp(driver, "vfio-pci") != 0;
	/* Which drivers serve mediated devices cannot be told by their names. */
	if (rc == 0 && (vfio_driver_is_vfio(driver) || !device->is_pci))
		return 0;
	if (rc == 0)
		return err_set(err, -EBUSY,
			       "passthrough device %s: it is bound to driver %s, not to vfio-pci: "
			       "as root: ferry bind %s",
			       address, driver, address);
	if (rc != -ENOENT)
		return err_set(err, rc, "passthrough device %s: %s: driver link: %s", address,
			       device->path, err_text(rc));
	if (!device->is_pci)
		return err_set(
			err, -ENODEV,
			"passthrough device %s: it has no driver that could serve it to VFIO",
			address);
	return err_set(err, -ENODEV,
		       "passthrough device %s: it has no driver and must be bound to vfio-pci: as "
		       "root: ferry bind %s",
		       address, address);
}

int vfio_sysfs_resources(struct vfio_sysfs_device *device, struct err *err)
{
	char path[PATH_MAX + 16], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/resource", device->path);
	file = files_open(path);
	if (!file)
		return err_set(err, -errno, "passthrough device %s: %s: %s", device->address, path,
			       err_text(-errno));
	for (unsigned int i = 0; i < PCI_BAR_COUNT && fgets(line, sizeof(line), file); i++) {
		struct vfio_resource *resource = &device->resources[i];
		uint64_t start, end, flags;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3) {
			fclose(file);
			return err_set(err, -EINVAL,
				       "passthrough device %s: %s: line %u is not three numbers",
				       device->address, path, i + 1);
		}
		if (!(flags & (RESOURCE_IO | RESOURCE_MEM)) || end < start || end == 0 ||
		    end - start > (uint64_t)1 << 62)
			continue;
		resource->start = start;
		resource->size = end - start + 1;
		resource->io = flags & RESOURCE_IO;
		resource->wide = flags & RESOURCE_MEM_64;
		resource->prefetchable = flags & RESOURCE_PREFETCH;
	}
	fclose(file);
	return 0;
}

uint64_t vfio_sysfs_room(uint64_t size)
{
	if (size == 0)
		return 0;
	return round_up_power_of_2(size < host_page_size() ? host_page_size() : size);
}

void vfio_sysfs_window(const struct vfio_sysfs_device *device, uint64_t *mmio32, uint64_t *mmio64)
{
	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		const struct vfio_resource *resource = &device->resources[bar];

		if (!resource->io)
			*(resource->wide ? mmio64 : mmio32) += vfio_sysfs_room(resource->size);
	}
}

static int sysfs_locate(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
			struct err *err)
{
	int rc;

	memset(device, 0, sizeof(*device));
	rc = sysfs_normalise(sysfs, name, device, err);
	if (!rc)
		rc = sysfs_check_exists(device, err);
	if (!rc)
		rc = sysfs_check_place(sysfs, device, err);
	if (!rc && device->is_pci)
		rc = sysfs_check_is_pci(device, err);
	return rc;
}

int vfio_sysfs_locate(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		      struct err *err)
{
	int rc = sysfs_locate(sysfs, name, device, err);

	return rc || device->is_pci ? rc : sysfs_check_is_pci(device, err);
}

/* A device that is looked for, and what was found. */
struct sysfs_search {
	const char *sysfs, *name;
	struct vfio_sysfs_device *device;
	unsigned int *group;
	struct err *err;
	int rc;
};

static void sysfs_search(void *owner)
{
	struct sysfs_search *search = owner;
	struct vfio_sysfs_device *device = search->device;
	struct err *err = search->err;
	int rc = sysfs_locate(search->sysfs, search->name, device, err);

	if (!rc && search->group)
		rc = vfio_sysfs_group(device, search->group, err);
	if (!rc && search->group)
		rc = sysfs_check_confined(search->sysfs, device, *search->group, err);
	if (!rc)
		rc = sysfs_check_driver(device, err);
	if (!rc && device->is_pci)
		rc = vfio_sysfs_resources(device, err);
	search->rc = rc;
}

int vfio_sysfs_find(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		    unsigned int *group, struct err *err)
{
	struct sysfs_search search = {sysfs, name, device, group, err, 0};
	int rc = files_look(sysfs_search, &search);

	return rc ? err_set(err, rc, "passthrough device: %.80s: no thread to look for it: %s",
			    name, err_text(rc))
		  : search.rc;
}

struct blockers {
	char named[MEMBERS_NAMED * (VFIO_ADDRESS_SIZE + VFIO_DRIVER_SIZE + 12)];
	char first[VFIO_ADDRESS_SIZE];
	unsigned int count;
};

static void sysfs_add_blocker(struct blockers *blockers, const char *sysfs, const char *name)
{
	size_t named = strlen(blockers->named);
	char path[PATH_MAX], driver[VFIO_DRIVER_SIZE];

	if (strlen(name) >= VFIO_ADDRESS_SIZE ||
	    snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", sysfs, name) >=
		    (int)sizeof(path) ||
	    vfio_sysfs_link(path, "driver", driver, sizeof(driver)) != 0 ||
	    vfio_driver_is_harmless(driver))
		return;
	if (blockers->count++ >= MEMBERS_NAMED)
		return;
	snprintf(blockers->named + named, sizeof(blockers->named) - named, "%s%s (driver %s)",
		 named ? ", " : "", name, driver);
	if (blockers->count == 1)
		strcpy(blockers->first, name);
}

int vfio_sysfs_check_members(const char *sysfs, unsigned int group, struct err *err)
{
	struct blockers blockers = {0};
	char path[PATH_MAX], more[32] = "";
	const char *name = NULL;
	char *names;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%u/devices", sysfs, group);
	(void)!files_list(path, &names);
	while ((name = files_next(names, name)))
		sysfs_add_blocker(&blockers, sysfs, name);
	free(names);
	if (blockers.count == 0)
		return 0;
	if (blockers.count > MEMBERS_NAMED)
		snprintf(more, sizeof(more), " and %u more", blockers.count - MEMBERS_NAMED);
	return err_set(err, -EPERM,
		       "IOMMU group %u: not viable: %s%s would share its DMA: as root: ferry bind "
		       "--group %s",
		       group, blockers.named, more, blockers.first);
}

int vfio_sysfs_not_viable(const char *sysfs, unsigned int group, struct err *err)
{
	int rc = vfio_sysfs_check_members(sysfs, group, err);

	if (rc)
		return rc;
	return err_set(err, -EPERM,
		       "IOMMU group %u: not viable: a member is bound to a host driver: bind every "
		       "device under %s/kernel/iommu_groups/%u/devices to vfio-pci or to no driver",
		       group, sysfs, group);
}
