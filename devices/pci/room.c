/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a function that is to come has room for its BARs in the windows of its port. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

/* Of all that is to be behind the port, the memory BARs. */
struct room_needs {
	struct room_bar {
		uint64_t size;
		enum pci_window window;
	} bars[PCI_FUNCTIONS * PCI_BAR_COUNT];
	size_t count;
	uint64_t sum[PCI_WINDOWS];
	bool others; /* some of them are of functions that are there */
};

static void room_need(struct room_needs *needs, const struct pci_device *device)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		const struct pci_bar *bar = &device->bars[i];
		enum pci_window window = pci_bar_window(bar, true);
		uint64_t size;

		if (bar->kind == PCI_BAR_NONE || window == PCI_WINDOW_IO ||
		    needs->count == ARRAY_SIZE(needs->bars))
			continue;
		size = bar->page ? bar->page : bar->size;
		needs->bars[needs->count++] = (struct room_bar){size, window};
		needs->sum[window] += size;
	}
}

static int room_compare(const void *left, const void *right)
{
	const struct room_bar *a = left, *b = right;

	return a->size < b->size ? 1 : a->size > b->size ? -1 : 0;
}

/*
 * Largest first, each in the window of its kind, as assign.c places them when the machine restarts.
 * The window of what does not fit; PCI_WINDOWS: all does.
 */
static enum pci_window room_fit(const struct room_needs *needs, const struct pci_span *windows)
{
	struct pci_span left[PCI_WINDOWS];
	uint64_t address;

	memcpy(left, windows, sizeof(left));
	for (size_t i = 0; i < needs->count; i++) {
		const struct room_bar *bar = &needs->bars[i];

		if (!pci_span_take(&left[bar->window], bar->size, bar->size, &address))
			return bar->window;
	}
	return PCI_WINDOWS;
}

/* As the guest has programmed them; and as a guest finds them that has not. */
static void room_look(const struct pci_port *port, struct pci_span *now, struct pci_span *first)
{
	for (unsigned int window = PCI_WINDOW_MEMORY; window < PCI_WINDOWS; window++) {
		uint64_t base, last;

		if (pci_port_range(port, window, &base, &last))
			now[window] = (struct pci_span){.base = base, .size = last - base + 1};
		first[window] = (struct pci_span){.base = port->room[window].alignment,
						  .size = port->room[window].size};
	}
}

static int room_refuse(const struct pci_port *port, const struct pci_device *device,
		       const struct room_needs *needs, const struct pci_span *windows,
		       enum pci_window window, struct err *err)
{
	return err_set(err, -ENOSPC,
		       "%s does not fit into slot %u: its %s BARs%s need 0x%" PRIx64
		       " bytes, each at a multiple of its size, of a window that has 0x%" PRIx64
		       " at 0x%" PRIx64 ": choose another slot, or start with more room in the "
		       "slots (--hotplug)",
		       device->name, port->number,
		       window == PCI_WINDOW_PREFETCH ? "prefetchable" : "memory",
		       needs->others ? ", with those of the functions that are there," : "",
		       needs->sum[window], windows[window].size, windows[window].base);
}

int pci_port_check_room(struct pci_port *port, const struct pci_device *device, struct err *err)
{
	struct pci_span now[PCI_WINDOWS] = {0}, first[PCI_WINDOWS] = {0};
	struct room_needs needs = {0};
	enum pci_window window;

	pci_host_lock(&port->device);
	for (unsigned int i = 0; i < PCI_FUNCTIONS; i++)
		if (port->bus.devices[i])
			room_need(&needs, port->bus.devices[i]);
	room_look(port, now, first);
	pci_host_unlock(&port->device);
	needs.others = needs.count > 0;
	room_need(&needs, device);
	qsort(needs.bars, needs.count, sizeof(needs.bars[0]), room_compare);
	window = room_fit(&needs, now);
	/* A guest that made its windows smaller may make them larger again: the room is there. */
	if (window == PCI_WINDOWS || room_fit(&needs, first) == PCI_WINDOWS)
		return 0;
	return room_refuse(port, device, &needs, now, window, err);
}
