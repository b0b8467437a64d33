/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interrupts a device has, by its config space in sysfs, without its being opened. */

#include <limits.h>
#include <stdio.h>

#include "vfio/host/host.h"
#include "vmm/base/bits.h"

/* PCI 3.0 6.1, 6.7, 6.8.1.3, 6.8.2.3. */
enum {
	HEAD_SIZE = 0x40,
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x10,
	CAPABILITIES = 0x34,
	INTERRUPT_PIN = 0x3d,
	CAPABILITY_MSI = 0x05,
	CAPABILITY_MSIX = 0x11,
	CAPABILITIES_MOST = 48,
	MSIX_SIZE_MASK = 0x7ff,
	MSIX_TABLE = 4,
	MSIX_PBA = 8,
	MSIX_BAR_MASK = 7,
	MSIX_SIZE = 12,
	MSI_MOST = 5, /* 2^5 vectors */
};

static void interrupts_take_places(const unsigned char *capability,
				   struct vfio_host_interrupts *interrupts)
{
	uint32_t table = (uint32_t)load_le(capability + MSIX_TABLE, 4);
	uint32_t pba = (uint32_t)load_le(capability + MSIX_PBA, 4);

	interrupts->table_bar = table & MSIX_BAR_MASK;
	interrupts->table = table & ~(uint32_t)MSIX_BAR_MASK;
	interrupts->pba_bar = pba & MSIX_BAR_MASK;
	interrupts->pba = pba & ~(uint32_t)MSIX_BAR_MASK;
}

/* @left: bytes of config space from there on. */
static void interrupts_take_capability(const unsigned char *capability, size_t left,
				       struct vfio_host_interrupts *interrupts)
{
	unsigned int control = (unsigned int)load_le(capability + 2, 2);
	unsigned int msi = control >> 1 & 7;

	if (capability[0] == CAPABILITY_MSIX && left >= MSIX_SIZE) {
		interrupts->msix = (control & MSIX_SIZE_MASK) + 1;
		interrupts_take_places(capability, interrupts);
	} else if (capability[0] == CAPABILITY_MSI && msi <= MSI_MOST) {
		interrupts->msi = 1u << msi;
	}
}

void vfio_host_interrupts(const struct vfio_host_device *device,
			  struct vfio_host_interrupts *interrupts)
{
	char path[PATH_MAX + 16];
	unsigned char config[256];
	unsigned int at;
	size_t size = 0;
	FILE *file;

	*interrupts = (struct vfio_host_interrupts){0};
	snprintf(path, sizeof(path), "%s/config", device->sysfs.path);
	file = fopen(path, "re");
	if (file) {
		size = fread(config, 1, sizeof(config), file);
		fclose(file);
	}
	if (size < HEAD_SIZE)
		return;
	interrupts->intx = config[INTERRUPT_PIN] >= 1 && config[INTERRUPT_PIN] <= 4;
	interrupts->complete = size == sizeof(config);
	if (!interrupts->complete || !(config[STATUS] & STATUS_CAPABILITIES))
		return;
	at = config[CAPABILITIES] & ~3u;
	for (int i = 0; i < CAPABILITIES_MOST && at >= HEAD_SIZE; i++) {
		interrupts_take_capability(config + at, sizeof(config) - at, interrupts);
		at = config[at + 1] & ~3u;
	}
}
