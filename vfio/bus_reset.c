/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking the kernel whom a reset of the bus hits, and the provider to show that they are ours. */

#include "vfio/bus_reset.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/sysfs.h"
#include "vfio/provider.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"

enum { DEPENDENTS_MAX = 4096 };

/*
 * The kernel has 16 bits for a segment, whose number may be wider (0x10000 and up behind VMD). Who
 * is on one bus is in one segment: the caller's has the bits that are missing.
 */
void vfio_bus_reset_address(const struct vfio_bus_reset *reset, uint32_t index, char *text,
			    size_t size)
{
	const struct vfio_pci_dependent_device *device = &reset->info->devices[index];
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

	if (rc && rc != -ENOSPC)
		return rc;
	if (head.count == 0 || head.count > DEPENDENTS_MAX)
		return -ENODEV;
	size = sizeof(*info) + head.count * sizeof(info->devices[0]);
	info = reset->info = calloc(1, size);
	reset->request = calloc(1, sizeof(*reset->request) +
					   head.count * sizeof(reset->request->group_fds[0]));
	if (!info || !reset->request)
		return -ENOMEM;
	info->argsz = (uint32_t)size;
	rc = backend->ops->hot_reset_info(backend, info);
	if (!rc && (info->count == 0 || info->count > head.count))
		rc = -EAGAIN;
	return rc;
}

int vfio_bus_reset_check_drivers(const struct vfio_bus_reset *reset, const char *sysfs,
				 const char *name, struct err *err)
{
	for (uint32_t i = 0; i < reset->info->count; i++) {
		char address[VFIO_ADDRESS_SIZE], driver[VFIO_DRIVER_SIZE], path[PATH_MAX];
		bool bound;

		vfio_bus_reset_address(reset, i, address, sizeof(address));
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", sysfs, address);
		bound = !vfio_sysfs_link(path, "driver", driver, sizeof(driver));
		if (bound ? vfio_driver_is_vfio(driver) : files_check(path))
			continue;
		return err_set(err, -EPERM,
			       "passthrough device %s: its bus cannot be reset: %s is on it and "
			       "not bound to vfio-pci: as root: ferry bind %s",
			       name, address, address);
	}
	return 0;
}

struct vfio_bus_reset *vfio_bus_reset_prepare(struct vfio_provider *provider,
					      struct vfio_backend *backend, const char *name,
					      struct err *err)
{
	struct vfio_bus_reset *reset = calloc(1, sizeof(*reset));
	int rc = reset ? bus_load_devices(backend, reset) : -ENOMEM;

	if (rc) {
		err_set(err, rc, "passthrough device %s: reset of its bus: %s", name, err_text(rc));
		goto free_reset;
	}
	reset->segment = (uint32_t)strtoul(name, NULL, 16);
	if (provider->ops->bus_reset(provider, reset, name, err))
		goto free_reset;
	reset->request->argsz =
		(uint32_t)(sizeof(*reset->request) +
			   reset->request->count * sizeof(reset->request->group_fds[0]));
	return reset;

free_reset:
	vfio_bus_reset_free(reset);
	return NULL;
}

int vfio_bus_reset_show(struct vfio_bus_reset *reset, int fd)
{
	int copy;

	assert(reset->request->count < reset->info->count);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	reset->request->group_fds[reset->request->count++] = copy;
	return 0;
}

void vfio_bus_reset_free(struct vfio_bus_reset *reset)
{
	if (!reset)
		return;
	for (uint32_t i = 0; reset->request && i < reset->request->count; i++)
		fd_close(&reset->request->group_fds[i]);
	free(reset->request);
	free(reset->info);
	free(reset);
}

bool vfio_bus_reset_hits(const struct vfio_bus_reset *reset, const char *address)
{
	char text[VFIO_ADDRESS_SIZE];

	for (uint32_t i = 0; i < reset->info->count; i++) {
		vfio_bus_reset_address(reset, i, text, sizeof(text));
		if (strcmp(text, address) == 0)
			return true;
	}
	return false;
}
