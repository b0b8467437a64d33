/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk as its sources share it. */

#ifndef FERRY_DEVICES_VIRTIO_DISK_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_DISK_PRIVATE_H

#include "devices/virtio/disk.h"
#include "devices/virtio/worker.h"

enum {
	DISK_SECTOR = 512,
	DISK_SEGMENTS = 254,      /* of one request: its header and its status are two more */
	DISK_RANGE_MAX = 1 << 30, /* bytes of one discard */
	DISK_ZEROS_MAX = 1 << 24, /* of zeros in one request, which may have to be written */
	DISK_ZEROS = 1 << 18,     /* of them in one write */
	DISK_TRIES = 8,           /* of an operation that was interrupted */
};

/* The files as the ring knows them. */
enum { DISK_PLAIN, DISK_DIRECT };

/* A request that is under way; beside the worker's of the same index. */
struct disk_request {
	uint32_t type;
	uint64_t offset;   /* bytes: where the rest is */
	struct iovec *iov; /* the rest of its data */
	unsigned int iov_count;
	uint64_t left; /* bytes of it */
	uint32_t done;
	unsigned int tries;
	int mode; /* of fallocate(2) */
	struct iovec zeros;
	uint8_t *status;
};

struct disk {
	struct virtio_device device;
	struct virtio_worker worker;
	struct image image;
	char serial[DISK_SERIAL_MAX];
	bool readonly, discard;
	bool writes_zeros; /* the file system cannot make them otherwise */
	bool through;      /* the driver knows no flush: what is written is kept by then */
	struct disk_request requests[WORKER_REQUESTS];
};

extern const struct worker_ops disk_worker_ops;

#endif
