/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses for every BAR and window, as firmware would give them before the guest starts. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

struct window {
	const char *name;
	uint64_t base, size;
	uint64_t used; /* bytes from the base */
};

/* Of the host bridge's windows; each is what the window of a port of that kind is taken from. */
enum { WINDOW_IO = PCI_WINDOW_IO, WINDOW_MEM32 = PCI_WINDOW_MEMORY, WINDOW_MEM64, WINDOW_COUNT };

/* A BAR, or the window of a port with all that lies in it. */
struct assignment {
	struct pci_device *device;
	unsigned int index; /* of the BAR; PCI_BAR_COUNT and more: of the window */
	unsigned int kind;  /* enum pci_window */
	uint64_t size, alignment;
	uint64_t address; /* of a BAR behind a port: from the start of the port's window */
};

/* With the windows that are left of the host bridge's. */
struct assigner {
	struct pci_host *host;
	struct window windows[WINDOW_COUNT];
	struct assignment *assignments;
	size_t count;
};

static const char *const port_window_names[] = {
	[PCI_WINDOW_IO] = "I/O window",
	[PCI_WINDOW_MEMORY] = "memory window",
	[PCI_WINDOW_PREFETCH] = "prefetchable window",
};

/* Largest first; then by function and BAR, so that the outcome does not depend on the sort. */
static int assign_compare(const void *left, const void *right)
{
	const struct assignment *a = left, *b = right;

	if (a->alignment != b->alignment)
		return a->alignment < b->alignment ? 1 : -1;
	if (a->device->bus != b->device->bus)
		return a->device->bus->number < b->device->bus->number ? -1 : 1;
	if (a->device != b->device)
		return a->device->devfn < b->device->devfn ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

/* Takes @size bytes at a multiple of @alignment that is not 0; false when they do not fit. */
static bool assign_window_take(struct window *window, uint64_t size, uint64_t alignment,
			       uint64_t *address)
{
	uint64_t start = window->base + window->used, aligned;

	if (window->used >= window->size)
		return false;
	if (start == 0)
		start = 1;
	if (start > UINT64_MAX - (alignment - 1))
		return false;
	aligned = align_up(start, alignment);
	if (!range_fits(aligned - window->base, size, window->size))
		return false;
	window->used = aligned - window->base + size;
	*address = aligned;
	return true;
}

static int assign_refuse(const struct assignment *assignment, const struct window *window,
			 struct err *err)
{
	char name[24];

	if (assignment->index < PCI_BAR_COUNT)
		snprintf(name, sizeof(name), "BAR %u", assignment->index);
	else
		snprintf(name, sizeof(name), "%s", port_window_names[assignment->kind]);
	return err_set(err, -ENOSPC,
		       "PCI addresses could not be assigned: %s %s: its 0x%" PRIx64
		       " bytes do not fit into the %s window at 0x%" PRIx64 ", 0x%" PRIx64
		       " bytes of which 0x%" PRIx64 " are taken: pass fewer devices",
		       assignment->device->name, name, assignment->size, window->name, window->base,
		       window->size, window->used);
}

/* On the root bus. */
static int assign_one(struct assigner *assigner, struct assignment *assignment, struct err *err)
{
	struct window *windows = assigner->windows;
	struct window *window =
		&windows[assignment->kind == PCI_WINDOW_IO ? WINDOW_IO : WINDOW_MEM32];

	if (assignment->kind == PCI_WINDOW_PREFETCH &&
	    assign_window_take(&windows[WINDOW_MEM64], assignment->size, assignment->alignment,
			       &assignment->address))
		return 0;
	if (assign_window_take(window, assignment->size, assignment->alignment,
			       &assignment->address))
		return 0;
	if (assignment->kind == PCI_WINDOW_PREFETCH && windows[WINDOW_MEM64].size != 0)
		window = &windows[WINDOW_MEM64];
	return assign_refuse(assignment, window, err);
}

/* Behind a port only prefetchable BARs of 64 bits have a window that may lie above 4 GiB. */
static unsigned int assign_kind(const struct pci_device *device, const struct pci_bar *bar)
{
	if (bar->kind == PCI_BAR_IO)
		return PCI_WINDOW_IO;
	return bar->kind == PCI_BAR_MEM64 && (bar->prefetchable || !device->bus->port)
		       ? PCI_WINDOW_PREFETCH
		       : PCI_WINDOW_MEMORY;
}

static void assign_append(struct assigner *assigner, struct pci_device *device, unsigned int index,
			  unsigned int kind, uint64_t size, uint64_t alignment)
{
	assigner->assignments[assigner->count++] = (struct assignment){
		.device = device,
		.index = index,
		.kind = kind,
		.size = size,
		.alignment = alignment,
	};
}

/* A BAR that could fill a page gets one, aligned. */
static void assign_collect_bars(struct assigner *assigner)
{
	for (size_t i = 0; i < assigner->host->count; i++)
		for (unsigned int index = 0; index < PCI_BAR_COUNT; index++) {
			struct pci_device *device = assigner->host->added[i];
			const struct pci_bar *bar = &device->bars[index];
			uint64_t size = bar->page ? bar->page : bar->size;

			if (bar->kind != PCI_BAR_NONE)
				assign_append(assigner, device, index, assign_kind(device, bar),
					      size, size);
		}
}

/* What is behind @port of one kind lies in one piece, largest first, which becomes its window. */
static void assign_gather(struct assigner *assigner, struct pci_device *port, enum pci_window kind)
{
	uint64_t used = 0, alignment = pci_window_granule(kind);

	for (size_t i = 0; i < assigner->count; i++) {
		struct assignment *assignment = &assigner->assignments[i];

		if (assignment->device->bus != port->below || assignment->kind != kind)
			continue;
		if (assignment->alignment > alignment)
			alignment = assignment->alignment;
		assignment->address = used;
		used += assignment->size;
	}
	if (used)
		assign_append(assigner, port, PCI_BAR_COUNT + kind, kind,
			      align_up(used, pci_window_granule(kind)), alignment);
}

static void assign_gather_all(struct assigner *assigner)
{
	for (size_t i = 0; i < assigner->host->count; i++)
		for (unsigned int kind = 0; kind < PCI_WINDOWS; kind++)
			if (assigner->host->added[i]->below)
				assign_gather(assigner, assigner->host->added[i], kind);
}

static void assign_sort(const struct assigner *assigner)
{
	qsort(assigner->assignments, assigner->count, sizeof(*assigner->assignments),
	      assign_compare);
}

static void assign_store_bar(const struct assignment *assignment, uint64_t address)
{
	struct pci_device *device = assignment->device;

	pthread_mutex_lock(&device->lock);
	pci_bar_set_address(device, device->config, assignment->index, address);
	pci_bar_set_address(device, device->reset_config, assignment->index, address);
	pthread_mutex_unlock(&device->lock);
}

/* The window, then what is in it. */
static void assign_store_window(const struct assigner *assigner,
				const struct assignment *assignment)
{
	struct pci_device *port = assignment->device;

	pthread_mutex_lock(&port->lock);
	pci_port_open(port->below->port, assignment->kind, assignment->address, assignment->size);
	pthread_mutex_unlock(&port->lock);
	for (size_t i = 0; i < assigner->count; i++) {
		const struct assignment *inner = &assigner->assignments[i];

		if (inner->device->bus == port->below && inner->kind == assignment->kind)
			assign_store_bar(inner, assignment->address + inner->address);
	}
}

static int assign_locked(struct assigner *assigner, struct err *err)
{
	const struct pci_bus *root = &assigner->host->root;

	assign_collect_bars(assigner);
	assign_sort(assigner);
	assign_gather_all(assigner);
	assign_sort(assigner);
	for (size_t i = 0; i < assigner->count; i++) {
		struct assignment *assignment = &assigner->assignments[i];
		int rc =
			assignment->device->bus == root ? assign_one(assigner, assignment, err) : 0;

		if (rc)
			return rc;
	}
	for (size_t i = 0; i < assigner->count; i++) {
		const struct assignment *assignment = &assigner->assignments[i];

		if (assignment->index >= PCI_BAR_COUNT)
			assign_store_window(assigner, assignment);
		else if (assignment->device->bus == root)
			assign_store_bar(assignment, assignment->address);
	}
	return 0;
}

int pci_host_assign(struct pci_host *host, struct err *err)
{
	const struct pci_host_config *config = &host->config;
	struct assigner assigner = {
		.host = host,
		.windows =
			{
				[WINDOW_IO] = {"I/O", config->io_base,
					       config->pio ? config->io_size : 0, 0},
				[WINDOW_MEM32] = {"32-bit memory", config->mmio32_base,
						  config->mmio32_size, 0},
				[WINDOW_MEM64] = {"64-bit memory", config->mmio64_base,
						  config->mmio64_size, 0},
			},
	};
	int rc;

	pthread_mutex_lock(&host->lock);
	assigner.assignments =
		calloc(host->count * (PCI_BAR_COUNT + PCI_WINDOWS), sizeof(*assigner.assignments));
	if (assigner.assignments)
		rc = assign_locked(&assigner, err);
	else
		rc = err_set(err, -ENOMEM, "PCI addresses could not be assigned: %s",
			     err_text(-ENOMEM));
	free(assigner.assignments);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
