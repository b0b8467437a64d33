/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of PCI Express that the host's kernel has counted (AER), as sysfs tells them. */

#ifndef FERRY_VFIO_HOST_ERRORS_H
#define FERRY_VFIO_HOST_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum vfio_error_kind { VFIO_ERRORS_CORRECTABLE, VFIO_ERRORS_NONFATAL };

/* How often each error was counted, by its bit of the status register. Zeroed to begin with. */
struct vfio_error_counts {
	uint64_t of[32];
};

/*
 * *@errors: those of @kind of the device at @address (0000:01:00.0) that were counted since
 * @counts, which is brought up to date, by their bits (PCIe 5.0 7.8.4.2, 7.8.4.5). 0 where the
 * kernel counts none, and @counts stays. False: it cannot be read how many there were.
 */
bool vfio_errors_counted(const char *sysfs, const char *address, enum vfio_error_kind kind,
			 struct vfio_error_counts *counts, uint32_t *errors) FERRY_MUST_CHECK;

/* Messages of uncorrectable errors that a root port has taken from all that is below it. */
struct vfio_port_errors {
	uint64_t nonfatal, fatal;
};

/*
 * Of the root port above the device at @address; all 0 where there is none that counts. False, with
 * *@errors as it was: it cannot be read.
 */
bool vfio_errors_at_port(const char *sysfs, const char *address,
			 struct vfio_port_errors *errors) FERRY_MUST_CHECK;

#endif
