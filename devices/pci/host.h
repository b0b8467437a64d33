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

	struct mem_change *changes; /* room for every slice of every function */
	size_t slice_count;
	struct log_limit limit;

	struct mem_region ecam;
	struct mem_region address_port;
	struct mem_region data_port;
	pthread_mutex_t latch_lock; /* a leaf */
	uint32_t latch;             /* what was last written to 0xcf8 */
};

static inline unsigned int pci_slot(uint8_t devfn)
{
	return devfn / PCI_FUNCTIONS;
}

/*
 * NULL when BAR @index decodes at this moment, else why not, for a person; *@address is what it is
 * programmed to. Host lock held.
 */
const char *pci_bar_why_off(const struct pci_device *device, unsigned int index, uint64_t *address);

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

/* Opens @window for [@base, @base + @size), whole granules, now and at each reset. */
void pci_port_open(struct pci_port *port, enum pci_window window, uint64_t base, uint64_t size);

/* As pci_window_get(). */
bool pci_port_range(const struct pci_port *port, enum pci_window window, uint64_t *base,
		    uint64_t *last);

/* What follows a restored shadow: the bus number. Host lock and device lock held. */
void pci_port_restored(struct pci_port *port);

/* The region behind the ports 0xcf8 to 0xcff and ECAM. */
int pci_ports_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;
int pci_ecam_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;

#endif
