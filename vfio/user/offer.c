/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server of vfio-user offers, asked for a person and without a guest. */

#include "vfio/user/offer.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <sys/socket.h>

#include "vfio/pci/irq.h"
#include "vfio/pci/measure.h"
#include "vfio/pci/region.h"
#include "vfio/user/device_private.h"
#include "vmm/base/local.h"

static int offer_take_numbers(struct vfio_user_device *device, struct vfio_user_offer *offer,
			      struct err *err)
{
	const struct vfio_region_info *info = device->regions[VFIO_PCI_CONFIG_REGION_INDEX].info;
	uint8_t config[PCI_STD_HEADER_SIZEOF];
	int rc;

	rc = vfio_user_read(&device->backend, info, 0, config, sizeof(config));
	if (rc)
		return err_set(err, rc, "its server does not let config space be read");
	offer->vendor = load_le16(config + PCI_VENDOR_ID);
	offer->device = load_le16(config + PCI_DEVICE_ID);
	offer->revision = config[PCI_REVISION_ID];
	offer->class_code = (uint32_t)config[PCI_CLASS_PROG] |
			    (uint32_t)load_le16(config + PCI_CLASS_DEVICE) << 8;
	offer->subsystem_vendor = load_le16(config + PCI_SUBSYSTEM_VENDOR_ID);
	offer->subsystem_device = load_le16(config + PCI_SUBSYSTEM_ID);
	return 0;
}

static uint64_t offer_mapped(const struct vfio_region *region)
{
	uint64_t bytes = 0;

	if (!region->present || !(region->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return 0;
	for (size_t i = 0; region->sparse && i < region->area_count; i++)
		bytes += region->areas[i].size;
	return region->sparse ? bytes : region->info.size;
}

static int offer_take_bars(struct vfio_user_device *device, struct vfio_user_offer *offer,
			   struct err *err)
{
	int rc = 0;

	for (unsigned int bar = 0; bar < PCI_BAR_COUNT && !rc; bar++) {
		struct vfio_region region;

		rc = vfio_region_load(&device->backend, bar, &region, err);
		if (!rc)
			offer->mapped[bar] = offer_mapped(&region);
	}
	if (!rc && vfio_measure(&device->backend, device->name, offer->bars, NULL))
		rc = err_set(err, -EIO, "its server does not let config space be read");
	return rc;
}

static int offer_take(struct vfio_user_device *device, struct vfio_user_offer *offer,
		      struct err *err)
{
	int rc;

	offer->limits = device->client->limits;
	offer->twin = device->client->twin.fd >= 0;
	offer->is_pci = device->info.flags & VFIO_DEVICE_FLAGS_PCI;
	offer->resettable = device->info.flags & VFIO_DEVICE_FLAGS_RESET;
	if (!offer->is_pci)
		return 0;
	rc = offer_take_numbers(device, offer, err);
	if (!rc)
		rc = offer_take_bars(device, offer, err);
	if (rc)
		return rc;
	offer->intx = vfio_irq_count(&device->backend, VFIO_PCI_INTX_IRQ_INDEX, NULL);
	offer->msi = vfio_irq_count(&device->backend, VFIO_PCI_MSI_IRQ_INDEX, NULL);
	offer->msix = vfio_irq_count(&device->backend, VFIO_PCI_MSIX_IRQ_INDEX, NULL);
	return 0;
}

int vfio_user_look_at(int fd, const char *name, int64_t patience_ms, struct vfio_user_offer *offer,
		      struct err *err)
{
	struct err lost = {0};
	const struct vfio_user_config config = {
		.name = name,
		.patience_ms = patience_ms,
		.lost = &lost,
	};
	struct vfio_user_device *device;
	int rc;

	*offer = (struct vfio_user_offer){.is_pci = false};
	device = vfio_user_device_create(fd, &config, NULL, err);
	rc = device ? offer_take(device, offer, err) : err->code;
	/* What it was lost by says more than what did not come for it. */
	if (lost.code)
		rc = err_set(err, lost.code, "%s", lost.text);
	if (rc)
		err_prefix(err, "%s", name);
	if (device)
		device->backend.ops->close(&device->backend);
	return rc;
}

int vfio_user_look(const char *path, int64_t patience_ms, struct vfio_user_offer *offer,
		   struct err *err)
{
	int fd = local_reach_first(path, SOCK_NONBLOCK, err);

	return fd < 0 ? err_prefix(err, "%s", path)
		      : vfio_user_look_at(fd, path, patience_ms, offer, err);
}
