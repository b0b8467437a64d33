/* SPDX-License-Identifier: BSD-3-Clause */
/* A console (VIRTIO 1.2 5.3) of one port, which Linux has as hvc0. */

#include "devices/virtio/hvc.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/looped.h"
#include "vmm/base/bits.h"

enum { HVC_CLASS = 0x078000 }; /* communication, other */

/* VIRTIO 1.2 5.3.2. */
enum { HVC_RECEIVE, HVC_TRANSMIT, HVC_QUEUES };

struct hvc {
	struct virtio_looped looped;
	struct hvc_config config;
	/* Its lock. */
	uint8_t waiting[HVC_INPUT];
	size_t count;
	bool refused; /* somebody waits for room */
};

static struct hvc *hvc_of(struct virtio_looped *looped)
{
	return container_of(looped, struct hvc, looped);
}

static void hvc_took(struct hvc *hvc, size_t taken)
{
	hvc->count -= taken;
	memmove(hvc->waiting, hvc->waiting + taken, hvc->count);
	if (hvc->refused)
		hvc->config.room(hvc->config.owner);
	hvc->refused = false;
}

/* A buffer goes back with what there is; without anything it waits. */
static int hvc_receive(struct hvc *hvc, struct looped_chain *chain, struct err *err)
{
	const struct virtio_chain *buffers = &chain->chain;
	size_t taken = 0;

	if (buffers->out_count)
		return err_set(err, -EBADMSG, "a buffer to read where input goes");
	if (buffers->in_count && !hvc->count)
		return LOOPED_LATER;
	for (unsigned int i = 0; i < buffers->in_count && taken < hvc->count; i++) {
		size_t size = hvc->count - taken;

		if (size > buffers->iov[i].iov_len)
			size = buffers->iov[i].iov_len;
		memcpy(buffers->iov[i].iov_base, hvc->waiting + taken, size);
		taken += size;
	}
	hvc_took(hvc, taken);
	chain->written = (uint32_t)taken;
	return LOOPED_DONE;
}

/* The next piece of the chain behind its first @done bytes, of HVC_OUTPUT bytes at most. */
static struct iovec hvc_rest(const struct virtio_chain *buffers, uint64_t done)
{
	struct iovec rest = {0};

	for (unsigned int i = 0; i < buffers->out_count && !rest.iov_len; i++) {
		size_t size = buffers->iov[i].iov_len;

		if (done < size)
			rest = (struct iovec){(uint8_t *)buffers->iov[i].iov_base + done,
					      size - done};
		done -= done < size ? done : size;
	}
	if (rest.iov_len > HVC_OUTPUT)
		rest.iov_len = HVC_OUTPUT;
	return rest;
}

static int hvc_transmit(struct hvc *hvc, struct looped_chain *chain, struct err *err)
{
	const struct virtio_chain *buffers = &chain->chain;
	struct iovec rest = hvc_rest(buffers, chain->done);
	size_t taken = 0;

	if (buffers->in_count)
		return err_set(err, -EBADMSG, "a buffer to write where output comes from");
	if (rest.iov_len)
		taken = hvc->config.output(hvc->config.owner, rest.iov_base, rest.iov_len);
	chain->done += taken;
	if (chain->done == buffers->out_size)
		return LOOPED_DONE;
	if (taken == rest.iov_len)
		looped_poke(&hvc->looped, HVC_TRANSMIT);
	return LOOPED_LATER;
}

static int hvc_work(struct virtio_looped *looped, unsigned int queue, struct looped_chain *chain,
		    struct err *err)
{
	return queue == HVC_RECEIVE ? hvc_receive(hvc_of(looped), chain, err)
				    : hvc_transmit(hvc_of(looped), chain, err);
}

static void hvc_destroy(struct virtio_looped *looped)
{
	looped_end(looped);
	free(hvc_of(looped));
}

static const struct looped_ops hvc_ops = {.work = hvc_work, .destroy = hvc_destroy};

struct virtio_device *hvc_create(const struct hvc_config *config, struct err *err)
{
	struct hvc *hvc = calloc(1, sizeof(*hvc));
	bool sized = config->columns && config->rows;
	const struct virtio_console_config space = {
		.cols = htole16(sized ? config->columns : 0),
		.rows = htole16(sized ? config->rows : 0),
		.max_nr_ports = htole32(1),
	};

	if (!hvc) {
		err_set(err, -ENOMEM, "console: out of memory");
		return NULL;
	}
	hvc->config = *config;
	hvc->looped.device = (struct virtio_device){
		.name = "console",
		.id = VIRTIO_ID_CONSOLE,
		.class_code = HVC_CLASS,
		.features = VIRTIO_FEATURES_QUEUES | (uint64_t)sized << VIRTIO_CONSOLE_F_SIZE,
		.queue_count = HVC_QUEUES,
		.queue_size = 64,
		.config_size = sizeof(space),
	};
	memcpy(hvc->looped.device.config, &space, sizeof(space));
	looped_init(&hvc->looped, &hvc_ops);
	return &hvc->looped.device;
}

size_t hvc_input(struct virtio_device *device, const uint8_t *bytes, size_t count)
{
	struct virtio_looped *looped = container_of(device, struct virtio_looped, device);
	struct hvc *hvc = hvc_of(looped);
	size_t room;

	pthread_mutex_lock(&looped->lock);
	room = sizeof(hvc->waiting) - hvc->count;
	hvc->refused = count > room;
	if (count > room)
		count = room;
	memcpy(hvc->waiting + hvc->count, bytes, count);
	hvc->count += count;
	pthread_mutex_unlock(&looped->lock);
	if (count)
		looped_poke(looped, HVC_RECEIVE);
	return count;
}

void hvc_wake(struct virtio_device *device)
{
	looped_poke(container_of(device, struct virtio_looped, device), HVC_TRANSMIT);
}
