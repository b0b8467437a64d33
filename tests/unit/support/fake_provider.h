/* SPDX-License-Identifier: BSD-3-Clause */
/* A way to devices that needs no kernel: each device that joins is one of the test's own. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_PROVIDER_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_PROVIDER_H

#include <stddef.h>

#include "tests/unit/support/fake_vfio.h"
#include "vfio/provider.h"

enum { FAKE_PROVIDER_DEVICES = 2 };

/* One for each test process. Zeroed it knows of no device, which is enough to reset a bus. */
struct fake_provider {
	struct vfio_provider provider;
	struct vfio_lease lease;
	struct fake_vfio_space space;
	struct fake_vfio
		*devices[FAKE_PROVIDER_DEVICES]; /* by the order in which they are opened */
	size_t opened;
	bool is_pci; /* each that joins is told to be, with the BARs of the first */
	/*
	 * What a reset of the bus is shown when all whom it hits are of groups with odd numbers;
	 * negative: it is done without.
	 */
	int proof;
	char events[512]; /* what was called, in order */
};

extern struct fake_provider fake_provider;
extern const struct vfio_provider_ops fake_provider_ops;

#endif
