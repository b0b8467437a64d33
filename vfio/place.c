/* SPDX-License-Identifier: BSD-3-Clause */
/* Where devices go in the guest: their slots and ports, and the room that these need. */

#include <stdio.h>

#include "devices/pci/window.h"
#include "vfio/vfio_private.h"
#include "vmm/base/bits.h"

/* What BAR @bar takes of a window, with the ROM that the user chose. */
static uint64_t place_memory_size(const struct vfio_entry *entry, unsigned int bar)
{
	uint64_t size = entry->sysfs.resources[bar].size;

	if (bar == PCI_ROM_BAR && (entry->rom.host || entry->options.no_rom))
		size = entry->rom.size;
	return vfio_sysfs_room(size);
}

/*
 * Functions of one host device stay functions of one guest device, so that a driver that looks for
 * its siblings finds them; without function 0 a slot cannot be found, so each gets one of its own.
 * So does one that is to be where function 0 is not.
 */
static struct vfio_entry *place_find_first(const struct vfio *vfio, struct vfio_entry *entry)
{
	for (size_t i = 0; i < vfio->count && entry->sysfs.is_pci; i++) {
		struct vfio_entry *first = vfio->entries[i];

		if (first->sysfs.is_pci && first->sysfs.slot == entry->sysfs.slot &&
		    first->sysfs.function == 0 && first->options.port == entry->options.port)
			return first;
	}
	return entry;
}

/* A window of a port's, or what the root bus takes of one. */
struct place_window {
	uint64_t size, alignment;
};

static void place_add_to_window(struct place_window *window, uint64_t size)
{
	window->size += size;
	if (size > window->alignment)
		window->alignment = size;
}

/* As pci_host_assign() has them: behind a port only what is prefetchable too may be above 4 GiB. */
static void place_add_to_windows(const struct vfio_entry *entry, struct place_window *low,
				 struct place_window *high)
{
	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		const struct vfio_resource *resource = &entry->sysfs.resources[bar];
		bool above = resource->wide && (resource->prefetchable || !entry->options.port);

		if (!resource->io)
			place_add_to_window(above ? high : low, place_memory_size(entry, bar));
	}
}

/* Of one that is opened in units, with what its alignment may cost. */
static uint64_t place_window_room(const struct place_window *window, enum pci_window kind)
{
	uint64_t unit = pci_window_granule(kind);

	if (window->size == 0)
		return 0;
	return align_up(window->size, window->alignment > unit ? window->alignment : unit);
}

void vfio_window_sizes(const struct vfio *vfio, uint64_t *mmio32, uint64_t *mmio64)
{
	struct place_window low = {0}, high = {0};

	*mmio32 = *mmio64 = 0;
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];
		struct place_window memory = {0}, prefetch = {0};

		if (!entry->options.port)
			place_add_to_windows(entry, &low, &high);
		for (size_t j = 0; j < vfio->count && entry->options.port; j++)
			if (place_find_first(vfio, vfio->entries[j]) == entry)
				place_add_to_windows(vfio->entries[j], &memory, &prefetch);
		*mmio32 += place_window_room(&memory, PCI_WINDOW_MEMORY);
		*mmio64 += place_window_room(&prefetch, PCI_WINDOW_PREFETCH);
	}
	*mmio32 += low.size;
	*mmio64 += high.size;
}

unsigned int vfio_port_count(const struct vfio *vfio)
{
	unsigned int count = 0;

	for (size_t i = 0; i < vfio->count; i++)
		count += vfio->entries[i]->options.port &&
			 place_find_first(vfio, vfio->entries[i]) == vfio->entries[i];
	return count;
}

/* What is there at the start is in the slot. */
static int place_behind(struct vfio_entry *entry, struct pci_port *port, unsigned int function,
			struct err *err)
{
	int rc = vfio_pci_attach_below(entry->pci, port, function, err);

	if (!rc)
		pci_port_insert(port, NULL);
	return rc;
}

/* Function 0 of a slot, of the root bus or behind a port. */
static int place_first(struct vfio_entry *entry, const struct vfio_attach *to, struct err *err)
{
	char name[VFIO_ADDRESS_SIZE + 16];
	struct pci_port_config config = {.name = name, .irq = to->irq, .loop = to->loop};

	if (entry->pci->on_bus)
		return 0;
	if (!entry->options.port)
		return vfio_pci_attach(entry->pci, to->host, -1, 0, err);
	snprintf(name, sizeof(name), "port of %s", entry->sysfs.address);
	config.link = vfio_pci_link(entry->pci);
	entry->port = pci_port_create(to->host, &config, err);
	return entry->port ? place_behind(entry, entry->port, 0, err) : err->code;
}

int vfio_place(const struct vfio *vfio, struct vfio_entry *entry, const struct vfio_attach *to,
	       struct err *err)
{
	struct vfio_entry *first = place_find_first(vfio, entry);
	int rc = place_first(first, to, err);

	if (rc || first == entry)
		return rc;
	if (entry->options.port)
		return place_behind(entry, first->port, entry->sysfs.function, err);
	return vfio_pci_attach(entry->pci, to->host, first->pci->device.devfn >> 3,
			       entry->sysfs.function, err);
}
