/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the host's kernel gives a device of iommufd's its MSIs: one is tried. */

#include "vfio/iommufd/msi.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/host/host.h"

enum { MSI_REGIONS_MAX = 32 };

/* On x86 it is the interrupt controller's own place, which no table of the IOMMU's translates. */
static const uint64_t msi_x86_doorbell = 0xfee00000;

/* Whether there is a window of addresses in which the kernel maps the interrupt controller. */
static bool msi_is_mapped(const struct vfio_sysfs_device *device, const char *sysfs)
{
	struct vfio_host_region regions[MSI_REGIONS_MAX];
	unsigned int group;
	size_t count;

	if (!device->is_pci || vfio_sysfs_group(device, &group, NULL))
		return false;
	count = vfio_host_reserved(sysfs, group, regions, MSI_REGIONS_MAX);
	for (size_t i = 0; i < count && i < MSI_REGIONS_MAX; i++)
		if (regions[i].msi && regions[i].first != msi_x86_doorbell)
			return true;
	return false;
}

/* The first @count vectors of @index, which signal nobody; all are off with 0. */
static int msi_set(struct vfio_backend *backend, uint32_t index, uint32_t count)
{
	_Alignas(struct vfio_irq_set) char space[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (void *)space;
	const int nobody = -1;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(space),
		.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
			 (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.count = count,
	};
	memcpy(set->data, &nobody, sizeof(nobody));
	return backend->ops->set_irqs(backend, set);
}

static int msi_try(struct vfio_backend *backend, uint32_t index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	int rc = backend->ops->irq_info(backend, &info);

	/* What cannot be asked is told of when the device is looked at as a whole. */
	if (rc < 0 || info.count == 0)
		return 0;
	rc = msi_set(backend, index, 1);
	return rc ? rc : msi_set(backend, index, 0);
}

int vfio_msi_check(struct vfio_backend *backend, const struct vfio_sysfs_device *device,
		   const char *sysfs, struct err *err)
{
	int rc;

	if (!msi_is_mapped(device, sysfs))
		return 0;
	rc = msi_try(backend, VFIO_PCI_MSIX_IRQ_INDEX);
	if (!rc)
		rc = msi_try(backend, VFIO_PCI_MSI_IRQ_INDEX);
	if (!rc)
		return 0;
	return err_set(err, -EOPNOTSUPP,
		       "passthrough device %s: by iommufd the host's kernel gives it no MSI (%s): "
		       "from Linux 6.15 on it needs CONFIG_IOMMUFD_DRIVER_CORE for that: take the "
		       "device by its group: via=group",
		       device->address, rc > 0 ? "no vector is left" : err_text(rc));
}
