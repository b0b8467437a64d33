/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's ring, and what comes out of it. */

#ifndef FERRY_DEVICES_VIRTIO_WORKER_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_WORKER_PRIVATE_H

#include "devices/virtio/worker.h"

/* Opens the ring, gives it its files, walls it; and the command's eventfd. Attached by then. */
int worker_ring_open(struct virtio_worker *worker, struct err *err) FERRY_MUST_CHECK;
void worker_ring_close(struct virtio_worker *worker);

/*
 * Submits what was filled in and, with @wait, waits for something to come. 0, or a negative errno
 * when the ring is of no more use. The worker's thread, no lock held.
 */
int worker_ring_wait(struct virtio_worker *worker, bool wait) FERRY_MUST_CHECK;

/* Hands on all that has come. Lock held. */
void worker_ring_reap(struct virtio_worker *worker);

/*
 * One turn of the thread, after the ring was waited for: what has come is done, and what is offered
 * begun. Whether the thread goes on; *@more: it has not to wait before.
 */
bool worker_turn(struct virtio_worker *worker, bool *more);

/* What the ring hands on. */
void worker_completed(struct virtio_worker *worker, struct worker_request *request, int rc);
void worker_kicked(struct virtio_worker *worker, unsigned int queue);
/* One of its eventfds cannot be read any more. */
void worker_deaf(struct virtio_worker *worker, int rc);

#endif
