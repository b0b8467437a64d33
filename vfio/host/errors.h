/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of PCI Express that the host's kernel has counted (AER), as sysfs tells them. */

#ifndef FERRY_VFIO_HOST_ERRORS_H
#define FERRY_VFIO_HOST_ERRORS_H

#include <stdint.h>

enum vfio_error_kind { VFIO_ERRORS_CORRECTABLE, VFIO_ERRORS_NONFATAL };

/* How often each error was counted, by its bit of the status register. Zeroed to begin with. */
struct vfio_error_counts {
	uint64_t of[32];
};

/*
 * The errors of @kind of the device at @address (0000:01:00.0) that were counted since @counts,
 * which is brought up to date, by their bits (PCIe 5.0 7.8.4.2, 7.8.4.5). 0 where the kernel counts
 * none, and @counts stays.
 */
uint32_t vfio_errors_counted(const char *sysfs, const char *address, enum vfio_error_kind kind,
			     struct vfio_error_counts *counts);

/* Messages of uncorrectable errors that a root port has taken from all that is below it. */
struct vfio_port_errors {
	uint64_t nonfatal, fatal;
};

/* Of the root port above the device at @address. All 0 where there is none that counts. */
struct vfio_port_errors vfio_errors_at_port(const char *sysfs, const char *address);

#endif
