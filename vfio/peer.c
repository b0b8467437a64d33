/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs in the devices' address space, so that a device can reach another's by DMA, and its own. */

#include "vfio/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/thread.h"

static const char *peer_reason(const struct vfio_peers *peers, int rc)
{
	switch (rc) {
	case -EFAULT:
		return "the host's kernel does not map this memory of a device for DMA";
	case -EINVAL:
		return "it is reserved or beyond the IOMMU's addresses there";
	case -ENOSPC:
		return peers->space->ops->when_full;
	default:
		return err_text(rc);
	}
}

/* Most never try. A guest may move a BAR at any rate. */
static void peer_complain(struct vfio_peers *peers, enum log_level level,
			  const struct mem_region *region, int rc)
{
	log_guest(&peers->limit, level,
		  "passthrough device %s 0x%" PRIx64 "-0x%" PRIx64
		  ": no device can reach it by DMA: %s",
		  region->name, region->base, region->base + (region->size - 1),
		  peer_reason(peers, rc));
}

/* A region tells whose it is by the lock, which is the device's. */
static bool peer_is_alone(const struct vfio_peers *peers)
{
	for (size_t i = 1; i < peers->count; i++)
		if (peers->peers[i].region->lock != peers->peers[0].region->lock)
			return false;
	return true;
}

/*
 * A device that reaches its own BARs by DMA is rare: of one that is alone nobody need hear until
 * there is another.
 */
static void peer_tell_refused(struct vfio_peers *peers)
{
	enum log_level level = peer_is_alone(peers) ? LOG_INFO : LOG_WARN;

	for (size_t i = 0; i < peers->count; i++) {
		struct vfio_peer *peer = &peers->peers[i];

		if (!peer->refused || peer->told <= level)
			continue;
		peer->told = level;
		peer_complain(peers, level, peer->region, peer->refused);
	}
}

static void peer_forget(struct vfio_peers *peers, struct vfio_peer *peer)
{
	*peer = peers->peers[--peers->count];
}

static void peer_unmap(struct vfio_peers *peers, struct vfio_peer *peer)
{
	struct err err = {0};

	if (peer->mapped && vfio_space_unmap(peers->space, peer->region->name, peer->iova,
					     peer->mapped, peer->mapped, &err))
		log_guest(&peers->limit, LOG_ERROR, "passthrough device %s", err.text);
	peer->mapped = 0;
}

/* What is mapped in a thread that may. */
struct peer_mapping {
	struct vfio_space *space;
	struct vfio_mapping mapping;
	const atomic_bool *stop;
	uint64_t *mapped;
	int rc;
};

static void *peer_map_parts(void *argument)
{
	struct peer_mapping *job = argument;

	job->rc =
		vfio_space_map(job->space, &job->mapping, VFIO_SPACE_PART, job->stop, job->mapped);
	return NULL;
}

/* In parts, as a BAR may be as large as all RAM. */
static void peer_map(struct vfio_peers *peers, struct vfio_peer *peer, const atomic_bool *stop)
{
	struct peer_mapping job = {
		.space = peers->space,
		.mapping =
			{
				.iova = peer->iova,
				.size = peer->size,
				.host = peer->host,
				.fd = peer->region->device ? peer->region->device : -1,
				.fd_offset = peer->region->device_offset,
				.flags = VFIO_MAP_READ | VFIO_MAP_WRITE |
					 (peer->region->device ? VFIO_MAP_DEVICE : 0),
			},
		.stop = stop,
		.mapped = &peer->mapped,
	};
	/* A guest that moves a BAR does so from a vCPU's thread, which may map nothing. */
	int rc = thread_call(THREAD_MAPPER, peer_map_parts, &job);

	if (!rc)
		rc = job.rc;
	if (peer->mapped < peer->size)
		peer_unmap(peers, peer);
	peer->refused = rc;
	peer_tell_refused(peers);
}

static struct vfio_peer *peer_new(struct vfio_peers *peers)
{
	struct vfio_peer *array;
	size_t room = peers->room ? 2 * peers->room : 16;

	if (peers->count < peers->room)
		return &peers->peers[peers->count++];
	array = reallocarray(peers->peers, room, sizeof(*array));
	if (!array)
		return NULL;
	peers->peers = array;
	peers->room = room;
	return &array[peers->count++];
}

static struct vfio_peers *peer_to_all(struct mem_listener *listener)
{
	return container_of(listener, struct vfio_peers, listener);
}

/*
 * Never refuses: without it the slice is mapped into the guest all the same. RAM is the mapper's.
 * Of devices that are in another space it is that one's listener who maps them.
 */
static int peer_add(struct mem_listener *listener, struct mem_region *region, struct err *err)
{
	struct vfio_peers *peers = peer_to_all(listener);
	struct vfio_peer *peer;

	(void)err;
	if (region->kind != MEM_DEVICE || (region->peers && region->peers != peers) ||
	    !is_aligned(region->base | region->size | (uintptr_t)region->host, peers->page))
		return 0;
	pthread_mutex_lock(&peers->lock);
	peer = peer_new(peers);
	if (peer) {
		*peer = (struct vfio_peer){.region = region,
					   .iova = region->base,
					   .size = region->size,
					   .host = region->host,
					   .told = LOG_DEBUG};
		if (peers->settled)
			peer_map(peers, peer, NULL);
	} else {
		peer_complain(peers, LOG_WARN, region, -ENOMEM);
	}
	pthread_mutex_unlock(&peers->lock);
	return 0;
}

static void peer_del(struct mem_listener *listener, struct mem_region *region)
{
	struct vfio_peers *peers = peer_to_all(listener);

	pthread_mutex_lock(&peers->lock);
	for (size_t i = 0; i < peers->count; i++) {
		struct vfio_peer *peer = &peers->peers[i];

		if (peer->region != region)
			continue;
		peer_unmap(peers, peer);
		peer_forget(peers, peer);
		break;
	}
	pthread_mutex_unlock(&peers->lock);
}

int vfio_peers_start(struct vfio_peers *peers, struct mem_map *map, struct vfio_space *space,
		     struct err *err)
{
	int rc;

	*peers = (struct vfio_peers){
		.listener = {.name = "the IOMMU", .add = peer_add, .del = peer_del},
		.space = space,
		.page = vfio_space_page(space),
	};
	pthread_mutex_init(&peers->lock, NULL);
	rc = mem_map_listen(map, &peers->listener, err);
	if (rc) {
		pthread_mutex_destroy(&peers->lock);
		free(peers->peers);
		peers->peers = NULL;
		return rc;
	}
	peers->map = map;
	return 0;
}

static struct vfio_peer *peer_next_queued(const struct vfio_peers *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		if (!peers->peers[i].mapped && !peers->peers[i].refused)
			return &peers->peers[i];
	return NULL;
}

/* One at a time, so that whoever wants one unmapped waits for that one only. */
void vfio_peers_settle(struct vfio_peers *peers, const atomic_bool *stop)
{
	bool more = peers->map;

	while (more && !atomic_load(stop)) {
		struct vfio_peer *peer;

		pthread_mutex_lock(&peers->lock);
		peer = peer_next_queued(peers);
		if (peer)
			peer_map(peers, peer, stop);
		else
			peers->settled = true;
		more = !peers->settled;
		pthread_mutex_unlock(&peers->lock);
	}
}

void vfio_peers_stop(struct vfio_peers *peers)
{
	if (!peers->map)
		return;
	mem_map_unlisten(peers->map, &peers->listener);
	peers->map = NULL;
	pthread_mutex_destroy(&peers->lock);
	free(peers->peers);
	peers->peers = NULL;
}
