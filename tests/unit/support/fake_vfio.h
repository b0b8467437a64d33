/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO device and address space made of nothing, behind the same two vtables as the kernel's.
 * Every call to them may be struck by the test's fault_plan.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vfio/space.h"

enum { FAKE_REGION_SHIFT = 24 };
enum { FAKE_REGIONS = 10, FAKE_IRQS = 5, FAKE_VECTORS = 2048, FAKE_MAPS = 64, FAKE_DEPENDENTS = 8 };

struct fake_region {
	uint32_t flags;
	uint64_t size;
	int error;          /* region_info answers this */
	bool shy;           /* flags and size only when there is room for the capabilities */
	uint8_t tail[1024]; /* what follows struct vfio_region_info */
	uint32_t tail_size;
	uint32_t first_offset; /* cap_offset */
};

/* Contents are in a memfd, region i at i << FAKE_REGION_SHIFT; BARs, ROM and config space alike. */
struct fake_vfio {
	struct vfio_backend backend;
	char name[96]; /* 0000:01:00.0 unless the test says another */
	struct vfio_device_info info;
	struct fake_region regions[FAKE_REGIONS];
	struct vfio_irq_info irqs[FAKE_IRQS];
	int memory;
	uint8_t *bytes; /* of it, all mapped */
	bool closed;
	unsigned int resets, reads, writes;
	unsigned int last_size; /* of the last read or write */
	bool dies_in_reset;
	unsigned int reset_ms; /* that a reset takes */
	sem_t *reset_held; /* resets wait until it is posted once, for all of them; NULL: none */
	uint64_t slept_command; /* of COMMAND when it went to D3hot */
	bool asleep;            /* it was put out of D0, and its interrupts are not to be changed */
	bool naps; /* likewise, but they may: not what was asked for, or no power management */

	/* Whom a hot reset hits; none: there is no such reset. */
	struct vfio_pci_dependent_device dependent[FAKE_DEPENDENTS];
	uint32_t dependents;
	unsigned int hot_resets;
	unsigned int refusals,
		hot_refusals; /* resets that are answered -EAGAIN before one is done */

	/* What the device signals, by index and vector; -1 nothing. */
	int triggers[FAKE_IRQS][FAKE_VECTORS];
	bool owed[FAKE_IRQS][FAKE_VECTORS]; /* fired at nobody: signalled to the next listener */
	unsigned int span[FAKE_IRQS];       /* vectors enabled; 0: the index is off */
	int unmask_eventfd;
	bool intx_masked;
	unsigned int
		vectors_max; /* 0: any number; else set_irqs answers this when asked for more */
	char log[8192];      /* of set_irqs and reset */

	bool bars_apart;             /* of the registers of its BARs a longer read has zeros */
	unsigned int calls, fail_at; /* the fail_at-th call is refused with -EIO; 0: none */
};

/*
 * A healthy device: BAR 0 of 64 KiB with MSI-X (table at 0x3000, PBA at 0x4000) and registers, BAR
 * 2 I/O, BAR 4 64-bit of 2 MiB, INTx on pin A, capabilities PM, MSI, MSI-X, Express and, extended,
 * AER and SR-IOV.
 */
void fake_vfio_init(struct fake_vfio *fake);
void fake_vfio_release(struct fake_vfio *fake);

void fake_vfio_poke(struct fake_vfio *fake, unsigned int region, uint64_t offset, unsigned int size,
		    uint64_t value);
uint64_t fake_vfio_peek(const struct fake_vfio *fake, unsigned int region, uint64_t offset,
			unsigned int size);

/* Config space reads all ones from now on, as a device that is gone. */
void fake_vfio_kill(struct fake_vfio *fake);

/* Appends bytes behind the region's information; returns their offset in it. */
uint32_t fake_vfio_tail(struct fake_region *region, const void *bytes, size_t size);

/* The device raises @vector of @index; false when nobody listens. */
bool fake_vfio_fire(struct fake_vfio *fake, uint32_t index, unsigned int vector);

/* Any thread, as with Linux. */
struct fake_vfio_space {
	struct vfio_space space;
	pthread_mutex_t lock; /* of the maps */
	struct vfio_mapping maps[FAKE_MAPS];
	size_t count;
	size_t total; /* maps ever made */
	int fail_code;
	size_t fail_at; /* the fail_at-th map is refused with fail_code; 0: none */
	bool short_unmap;
};

void fake_vfio_space_init(struct fake_vfio_space *space);

/* All maps go, as with the last of its users. */
void fake_vfio_space_clear(struct fake_vfio_space *space);

#endif
