/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of a passed-through function, by a thread of its own: the kernel may wait a minute for it.
 */

#ifndef FERRY_VFIO_PCI_RESET_H
#define FERRY_VFIO_PCI_RESET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory/region.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

struct vfio_pci;
struct vfio_bus_reset;

enum vfio_reset_cause {
	VFIO_RESET_GUEST,    /* the guest's function reset: FLR of Express or Advanced Features */
	VFIO_RESET_MACHINE,  /* the guest restarts */
	VFIO_RESET_RECOVERY, /* after an error: tried until it works, or a few times */
	VFIO_RESET_START,    /* before the guest sees it */
	VFIO_RESET_REMOVAL,  /* the guest has it no longer, and goes on */
	VFIO_RESET_END,      /* after the last guest */
};

enum vfio_reset_outcome {
	VFIO_RESET_DONE,    /* or there is no way to reset it */
	VFIO_RESET_REFUSED, /* the kernel did not do it, however often it was asked */
	VFIO_RESET_SILENT,  /* it reads all ones */
};

/*
 * How far a reset in the guest's time is (those at the start and the end are done in one go).
 *
 *            begins                        its end came through the loop
 *   IDLE ---------------> RUNNING ---------------------------------------> IDLE
 *     |                      |                                              ^
 *     |                      | the restart of the machine waits no longer   |
 *     |                      +------------------> LATE ---------------------+
 *     |                                                                     |
 *     +------------------------------------------> DUE ---------------------+
 *            begins, and no thread is to be had    the loop, which waits, has done it
 *
 * One that was refused begins again, by the bus, if there is that way.
 *
 * Written under the host lock where a reset begins, else by the main thread.
 */
enum vfio_reset_phase {
	VFIO_RESET_IDLE,
	VFIO_RESET_RUNNING, /* the thread is to be joined */
	VFIO_RESET_LATE,    /* likewise; the machine has restarted without the device */
	VFIO_RESET_DUE,     /* there is no thread: the loop is to do it, and was told */
};

/*
 * The guest's write that asks for a reset, under the host lock.
 *
 *   NONE --reset begins--> WAITS --reset ended, or deadline--> MAY_END --it came again--> NONE
 *
 * What is not the guest's, a restart or an error, forgets it: NONE, from any.
 */
enum vfio_reset_write {
	VFIO_RESET_WRITE_NONE,
	VFIO_RESET_WRITE_WAITS,   /* it is answered MEM_NOT_YET */
	VFIO_RESET_WRITE_MAY_END, /* by its next try */
};

/*
 * What the kernel is asked for. Settled before the thread starts. A function without a reset of its
 * own is reset with its whole bus, when every function on the bus is ours. Those others are then
 * not reset again (`spared`). A link that the guest resets asks every function behind it.
 */
enum vfio_reset_way {
	VFIO_RESET_BY_NOTHING, /* there is no way, or its bus was reset since the guest used it */
	VFIO_RESET_BY_FUNCTION,
	VFIO_RESET_BY_BUS,
	VFIO_RESET_TO_BE_FOUND, /* asked of a function that has none: the main thread looks */
};

/* Zeroed but for the descriptors, which are -1. */
struct vfio_reset {
	bool by_function; /* VFIO_DEVICE_RESET works */
	bool told_none;   /* that it has no reset was said */
	bool spared;      /* a reset of the bus has hit it since the guest last used it */
	enum vfio_reset_cause cause;
	enum vfio_reset_phase phase;
	enum vfio_reset_write write;
	enum vfio_reset_way way;
	struct vfio_bus_reset *bus; /* how, when it cannot be by function, or was refused */
	bool bus_done; /* the thread's, until it is joined: `bus` was carried out at its last try */
	uint16_t on;   /* the host's kernel resets the link first, see vfio_aer_await_host() */
	pthread_t thread;
	enum vfio_reset_outcome outcome; /* the thread's, until it is joined */
	int deadline_ms;
	const int *pauses_ms;  /* before each try of a recovery, ended by 0 */
	const int *retries_ms; /* before each further try of what was refused, likewise */
	int done;              /* eventfd: the thread is at its end */
	int stop;              /* eventfd: no more tries */
	int deadline;          /* timerfd: the guest's write waits no longer */
};

/*
 * Makes the descriptors and watches them. -errno with @err set; vfio_reset_release() takes it back.
 */
int vfio_reset_setup(struct vfio_pci *pci, bool by_function, struct err *err) FERRY_MUST_CHECK;

/* Waits for a thread under way, closes everything. No lock held. */
void vfio_reset_release(struct vfio_pci *pci);

/*
 * Withdraws the device from the guest and starts its reset. Host lock and device lock held, main
 * thread unless the guest asked. Its end comes through the loop.
 */
void vfio_reset_begin(struct vfio_pci *pci, enum vfio_reset_cause cause);

/*
 * The guest's write that asks for a reset, of the function or of its link: begins one, or lets the
 * write wait, or end. Both locks held.
 */
enum mem_result vfio_reset_answer(struct vfio_pci *pci);

/*
 * In the place of a reset, of one that the host wants back: the guest has it no longer. The host's
 * kernel holds the lock that a reset takes, and sees to it itself. Both locks held.
 */
void vfio_reset_leave_to_host(struct vfio_pci *pci);

/*
 * The machine restarts: resets the device, and waits for the end for as long as the deadline. Main
 * thread, vCPUs parked, no lock held.
 */
void vfio_reset_machine(struct vfio_pci *pci);

/*
 * Lets a reset that is under way come to its end without further tries; false when there is none.
 * Its end is to come through the loop even when all is done: a processor may wait for it. Host lock
 * held.
 */
bool vfio_reset_hurry(struct vfio_pci *pci);

/*
 * Before a reset that is not the guest's: looks for a way by the bus where the function has none,
 * or says that there is none. Main thread, no lock held unless it is the end.
 */
void vfio_reset_prepare(struct vfio_pci *pci, enum vfio_reset_cause cause);

/*
 * A function that VFIO could not reset when it opened it is reset with its bus, where
 * vfio_reset_prepare() found that this is ours; vfio_reset_settle() follows. -EIO with @err set
 * when it does not answer afterwards. On no bus yet. Any thread.
 */
int vfio_reset_first(struct vfio_pci *pci, struct err *err) FERRY_MUST_CHECK;

/*
 * At a removal, after vfio_reset_prepare() and vfio_pci_retire(): a reset by whatever way there is,
 * in a thread. Its end comes through the loop. Host lock and device lock held, main thread.
 */
void vfio_reset_begin_last(struct vfio_pci *pci);

/*
 * At the end, after vfio_reset_prepare(): quiet and awake, then a reset by whatever way there is.
 * The guest is out of reach of the device by then. Main thread, no lock held.
 */
void vfio_reset_now(struct vfio_pci *pci, enum vfio_reset_cause cause);

/*
 * Whether functions beside the one that is reset are to be left alone, as the guest goes on with
 * them.
 */
static inline bool vfio_reset_spares_others(enum vfio_reset_cause cause)
{
	return cause != VFIO_RESET_MACHINE && cause != VFIO_RESET_END;
}

/*
 * attempt.c, of a function that is the caller's alone: one reset by the way that was chosen, what
 * fails said at @level; and all that its cause asks for.
 */
enum vfio_reset_outcome vfio_reset_try(struct vfio_pci *pci, enum log_level level);
enum vfio_reset_outcome vfio_reset_attempt(struct vfio_pci *pci);

/* What follows vfio_reset_prepare() in the end: others on a bus that was reset need no more. */
void vfio_reset_settle(struct vfio_pci *pci);

#endif
