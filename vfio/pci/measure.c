/* SPDX-License-Identifier: BSD-3-Clause */
/* The BARs of an opened device, for one whose own sysfs does not tell. */

#include "vfio/pci/measure.h"

#include <linux/pci_regs.h>

#include "vfio/pci/region.h"

static int measure_bar(struct vfio_backend *backend, const struct vfio_region *config,
		       unsigned int bar, struct vfio_resource *resource, struct err *err)
{
	struct vfio_region region;
	uint64_t value = 0;
	int rc = vfio_region_load(backend, VFIO_PCI_BAR0_REGION_INDEX + bar, &region, err);

	if (rc || !region.present)
		return rc;
	if (bar != PCI_ROM_BAR)
		rc = vfio_region_read(backend, config, PCI_BASE_ADDRESS_0 + 4 * bar, 4, &value);
	if (rc)
		return err_set(err, rc, "BAR %u: its kind cannot be read: %s", bar, err_text(rc));
	*resource = (struct vfio_resource){
		.start = resource->start,
		.size = region.info.size,
		.io = value & PCI_BASE_ADDRESS_SPACE_IO,
		.wide = (value & (PCI_BASE_ADDRESS_SPACE | PCI_BASE_ADDRESS_MEM_TYPE_MASK)) ==
			PCI_BASE_ADDRESS_MEM_TYPE_64,
		.prefetchable = !(value & PCI_BASE_ADDRESS_SPACE_IO) &&
				(value & PCI_BASE_ADDRESS_MEM_PREFETCH),
	};
	return 0;
}

int vfio_measure(struct vfio_backend *backend, const char *name,
		 struct vfio_resource resources[PCI_BAR_COUNT], struct err *err)
{
	struct vfio_region config;
	int rc = vfio_region_load(backend, VFIO_PCI_CONFIG_REGION_INDEX, &config, err);

	for (unsigned int bar = 0; bar < PCI_BAR_COUNT && !rc; bar++)
		rc = measure_bar(backend, &config, bar, &resources[bar], err);
	if (rc)
		err_prefix(err, "passthrough device %s", name);
	return rc;
}
