/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses for every BAR and window, as firmware would give them before the guest starts. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

struct window {
	const char *name;
	struct pci_span span;
};

/* Of the host bridge's windows; each is what the window of a port of that kind is taken from. */
enum { WINDOW_IO = PCI_WINDOW_IO, WINDOW_MEM32 = PCI_WINDOW_MEMORY, WINDOW_MEM64, WINDOW_COUNT };

/* What is left out where it does not fit, after all that is not. */
enum rank {
	RANK_NEEDED,
	RANK_LATER, /* windows that what came later needs larger than they were at the start */
	RANK_IO,    /* I/O windows of ports: there is room for 15, and drivers do without */
	RANK_ROOM,  /* likewise, of ports without I/O behind them */
};

/* A BAR, or the window of a port with all that lies in it. */
struct assignment {
	struct pci_device *device;
	unsigned int index; /* of the BAR; PCI_BAR_COUNT and more: of the window */
	unsigned int kind;  /* enum pci_window */
	enum rank rank;
	uint64_t size, alignment;
	uint64_t address; /* of a BAR behind a port: from the start of the port's window */
	bool placed;      /* on the root bus: `address` was found */
};

/* With the windows that are left of the host bridge's. */
struct assigner {
	struct pci_host *host;
	struct window windows[WINDOW_COUNT];
	bool again; /* the guest has run with other addresses: what does not fit has none */
	struct assignment *assignments;
	size_t count;
};

static const char *const port_window_names[] = {
	[PCI_WINDOW_IO] = "I/O window",
	[PCI_WINDOW_MEMORY] = "memory window",
	[PCI_WINDOW_PREFETCH] = "prefetchable window",
};

/* By rank, largest first; then by function and BAR: the outcome does not depend on the sort. */
static int assign_compare(const void *left, const void *right)
{
	const struct assignment *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->alignment != b->alignment)
		return a->alignment < b->alignment ? 1 : -1;
	if (a->device->bus != b->device->bus)
		return a->device->bus->number < b->device->bus->number ? -1 : 1;
	if (a->device != b->device)
		return a->device->devfn < b->device->devfn ? -1 : 1;
	return a->index < b->index ? -1 : 1;
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
		       assignment->device->name, name, assignment->size, window->name,
		       window->span.base, window->span.size, window->span.used);
}

/* On the root bus. */
static int assign_one(struct assigner *assigner, struct assignment *assignment, struct err *err)
{
	struct window *windows = assigner->windows;
	struct window *window =
		&windows[assignment->kind == PCI_WINDOW_IO ? WINDOW_IO : WINDOW_MEM32];

	assignment->placed = true;
	if (assignment->kind == PCI_WINDOW_PREFETCH &&
	    pci_span_take(&windows[WINDOW_MEM64].span, assignment->size, assignment->alignment,
			  &assignment->address))
		return 0;
	if (pci_span_take(&window->span, assignment->size, assignment->alignment,
			  &assignment->address))
		return 0;
	assignment->placed = false;
	if (assignment->kind == PCI_WINDOW_PREFETCH && windows[WINDOW_MEM64].span.size != 0)
		window = &windows[WINDOW_MEM64];
	return assign_refuse(assignment, window, err);
}

/* What may be left out is told of where somebody could miss it. */
static int assign_or_leave(struct assigner *assigner, struct assignment *assignment,
			   struct err *err)
{
	struct err why = {0};
	int rc = assign_one(assigner, assignment, &why);

	if (rc && assignment->rank == RANK_NEEDED && !assigner->again)
		return err_set(err, rc, "%s", why.text);
	if (rc && assignment->rank == RANK_IO)
		log_warn("%s: its I/O window is left out, and I/O BARs behind it have no "
			 "addresses: all of the %s window is taken",
			 assignment->device->name, assigner->windows[WINDOW_IO].name);
	else if (rc && assignment->rank != RANK_ROOM)
		log_warn("%s", why.text);
	return 0;
}

/* A BAR that could fill a page gets one, aligned. */
static void assign_collect_bar(struct assigner *assigner, struct pci_device *device,
			       unsigned int index)
{
	const struct pci_bar *bar = &device->bars[index];
	uint64_t size = bar->page ? bar->page : bar->size;

	if (bar->kind == PCI_BAR_NONE)
		return;
	assigner->assignments[assigner->count++] = (struct assignment){
		.device = device,
		.index = index,
		.kind = pci_bar_window(bar, device->bus->port),
		.size = size,
		.alignment = size,
	};
}

/* What a port does not tell the guest of gets nothing. */
static void assign_collect_bars(struct assigner *assigner)
{
	for (size_t i = 0; i < assigner->host->count; i++) {
		struct pci_device *device = assigner->host->added[i];
		const struct pci_port *port = device->bus->port;

		for (unsigned int index = 0; index < PCI_BAR_COUNT; index++)
			if (!port || pci_port_is_occupied(port))
				assign_collect_bar(assigner, device, index);
	}
}

static enum rank assign_rank(const struct assigner *assigner, enum pci_window kind, uint64_t used,
			     const struct pci_room *room)
{
	if (kind != PCI_WINDOW_IO)
		return assigner->again && used > room->size ? RANK_LATER : RANK_NEEDED;
	return used ? RANK_IO : RANK_ROOM;
}

static uint64_t assign_larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What is behind @port of one kind lies in one piece, largest first, which becomes its window. */
static void assign_gather(struct assigner *assigner, struct pci_device *port, enum pci_window kind)
{
	const struct pci_room *room = pci_port_room(port->below->port, kind);
	uint64_t granule = pci_window_granule(kind), used = 0, alignment = granule, size;

	for (size_t i = 0; i < assigner->count; i++) {
		struct assignment *assignment = &assigner->assignments[i];

		if (assignment->device->bus != port->below || assignment->kind != kind)
			continue;
		alignment = assign_larger(alignment, assignment->alignment);
		assignment->address = used;
		used += assignment->size;
	}
	size = assign_larger(used, room->size);
	if (size)
		assigner->assignments[assigner->count++] = (struct assignment){
			.device = port,
			.index = PCI_BAR_COUNT + kind,
			.kind = kind,
			.rank = assign_rank(assigner, kind, used, room),
			.size = align_up(size, granule),
			.alignment = assign_larger(alignment, room->alignment),
		};
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

/* The window, which stays so large for what comes back; then what is in it. */
static void assign_store_window(const struct assigner *assigner,
				const struct assignment *assignment)
{
	struct pci_device *port = assignment->device;
	uint64_t base = assignment->address;

	pthread_mutex_lock(&port->lock);
	pci_port_open(port->below->port, assignment->kind, base,
		      assignment->placed ? assignment->size : 0);
	if (assignment->placed)
		*pci_port_room(port->below->port, assignment->kind) =
			(struct pci_room){assignment->size, assignment->alignment};
	pthread_mutex_unlock(&port->lock);
	for (size_t i = 0; i < assigner->count; i++) {
		const struct assignment *inner = &assigner->assignments[i];

		if (inner->device->bus == port->below && inner->kind == assignment->kind)
			assign_store_bar(inner, assignment->placed ? base + inner->address : 0);
	}
}

static void assign_store(const struct assigner *assigner)
{
	for (size_t i = 0; i < assigner->count; i++) {
		const struct assignment *assignment = &assigner->assignments[i];

		if (assignment->index >= PCI_BAR_COUNT)
			assign_store_window(assigner, assignment);
		else if (!assignment->device->bus->port)
			assign_store_bar(assignment, assignment->placed ? assignment->address : 0);
	}
}

static int assign_all(struct assigner *assigner, struct err *err)
{
	const struct pci_bus *root = &assigner->host->root;
	int rc = 0;

	assign_collect_bars(assigner);
	assign_sort(assigner);
	assign_gather_all(assigner);
	assign_sort(assigner);
	for (size_t i = 0; i < assigner->count && !rc; i++)
		if (assigner->assignments[i].device->bus == root)
			rc = assign_or_leave(assigner, &assigner->assignments[i], err);
	if (!rc)
		assign_store(assigner);
	return rc;
}

static void assign_open_windows(struct assigner *assigner)
{
	const struct pci_host_config *config = &assigner->host->config;
	struct window *windows = assigner->windows;

	windows[WINDOW_IO].name = "I/O";
	windows[WINDOW_IO].span.base = config->io_base;
	windows[WINDOW_IO].span.size = config->pio ? config->io_size : 0;
	windows[WINDOW_MEM32].name = "32-bit memory";
	windows[WINDOW_MEM32].span.base = config->mmio32_base;
	windows[WINDOW_MEM32].span.size = config->mmio32_size;
	windows[WINDOW_MEM64].name = "64-bit memory";
	windows[WINDOW_MEM64].span.base = config->mmio64_base;
	windows[WINDOW_MEM64].span.size = config->mmio64_size;
}

/* Host lock held. */
static int assign_locked(struct pci_host *host, bool again, struct err *err)
{
	struct assigner assigner = {.host = host, .again = again};
	int rc;

	assign_open_windows(&assigner);
	assigner.assignments =
		calloc(host->count * (PCI_BAR_COUNT + PCI_WINDOWS), sizeof(*assigner.assignments));
	if (assigner.assignments)
		rc = assign_all(&assigner, err);
	else
		rc = err_set(err, -ENOMEM, "PCI addresses could not be assigned: %s",
			     err_text(-ENOMEM));
	free(assigner.assignments);
	host->assigned = host->assigned || !rc;
	host->changed = rc;
	return rc;
}

int pci_host_assign(struct pci_host *host, struct err *err)
{
	int rc;

	pthread_mutex_lock(&host->lock);
	rc = assign_locked(host, false, err);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

void pci_host_assign_again(struct pci_host *host)
{
	struct err err = {0};

	if (host->assigned && host->changed && assign_locked(host, true, &err))
		log_warn("%s: devices that came later have none", err.text);
}
