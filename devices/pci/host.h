/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: the bus, the host bridge and the mapping pass. */

#ifndef FERRY_DEVICES_PCI_HOST_H
#define FERRY_DEVICES_PCI_HOST_H

#include <stdatomic.h>

#include "devices/pci/pci.h"
#include "devices/pci/window.h"
#include "vmm/base/log.h"

enum {
	PCI_FUNCTIONS = 8,
	PCI_DEVFNS = PCI_SLOTS * PCI_FUNCTIONS,
};

struct pci_port;

struct pci_bus {
	struct pci_host *host;
	struct pci_port *port; /* the port above, NULL on the root bus */
	/* Set under the host lock; a requester id is made of it with the device lock alone. */
	_Atomic uint8_t number;
	struct pci_device *devices[PCI_DEVFNS];
};

struct pci_host {
	struct pci_host_config config;
	pthread_mutex_t lock;
	struct pci_bus root;
	struct pci_device bridge; /* function 00.0 */

	struct pci_device **added; /* in order of addition, the bridge first */
	size_t count;
	unsigned int ports; /* created so far */
	bool assigned;      /* pci_host_assign() has given addresses: the guest may run */
	bool changed;       /* of another set of functions than there is now */

	struct mem_change *changes; /* room for every slice of every function */
	size_t slice_count;
	struct log_limit limit;

	struct mem_region ecam;
	struct mem_region address_port;
	struct mem_region data_port;
	pthread_mutex_t latch_lock; /* a leaf */
	uint32_t latch;             /* what was last written to 0xcf8 */
};

static inline unsigned int pci_devfn_slot(uint8_t devfn)
{
	return devfn / PCI_FUNCTIONS;
}

/*
 * NULL when BAR @index decodes at this moment, else why not, for a person; *@address is what it is
 * programmed to. Host lock held.
 */
const char *pci_bar_why_off(const struct pci_device *device, unsigned int index, uint64_t *address);

/* The window that @bar is to lie in: its port's, or on the root bus the host bridge's like it. */
enum pci_window pci_bar_window(const struct pci_bar *bar, bool behind_port);

/* Writes @address into the shadow @config, keeping the type bits. */
void pci_bar_set_address(const struct pci_device *device, uint8_t *config, unsigned int index,
			 uint64_t address);

/* Whether a write to [@offset, @offset + @size) can change what the function decodes. */
bool pci_device_decode_touched(const struct pci_device *device, unsigned int offset,
			       unsigned int size);

/*
 * The two halves of a mapping pass over all functions: every slice that no longer decodes where it
 * is leaves its map, then every slice that should be in one enters. One transaction for each map,
 * none when nothing is to change. Host lock held.
 */
void pci_host_unmap_stale(struct pci_host *host);
void pci_host_map_decoded(struct pci_host *host);

/* Puts @device on @bus at @devfn, the place being free. Host lock held. -ENOMEM. */
int pci_bus_attach(struct pci_bus *bus, struct pci_device *device, uint8_t devfn) FERRY_MUST_CHECK;

/*
 * Puts @device on @bus in @slot at @function unless that place is taken: -EBUSY, or -ENOMEM, with
 * @err set. Host lock held.
 */
int pci_bus_add(struct pci_bus *bus, struct pci_device *device, unsigned int slot,
		unsigned int function, struct err *err) FERRY_MUST_CHECK;

/* Takes @device out of the maps and off its bus. Host lock held, vCPUs parked. */
void pci_bus_detach(struct pci_device *device);

/* The bus that a config access for bus @number arrives at from the root; NULL: none. Host lock. */
struct pci_bus *pci_bus_find(struct pci_host *host, uint8_t number);

/* The device that is the port itself. */
const struct pci_device *pci_port_device(const struct pci_port *port);

/*
 * What a port lets through. Host lock held.
 *
 * Config accesses for bus @number; whatever is sent to memory from below; and, with NULL for an
 * answer, an access from above to [@address, @address + @size) of @kind, else why not, for a
 * person.
 */
bool pci_port_passes_config(const struct pci_port *port, uint8_t number);
bool pci_port_passes_up(const struct pci_port *port);
const char *pci_port_why_shut(const struct pci_port *port, enum pci_bar_kind kind);
const char *pci_port_why_outside(const struct pci_port *port, enum pci_bar_kind kind,
				 uint64_t address, uint64_t size);

/* Whether a write to [@offset, @offset + @size) of the port can change any of these. */
bool pci_port_is_touched(unsigned int offset, unsigned int size);

/* Opens @window for [@base, @base + @size), whole granules, now and at each reset; 0 closes it. */
void pci_port_open(struct pci_port *port, enum pci_window window, uint64_t base, uint64_t size);

/* As pci_window_get(). */
bool pci_port_range(const struct pci_port *port, enum pci_window window, uint64_t *base,
		    uint64_t *last);

/* What @window has at least; the caller may raise it. Host lock held. */
struct pci_room *pci_port_room(struct pci_port *port, enum pci_window window);

/* Whether the guest is to find what is behind the port, see pci_port_insert(). Host lock held. */
bool pci_port_is_occupied(const struct pci_port *port);

/* What follows a restored shadow: bus number, slot. Host lock and device lock held. */
void pci_port_restored(struct pci_port *port);

/*
 * As pci_host_assign(), if functions came or went since: what does not fit is left without. Host
 * lock held, no device's.
 */
void pci_host_assign_again(struct pci_host *host);

/* The region behind the ports 0xcf8 to 0xcff and ECAM. */
int pci_ports_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;
int pci_ecam_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;

#endif
