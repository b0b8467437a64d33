/* SPDX-License-Identifier: BSD-3-Clause */
/* Passed-through devices for a person: the list, one of them in full, and what is behind a GSI. */

#include "vfio/tell/describe.h"

#include <errno.h>
#include <string.h>

#include "vfio/host/host.h"
#include "vfio/pci/bus_reset.h"
#include "vmm/base/bits.h"

enum { ADDRESS_SIZE = 16 };

static const char *state_name(enum vfio_pci_state state)
{
	static const char *const names[] = {
		[VFIO_PCI_ALIVE] = "alive",
		[VFIO_PCI_RESETTING] = "being reset",
		[VFIO_PCI_ISOLATED] = "isolated",
		[VFIO_PCI_GONE] = "given back to the host",
	};

	return names[state];
}

/* Where the guest finds the function, as 00:03.0; "" for one that is on no bus. */
static const char *guest_address(const struct vfio_pci *pci, char text[ADDRESS_SIZE])
{
	unsigned int requester;

	text[0] = '\0';
	if (!pci->on_bus)
		return text;
	requester = pci_device_requester(&pci->device);
	snprintf(text, ADDRESS_SIZE, "%02x:%02x.%x", requester >> 8, requester >> 3 & 0x1f,
		 requester & 7);
	return text;
}

static void list_device(struct vfio_pci *pci, FILE *out)
{
	char address[ADDRESS_SIZE];

	pthread_mutex_lock(&pci->device.lock);
	fprintf(out, "%s  in the guest %s  %04x:%04x  %s, %s\n", pci->device.name,
		guest_address(pci, address), load_le16(pci->device.config),
		load_le16(pci->device.config + 2), state_name(pci->state),
		vfio_describe_mode(&pci->irqs));
	pthread_mutex_unlock(&pci->device.lock);
}

void vfio_list_devices(struct vfio *vfio, FILE *out)
{
	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(vfio, i, &sysfs);

		if (pci)
			list_device(pci, out);
		else
			fprintf(out, "%s  not there\n", sysfs->address);
	}
}

/* How the function can be reset, and by what methods the host's kernel does that. */
static void show_reset(struct vfio_pci *pci, const struct vfio_sysfs_device *sysfs, FILE *out)
{
	char methods[128];
	struct vfio_bus_reset *bus;
	struct err err = {0};

	if (pci->reset.by_function) {
		vfio_host_line(sysfs->path, "reset_method", methods, sizeof(methods));
		fprintf(out, "  reset     of the function%s%s\n",
			methods[0] ? ", on the host by " : "", methods);
		return;
	}
	if (pci->state != VFIO_PCI_ALIVE || !pci->keeper_ops)
		return;
	bus = pci->keeper_ops->bus_reset(pci->keeper, pci, VFIO_RESET_MACHINE, &err);
	if (bus)
		fprintf(out, "  reset     of the whole bus, which has %u functions\n", bus->count);
	else
		fprintf(out, "  reset     none: %s\n", err.text);
	vfio_bus_reset_free(bus);
}

static void describe_device(struct vfio_pci *pci, const struct vfio_sysfs_device *sysfs, FILE *out)
{
	char address[ADDRESS_SIZE];

	pthread_mutex_lock(&pci->device.lock);
	fprintf(out, "%s, in the guest %s: %s\n", pci->device.name, guest_address(pci, address),
		state_name(pci->state));
	if (pci->state != VFIO_PCI_ALIVE)
		fputs("  the guest reads all ones; config space below is the last that is known\n",
		      out);
	fprintf(out, "  DMA       %s\n",
		vfio_dma_mapped(pci->dma) ? "all RAM is mapped"
					  : "RAM is not mapped: the guest's bus mastering waits");
	show_reset(pci, sysfs, out);
	vfio_describe_config(pci, out);
	vfio_describe_irqs(pci, out);
	pthread_mutex_unlock(&pci->device.lock);
}

static bool is_host_address(const struct vfio_sysfs_device *sysfs, const char *address)
{
	return strcasecmp(sysfs->address, address) == 0 ||
	       (strncmp(sysfs->address, "0000:", 5) == 0 &&
		strcasecmp(sysfs->address + 5, address) == 0);
}

int vfio_describe(struct vfio *vfio, const char *address, FILE *out)
{
	size_t count = vfio_device_count(vfio);

	/* First all by the host's addresses, then by the guest's. */
	for (size_t i = 0; i < 2 * count; i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(vfio, i % count, &sysfs);
		char guest[ADDRESS_SIZE];

		if (pci && (i < count ? is_host_address(sysfs, address)
				      : strcasecmp(guest_address(pci, guest), address) == 0)) {
			describe_device(pci, sysfs, out);
			return 0;
		}
	}
	return -ENOENT;
}

/* Device lock held. */
static bool describe_intx(const struct vfio_pci *pci, unsigned int gsi, const char *separator,
			  FILE *out)
{
	const struct vfio_intx *intx = &pci->irqs.intx;

	if (intx->trigger < 0 || intx->gsi != gsi)
		return false;
	fprintf(out, "%s%s INTx, %s", separator, pci->device.name,
		intx->device_trigger >= 0 ? "relayed" : "irqfd");
	return true;
}

/* Likewise. */
static bool describe_vector(const struct vfio_pci *pci, unsigned int gsi, const char *separator,
			    FILE *out)
{
	const struct vfio_irqs *irqs = &pci->irqs;

	for (unsigned int i = 0; i < irqs->count; i++) {
		const struct vfio_vector *vector = &irqs->vectors[i];

		if (vector->gsi < 0 || (unsigned int)vector->gsi != gsi)
			continue;
		fprintf(out, "%s%s %s vector %u, %s", separator, pci->device.name,
			vfio_describe_mode(irqs), i, vfio_describe_delivery(vector));
		return true;
	}
	return false;
}

bool vfio_describe_gsi(struct vfio *vfio, unsigned int gsi, FILE *out)
{
	const char *separator = "";

	/* Several may share one line. */
	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(vfio, i, &sysfs);

		if (!pci)
			continue;
		pthread_mutex_lock(&pci->device.lock);
		if (describe_intx(pci, gsi, separator, out) ||
		    describe_vector(pci, gsi, separator, out))
			separator = "; ";
		pthread_mutex_unlock(&pci->device.lock);
	}
	return *separator;
}
