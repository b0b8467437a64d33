/* SPDX-License-Identifier: BSD-3-Clause */
/* A network card's control queue: how many pairs of queues the driver uses, and nothing else. */

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/epoll.h>

#include "devices/virtio/net_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* Each may wait for the host's lock of interfaces: others of the loop have their turn after one. */
enum { CONTROL_TURN = 1 };

/* Class, command, and the number of pairs (VIRTIO 1.2 5.1.6.5.5). */
enum { CONTROL_COMMAND = 1, CONTROL_DATA = 2, CONTROL_SIZE = 4 };

/* What the driver has written of it; how many bytes. */
static size_t control_read(const struct virtio_chain *chain, uint8_t request[CONTROL_SIZE])
{
	size_t done = 0;

	for (unsigned int i = 0; i < chain->out_count && done < CONTROL_SIZE; i++) {
		size_t part = chain->iov[i].iov_len;

		if (part > CONTROL_SIZE - done)
			part = CONTROL_SIZE - done;
		memcpy(request + done, chain->iov[i].iov_base, part);
		done += part;
	}
	return done;
}

static uint8_t control_do(struct net *net, const struct virtio_chain *chain)
{
	uint8_t request[CONTROL_SIZE];
	unsigned int pairs;

	if (control_read(chain, request) < CONTROL_SIZE || request[0] != VIRTIO_NET_CTRL_MQ ||
	    request[CONTROL_COMMAND] != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		return VIRTIO_NET_ERR;
	pairs = load_le16(request + CONTROL_DATA);
	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > net->vhost.count / VHOST_QUEUES)
		return VIRTIO_NET_ERR;
	return net_use_pairs(net, pairs) ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
}

/* Whether there was a chain. */
static bool control_serve_one(struct net *net)
{
	struct net_control *control = &net->control;
	struct virtio_chain chain = {.iov = control->iov};
	struct err err = {0};
	int rc = virtio_queue_take(&control->ring, &chain, &err);

	if (rc > 0 && chain.in_size == 0)
		rc = err_set(&err, -EBADMSG, "a command without room for its answer");
	if (rc < 0) {
		err_prefix(&err, "queue %u", control->index);
		vhost_fail(&net->vhost, err.text);
	}
	if (rc <= 0)
		return false;
	*(uint8_t *)chain.iov[chain.out_count].iov_base = control_do(net, &chain);
	virtio_queue_give(&control->ring, &chain, 1);
	return true;
}

/* Who offers more has the loop come back. */
static void control_serve(struct net *net)
{
	struct net_control *control = &net->control;
	const struct virtio_attach *attach = &net->vhost.attach;
	unsigned int left = CONTROL_TURN;

	if (!control->on || net->vhost.paused || net->vhost.broken)
		return;
	do {
		while (left > 0 && control_serve_one(net))
			left--;
		if (left == 0)
			fd_signal(attach->kicks[control->index]);
	} while (left > 0 && !net->vhost.broken && virtio_queue_listen(&control->ring));
	if (virtio_queue_wants_call(&control->ring))
		attach->transport->call(attach->owner, control->index);
}

static void control_on_kick(void *owner, uint32_t events)
{
	struct net *net = owner;

	(void)events;
	pthread_mutex_lock(&net->vhost.lock);
	if (net->control.on && fd_take(net->vhost.attach.kicks[net->control.index]))
		control_serve(net);
	pthread_mutex_unlock(&net->vhost.lock);
}

/* Lock held. */
static int control_start(struct net *net, struct err *err)
{
	struct net_control *control = &net->control;
	const struct virtio_attach *attach = &net->vhost.attach;
	int kick = attach->kicks[control->index];
	int rc = loop_add(attach->loop, kick, EPOLLIN, control_on_kick, net, err);

	if (rc)
		return rc;
	control->on = true;
	/* One may have come before. */
	fd_signal(kick);
	return 0;
}

int net_control_start(struct net *net, unsigned int index, const struct virtio_queue_place *place,
		      uint64_t features, struct err *err)
{
	struct net_control *control = &net->control;
	int rc = 0;

	pthread_mutex_lock(&net->vhost.lock);
	control->index = index;
	if (index && place->size) {
		rc = virtio_queue_start(&control->ring, net->vhost.attach.ram, place, features,
					err);
		if (!rc)
			rc = control_start(net, err);
		if (rc)
			err_prefix(err, "queue %u", index);
	}
	pthread_mutex_unlock(&net->vhost.lock);
	return rc;
}

void net_control_stop(struct net *net)
{
	pthread_mutex_lock(&net->vhost.lock);
	if (net->control.on)
		loop_remove(net->vhost.attach.loop, net->vhost.attach.kicks[net->control.index]);
	net->control.on = false;
	pthread_mutex_unlock(&net->vhost.lock);
}

void net_control_resume(struct net *net)
{
	pthread_mutex_lock(&net->vhost.lock);
	if (net->control.on)
		fd_signal(net->vhost.attach.kicks[net->control.index]);
	pthread_mutex_unlock(&net->vhost.lock);
}
