/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking the kernel whom a reset of the bus hits, and collecting the groups it wants to see. */

#include "vfio/pci/bus_reset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/fd.h"

enum { DEPENDENTS_MAX = 4096 };

/*
 * The kernel has 16 bits for a segment, whose number may be wider (0x10000 and up behind VMD). Who
 * is on one bus is in one segment: the caller's has the bits that are missing.
 */
static void bus_format_address(const struct vfio_bus_reset *reset,
			       const struct vfio_pci_dependent_device *device, char *text,
			       size_t size)
{
	uint32_t segment =
		(uint16_t)reset->segment == device->segment ? reset->segment : device->segment;

	snprintf(text, size, "%04x:%02x:%02x.%x", segment, device->bus, device->devfn >> 3,
		 device->devfn & 7U);
}

/* Asked twice: how many there are, then who. */
static int bus_load_devices(struct vfio_backend *backend, struct vfio_bus_reset *reset)
{
	struct vfio_pci_hot_reset_info head = {.argsz = sizeof(head)}, *info;
	size_t size;
	int rc = backend->ops->hot_reset_info(backend, &head);

	if (rc < 0 && rc != -ENOSPC)
		return rc;
	if (head.count == 0 || head.count > DEPENDENTS_MAX)
		return -ENODEV;
	size = sizeof(*info) + head.count * sizeof(info->devices[0]);
	info = calloc(1, size);
	reset->devices = calloc(head.count, sizeof(reset->devices[0]));
	if (!info || !reset->devices) {
		free(info);
		return -ENOMEM;
	}
	info->argsz = (uint32_t)size;
	rc = backend->ops->hot_reset_info(backend, info);
	if (!rc && (info->count == 0 || info->count > head.count))
		rc = -EAGAIN;
	if (!rc) {
		reset->count = info->count;
		memcpy(reset->devices, info->devices, info->count * sizeof(info->devices[0]));
	}
	free(info);
	return rc;
}

static bool bus_is_first_of_group(const struct vfio_bus_reset *reset, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (reset->devices[i].group_id == reset->devices[index].group_id)
			return false;
	return true;
}

static int bus_add_groups(struct vfio_bus_reset *reset, const char *name, vfio_find_group find,
			  void *owner, struct err *err)
{
	struct vfio_pci_hot_reset *request =
		calloc(1, sizeof(*request) + reset->count * sizeof(request->group_fds[0]));

	if (!request)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory", name);
	reset->request = request;
	request->argsz = (uint32_t)(sizeof(*request) + reset->count * sizeof(int32_t));
	for (uint32_t i = 0; i < reset->count; i++) {
		const struct vfio_pci_dependent_device *device = &reset->devices[i];
		char address[VFIO_ADDRESS_SIZE];
		int fd;

		if (!bus_is_first_of_group(reset, i))
			continue;
		bus_format_address(reset, device, address, sizeof(address));
		fd = find(owner, device->group_id);
		if (fd < 0)
			return err_set(err, -EPERM,
				       "passthrough device %s: its bus cannot be reset: %s in "
				       "IOMMU group %u would be hit: pass that device too",
				       name, address, device->group_id);
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return err_set(
				err, -errno,
				"passthrough device %s: reset of its bus: IOMMU group %u: %s", name,
				device->group_id, err_text(-errno));
		request->group_fds[request->count++] = fd;
	}
	return 0;
}

struct vfio_bus_reset *vfio_bus_reset_prepare(struct vfio_backend *backend, const char *name,
					      vfio_find_group find, void *owner, struct err *err)
{
	struct vfio_bus_reset *reset = calloc(1, sizeof(*reset));
	int rc = reset ? bus_load_devices(backend, reset) : -ENOMEM;

	if (rc) {
		err_set(err, rc, "passthrough device %s: reset of its bus: %s", name, err_text(rc));
		goto free_reset;
	}
	reset->segment = (uint32_t)strtoul(name, NULL, 16);
	if (bus_add_groups(reset, name, find, owner, err))
		goto free_reset;
	return reset;

free_reset:
	vfio_bus_reset_free(reset);
	return NULL;
}

int vfio_bus_reset_check(const struct vfio_bus_reset *reset, const char *sysfs, const char *name,
			 struct err *err)
{
	for (uint32_t i = 0; i < reset->count; i++) {
		char address[VFIO_ADDRESS_SIZE], driver[VFIO_DRIVER_SIZE], path[PATH_MAX];
		bool bound;

		bus_format_address(reset, &reset->devices[i], address, sizeof(address));
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", sysfs, address);
		bound = !vfio_sysfs_link(path, "driver", driver, sizeof(driver));
		if (bound ? vfio_driver_is_vfio(driver) : access(path, F_OK) < 0)
			continue;
		return err_set(err, -EPERM,
			       "passthrough device %s: its bus cannot be reset: %s is on it and "
			       "not bound to vfio-pci: as root: ferry bind %s",
			       name, address, address);
	}
	return 0;
}

void vfio_bus_reset_free(struct vfio_bus_reset *reset)
{
	if (!reset)
		return;
	for (uint32_t i = 0; reset->request && i < reset->request->count; i++)
		fd_close(&reset->request->group_fds[i]);
	free(reset->request);
	free(reset->devices);
	free(reset);
}

bool vfio_bus_reset_hits(const struct vfio_bus_reset *reset, const char *address)
{
	char text[VFIO_ADDRESS_SIZE];

	for (uint32_t i = 0; i < reset->count; i++) {
		bus_format_address(reset, &reset->devices[i], text, sizeof(text));
		if (strcmp(text, address) == 0)
			return true;
	}
	return false;
}
