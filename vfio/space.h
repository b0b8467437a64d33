/* SPDX-License-Identifier: BSD-3-Clause */
/* An address space that devices do DMA in, in neutral terms. */

#ifndef FERRY_VFIO_SPACE_H
#define FERRY_VFIO_SPACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/ram.h"
#include "vfio/host/memlock.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/base/err.h"

/* What a device may do with what is mapped; and whether that is a device's itself, by its @fd. */
enum { VFIO_MAP_READ = 1 << 0, VFIO_MAP_WRITE = 1 << 1, VFIO_MAP_DEVICE = 1 << 2 };

/* Memory of this process, and where devices find it. */
struct vfio_mapping {
	uint64_t iova, size;
	void *host;
	/* Whose mapping @host is, at @fd_offset; -1: of none that others could map. */
	int fd;
	uint64_t fd_offset;
	unsigned int flags;
};

struct vfio_space;

/* Every function that can fail returns 0 or a negative errno. One thread at a time, but for map. */
struct vfio_space_ops {
	int (*map)(struct vfio_space *space, const struct vfio_mapping *mapping);
	/* Tells in *@unmapped how much of it was, which may be less than asked. */
	int (*unmap)(struct vfio_space *space, uint64_t iova, uint64_t size, uint64_t *unmapped);
	/* So many threads may map ranges apart from each other at once; 0: it gains nothing. */
	unsigned int maps_at_once;
	/* How many maps it had room for when it was opened; NULL: any number. */
	uint64_t (*maps_left)(const struct vfio_space *space);
	/* Nothing that is mapped is pinned: its pages may come as they are touched. */
	bool unpinned;
	/* What -ENOSPC of a map means, and what a person can do about it. */
	const char *when_full;
};

/* Embedded first in the provider's own struct, who sets all of it. */
struct vfio_space {
	const struct vfio_space_ops *ops;
	struct vfio_memlock_scope memlock; /* for whom what is mapped counts */
	/* As told when a device joined, or was opened, last. */
	uint64_t page_sizes; /* bit n: pages of 2^n bytes can be mapped; 0: not known */
	size_t range_count;  /* of usable IOVA ranges, ascending; 0: anything goes */
	struct ram_range ranges[VFIO_IOVA_RANGES_MAX];
};

/*
 * Appends the range from @first to @last, unless that lies before, or there is no room, where less
 * than could be is used.
 */
void vfio_space_add_range(struct vfio_space *space, uint64_t first, uint64_t last);

/*
 * What is mapped at once: nothing interrupts a map, so it takes well below a second to pin at a GiB
 * a second, which is slow.
 */
#define VFIO_SPACE_PART (256 * MIB)

/*
 * Maps in parts that end where multiples of @part, a power of two, do: the IOMMU's large pages lie
 * within one. From *@mapped, bytes from the start, which is brought up to date with each, until all
 * is mapped, one is refused (the provider's errno) or @stop, unless NULL, is set (0 then too).
 */
int vfio_space_map(struct vfio_space *space, const struct vfio_mapping *mapping, uint64_t part,
		   const atomic_bool *stop, uint64_t *mapped) FERRY_MUST_CHECK;

/* The size of the part that begins at @iova of the @rest bytes from there. */
uint64_t vfio_space_part(uint64_t iova, uint64_t rest, uint64_t part);

/*
 * Unmaps what is mapped of [@iova, @iova + @size), which must be @mapped bytes: -EIO when others
 * were unmapped. @what is for the sentence.
 */
int vfio_space_unmap(struct vfio_space *space, const char *what, uint64_t iova, uint64_t size,
		     uint64_t mapped, struct err *err) FERRY_MUST_CHECK;

/* The smallest page that can be mapped: what everything must be a multiple of. */
uint64_t vfio_space_page(const struct vfio_space *space);

#endif
