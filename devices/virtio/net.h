/* SPDX-License-Identifier: BSD-3-Clause */
/* A network card (VIRTIO 1.2 5.1) over a tap, whose packets the host's kernel carries. */

#ifndef FERRY_DEVICES_VIRTIO_NET_H
#define FERRY_DEVICES_VIRTIO_NET_H

#include "devices/virtio/device.h"

enum {
	NET_PAIRS_MAX = 8,
	NET_MTU_MIN = 68,
	NET_MTU_MAX = 65535,
	NET_NAME_MAX = 15, /* of an interface's name */
};

struct net_config {
	const char *tap;        /* its name; NULL: it is open, in `fds` */
	int fds[NET_PAIRS_MAX]; /* one for each of `pairs`; the card's from net_create() on */
	unsigned int pairs;     /* of queues, 1 to NET_PAIRS_MAX */
	unsigned int mtu;       /* that the guest is told; 0: none */
	bool has_mac;           /* otherwise one is made up */
	uint8_t mac[6];
};

/* A local address of one card, made up. -EAGAIN with @err: the host has no randomness yet. */
int net_make_address(uint8_t mac[6], struct err *err) FERRY_MUST_CHECK;

/*
 * Opens tap and kernel's part. Number @index is in the name of the device. NULL with @err set.
 */
struct virtio_device *net_create(const struct net_config *config, unsigned int index,
				 struct err *err);

#endif
