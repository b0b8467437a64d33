/* SPDX-License-Identifier: BSD-3-Clause */
/* A network card (VIRTIO 1.2 5.1) over a tap: what it offers, its life. */

#include "devices/virtio/net.h"

#include <assert.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/net_private.h"
#include "devices/virtio/tap.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/random.h"

enum { NET_CLASS = 0x020000 }; /* network, Ethernet */

/* Cutting UDP, which older headers do not know (Linux 6.2). */
enum {
	NET_GUEST_USO4 = 54,
	NET_GUEST_USO6 = 55,
	NET_HOST_USO = 56,
	TAP_USO4 = 0x20,
	TAP_USO6 = 0x40,
};

static struct net *net_of(struct virtio_device *device)
{
	return container_of(device, struct net, device);
}

static uint64_t net_bit(unsigned int feature)
{
	return UINT64_C(1) << feature;
}

/* What the tap hands over whole, by what the driver takes (VIRTIO 1.2 5.1.3.1). */
static unsigned int net_offloads(uint64_t features)
{
	const uint64_t segments = net_bit(NET_GUEST_USO4) | net_bit(NET_GUEST_USO6);
	unsigned int offloads = TUN_F_CSUM;

	if (!(features & net_bit(VIRTIO_NET_F_GUEST_CSUM)))
		return 0;
	if (features & net_bit(VIRTIO_NET_F_GUEST_TSO4))
		offloads |= TUN_F_TSO4;
	if (features & net_bit(VIRTIO_NET_F_GUEST_TSO6))
		offloads |= TUN_F_TSO6;
	/* With marks of congestion or not, there must be something to mark. */
	if (offloads & (TUN_F_TSO4 | TUN_F_TSO6) && features & net_bit(VIRTIO_NET_F_GUEST_ECN))
		offloads |= TUN_F_TSO_ECN;
	/* The kernel has both or none. */
	if ((features & segments) == segments)
		offloads |= TAP_USO4 | TAP_USO6;
	return offloads;
}

static uint64_t net_features_of_segments(const struct net *net)
{
	return net->segments
		       ? net_bit(NET_GUEST_USO4) | net_bit(NET_GUEST_USO6) | net_bit(NET_HOST_USO)
		       : 0;
}

static uint64_t net_features(const struct net *net, const struct net_config *config)
{
	const uint64_t of_kernel = net_bit(VIRTIO_RING_F_EVENT_IDX) |
				   net_bit(VIRTIO_RING_F_INDIRECT_DESC) |
				   net_bit(VIRTIO_NET_F_MRG_RXBUF);
	uint64_t features = net_bit(VIRTIO_F_VERSION_1) | net_bit(VIRTIO_F_RING_RESET) |
			    (net->vhost.features & of_kernel) | net_bit(VIRTIO_NET_F_MAC) |
			    net_bit(VIRTIO_NET_F_STATUS) | net_bit(VIRTIO_NET_F_CSUM) |
			    net_bit(VIRTIO_NET_F_HOST_TSO4) | net_bit(VIRTIO_NET_F_HOST_TSO6) |
			    net_bit(VIRTIO_NET_F_HOST_ECN) | net_bit(VIRTIO_NET_F_GUEST_CSUM) |
			    net_bit(VIRTIO_NET_F_GUEST_TSO4) | net_bit(VIRTIO_NET_F_GUEST_TSO6) |
			    net_bit(VIRTIO_NET_F_GUEST_ECN) | net_features_of_segments(net);

	if (config->mtu)
		features |= net_bit(VIRTIO_NET_F_MTU);
	if (net->pairs > 1)
		features |= net_bit(VIRTIO_NET_F_MQ) | net_bit(VIRTIO_NET_F_CTRL_VQ);
	return features;
}

int net_make_address(uint8_t mac[6], struct err *err)
{
	if (!random_fill(mac, 6))
		return err_set(err, -EAGAIN,
			       "the host has no randomness yet for its address: give mac=");
	/* One that no manufacturer has given anybody: local, and of one card. */
	mac[0] = (uint8_t)((mac[0] & ~1U) | 2);
	return 0;
}

/* VIRTIO 1.2 5.1.4. */
static int net_set_config(struct net *net, const struct net_config *config, struct err *err)
{
	struct virtio_net_config bytes = {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16((uint16_t)net->pairs),
		.mtu = htole16((uint16_t)config->mtu),
	};

	memcpy(bytes.mac, config->mac, sizeof(bytes.mac));
	if (!config->has_mac && net_make_address(bytes.mac, err))
		return err->code;
	net->device.config_size = offsetof(struct virtio_net_config, mtu) + sizeof(bytes.mtu);
	memcpy(net->device.config, &bytes, net->device.config_size);
	return 0;
}

int net_use_pairs(struct net *net, unsigned int count)
{
	int rc = 0;

	/* To ask for what is so already is refused. */
	for (unsigned int i = 0; i < net->pairs && !rc; i++) {
		if (net->idle[i] == (i >= count))
			continue;
		rc = tap_set_queue(net->taps[i], i < count);
		if (!rc)
			net->idle[i] = i >= count;
	}
	return rc;
}

/* A queue's backend is the tap, or nothing. */
static int net_run(struct vhost *vhost, unsigned int queue, bool on)
{
	struct net *net = container_of(vhost, struct net, vhost);
	struct vhost_vring_file file = {
		.index = queue % VHOST_QUEUES,
		.fd = on ? net->taps[queue / VHOST_QUEUES] : VHOST_FILE_UNBIND,
	};

	return vhost_ask(vhost, queue, VHOST_NET_SET_BACKEND, &file);
}

static int net_attach(struct virtio_device *device, const struct virtio_attach *attach,
		      struct err *err)
{
	return vhost_attach(&net_of(device)->vhost, attach, err);
}

/* What the tap is told before the first packet. */
static int net_ready_taps(struct net *net, uint64_t features, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; i < net->pairs && !rc; i++)
		rc = tap_set_offloads(net->taps[i], net_offloads(features));
	/* The driver says when there are more (VIRTIO 1.2 5.1.6.5.5). */
	pthread_mutex_lock(&net->vhost.lock);
	if (!rc)
		rc = net_use_pairs(net, 1);
	pthread_mutex_unlock(&net->vhost.lock);
	return rc ? err_set(err, rc, "its tap: %s", err_text(rc)) : 0;
}

static int net_start(struct virtio_device *device, uint64_t features,
		     const struct virtio_queue_place *places, struct err *err)
{
	struct net *net = net_of(device);
	bool several = features & net_bit(VIRTIO_NET_F_MQ);
	unsigned int queues = several ? VHOST_QUEUES * net->pairs : VHOST_QUEUES;
	bool controlled = features & net_bit(VIRTIO_NET_F_CTRL_VQ);
	int rc = net_ready_taps(net, features, err);

	net->features = features;
	if (!rc)
		rc = vhost_start(&net->vhost, features, places, queues, err);
	if (rc)
		return rc;
	/* It is behind those that the driver uses (VIRTIO 1.2 5.1.2). */
	rc = net_control_start(net, controlled ? queues : 0, &places[queues], features, err);
	if (rc)
		vhost_stop(&net->vhost);
	return rc;
}

/* What comes before the next driver has chosen must be whole. */
static void net_take_offloads_back(struct net *net)
{
	for (unsigned int i = 0; i < net->pairs; i++)
		if (tap_set_offloads(net->taps[i], 0))
			log_debug("%s: its tap keeps its offloads", net->device.name);
}

static bool net_stop(struct virtio_device *device)
{
	net_control_stop(net_of(device));
	vhost_stop(&net_of(device)->vhost);
	net_take_offloads_back(net_of(device));
	return true;
}

static bool net_is_control(const struct net *net, unsigned int queue)
{
	return net->control.index && queue == net->control.index;
}

static bool net_stop_queue(struct virtio_device *device, unsigned int queue)
{
	struct net *net = net_of(device);

	if (net_is_control(net, queue))
		net_control_stop(net);
	else
		vhost_stop_queue(&net->vhost, queue);
	return true;
}

static int net_start_queue(struct virtio_device *device, unsigned int queue,
			   const struct virtio_queue_place *place, struct err *err)
{
	struct net *net = net_of(device);

	if (net_is_control(net, queue))
		return net_control_start(net, queue, place, net->features, err);
	return vhost_start_queue(&net->vhost, queue, place, err);
}

static void net_rewire(struct virtio_device *device, unsigned int queue)
{
	vhost_rewire(&net_of(device)->vhost, queue);
}

static bool net_pause(struct virtio_device *device)
{
	vhost_pause(&net_of(device)->vhost);
	return true;
}

static void net_resume(struct virtio_device *device)
{
	vhost_resume(&net_of(device)->vhost);
	net_control_resume(net_of(device));
}

static void net_destroy(struct virtio_device *device)
{
	struct net *net = net_of(device);

	vhost_close(&net->vhost);
	for (unsigned int i = 0; i < NET_PAIRS_MAX; i++)
		fd_close(&net->taps[i]);
	free(net);
}

static const struct virtio_device_ops net_ops = {
	.attach = net_attach,
	.start = net_start,
	.stop = net_stop,
	.stop_queue = net_stop_queue,
	.start_queue = net_start_queue,
	.rewire = net_rewire,
	.pause = net_pause,
	.resume = net_resume,
	.destroy = net_destroy,
};

static int net_open_taps(struct net *net, const struct net_config *config, struct err *err)
{
	char name[IFNAMSIZ] = "";
	int rc = config->tap ? tap_open(config->tap, net->pairs, net->taps, err) : 0;

	for (unsigned int i = 0; i < net->pairs && !config->tap && !rc; i++)
		rc = tap_check(net->taps[i], net->pairs, name, err);
	for (unsigned int i = 0; i < net->pairs && !rc; i++) {
		rc = tap_set_header(net->taps[i]);
		if (rc)
			err_set(err, rc, "its tap: %s", err_text(rc));
	}
	if (rc)
		return rc;
	net->segments = tap_set_offloads(net->taps[0], TUN_F_CSUM | TAP_USO4 | TAP_USO6) == 0;
	net_take_offloads_back(net);
	return 0;
}

static int net_set_up(struct net *net, const struct net_config *config, struct err *err)
{
	int rc = net_open_taps(net, config, err);

	if (!rc)
		rc = vhost_open(&net->vhost, "/dev/vhost-net", "vhost_net", net->pairs, err);
	if (!rc)
		rc = net_set_config(net, config, err);
	if (rc)
		return err_prefix(err, "%s", net->device.name);
	net->device.ops = &net_ops;
	net->device.id = VIRTIO_ID_NET;
	net->device.class_code = NET_CLASS;
	net->device.features = net_features(net, config);
	net->device.queue_count = VHOST_QUEUES * net->pairs + (net->pairs > 1);
	net->device.queue_size = 256;
	/* A kick that the loop was told of may be gone by then: it must not wait for the next. */
	net->device.polls = true;
	return 0;
}

struct virtio_device *net_create(const struct net_config *config, unsigned int index,
				 struct err *err)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net) {
		err_set(err, -ENOMEM, "net%u: out of memory", index);
		return NULL;
	}
	assert(config->pairs >= 1 && config->pairs <= NET_PAIRS_MAX);
	snprintf(net->device.name, sizeof(net->device.name), "net%u", index);
	vhost_init(&net->vhost, &net->device, net_run);
	net->pairs = config->pairs;
	for (unsigned int i = 0; i < NET_PAIRS_MAX; i++)
		net->taps[i] = !config->tap && i < net->pairs ? config->fds[i] : -1;
	if (!net_set_up(net, config, err))
		return &net->device;
	net_destroy(&net->device);
	return NULL;
}
