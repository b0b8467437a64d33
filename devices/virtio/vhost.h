/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device whose queues the kernel serves (linux/vhost.h). */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_H
#define FERRY_DEVICES_VIRTIO_VHOST_H

#include <pthread.h>

#include "devices/virtio/device.h"
#include "devices/virtio/queue.h"

/*
 *    guest's kick --> KVM --> eventfd --> the kernel's worker <--> what is behind it: a tap
 *    guest's interrupt <-- KVM <-- eventfd <-- the kernel's worker
 *
 * A node of vhost's serves two queues that follow each other; a device may have several nodes. What
 * it is asked waits for one turn of the kernel's worker at most, and for nobody else. Whoever
 * changes something asks it: a vCPU's thread for its guest, the main thread for a reset of the
 * machine.
 *
 * `lock` is below the device's; of the transport's only leaves are below it.
 */
enum { VHOST_QUEUES = 2, VHOST_NODES_MAX = VIRTIO_QUEUES_MAX / VHOST_QUEUES };

struct vhost;

/*
 * Has the kernel serve @queue (@on), or not any more. Before it serves the first all are set up
 * that it is to serve. A kernel that has them all run or stand together is asked so for each. 0 or
 * a negative errno. Lock held.
 */
typedef int (*vhost_run)(struct vhost *vhost, unsigned int queue, bool on);

struct vhost_queue {
	struct virtio_queue ring; /* where it is; the kernel has its indices */
	bool on;                  /* the driver has it */
	bool runs;                /* the kernel serves it */
	uint16_t next;            /* the first chain that it has not taken; while it does not run */
	int call;                 /* what the kernel signals; -1: nothing */
};

/* Embedded in its owner. */
struct vhost {
	struct virtio_device *device;
	vhost_run run;
	int nodes[VHOST_NODES_MAX];
	unsigned int node_count;
	uint64_t features; /* that the kernel has */
	int trouble;       /* an eventfd: it cannot go on with a queue */
	struct virtio_attach attach;

	pthread_mutex_t lock; /* guards what is below */
	bool running, paused;
	bool broken;        /* the driver's fault: nothing is served until the next start */
	bool lost;          /* the nodes are closed */
	unsigned int count; /* the queues from the first on that are the kernel's */
	struct vhost_queue queues[VIRTIO_QUEUES_MAX];
};

/* Of @device. No descriptor is opened yet. */
void vhost_init(struct vhost *vhost, struct virtio_device *device, vhost_run run);

/*
 * Opens @count nodes at @path, whose module is @module, and becomes their owner. A negative errno
 * with @err, which names the node.
 */
int vhost_open(struct vhost *vhost, const char *path, const char *module, unsigned int count,
	       struct err *err) FERRY_MUST_CHECK;

/* Closes all; the kernel serves nothing from the return on. From any state after vhost_init(). */
void vhost_close(struct vhost *vhost);

/*
 * What a `struct virtio_device_ops` needs of it. The first @count queues are the kernel's; about
 * another one nothing is done.
 */
int vhost_attach(struct vhost *vhost, const struct virtio_attach *attach,
		 struct err *err) FERRY_MUST_CHECK;
int vhost_start(struct vhost *vhost, uint64_t features, const struct virtio_queue_place *places,
		unsigned int count, struct err *err) FERRY_MUST_CHECK;
/* The kernel has given all back by the return. */
void vhost_stop(struct vhost *vhost);
void vhost_stop_queue(struct vhost *vhost, unsigned int queue);
int vhost_start_queue(struct vhost *vhost, unsigned int queue,
		      const struct virtio_queue_place *place, struct err *err) FERRY_MUST_CHECK;
void vhost_rewire(struct vhost *vhost, unsigned int queue);
void vhost_pause(struct vhost *vhost);
void vhost_resume(struct vhost *vhost);

/* What the driver has done cannot be gone on with: all stands. Lock held. */
void vhost_fail(struct vhost *vhost, const char *why);

/* One request to the node of @queue. 0 or a negative errno. */
int vhost_ask(struct vhost *vhost, unsigned int queue, unsigned long request,
	      void *argument) FERRY_MUST_CHECK;

#endif
