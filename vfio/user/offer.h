/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server of vfio-user offers, asked for a person and without a guest. */

#ifndef FERRY_VFIO_USER_OFFER_H
#define FERRY_VFIO_USER_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/host/sysfs.h"
#include "vfio/user/client.h"
#include "vmm/base/err.h"

struct vfio_user_offer {
	struct vfio_user_limits limits;
	bool twin; /* it asks over a second socket */
	bool is_pci, resettable;
	/* Of what follows nothing is told where it is no PCI device. */
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class_code;
	uint8_t revision;
	struct vfio_resource bars[PCI_BAR_COUNT];
	uint64_t mapped[PCI_BAR_COUNT]; /* bytes of each that the guest gets at by itself */
	unsigned int intx, msi, msix;
};

/*
 * Connects to the server at @path, asks what it is, and leaves it. It waits @patience_ms at most
 * for each answer (0: VFIO_USER_WAIT_MS). 0, or -errno with @err naming @path: nobody listens
 * there, it is late, or what it says makes no sense. Nothing is logged.
 */
int vfio_user_look(const char *path, int64_t patience_ms, struct vfio_user_offer *offer,
		   struct err *err) FERRY_MUST_CHECK;

/* The same at @fd, a connected stream socket that does not block, which it closes; @name is for
 * @err. */
int vfio_user_look_at(int fd, const char *name, int64_t patience_ms, struct vfio_user_offer *offer,
		      struct err *err) FERRY_MUST_CHECK;

#endif
