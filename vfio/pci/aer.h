/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors of a function behind a port (Advanced Error Reporting): told to a guest that asked for it,
 * whose own recovery resets the link and with it the function.
 */

#ifndef FERRY_VFIO_PCI_AER_H
#define FERRY_VFIO_PCI_AER_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio/host/errors.h"

struct vfio_pci;

/* What the device has noted of uncorrectable errors. */
struct vfio_aer_log {
	uint32_t status;    /* those that it reports */
	unsigned int first; /* the bit of the first one, whose header this is: */
	uint32_t header[4];
};

/*
 * What the guest sees of errors in the AER capability and in Device Status is the shadow's: the
 * host's kernel has cleared the device's own by the time that the guest looks. Masks and severities
 * are the device's.
 *
 * Nobody tells of a correctable error, nor of a reset by the host's kernel. So these are looked for
 * once a second: the first while the guest asks for them, the second some seconds from an error on.
 */
struct vfio_aer {
	unsigned int capability; /* its offset, 0: none that the guest sees, or on the root bus */
	int timer;               /* timerfd, -1: none; both locks held to change it */
	bool ticks;              /* it is set */
	unsigned int checks;     /* ticks left at which a reset by the host is looked for */
	bool counts;             /* `correctable` is as of the last tick */
	bool compares;           /* `nonfatal` and `port` are what was read last */
	struct vfio_error_counts correctable, nonfatal;
	struct vfio_port_errors port;
	bool failed;  /* the guest was told of one, and has not dealt with it */
	bool settled; /* it has, which is still to be said */
	/* What was on in COMMAND as the host's kernel began to reset the link; 0: it does not. */
	uint16_t on;
	struct vfio_aer_log log; /* the thread's of a reset, until it is joined */
};

/* The capability at @at is shown to the guest; the rules have been applied. */
void vfio_aer_setup(struct vfio_pci *pci, unsigned int at);

/* Behind a port: from now on errors are counted. Without a timer no correctable one is told. */
void vfio_aer_start(struct vfio_pci *pci);
void vfio_aer_stop(struct vfio_pci *pci);

/*
 * The host's kernel has told of an uncorrectable error: this or another device reported it, or a
 * port above. False: the guest will not deal with it. Main thread, no lock held.
 */
bool vfio_aer_report(struct vfio_pci *pci);

/*
 * The way to the function has changed, or what its port tells of: what the guest asks to hear of,
 * perhaps. In whatever state the function is. Both locks held.
 */
void vfio_aer_path_changed(struct vfio_pci *pci);

/* Follows a write of the guest's to the registers of the function. Both locks held. */
void vfio_aer_written(struct vfio_pci *pci, unsigned int offset, unsigned int size);

/* pci_device_lose_registers(), but for what stays through a reset (PCIe 5.0 7.4). Likewise. */
void vfio_aer_lose_registers(struct vfio_pci *pci);

/*
 * Before a reset: waits until the host's kernel has reset the link, with what was @on in COMMAND,
 * or for as long as a recovery takes at most. The reset's thread.
 */
void vfio_aer_await_host(struct vfio_pci *pci, uint16_t on);

/* Notes what the device says of its error before it is reset. The reset's thread. */
void vfio_aer_look(struct vfio_pci *pci);

/* A reset of the guest's has ended well, with the function alive. Both locks held. */
void vfio_aer_was_reset(struct vfio_pci *pci);

/* The machine restarts. Both locks held. */
void vfio_aer_forget(struct vfio_pci *pci);

#endif
