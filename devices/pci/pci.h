/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function as the guest sees it, the bus it is on and the host bridge above them. */

#ifndef FERRY_DEVICES_PCI_PCI_H
#define FERRY_DEVICES_PCI_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "devices/pci/window.h"
#include "memory/map.h"
#include "vmm/base/bits.h"
#include "vmm/base/err.h"

enum {
	PCI_CONFIG_SIZE = 256,
	PCIE_CONFIG_SIZE = 4096,
	PCI_BARS = 6,
	PCI_ROM_BAR = 6, /* index of the expansion ROM among `bars` */
	PCI_BAR_COUNT = 7,
};

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64, PCI_BAR_ROM };

/* One of the disjoint pieces that tile a BAR; `region.size` bytes from `offset` in the BAR. */
struct pci_slice {
	struct mem_region region;
	uint64_t offset;
	const char *trapped; /* for a person: why the owner does not map it; may be NULL */
};

/* The upper half of a 64-bit BAR is the next entry, of kind PCI_BAR_NONE and size 0. */
struct pci_bar {
	enum pci_bar_kind kind;
	bool prefetchable;
	uint64_t size; /* a power of two; I/O at least 4, memory at least 16, ROM at least 2 KiB */
	/*
	 * Not 0 for a memory BAR smaller than a host page that has the page to itself on the host:
	 * its one slice fills a page of this size wherever nothing else decodes in that page.
	 */
	uint64_t page;
	struct pci_slice *slices; /* the device's, freed by it */
	size_t slice_count;
};

struct pci_bus;
struct pci_host;
struct pci_device;

/*
 * A config access by the guest is planned, then applied, under the PCI host lock and the device
 * lock:
 *   check          may answer MEM_NOT_YET: the write waits and comes again; or prepare for it,
 *                  as by pci_device_lose_registers();
 *   (the shadow takes the bits that write_mask and write_1_clear allow;
 *    slices that stop decoding or move leave the maps, all functions' before any is added)
 *   config_written the device forwards or acts on the write;
 *   (slices that now decode enter the maps)
 *
 * Every member may be NULL. check, config_read and config_written hold both locks; reset, start and
 * destroy hold none (pci_host_lock() takes them). The shadow is only written with both locks
 * held, so either is enough to read it. A slice that overlaps another, or whose BAR is at address
 * 0 or outside the windows on its way, stays unmapped and is tried again at every later write
 * that touches COMMAND, a BAR or the power state of any function.
 */
struct pci_device_ops {
	enum mem_result (*check)(struct pci_device *device, unsigned int offset, unsigned int size,
				 uint32_t value);
	/* The value to give for a read; NULL: the shadow. The access lies in config_size. */
	uint32_t (*config_read)(struct pci_device *device, unsigned int offset, unsigned int size);
	void (*config_written)(struct pci_device *device, unsigned int offset, unsigned int size,
			       uint32_t value);
	/*
	 * To the state after power-on, in which it neither interrupts nor masters; the shadow's own
	 * reset is done by then. vCPUs parked.
	 */
	void (*reset)(struct pci_device *device);
	/* The interrupt controllers were reset since: from now on it may interrupt. Likewise. */
	void (*start)(struct pci_device *device);
	/*
	 * Behind a port: what lies on the way to the root bus has changed, pci_device_decodes() or
	 * pci_device_is_passed_up(). Between config_written of the port that changed and the maps.
	 * Both locks held, the port's too.
	 */
	void (*path_changed)(struct pci_device *device);
	/*
	 * Behind a port: the link resets the function (PCIe 5.0 6.6.1). Until it is done, or
	 * given up, MEM_NOT_YET: the guest's write that resets the link waits and comes again.
	 * Same locks.
	 */
	enum mem_result (*link_reset)(struct pci_device *device);
	void (*destroy)(struct pci_device *device);
};

/* Embedded in its owner. Config space is little-endian bytes, offsets as in PCI 3.0 6.1. */
struct pci_device {
	const struct pci_device_ops *ops;
	char name[64]; /* for messages: the host's address of a passed-through one */
	struct pci_bus *bus;
	struct pci_bus *below; /* of a port, the bus that it leads to; else NULL */
	uint8_t devfn;
	pthread_mutex_t lock; /* config, bars and whatever the owner keeps; BAR handlers hold it */
	unsigned int config_size; /* 256 or 4096 */
	uint8_t config[PCIE_CONFIG_SIZE];
	uint8_t reset_config[PCIE_CONFIG_SIZE]; /* what a reset restores; taken by pci_host_add() */
	uint8_t write_mask[PCIE_CONFIG_SIZE];
	uint8_t write_1_clear[PCIE_CONFIG_SIZE];
	struct pci_bar bars[PCI_BAR_COUNT];
	unsigned int pm_capability; /* offset of the power management capability, 0 without */
	bool unmapped;              /* by pci_device_unmap(), until the next reset */
};

/* Sets up names, locks, an empty config space and all-zero masks. @config_size is 256 or 4096. */
void pci_device_init(struct pci_device *device, const struct pci_device_ops *ops,
		     unsigned int config_size, const char *name);

/* Gives back what pci_device_init() set up; the owner's destroy calls it. */
void pci_device_release(struct pci_device *device);

/*
 * Declares BAR @index from its kind, size and slices: writes its type bits and mask into config
 * space. MEM64 also takes index + 1. Slices ascend; what they leave out reads all ones. -EINVAL for
 * an impossible index, kind, size or slice, -EBUSY once the function was added to a host.
 */
int pci_device_set_bar(struct pci_device *device, unsigned int index,
		       struct pci_bar bar) FERRY_MUST_CHECK;

/* The address in the shadow, decode state aside. Device lock held. */
uint64_t pci_device_bar_address(const struct pci_device *device, unsigned int index);

/*
 * Whether COMMAND, power state (D0) and every port above allow the decode; windows and the ROM's
 * own enable bit aside. Host lock held.
 */
bool pci_device_decodes(const struct pci_device *device, enum pci_bar_kind kind);

/*
 * Whether every port above passes on what the function sends to memory: its DMA and its messages
 * (PCIe 5.0 7.5.1.1.3). True on the root bus. Host lock held.
 */
bool pci_device_is_passed_up(const struct pci_device *device);

/*
 * Takes all slices out of the maps and keeps them out until pci_device_remap() or pci_host_reset();
 * meanwhile the guest's writes do not change the shadow.
 * Host lock and device lock held by the caller through pci_host_lock().
 */
void pci_device_unmap(struct pci_device *device);

/* Ends what pci_device_unmap() began: what decodes is mapped again. Both locks held, likewise. */
void pci_device_remap(struct pci_device *device);

/*
 * Config space as a reset of the function leaves it (PCIe 5.0 6.6.2): the power-on state, BARs
 * without addresses; what decoded leaves the maps. Both locks held, likewise.
 */
void pci_device_lose_registers(struct pci_device *device);

/* Requester id with the current bus number: bus << 8 | devfn. The function is on a bus. */
uint16_t pci_device_requester(const struct pci_device *device);

/* What a bus has of each. */
enum { PCI_SLOTS = 32, PCI_PINS = 4 };

/* Whether a write of @value to @size bytes at @offset sets @bit of the byte at @at. */
static inline bool pci_write_sets(unsigned int offset, unsigned int size, uint32_t value,
				  unsigned int at, uint8_t bit)
{
	return ranges_overlap(offset, size, at, 1) && value >> 8 * (at - offset) & bit;
}

/* The GSI of @pin, 0 to 3, in @slot of the root bus, where @count begin with @first. */
static inline unsigned int pci_intx_gsi(unsigned int first, unsigned int count, unsigned int slot,
					unsigned int pin)
{
	return first + (slot + pin) % count;
}

/* The GSI of its INTx pin (config 0x3d) after the swizzle of every port; -1 without a pin. */
int pci_device_intx_gsi(const struct pci_device *device);

struct pci_host_config {
	struct mem_map *mmio;
	struct mem_map *pio; /* NULL: no I/O windows, no CF8/CFC */
	uint64_t ecam_base;  /* 1 MiB for each bus */
	unsigned int buses;  /* 1 to 256 */
	bool config_ports;   /* CF8/CFC, x86_64 only */
	uint64_t mmio32_base, mmio32_size;
	uint64_t mmio64_base, mmio64_size; /* size 0: none */
	uint64_t io_base, io_size;         /* port numbers */
	unsigned int intx_gsi;             /* the first GSI for INTx */
	unsigned int intx_count;           /* 8 or 4, a power of two */

	/*
	 * Port 0xcf9 lies among the config ports; byte accesses go here. NULL: all ones, dropped.
	 */
	void (*reset_control)(void *reset_owner, uint8_t value);
	uint8_t (*reset_control_read)(void *reset_owner);
	void *reset_owner;
};

/*
 * The host bridge with its root bus, itself function 00.0 (8086:0d57 class 0600 or the like, no
 * BARs). Registers ECAM and, when asked, CF8/CFC. NULL with @err set. ECAM takes 1-, 2- and 4-byte
 * accesses inside one dword (PCIe 5.0 7.2.2); others read all ones and are dropped.
 */
struct pci_host *pci_host_create(const struct pci_host_config *config, struct err *err);

/* Destroys every function through its ops, in reverse order of addition. */
void pci_host_destroy(struct pci_host *host);

/*
 * Puts a function on the root bus at @slot (1 to 31, or -1: the lowest slot that is free) and
 * @function. The host owns it from success on. -EBUSY, -ENOSPC, -EINVAL with @err set. Sets the
 * multi-function bit of function 0 when the slot has others; a guest finds those only when function
 * 0 is there.
 */
int pci_host_add(struct pci_host *host, struct pci_device *device, int slot, unsigned int function,
		 struct err *err) FERRY_MUST_CHECK;

/*
 * Gives every BAR an address in its window, largest first, as firmware would; decoding stays off.
 * -ENOSPC with @err naming device, BAR, size and window, and nothing assigned. 64-bit BARs go to
 * the 64-bit window, or to the 32-bit one when they do not fit there. BARs behind a port lie in one
 * piece, for which its windows are opened: the prefetchable 64-bit ones as a 64-bit BAR of the root
 * bus would, all others below 4 GiB. After pci_host_add() and pci_port_add() of all.
 */
int pci_host_assign(struct pci_host *host, struct err *err) FERRY_MUST_CHECK;

/*
 * Power-on state of every function, assigned addresses restored: shadows first, then the maps, then
 * ops->reset of each. None interrupts from then until pci_host_start(), before which the interrupt
 * controllers are reset: they forget what a device has raised, and it will not raise it again. Main
 * thread, vCPUs parked, no lock held.
 */
void pci_host_reset(struct pci_host *host);
void pci_host_start(struct pci_host *host);

/* Config access by bus, device and function, as ECAM does it; -1 value when nobody answers. */
enum mem_result pci_host_config_read(struct pci_host *host, uint16_t bdf, unsigned int offset,
				     unsigned int size, uint32_t *value);
enum mem_result pci_host_config_write(struct pci_host *host, uint16_t bdf, unsigned int offset,
				      unsigned int size, uint32_t value);

/* A function as the guest finds it, for who asks from outside. */
struct pci_view {
	uint8_t bus, slot, function;
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem; /* not of a bridge */
	bool bridge;                          /* it leads to another bus, with these numbers: */
	uint8_t primary, secondary, subordinate;
	/* And these windows, each with its first and last address; closed: the last is lower. */
	struct pci_view_window {
		uint64_t base, last;
	} windows[PCI_WINDOWS];
	unsigned int port; /* its physical slot's number, 0: none; and that slot is: */
	bool occupied, powered;
	uint32_t class_code;    /* base class, subclass, interface */
	const char *class_name; /* for a person */
	const char *name;       /* the function's */
	uint8_t pin;            /* 1 to 4; 0: none */
	struct pci_view_bar {
		enum pci_bar_kind kind; /* NONE: there is no such BAR */
		bool prefetchable, decodes;
		uint64_t address, size;
	} bars[PCI_BAR_COUNT];
};

/* Has @see look at every function, bus after bus; it takes no lock. Main thread. */
void pci_host_walk(struct pci_host *host, void (*see)(void *owner, const struct pci_view *view),
		   void *owner);

/*
 * For a person: every function with its BARs; and which BAR decodes at @address of memory, or of
 * ports, with the offset in it (false: none). Main thread, no lock held.
 */
void pci_host_describe(struct pci_host *host, FILE *out);
bool pci_host_describe_address(struct pci_host *host, bool ports, uint64_t address, FILE *out);

/* Host lock, then device lock. For the main thread. */
void pci_host_lock(struct pci_device *device);
void pci_host_unlock(struct pci_device *device);

#endif
