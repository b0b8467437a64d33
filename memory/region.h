/* SPDX-License-Identifier: BSD-3-Clause */
/* A range of guest-physical (or port) space with one behaviour, embedded in its owner. */

#ifndef FERRY_MEMORY_REGION_H
#define FERRY_MEMORY_REGION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What an access came to. MEM_NOT_YET: it is not done, though something may have begun because of
 * it; the vCPU drops every lock, parks, and dispatches the same access again once the machine wakes
 * it.
 */
enum mem_result { MEM_DONE, MEM_NOT_YET };

/*
 * Handlers are called with the region's lock held (when it has one) and no map lock, from any vCPU
 * thread. @offset is from the region's start, @size is 1, 2, 4 or 8, and the access lies wholly
 * inside the region. A read that fails leaves all ones in *value.
 */
struct mem_ops {
	enum mem_result (*read)(void *owner, uint64_t offset, unsigned int size, uint64_t *value);
	enum mem_result (*write)(void *owner, uint64_t offset, unsigned int size, uint64_t value);
};

/*
 * A write of the guest's that only tells of itself: where a listener takes it (vmm/kvm/doorbell.h)
 * it signals the eventfd, and no handler is called. Where none does, it comes to the ops like any
 * other, which do the same.
 */
struct mem_doorbell {
	uint64_t offset;    /* of the write in its region */
	unsigned int width; /* of the write in bytes, 1, 2, 4 or 8; 0: any */
	bool matched;       /* the write has to be of @match; it has a width then */
	uint64_t match;
	int eventfd; /* the owner's, open as long as the region is in a map */
};

enum mem_kind {
	MEM_RAM,    /* host memory, read, written and executed by the guest directly */
	MEM_ROM,    /* host memory the guest reads directly; writes go to ops */
	MEM_DEVICE, /* a mapped slice of a BAR, with ops beside it for when it cannot be mapped */
	MEM_TRAP,   /* every access goes to ops */
};

struct mem_map;

/*
 * The owner fills the first part and keeps the struct alive while it is in a map; the map keeps the
 * second. Regions of one map never overlap and are never freed by being removed. The monitor itself
 * never dereferences @host of a DEVICE region: the device may refuse with SIGBUS.
 */
struct mem_region {
	const char *name; /* for logs; the owner's */
	enum mem_kind kind;
	uint64_t size;             /* bytes; for RAM, ROM and DEVICE a multiple of the page size */
	void *host;                /* RAM, ROM, DEVICE: start of the host mapping, page-aligned */
	const struct mem_ops *ops; /* required for DEVICE and TRAP; ROM: may be NULL (ignored) */
	void *owner;               /* handed to ops */
	pthread_mutex_t *lock;     /* taken around ops and backed; may be NULL */
	/*
	 * TRAP: writes that lie wholly in its first so many bytes only set what a later access goes
	 * by, or may take effect a moment late. They are answered MEM_DONE and may be kept until
	 * the next exit of any vCPU (vmm/kvm/coalesced.h).
	 */
	uint64_t latch;
	/* TRAP: of distinct writes; the owner's, who changes none while the region is in a map. */
	const struct mem_doorbell *doorbells;
	size_t doorbell_count;
	/*
	 * DEVICE: whether its mapping can be reached at the moment, told without trying; NULL:
	 * unknown.
	 */
	bool (*backed)(void *owner);
	/* DEVICE: the descriptor whose mapping @host is, and where in it; 0: none is told. */
	int device;
	uint64_t device_offset;
	/* DEVICE: with whom it shares an address space for DMA (vfio/peer.h); NULL: with all. */
	const void *peers;

	struct mem_map *map; /* the map it is in, or NULL */
	uint64_t base;       /* its address there */
	uint64_t accesses;   /* that dispatch carried out, in any map so far; atomic */
};

#endif
