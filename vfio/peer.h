/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs in the devices' address space, so that a device can reach another's by DMA, and its own. */

#ifndef FERRY_VFIO_PEER_H
#define FERRY_VFIO_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/map.h"
#include "vfio/space.h"
#include "vmm/base/log.h"

/* A mapped slice of a BAR that is in the guest's memory map. */
struct vfio_peer {
	const struct mem_region *region;
	uint64_t iova, size; /* as they were when it came: what is unmapped is what was mapped */
	void *host;
	uint64_t mapped;     /* bytes: all, none, or on its way */
	int refused;         /* why none is; 0, and none is: the mapper's to do */
	enum log_level told; /* at which that was; LOG_DEBUG: it was not */
};

/*
 * Zero-initialised it does nothing. The lock is taken after every other (PCI host, device, map),
 * and nothing but the address space is called with it held. A space serves one thread at a time and
 * pins a piece of RAM for long, so until all RAM is mapped slices are only queued: a vCPU that
 * moves a BAR must not wait for that with the PCI host's lock held.
 */
struct vfio_peers {
	struct mem_listener listener;
	struct mem_map *map; /* NULL: none is listened to */
	struct vfio_space *space;
	uint64_t page;
	pthread_mutex_t lock;
	bool settled; /* RAM is mapped: slices are mapped as they come */
	struct vfio_peer *peers;
	size_t count, room;
	struct log_limit limit;
};

/*
 * Follows the DEVICE regions of @map: each is mapped at its guest address, as far as kernel and
 * IOMMU can; what they refuse works in every other way. That is told as a warning where there are
 * two devices, else as information. Those of a region that names others (its `peers`) are left to
 * them: a device reaches BARs in its own space alone. To be registered behind KVM's memslots. @map
 * and @space outlive vfio_peers_stop().
 */
int vfio_peers_start(struct vfio_peers *peers, struct mem_map *map, struct vfio_space *space,
		     struct err *err) FERRY_MUST_CHECK;

/*
 * The mapper's, when RAM is done: maps what is queued, and from then on slices as they come.
 * Returns early, with nothing settled, when @stop is set.
 */
void vfio_peers_settle(struct vfio_peers *peers, const atomic_bool *stop);

/* Takes everything back and leaves the map. The mapper has ended. A second call does nothing. */
void vfio_peers_stop(struct vfio_peers *peers);

#endif
