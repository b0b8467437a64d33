/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: the bus, the host bridge and the mapping pass. */

#ifndef FERRY_DEVICES_PCI_HOST_H
#define FERRY_DEVICES_PCI_HOST_H

#include "devices/pci/pci.h"
#include "vmm/base/log.h"

enum {
	PCI_FUNCTIONS = 8,
	PCI_DEVFNS = PCI_SLOTS * PCI_FUNCTIONS,
};

struct pci_bus {
	struct pci_host *host;
	struct pci_device *bridge; /* the bridge above, NULL on the root bus */
	uint8_t number;
	struct pci_device *devices[PCI_DEVFNS];
};

struct pci_host {
	struct pci_host_config config;
	pthread_mutex_t lock;
	struct pci_bus root;
	struct pci_device bridge; /* function 00.0 */

	struct pci_device *added[PCI_DEVFNS]; /* in order of addition, the bridge first */
	size_t count;

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

/* The region behind the ports 0xcf8 to 0xcff and ECAM. */
int pci_ports_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;
int pci_ecam_add(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;

#endif
