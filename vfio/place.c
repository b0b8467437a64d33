/* SPDX-License-Identifier: BSD-3-Clause */
/* Where devices go in the guest: their slots and ports, and the room that these need. */

#include "devices/pci/window.h"
#include "vfio/vfio_private.h"
#include "vmm/base/bits.h"

/* I/O ports of an empty slot, the least there is; and how many have some, of the few there are. */
enum { PLACE_IO = 4 * KIB, PLACE_IO_SLOTS = 8 };

uint64_t vfio_place_size(const struct vfio_entry *entry, unsigned int bar)
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
			place_add_to_window(above ? high : low, vfio_place_size(entry, bar));
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

/* As a port's room is aligned: a BAR that takes half of it or more has its own alignment then. */
static uint64_t place_slot_room(uint64_t size, enum pci_window kind)
{
	const struct place_window window = {
		.size = size,
		.alignment = size ? round_up_power_of_2(size / 2 + 1) : 0,
	};

	return place_window_room(&window, kind);
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
	*mmio32 += vfio->settings.slots *
		   place_slot_room(vfio->settings.slot_memory, PCI_WINDOW_MEMORY);
	*mmio64 += vfio->settings.slots *
		   place_slot_room(vfio->settings.slot_prefetch, PCI_WINDOW_PREFETCH);
}

unsigned int vfio_port_count(const struct vfio *vfio)
{
	unsigned int count = vfio->settings.slots;

	for (size_t i = 0; i < vfio->count; i++)
		count += vfio->entries[i]->options.port &&
			 place_find_first(vfio, vfio->entries[i]) == vfio->entries[i];
	return count;
}

static void place_slot_changed(void *owner)
{
	const struct vfio *vfio = owner;

	if (vfio->to.slot_changed)
		vfio->to.slot_changed(vfio->to.machine);
}

/* A port with its slot; of @config what differs. NULL with @err set. */
static struct vfio_slot *place_add_slot(struct vfio *vfio, struct pci_port_config *config,
					struct err *err)
{
	struct pci_port *port;

	config->irq = vfio->to.irq;
	config->loop = vfio->to.loop;
	config->slot_changed = place_slot_changed;
	config->owner = vfio;
	port = pci_port_create(vfio->to.host, config, err);
	return port ? vfio_slots_add(vfio, port) : NULL;
}

/* The guest finds it in its slot from the start. */
static int place_below(struct vfio_entry *entry, struct vfio_slot *slot, unsigned int function,
		       struct err *err)
{
	int rc;

	entry->slot = slot;
	entry->function = function;
	rc = vfio_pci_attach_below(entry->pci, slot->port, function, err);
	if (rc)
		return rc;
	slot->shown = true;
	pci_port_insert(slot->port, NULL);
	return 0;
}

/* Function 0 of a slot, of the root bus or behind a port. */
static int place_first(struct vfio *vfio, struct vfio_entry *entry, struct err *err)
{
	struct pci_port_config config = {0};
	struct vfio_slot *slot;

	if (entry->pci->on_bus)
		return 0;
	if (!entry->options.port)
		return vfio_pci_attach(entry->pci, vfio->to.host, -1, 0, err);
	config.link = vfio_pci_link(entry->pci);
	slot = place_add_slot(vfio, &config, err);
	return slot ? place_below(entry, slot, 0, err)
		    : err_prefix(err, "passthrough device %s", entry->sysfs.address);
}

int vfio_place(struct vfio *vfio, struct vfio_entry *entry, struct err *err)
{
	struct vfio_entry *first = place_find_first(vfio, entry);
	int rc = place_first(vfio, first, err);

	if (rc || first == entry)
		return rc;
	if (entry->options.port)
		return place_below(entry, first->slot, entry->sysfs.function, err);
	return vfio_pci_attach(entry->pci, vfio->to.host, first->pci->device.devfn >> 3,
			       entry->sysfs.function, err);
}

int vfio_place_empty(struct vfio *vfio, struct err *err)
{
	const struct vfio_settings *settings = &vfio->settings;
	struct pci_port_config config = {
		.room =
			{
				[PCI_WINDOW_MEMORY] = settings->slot_memory,
				[PCI_WINDOW_PREFETCH] = settings->slot_prefetch,
			},
	};

	for (unsigned int i = 0; i < settings->slots; i++) {
		config.room[PCI_WINDOW_IO] = i < PLACE_IO_SLOTS ? PLACE_IO : 0;
		if (!place_add_slot(vfio, &config, err))
			return err->code;
	}
	return 0;
}
