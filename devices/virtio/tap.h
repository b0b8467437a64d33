/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap: the host's end of a network card (linux/if_tun.h). */

#ifndef FERRY_DEVICES_VIRTIO_TAP_H
#define FERRY_DEVICES_VIRTIO_TAP_H

#include <stdbool.h>

#include "vmm/base/err.h"

/*
 * Opens the tap @name, which there is, once for each of its @count queues. What is open is in @fds,
 * the rest is left, also with an error: a negative errno with @err, which names it.
 */
int tap_open(const char *name, unsigned int count, int *fds, struct err *err) FERRY_MUST_CHECK;

/*
 * Whether open @fd is a tap's, with headers of virtio's, one of @count queues; in @name (IFNAMSIZ
 * bytes) of which: that of the others, or "" before the first. -EINVAL with @err, which names the
 * descriptor.
 */
int tap_check(int fd, unsigned int count, char name[], struct err *err) FERRY_MUST_CHECK;

/* Each packet has the header of virtio 1.0 in front (VIRTIO 1.2 5.1.6). 0 or a negative errno. */
int tap_set_header(int fd) FERRY_MUST_CHECK;

/* What the reader takes whole and without checksums, TUN_F_*. 0 or a negative errno. */
int tap_set_offloads(int fd, unsigned int offloads) FERRY_MUST_CHECK;

/* Whether one of several queues gets packets. 0 or a negative errno. */
int tap_set_queue(int fd, bool on) FERRY_MUST_CHECK;

#endif
