/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A kernel that answers every question about container, group and device, or iommufd and character
 * device, with anything at all.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "vfio/host/cdev.h"
#include "vfio/host/host.h"
#include "vfio/pci/irq.h"
#include "vfio/pci/region.h"
#include "vfio/provider.h"
#include "vfio/sys.h"
#include "vfio/vfio.h"
#include "vmm/base/fd.h"

enum { REGIONS = 10, ANSWER_MAX = 4096 };

static struct input input;

int vfio_sys_open(const char *path)
{
	(void)path;
	return fd_eventfd();
}

/* The kernel never writes past argsz, whatever else it says. */
static void answer(void *argument)
{
	uint32_t argsz;
	uint8_t bytes[ANSWER_MAX];
	size_t size;

	memcpy(&argsz, argument, sizeof(argsz));
	size = take16(&input);
	if (size > argsz)
		size = argsz;
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	take(&input, bytes, size);
	memcpy(argument, bytes, size);
}

int vfio_sys_ioctl(int fd, unsigned long request, void *argument)
{
	uint8_t result = take8(&input);

	require(fd >= 0);
	if (result > 0xf0)
		return -(int)(result & 0xf) - 1;
	switch (request) {
	case VFIO_GET_API_VERSION:
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_GROUP_UNSET_CONTAINER:
	case VFIO_SET_IOMMU:
		return 0;
	case VFIO_CHECK_EXTENSION:
		return 1;
	case VFIO_GROUP_GET_DEVICE_FD:
		return fd_eventfd();
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)argument)->flags = VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	default:
		answer(argument);
		return result & 1;
	}
}

ssize_t vfio_sys_read(int fd, void *data, size_t size, uint64_t offset)
{
	require(fd >= 0 && offset <= INT64_MAX - size);
	size = take8(&input) % (size + 1);
	take(&input, data, size);
	return (ssize_t)size;
}

ssize_t vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset)
{
	(void)data;
	require(fd >= 0 && offset <= INT64_MAX - size);
	return (ssize_t)take8(&input) % ((ssize_t)size + 1);
}

static void check_region(struct vfio_backend *backend, const struct vfio_region *region)
{
	uint64_t value;

	require(region->area_count <= VFIO_AREAS_MAX);
	for (size_t i = 0; i < region->area_count; i++)
		require(region->areas[i].size != 0 &&
			range_fits(region->areas[i].offset, region->areas[i].size,
				   region->info.size));
	for (unsigned int size = 1; size <= 8; size *= 2) {
		uint64_t offset = take64(&input);

		if (vfio_region_read(backend, region, offset, size, &value) != 0)
			require(value == all_ones(size));
		else
			require(region->present && range_fits(offset, size, region->info.size));
		(void)!vfio_region_write(backend, region, offset, size, value);
	}
}

static void use_device(struct vfio_provider *provider, struct vfio_backend *backend)
{
	struct vfio_bus_reset *reset;
	struct err err = {0};

	for (uint32_t i = 0; i < REGIONS; i++) {
		struct vfio_region region;

		if (vfio_region_load(backend, i, &region, &err) == 0)
			check_region(backend, &region);
		else
			require(!region.present && err.text[0]);
		(void)vfio_irq_count(backend, i, NULL);
	}
	reset = vfio_bus_reset_prepare(provider, backend, "0000:01:00.0", &err);
	require(reset || (err.text[0] && err.code < 0));
	if (reset)
		(void)vfio_bus_reset_hits(reset, "0000:01:00.1");
	vfio_bus_reset_free(reset);
	backend->ops->close(backend);
}

/* What sysfs tells is the unit tests' subject. */
int vfio_sysfs_find(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		    unsigned int *group, struct err *err)
{
	(void)sysfs;
	(void)err;
	*device = (struct vfio_sysfs_device){.is_pci = true};
	strcpy(device->address, name);
	if (group)
		*group = 7;
	return 0;
}

int vfio_sysfs_check_members(const char *sysfs, unsigned int group, struct err *err)
{
	(void)sysfs;
	(void)group;
	(void)err;
	return 0;
}

int vfio_sysfs_not_viable(const char *sysfs, unsigned int group, struct err *err)
{
	(void)sysfs;
	return err_set(err, -EPERM, "IOMMU group %u: not viable", group);
}

int vfio_sysfs_group(const struct vfio_sysfs_device *device, unsigned int *group, struct err *err)
{
	(void)device;
	(void)err;
	*group = 7;
	return 0;
}

/* As on Arm, where MSIs are tried. */
size_t vfio_host_reserved(const char *sysfs, unsigned int group, struct vfio_host_region *regions,
			  size_t room)
{
	(void)sysfs;
	(void)group;
	require(room > 0);
	regions[0] = (struct vfio_host_region){.first = 0x8000000, .last = 0x80fffff, .msi = true};
	return 1;
}

int vfio_cdev_find(const struct vfio_sysfs_device *device, const char *dev, char *path, size_t size)
{
	(void)device;
	snprintf(path, size, "%s/vfio/devices/vfio0", dev);
	return 0;
}

int vfio_cdev_check(const struct vfio_sysfs_device *device, const char *dev, char *path,
		    size_t size)
{
	return vfio_cdev_find(device, dev, path, size);
}

int vfio_cdev_owner(const char *sysfs, int fd, char folder[PATH_MAX])
{
	(void)fd;
	strcpy(folder, sysfs);
	return 0;
}

int vfio_cdev_group(const char *sysfs, int fd, unsigned int *group)
{
	(void)sysfs;
	(void)fd;
	*group = 7;
	return 0;
}

int vfio_cdev_check_iommufd(const char *sysfs, int fd)
{
	(void)sysfs;
	(void)fd;
	return 0;
}

int vfio_sysfs_link(const char *folder, const char *name, char *component, size_t size)
{
	(void)folder;
	(void)name;
	(void)component;
	(void)size;
	return -ENOENT;
}

bool vfio_driver_is_vfio(const char *driver)
{
	(void)driver;
	return true;
}

static void use_lease(struct vfio_lease *lease, const struct vfio_sysfs_device *device)
{
	const struct vfio_space *space = lease->provider->space;
	struct vfio_backend *backend;
	struct err err = {0};

	require(space->range_count <= VFIO_IOVA_RANGES_MAX);
	backend = lease->provider->ops->open_device(lease, device, NULL, &err);
	require(backend || (err.text[0] && err.code < 0));
	if (backend)
		use_device(lease->provider, backend);
	lease->provider->ops->leave(lease);
}

static void use_way(const struct vfio_provider_ops *way)
{
	const struct vfio_settings settings = {.sysfs = "/", .dev = "/dev", .proc = "/nonexistent"};
	struct vfio_device_config config = {.path = "0000:01:00.0"};
	struct err err = {0};
	struct vfio_provider *provider = way->create(&settings, &err);
	struct vfio_sysfs_device device;
	struct vfio_lease *lease;

	lease = provider->ops->join(provider, &config, &device, &err);
	require(lease || (err.text[0] && err.code < 0));
	if (lease)
		use_lease(lease, &device);
	provider->ops->destroy(provider);
}

/* Each way is told the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int descriptors = open_descriptors();

	for (const struct vfio_provider_ops *const *way = vfio_providers; *way; way++) {
		input = (struct input){.bytes = data, .left = size};
		use_way(*way);
		require(open_descriptors() == descriptors);
	}
	return 0;
}
