/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses for every BAR, as firmware would give them before the guest starts. */

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

enum { WINDOW_IO, WINDOW_MEM32, WINDOW_MEM64, WINDOW_COUNT };

struct assignment {
	struct pci_device *device;
	unsigned int index; /* of the BAR */
	uint64_t address;
};

/* A BAR that could fill a page gets one, aligned. */
static uint64_t assign_size(const struct assignment *assignment)
{
	const struct pci_bar *bar = &assignment->device->bars[assignment->index];

	return bar->page ? bar->page : bar->size;
}

/* Largest first; then by function and BAR, so that the outcome does not depend on the sort. */
static int assign_compare(const void *left, const void *right)
{
	const struct assignment *a = left, *b = right;

	if (assign_size(a) != assign_size(b))
		return assign_size(a) < assign_size(b) ? 1 : -1;
	if (a->device != b->device)
		return a->device->devfn < b->device->devfn ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

/* Takes @size bytes at a multiple of @size that is not 0; false when they do not fit. */
static bool assign_window_take(struct window *window, uint64_t size, uint64_t *address)
{
	uint64_t start = window->base + window->used, aligned;

	if (window->used >= window->size)
		return false;
	if (start == 0)
		start = 1;
	if (start > UINT64_MAX - (size - 1))
		return false;
	aligned = align_up(start, size);
	if (!range_fits(aligned - window->base, size, window->size))
		return false;
	window->used = aligned - window->base + size;
	*address = aligned;
	return true;
}

static int assign_one(struct assignment *assignment, struct window *windows, struct err *err)
{
	const struct pci_bar *bar = &assignment->device->bars[assignment->index];
	uint64_t size = assign_size(assignment);
	struct window *window = &windows[bar->kind == PCI_BAR_IO ? WINDOW_IO : WINDOW_MEM32];

	if (bar->kind == PCI_BAR_MEM64 &&
	    assign_window_take(&windows[WINDOW_MEM64], size, &assignment->address))
		return 0;
	if (assign_window_take(window, size, &assignment->address))
		return 0;
	if (bar->kind == PCI_BAR_MEM64 && windows[WINDOW_MEM64].size != 0)
		window = &windows[WINDOW_MEM64];
	return err_set(err, -ENOSPC,
		       "PCI addresses could not be assigned: %s BAR %u: its 0x%" PRIx64
		       " bytes do not fit into the %s window at 0x%" PRIx64 ", 0x%" PRIx64
		       " bytes of which 0x%" PRIx64 " are taken: pass fewer devices",
		       assignment->device->name, assignment->index, bar->size, window->name,
		       window->base, window->size, window->used);
}

static size_t assign_collect(const struct pci_host *host, struct assignment *assignments)
{
	size_t count = 0;

	for (size_t i = 0; i < host->count; i++)
		for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++)
			if (host->added[i]->bars[bar].kind != PCI_BAR_NONE)
				assignments[count++] = (struct assignment){
					.device = host->added[i],
					.index = bar,
				};
	return count;
}

static void assign_store(const struct assignment *assignment)
{
	struct pci_device *device = assignment->device;

	pthread_mutex_lock(&device->lock);
	pci_bar_set_address(device, device->config, assignment->index, assignment->address);
	pci_bar_set_address(device, device->reset_config, assignment->index, assignment->address);
	pthread_mutex_unlock(&device->lock);
}

static int assign_locked(struct pci_host *host, struct assignment *assignments, struct err *err)
{
	const struct pci_host_config *config = &host->config;
	struct window windows[WINDOW_COUNT] = {
		[WINDOW_IO] = {"I/O", config->io_base, config->pio ? config->io_size : 0, 0},
		[WINDOW_MEM32] = {"32-bit memory", config->mmio32_base, config->mmio32_size, 0},
		[WINDOW_MEM64] = {"64-bit memory", config->mmio64_base, config->mmio64_size, 0},
	};
	size_t count = assign_collect(host, assignments);

	qsort(assignments, count, sizeof(*assignments), assign_compare);
	for (size_t i = 0; i < count; i++) {
		int rc = assign_one(&assignments[i], windows, err);

		if (rc)
			return rc;
	}
	for (size_t i = 0; i < count; i++)
		assign_store(&assignments[i]);
	return 0;
}

int pci_host_assign(struct pci_host *host, struct err *err)
{
	struct assignment *assignments;
	int rc;

	pthread_mutex_lock(&host->lock);
	assignments = calloc(host->count * PCI_BAR_COUNT, sizeof(*assignments));
	if (assignments)
		rc = assign_locked(host, assignments, err);
	else
		rc = err_set(err, -ENOMEM, "PCI addresses could not be assigned: %s",
			     err_text(-ENOMEM));
	free(assignments);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
