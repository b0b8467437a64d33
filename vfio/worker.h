/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What takes the host's kernel its time while the guest runs, one work after the other: a thread
 * does it, and the main thread goes on with all else.
 */

#ifndef FERRY_VFIO_WORKER_H
#define FERRY_VFIO_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Embedded in whatever it is about, which stays until it is done or dropped. */
struct vfio_work {
	/*
	 * The main thread's, once it is the work's turn and after each step: whether there is
	 * another step to be carried out, before any other work's. Otherwise the work is done, and
	 * may be gone at the return. It may add works.
	 */
	bool (*advance)(struct vfio_work *work);
	/* A step. In the thread, without a lock. */
	void (*carry_out)(struct vfio_work *work);
	struct vfio_work *next;
};

/*
 *   none --add--> queued --its turn: advance--> carried out --advance--> ... done
 *                    |                                           (a step after the other)
 *                    +--dropped
 *
 * A thread lasts as long as one step. Main thread but for what is noted; zeroed it is idle.
 */
struct vfio_worker {
	int turn; /* eventfd that has the loop call vfio_worker_turn(); its owner's */
	struct vfio_work *first, *current;
	bool has_thread;
	pthread_t thread;
	atomic_bool ended; /* the step is; the thread's */
};

/* Behind all others, in a turn of the loop to come. */
void vfio_worker_add(struct vfio_worker *worker, struct vfio_work *work);

/* It will not be begun; false where it was already. */
bool vfio_worker_drop(struct vfio_worker *worker, struct vfio_work *work);

/* Whether a step is being carried out. */
bool vfio_worker_is_busy(const struct vfio_worker *worker);

/* Takes the end of a step, and begins the next. In a turn of the loop. */
void vfio_worker_turn(struct vfio_worker *worker);

/*
 * Waits for the step that is being carried out, whose work is returned (NULL: none is), and drops
 * all others.
 */
struct vfio_work *vfio_worker_stop(struct vfio_worker *worker);

#endif
