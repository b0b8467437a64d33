/* SPDX-License-Identifier: BSD-3-Clause */
/* What servers of vfio-user may reach by DMA: told to each, and copied for those that ask. */

#ifndef FERRY_VFIO_USER_MEMORY_H
#define FERRY_VFIO_USER_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/space.h"
#include "vfio/user/client.h"

/* A server that is told, embedded in what has its connection. */
struct vfio_user_member {
	struct vfio_user_member *next;
	struct vfio_user_client *client;
};

struct vfio_user_memory {
	struct vfio_space space;
	pthread_mutex_t order; /* of what servers are told; held while they answer */
	struct vfio_user_member *members;
	pthread_mutex_t lock; /* a leaf: what is mapped, held while it is copied */
	struct vfio_mapping *maps;
	size_t count, room;
	uint64_t maps_most; /* that every server takes */
};

/* Zeroed before. */
void vfio_user_memory_init(struct vfio_user_memory *memory);
void vfio_user_memory_release(struct vfio_user_memory *memory);

/*
 * A server, which is told what is mapped; its limits are those of all from then on. -errno with
 * @err set, without the device's name.
 */
int vfio_user_memory_add(struct vfio_user_memory *memory, struct vfio_user_member *member,
			 struct err *err) FERRY_MUST_CHECK;
/* It is told no more. One that was not added is allowed. */
void vfio_user_memory_remove(struct vfio_user_memory *memory,
			     const struct vfio_user_member *member);

/* As vfio_user_config's `copy`, the owner being the memory: -EFAULT, and nothing is copied, when
 * the range is not wholly mapped, or a device's own. */
int vfio_user_memory_copy(void *owner, uint64_t address, void *data, uint64_t size, bool writes);

#endif
