/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread's one epoll loop: descriptors in, callbacks out. */

#ifndef FERRY_BASE_LOOP_H
#define FERRY_BASE_LOOP_H

#include <stdint.h>

#include "vmm/base/err.h"

struct loop;

/* Called on the loop's thread with the epoll events that are ready. */
typedef void (*loop_handler)(void *owner, uint32_t events);

struct loop *loop_create(struct err *err);
void loop_destroy(struct loop *loop);

/*
 * Watches @fd for @events (EPOLLIN and so on, level-triggered). The descriptor stays its owner's,
 * who removes it before closing it. One watch per descriptor. Any thread.
 */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_handler handler, void *owner,
	     struct err *err) FERRY_MUST_CHECK;

/*
 * After it returns on the loop's thread the handler is not called any more. Unknown, or -1: no-op.
 */
void loop_remove(struct loop *loop, int fd);

/* Runs until loop_stop(). 0, or a negative errno when epoll itself failed. */
int loop_run(struct loop *loop, struct err *err) FERRY_MUST_CHECK;

/*
 * Makes loop_run() return after the handlers that are ready now. Any thread; also before it runs.
 */
void loop_stop(struct loop *loop);

#endif
