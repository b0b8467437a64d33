/* SPDX-License-Identifier: BSD-3-Clause */
/* A device in the monitor: one thread that serves its queues by io_uring. */

#ifndef FERRY_DEVICES_VIRTIO_WORKER_H
#define FERRY_DEVICES_VIRTIO_WORKER_H

#include <liburing.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/device.h"

/*
 *   guest's kick --> KVM --> eventfd --(read by the ring)--+
 *                                                          v
 *   guest's call <-- irqfd <-- eventfd <-- give <-- the worker's thread
 *                                                     |        ^
 *                                                     v        |
 *                                                 its files, by the ring
 *
 * The ring is walled before the guest runs: fixed files only, and no other operations than the
 * device's (IORING_REGISTER_RESTRICTIONS).
 */
enum {
	WORKER_REQUESTS = 128, /* in flight at once */
	WORKER_FILES_MAX = 2,
};

/* One chain that is being worked on. */
struct worker_request {
	struct virtio_chain chain;
	unsigned int queue;
	unsigned int index; /* 0 to WORKER_REQUESTS - 1 */
	uint32_t written;   /* bytes of its buffers, once it is done */
	struct worker_request *next;
	struct iovec iov[VIRTIO_IOV_MAX];
};

enum worker_state { WORKER_SUBMITTED, WORKER_DONE };

struct virtio_worker;

/* What the device makes of chains. In the worker's thread, its lock held. */
struct worker_ops {
	/*
	 * Fills in one operation of worker_sqe() (WORKER_SUBMITTED), or is done with `written` set.
	 * -EBADMSG with @err when the chain is not what a driver may send.
	 */
	int (*begin)(struct virtio_worker *worker, struct worker_request *request, struct err *err);
	/* The operation gave @rc: likewise, WORKER_SUBMITTED for another. Never fails. */
	enum worker_state (*go_on)(struct virtio_worker *worker, struct worker_request *request,
				   int rc);
	/* The driver is ready, with these features. */
	void (*start)(struct virtio_worker *worker, uint64_t features);
};

/* Which operations the ring lets, and on which files. */
struct worker_setup {
	const struct worker_ops *ops;
	const uint8_t
		*operations; /* IORING_OP_*; that of eventfds, IORING_OP_READ, is let always */
	size_t operation_count;
	int files[WORKER_FILES_MAX]; /* the device's, known to the ring as 0 and on */
	size_t file_count;
};

enum worker_phase { WORKER_STOPPED, WORKER_RUNNING, WORKER_STOPPING };

struct worker_queue {
	struct virtio_queue ring;
	uint64_t count; /* what the ring reads of its eventfd */
	uint64_t kicks; /* since it began */
	unsigned int in_flight;
	bool on;      /* served */
	bool there;   /* `ring` is in use: on, or not all is given back */
	bool pending; /* there may be chains */
	bool given;   /* since the last call */
};

/* Embedded in its owner. `lock` guards all below it, and is let go while the thread waits. */
struct virtio_worker {
	struct virtio_device *device;
	struct worker_setup setup;
	struct virtio_attach attach;
	struct io_uring ring;
	unsigned int first_kick; /* its number among the ring's files */
	int command;             /* an eventfd: look at what has changed */
	uint64_t commands;
	pthread_t thread;
	bool ready, started;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum worker_phase phase;
	bool paused, ending;
	bool broken;  /* the driver's fault: nothing is served until the next start */
	bool lost;    /* the ring's end: nothing in flight comes back */
	bool awaited; /* somebody is told when it is quiet */
	unsigned int in_flight;
	unsigned int first; /* the queue that is served first; their number: number 0 */
	uint64_t features;
	struct worker_queue queues[VIRTIO_QUEUES_MAX];
	struct worker_request *requests; /* WORKER_REQUESTS of them */
	struct worker_request *idle;     /* a list */
};

/* Of @device, which has its queues by now. No descriptor is opened yet. */
int worker_init(struct virtio_worker *worker, struct virtio_device *device,
		const struct worker_setup *setup, struct err *err) FERRY_MUST_CHECK;

/* Begins the thread, named @name; before that nothing is served. Main thread. */
int worker_begin(struct virtio_worker *worker, const char *name, struct err *err) FERRY_MUST_CHECK;

/* Ends the thread once nothing is in flight, then the ring. From any state after worker_init(). */
void worker_end(struct virtio_worker *worker);

/* What a `struct virtio_device_ops` needs of it, for the worker of that device. */
int worker_attach(struct virtio_worker *worker, const struct virtio_attach *attach,
		  struct err *err) FERRY_MUST_CHECK;
int worker_start(struct virtio_worker *worker, uint64_t features,
		 const struct virtio_queue_place *places, struct err *err) FERRY_MUST_CHECK;
bool worker_stop(struct virtio_worker *worker);
bool worker_stop_queue(struct virtio_worker *worker, unsigned int queue);
int worker_start_queue(struct virtio_worker *worker, unsigned int queue,
		       const struct virtio_queue_place *place, struct err *err) FERRY_MUST_CHECK;
bool worker_pause(struct virtio_worker *worker);
void worker_resume(struct virtio_worker *worker);
bool worker_look(struct virtio_worker *worker, unsigned int queue,
		 struct virtio_queue_state *state);
void worker_wait(struct virtio_worker *worker);

/* The place for the request's operation: fixed file and user data are set once it is filled in. */
struct io_uring_sqe *worker_sqe(struct virtio_worker *worker);

/* To be called last: the filled in @sqe is @request's, on the device's file @file. */
void worker_submit(struct io_uring_sqe *sqe, struct worker_request *request);

#endif
