/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through PCI function: config space policy, BAR slices, interrupts, reset, release. */

#ifndef FERRY_VFIO_PCI_PCI_H
#define FERRY_VFIO_PCI_PCI_H

#include <linux/pci_regs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/msi.h"
#include "devices/pci/pci.h"
#include "devices/pci/port.h"
#include "vfio/backend.h"
#include "vfio/dma.h"
#include "vfio/pci/aer.h"
#include "vfio/pci/region.h"
#include "vfio/pci/reset.h"
#include "vfio/pci/rom.h"
#include "vfio/pci/wires.h"
#include "vfio/tell/trace.h"
#include "vfio/vfio.h"
#include "vmm/base/loop.h"

/* BARs, ROM and config space; VGA's and device-specific ones are not asked for. */
enum { VFIO_REGIONS = VFIO_PCI_CONFIG_REGION_INDEX + 1 };

/*
 * In every state but the first the guest reads all ones, nothing of the device is mapped and its
 * interrupts are off.
 */
enum vfio_pci_state {
	VFIO_PCI_ALIVE,
	VFIO_PCI_RESETTING, /* the reset's thread has the device to itself */
	VFIO_PCI_ISOLATED,  /* failed: until a reset of the machine, or of its link */
	VFIO_PCI_GONE,      /* given back to the host; the descriptor is closed */
};

struct vfio_pci;

/* What the handlers of one slice need to know. */
struct vfio_slice {
	struct vfio_pci *pci;
	unsigned int bar;
	uint64_t offset; /* in the BAR */
};

struct vfio_pci_bar {
	char name[80];
	struct vfio_slice *slices; /* by the index of the pci_bar's */
	void *reservation;         /* the address range the DEVICE slices are mapped in */
	uint64_t reserved;
	struct mem_doorbell *doorbells; /* those of its slices */
};

struct vfio_pci {
	struct pci_device device;
	struct vfio_backend *backend; /* NULL once gone */
	const struct vfio_dma *dma;
	const struct vfio_peers *peers; /* who reach its BARs by DMA; NULL: all who do so */
	struct loop *loop;
	struct vfio_device_config options;
	const struct vfio_rom *rom; /* the user's; NULL: the device's own */
	struct vfio_rom own_rom;    /* room for a copy of it, until it is copied all ones */
	bool rom_copied, rom_tried; /* it was read; it was tried since it began to decode */
	struct vfio_trace *trace;   /* NULL: none */
	struct vfio_names *names;   /* that it tells BARs by; NULL: none */
	enum vfio_pci_state state;
	bool on_bus;
	bool passed_up; /* as was last seen of the ports above: its bus mastering counts */
	bool used;      /* the guest let it decode or master since it was last reset */
	struct vfio_reset reset;
	struct vfio_region regions[VFIO_REGIONS];
	struct vfio_pci_bar bars[PCI_BAR_COUNT];
	/* By bit of config space: reads come from the shadow; writes reach the device. */
	uint8_t emulated[PCIE_CONFIG_SIZE];
	uint8_t forwarded[PCIE_CONFIG_SIZE];
	uint8_t kept[PCIE_CONFIG_SIZE]; /* the shadow takes what the device made of a write */
	unsigned int express, advanced; /* offsets of those capabilities, 0 without */
	bool linked;                    /* the guest sees the link's registers in `express` */
	uint16_t system_errors;         /* COMMAND's SERR as the host had it: its choice */
	bool igd_mirror;                /* Intel's own graphics: vfio/pci/igd.h */
	bool has_msi, has_msix;
	struct pci_msi msi;
	struct pci_msix msix;
	struct vfio_wires wires;
	int error_event, request_event; /* eventfds, -1 without */
	unsigned int errors;            /* how often the first told of one */
	struct vfio_aer aer;
	const char *sysfs; /* NULL: it tells nothing of this device */
	bool wanted_back;  /* the host asked for it; both locks held to change it */
	bool leaving;      /* its release waits for the end of a reset */
	bool worn;         /* it was in use when it was withdrawn for good, and not reset since */
	bool lost;         /* on the root bus: it answers no more, as was told */
	const struct vfio_pci_keeper_ops *keeper_ops;
	void *keeper;
	struct vfio_pci **owner; /* set to NULL when the PCI host destroys it; may be NULL */
	struct log_limit limit;
};

/* What a function needs of whoever keeps it. Main thread; the struct may be NULL. */
struct vfio_pci_keeper_ops {
	/*
	 * A reset of the bus that @pci is on for that cause, ready to be carried out; the caller
	 * ends it with vfio_bus_reset_free(). NULL with @err set where there is none (-ENODEV), or
	 * somebody else's device would be hit, or, by a reset of the guest's or after an error, one
	 * that the guest uses: for these no lock is held.
	 */
	struct vfio_bus_reset *(*bus_reset)(void *keeper, struct vfio_pci *pci,
					    enum vfio_reset_cause cause, struct err *err);
	/* That reset was carried out: the other functions it hit need none of their own. */
	void (*bus_was_reset)(void *keeper, const struct vfio_pci *pci,
			      const struct vfio_bus_reset *reset);
	/* Accesses that were answered MEM_NOT_YET are to be tried again. */
	void (*wake)(void *keeper);
	/* Fills @err with who on the host holds BAR @bar; returns -EBUSY. May be NULL. */
	int (*bar_is_held)(void *keeper, unsigned int bar, struct err *err);
	/*
	 * The host wants @pci back. The keeper sees to it, with vfio_pci_release() in the end. No
	 * lock held. NULL: it is released as soon as can be.
	 */
	void (*wanted)(void *keeper, struct vfio_pci *pci);
	/*
	 * The reset that vfio_pci_retire() found, or vfio_pci_clean() began, has ended: that may be
	 * called again, which is not to free @pci. No lock held. NULL: it is released.
	 */
	void (*retired)(void *keeper, struct vfio_pci *pci);
	/*
	 * Behind a port: it answers no more, and is to be taken out later. No lock held. May be
	 * NULL.
	 */
	void (*lost)(void *keeper, struct vfio_pci *pci);
	/* Somebody outside is to hear of it. No lock held. May be NULL. */
	void (*tell)(void *keeper, enum vfio_news_kind kind);
};

struct vfio_pci_config {
	const char *name;  /* 0000:01:00.0 */
	const char *sysfs; /* NULL: it tells nothing of it; outlives the function */
	const struct vfio_device_config *options; /* NULL: none; the strings outlive the function */
	const struct vfio_rom *rom;               /* NULL: the device's own; outlives it too */
	const struct vfio_dma *dma;
	const struct vfio_peers *peers; /* as above */
	struct kvm_irq *irq;
	struct loop *loop;
	struct vfio_pci **owner;
	const struct vfio_pci_keeper_ops *keeper_ops;
	void *keeper;
};

/*
 * Takes over @backend (closed on failure): checks that it is a PCI device with config region and
 * MSI-X interrupt index, loads its regions, turns its bus mastering off, builds config space and
 * BARs. NULL with @err. Any thread; nothing of it comes through the loop before it is on its bus.
 */
struct vfio_pci *vfio_pci_create(struct vfio_backend *backend, const struct vfio_pci_config *config,
				 struct err *err);

/* Puts it on @host, which owns it from success on, and turns INTx and the ERR and REQ events on. */
int vfio_pci_attach(struct vfio_pci *pci, struct pci_host *host, int slot, unsigned int function,
		    struct err *err) FERRY_MUST_CHECK;
/* The same behind @port; its options said so. */
int vfio_pci_attach_below(struct vfio_pci *pci, struct pci_port *port, unsigned int function,
			  struct err *err) FERRY_MUST_CHECK;

/* The link of one that is to be behind a port, as the host has it. All 0 where it tells of none. */
struct pci_link vfio_pci_link(const struct vfio_pci *pci);

/*
 * What the guest has of it ends for good: all ones, nothing mapped, no interrupts. Main thread, no
 * lock held. False when a reset is under way, which is let go to its end without further tries: the
 * keeper is told then (`retired`). A second call does nothing.
 */
bool vfio_pci_retire(struct vfio_pci *pci) FERRY_MUST_CHECK;

/*
 * What follows while the guest runs on. Resets one that was in use, unless the host wants it back:
 * false while that is under way, of whose end the keeper is told (`retired`). Main thread, no lock
 * held.
 */
bool vfio_pci_clean(struct vfio_pci *pci) FERRY_MUST_CHECK;

/* Then nothing of it comes through the loop any more. The loop's thread, no lock held. */
void vfio_pci_unwatch(struct vfio_pci *pci);

/*
 * And its mappings and its descriptor are closed, for which the kernel may take seconds. Any
 * thread, no lock held. A second call does nothing.
 */
void vfio_pci_close(struct vfio_pci *pci);

/*
 * Gives the device back at once, by all of these: all ones to the guest, mappings, interrupts,
 * BARs, then the descriptor. One that was in use is reset before that as @cause says, and looked at
 * whether it came back. One that the host wants back is not: who gets it sees to that. On the
 * loop's thread, no lock held. A reset under way is waited for. The function stays where it is. A
 * second call does nothing.
 */
void vfio_pci_release(struct vfio_pci *pci, enum vfio_reset_cause cause);

/* Releases and frees one that is on no host. NULL is allowed. */
void vfio_pci_destroy(struct vfio_pci *pci);

/*
 * Lists the device's descriptor, its eventfds and timer, and its trace behind @count others, as
 * vfio_list().
 */
size_t vfio_pci_descriptors(const struct vfio_pci *pci, int *descriptors, size_t room,
			    size_t count);

static inline const struct vfio_region *vfio_pci_config_region(const struct vfio_pci *pci)
{
	return &pci->regions[VFIO_PCI_CONFIG_REGION_INDEX];
}

/* Whether the guest has put it out of D0. Host lock or device lock held. */
static inline bool vfio_pci_is_asleep(const struct vfio_pci *pci)
{
	unsigned int at = pci->device.pm_capability;

	return at && pci->device.config[at + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
}

/*
 * What the guest sees of the device ends: @state, nothing mapped, no interrupts, no bus
 * mastering. Host lock and device lock held.
 */
void vfio_pci_withdraw(struct vfio_pci *pci, enum vfio_pci_state state);

/* MSI and MSI-X as after a reset, for the guest; its interrupts are stopped. Both locks held. */
void vfio_pci_forget_vectors(struct vfio_pci *pci);

/* Not even class and identity answer: gone from the bus, or lost in a reset. */
bool vfio_pci_responds(struct vfio_pci *pci);

/* Whether one that the guest has is still there for it. No lock held. */
bool vfio_pci_is_there(struct vfio_pci *pci);

/* Neither decode nor bus mastering, whatever the guest wrote. */
void vfio_pci_quiet(struct vfio_pci *pci);

/* To D0, in which the kernel may give it its registers of before back: vfio_pci_quiet() follows. */
void vfio_pci_wake(struct vfio_pci *pci);

/* vfio_wires_arm() with a line for a failure. Device lock held. */
void vfio_pci_arm(struct vfio_pci *pci);

/* COMMAND as the shadow has it, without bus mastering by then. Both locks held. */
void vfio_pci_restore(struct vfio_pci *pci);
/* Its registers, as the guest sees them, after a reset that it does not know of. */
void vfio_pci_stop_mastering(struct vfio_pci *pci);

/* Has somebody outside hear of it. Main thread, no lock held. */
void vfio_pci_tell(struct vfio_pci *pci, enum vfio_news_kind kind);
/* Likewise that it answers no more, once until it does again. Behind a port its slot tells that. */
void vfio_pci_tell_lost(struct vfio_pci *pci);

/* events.c: the kernel's ERR and REQ; one that is not to be had is done without. */
void vfio_events_start(struct vfio_pci *pci);
void vfio_events_stop(struct vfio_pci *pci);
/* After an error that the guest does not deal with: out of its reach, and tried to be recovered. */
void vfio_events_recover(struct vfio_pci *pci);

/* config.c: policy and handlers. Shadow and regions are loaded; set before the BARs' slices. */
int vfio_config_setup(struct vfio_pci *pci, struct err *err) FERRY_MUST_CHECK;
enum mem_result vfio_config_check(struct pci_device *device, unsigned int offset, unsigned int size,
				  uint32_t value);
uint32_t vfio_config_read(struct pci_device *device, unsigned int offset, unsigned int size);
void vfio_config_written(struct pci_device *device, unsigned int offset, unsigned int size,
			 uint32_t value);
void vfio_config_path_changed(struct pci_device *device);

/* bar.c: tiles each BAR with slices, maps what may be mapped; and takes all that back. */
int vfio_bars_setup(struct vfio_pci *pci, struct err *err) FERRY_MUST_CHECK;
void vfio_bars_unmap(struct vfio_pci *pci);
void vfio_bars_release(struct vfio_pci *pci);

#endif
