/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets between guest and host (VIRTIO 1.2 5.10), whose queues the host's kernel serves. */

#include "devices/virtio/vsock.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/virtio/vhost.h"
#include "vmm/base/bits.h"

enum {
	VSOCK_CLASS = 0x078000, /* communication, other */
	/* Received, sent, and events: of those there are none, for a guest does not migrate. */
	VSOCK_QUEUES = 3,
	VSOCK_SEQPACKET = 1, /* VIRTIO 1.2 5.10.3 */
};

struct vsock {
	struct virtio_device device;
	struct vhost vhost;
};

static struct vsock *vsock_of(struct virtio_device *device)
{
	return container_of(device, struct vsock, device);
}

/* Both queues go together, and to ask twice does nothing. */
static int vsock_run(struct vhost *vhost, unsigned int queue, bool on)
{
	int running = on;

	return vhost_ask(vhost, queue, VHOST_VSOCK_SET_RUNNING, &running);
}

static int vsock_attach(struct virtio_device *device, const struct virtio_attach *attach,
			struct err *err)
{
	return vhost_attach(&vsock_of(device)->vhost, attach, err);
}

static int vsock_start(struct virtio_device *device, uint64_t features,
		       const struct virtio_queue_place *places, struct err *err)
{
	return vhost_start(&vsock_of(device)->vhost, features, places, VHOST_QUEUES, err);
}

static bool vsock_stop(struct virtio_device *device)
{
	vhost_stop(&vsock_of(device)->vhost);
	return true;
}

static void vsock_rewire(struct virtio_device *device, unsigned int queue)
{
	vhost_rewire(&vsock_of(device)->vhost, queue);
}

static bool vsock_pause(struct virtio_device *device)
{
	vhost_pause(&vsock_of(device)->vhost);
	return true;
}

static void vsock_resume(struct virtio_device *device)
{
	vhost_resume(&vsock_of(device)->vhost);
}

static void vsock_destroy(struct virtio_device *device)
{
	vhost_close(&vsock_of(device)->vhost);
	free(vsock_of(device));
}

/* The kernel has no queue stop alone: VIRTIO_F_RING_RESET is not offered. */
static const struct virtio_device_ops vsock_ops = {
	.attach = vsock_attach,
	.start = vsock_start,
	.stop = vsock_stop,
	.rewire = vsock_rewire,
	.pause = vsock_pause,
	.resume = vsock_resume,
	.destroy = vsock_destroy,
};

static int vsock_set_up(struct vsock *vsock, uint64_t cid, struct err *err)
{
	const uint64_t of_kernel = UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX |
				   UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC |
				   UINT64_C(1) << VSOCK_SEQPACKET;
	int rc = vhost_open(&vsock->vhost, "/dev/vhost-vsock", "vhost_vsock", 1, err);

	if (rc)
		return err_prefix(err, "vsock");
	rc = vhost_ask(&vsock->vhost, 0, VHOST_VSOCK_SET_GUEST_CID, &cid);
	if (rc)
		return err_set(err, rc, "vsock: CID %" PRIu64 ": %s", cid,
			       rc == -EADDRINUSE ? "another guest has it: give another number"
						 : err_text(rc));
	vsock->device.ops = &vsock_ops;
	vsock->device.id = VIRTIO_ID_VSOCK;
	vsock->device.class_code = VSOCK_CLASS;
	vsock->device.features =
		UINT64_C(1) << VIRTIO_F_VERSION_1 | (vsock->vhost.features & of_kernel);
	vsock->device.queue_count = VSOCK_QUEUES;
	vsock->device.queue_size = 128;
	store_le64(vsock->device.config, cid);
	vsock->device.config_size = sizeof(cid);
	return 0;
}

struct virtio_device *vsock_create(uint32_t cid, struct err *err)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));

	if (!vsock) {
		err_set(err, -ENOMEM, "vsock: out of memory");
		return NULL;
	}
	snprintf(vsock->device.name, sizeof(vsock->device.name), "vsock");
	vhost_init(&vsock->vhost, &vsock->device, vsock_run);
	if (!vsock_set_up(vsock, cid, err))
		return &vsock->device;
	vsock_destroy(&vsock->device);
	return NULL;
}
