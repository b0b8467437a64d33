/* SPDX-License-Identifier: BSD-3-Clause */
/* A network card as its sources share it. */

#ifndef FERRY_DEVICES_VIRTIO_NET_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_NET_PRIVATE_H

#include "devices/virtio/net.h"
#include "devices/virtio/vhost.h"

/* The queue that has the driver say how many pairs it uses (VIRTIO 1.2 5.1.6.5). vhost's lock. */
struct net_control {
	unsigned int index; /* of the queue; 0: the driver has none */
	struct virtio_queue ring;
	bool on; /* its kicks are watched by the loop */
	struct iovec iov[VIRTIO_IOV_MAX];
};

struct net {
	struct virtio_device device;
	struct vhost vhost;
	int taps[NET_PAIRS_MAX];
	bool idle[NET_PAIRS_MAX]; /* taps that get no packets; vhost's lock */
	unsigned int pairs;
	bool segments;     /* the tap cuts UDP too (USO) */
	uint64_t features; /* that the driver has taken */
	struct net_control control;
};

/* Of the pairs the first @count get packets, the others none. 0 or a negative errno. Lock held. */
int net_use_pairs(struct net *net, unsigned int count) FERRY_MUST_CHECK;

/*
 * net_control.c: what the device's functions of these names do for that queue, which the driver has
 * as @index, at @place; @index 0: it has none. No lock held.
 */
int net_control_start(struct net *net, unsigned int index, const struct virtio_queue_place *place,
		      uint64_t features, struct err *err) FERRY_MUST_CHECK;
void net_control_stop(struct net *net);
void net_control_resume(struct net *net);

#endif
