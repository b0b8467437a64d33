/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: a server of QMP, several clients at a time, and the events that they hear. */

#ifndef FERRY_VMM_CONTROL_CONTROL_H
#define FERRY_VMM_CONTROL_CONTROL_H

#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/control/target.h"

struct control;

/* Who or what had the guest reset or end. */
enum control_reason {
	CONTROL_GUEST_SHUTDOWN,
	CONTROL_GUEST_RESET,
	CONTROL_GUEST_PANIC,
	CONTROL_HOST_ERROR,
	CONTROL_HOST_SIGNAL,
	CONTROL_HOST_UI, /* a key on the console, a debugger */
	CONTROL_HOST_QUIT,
	CONTROL_HOST_RESET,
};

/*
 * Checks the argument of --control: "unix:PATH", or "fd=N" of a socket that listens already.
 * -EINVAL with @err saying what it takes.
 */
int control_check_address(const char *address, struct err *err) FERRY_MUST_CHECK;

/*
 * Listens at @address and serves on @loop, the main thread's; the vCPUs exist. What @target names
 * outlives it. NULL with @err set.
 */
struct control *control_create(const char *address, struct loop *loop,
			       const struct control_target *target, struct err *err);

/*
 * Lets nobody in any more, and removes the socket's name. Clients that are there stay connected
 * until control_destroy(): to them that is the end of the run. The loop no longer runs. NULL is
 * allowed.
 */
void control_close(struct control *control);

/* Closes all, and removes the socket's name. NULL is allowed. */
void control_destroy(struct control *control);

/*
 * Events, for every client that has negotiated; @control NULL: nobody hears. Main thread, no lock.
 */
void control_tell_stop(struct control *control);
void control_tell_resume(struct control *control);
void control_tell_power_down(struct control *control);
void control_tell_reset(struct control *control, enum control_reason reason);
void control_tell_shutdown(struct control *control, enum control_reason reason);
/* @ends: the run ends of it; else it stands for a debugger. */
void control_tell_panic(struct control *control, bool ends);
/* What became of a passed-through device. */
void control_tell_device(struct control *control, const struct vfio_news *news);

#endif
