/* SPDX-License-Identifier: BSD-3-Clause */
/* Open descriptors that a client has passed along (SCM_RIGHTS), by names of its own choice. */

#ifndef FERRY_VMM_CONTROL_PASSED_H
#define FERRY_VMM_CONTROL_PASSED_H

#include "vmm/base/err.h"

/* What one client may have by name, and all of them together. */
enum { CONTROL_PASSED_MAX = 8, CONTROL_PASSED_ALL = 32, CONTROL_PASSED_NAME = 64 };

/* What came with what was read. */
enum control_arrival {
	CONTROL_CAME_NONE,
	CONTROL_CAME_ONE,
	CONTROL_CAME_SEVERAL, /* the first is there */
	CONTROL_CAME_LOST,    /* there was no room for it in this process */
};

/* One client's. Zero-initialise but for `waiting`, -1, and `all`. */
struct control_passed {
	unsigned int *all;            /* how many all clients have by name */
	int waiting;                  /* for its name; -1: none */
	enum control_arrival arrival; /* NONE again once there is no more to be said of it */
	unsigned int count;
	struct {
		char name[CONTROL_PASSED_NAME];
		int fd;
	} list[CONTROL_PASSED_MAX];
};

/*
 * What was read is about to be taken. It brought @fd, or none (-1), or as @arrival says one that is
 * not there; @fd is the object's from then on, and one that still waits for its name is closed. It
 * waits through requests of others' kind, as in QEMU.
 */
void control_passed_bring(struct control_passed *passed, int fd, enum control_arrival arrival);

/*
 * Gives the one that waits, a character device, pipe, file or connection, @name; one of that name
 * is closed.
 * -EINVAL, -EBADF, -ENODEV or -EMFILE with @err set, and it is closed.
 */
int control_passed_keep(struct control_passed *passed, const char *name,
			struct err *err) FERRY_MUST_CHECK;

/* Closes the one of @name; -EBADF with @err set when there is none. */
int control_passed_drop(struct control_passed *passed, const char *name,
			struct err *err) FERRY_MUST_CHECK;

/* The descriptor of @name, which stays the object's; -EBADF with @err set. */
int control_passed_find(const struct control_passed *passed, const char *name,
			struct err *err) FERRY_MUST_CHECK;

/* Forgets @fd, which is somebody else's from now on. */
void control_passed_give(struct control_passed *passed, int fd);

/* Closes all. */
void control_passed_release(struct control_passed *passed);

#endif
