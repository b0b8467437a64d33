/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done to a passed-through function whoever asks for it: silenced, looked at, withdrawn. */

#include <linux/pci_regs.h>

#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

bool vfio_pci_responds(struct vfio_pci *pci)
{
	uint64_t identity, class;

	return vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_VENDOR_ID, 4,
				&identity) == 0 &&
	       vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_CLASS_REVISION, 4,
				&class) == 0 &&
	       identity != UINT32_MAX && class != UINT32_MAX;
}

static void write_command(struct vfio_pci *pci, uint16_t command)
{
	int error = vfio_region_write(pci->backend, vfio_pci_config_region(pci), PCI_COMMAND, 2,
				      command | pci->system_errors);

	if (error)
		log_guest(
			&pci->limit, LOG_WARN,
			"passthrough device %s: its decoding and bus mastering cannot be changed: "
			"%s",
			pci->device.name, err_text(error));
}

void vfio_pci_quiet(struct vfio_pci *pci)
{
	write_command(pci, 0);
}

void vfio_pci_wake(struct vfio_pci *pci)
{
	unsigned int at = pci->device.pm_capability + PCI_PM_CTRL;
	int error = pci->device.pm_capability
			    ? vfio_region_write(pci->backend, vfio_pci_config_region(pci), at, 1, 0)
			    : 0;

	if (error)
		log_guest(&pci->limit, LOG_WARN, "passthrough device %s: it does not wake up: %s",
			  pci->device.name, err_text(error));
}

void vfio_pci_arm(struct vfio_pci *pci)
{
	struct err err = {0};

	if (vfio_irqs_arm(&pci->irqs, &err))
		log_guest(&pci->limit, LOG_ERROR, "%s", err.text);
}

void vfio_pci_restore(struct vfio_pci *pci)
{
	const uint16_t serr = PCI_COMMAND_SERR;
	uint16_t command = load_le16(pci->device.config + PCI_COMMAND);

	write_command(pci, command & (uint16_t)~serr);
	pci->used = command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	if (pci->used)
		pci->reset.spared = false;
}

void vfio_pci_withdraw(struct vfio_pci *pci, enum vfio_pci_state state)
{
	static const char *const names[] = {
		[VFIO_PCI_RESETTING] = "reset begins",
		[VFIO_PCI_ISOLATED] = "isolated",
		[VFIO_PCI_GONE] = "given back to the host",
	};

	bool alive = pci->state == VFIO_PCI_ALIVE;

	vfio_trace_note(pci->trace, "device  %s", names[state]);
	pci->state = state;
	if (pci->on_bus)
		pci_device_unmap(&pci->device);
	/* The kernel writes to the MSI-X table: of a function asleep, that is an error. */
	if (alive)
		vfio_pci_wake(pci);
	vfio_irqs_stop(&pci->irqs);
}

void vfio_pci_forget_vectors(struct vfio_pci *pci)
{
	if (pci->has_msi)
		pci_msi_reset(&pci->msi);
	if (pci->has_msix)
		pci_msix_reset(&pci->msix);
}
