/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device whose queues the kernel serves: its nodes, and what has them run and stand. */

#include "devices/virtio/vhost.h"

#include <assert.h>
#include <errno.h>
#include <linux/vhost.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "devices/virtio/vhost_sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

void vhost_init(struct vhost *vhost, struct virtio_device *device, vhost_run run)
{
	*vhost = (struct vhost){.device = device, .run = run, .trouble = -1};
	for (unsigned int i = 0; i < VHOST_NODES_MAX; i++)
		vhost->nodes[i] = -1;
	pthread_mutex_init(&vhost->lock, NULL);
}

static int vhost_explain(int rc, const char *path, const char *module, struct err *err)
{
	if (rc == -ENOENT || rc == -ENODEV)
		return err_set(err, rc, "%s: the host's kernel does not offer it: modprobe %s",
			       path, module);
	if (rc == -EACCES || rc == -EPERM)
		return err_set(err, rc,
			       "%s: this user may not open it: be of its group, or start as root "
			       "with --user",
			       path);
	return err_set(err, rc, "%s: %s", path, err_text(rc));
}

int vhost_open(struct vhost *vhost, const char *path, const char *module, unsigned int count,
	       struct err *err)
{
	uint64_t features = 0;
	int rc = 0;

	assert(count <= VHOST_NODES_MAX);
	for (unsigned int i = 0; i < count && !rc; i++) {
		int fd = vhost_sys_open(path);

		if (fd < 0)
			return vhost_explain(fd, path, module, err);
		vhost->nodes[vhost->node_count++] = fd;
		rc = vhost_sys_ioctl(fd, VHOST_SET_OWNER, NULL);
		if (!rc)
			rc = vhost_sys_ioctl(fd, VHOST_GET_FEATURES, &features);
	}
	if (rc)
		return err_set(err, rc, "%s: it cannot be had: %s", path, err_text(rc));
	vhost->features = features;
	if (!(features >> VIRTIO_F_VERSION_1 & 1))
		return err_set(err, -ENOTSUP, "%s: it is too old: it has no virtio 1.0", path);
	return 0;
}

int vhost_ask(struct vhost *vhost, unsigned int queue, unsigned long request, void *argument)
{
	int rc;

	assert(queue / VHOST_QUEUES < vhost->node_count);
	rc = vhost_sys_ioctl(vhost->nodes[queue / VHOST_QUEUES], request, argument);
	return rc < 0 ? rc : 0;
}

/* What follows has the lock held. */

static void vhost_close_nodes(struct vhost *vhost)
{
	for (unsigned int i = 0; i < vhost->node_count; i++)
		fd_close(&vhost->nodes[i]);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		vhost->queues[i].runs = false;
}

/* What cannot be stopped is closed: it may reach memory that is another's by then no more. */
static void vhost_lose(struct vhost *vhost, int rc)
{
	char why[128];

	vhost_close_nodes(vhost);
	vhost->lost = true;
	snprintf(why, sizeof(why), "the kernel does not stop it: %s", err_text(rc));
	atomic_store(&vhost->device->gone, true);
	vhost->attach.transport->broke(vhost->attach.owner, why);
}

static void vhost_halt_queue(struct vhost *vhost, unsigned int index)
{
	struct vhost_queue *queue = &vhost->queues[index];
	struct vhost_vring_state state = {.index = index % VHOST_QUEUES};
	int rc;

	if (!queue->runs)
		return;
	rc = vhost->run(vhost, index, false);
	if (!rc)
		rc = vhost_ask(vhost, index, VHOST_GET_VRING_BASE, &state);
	queue->next = (uint16_t)state.num;
	queue->runs = false;
	if (rc)
		vhost_lose(vhost, rc);
}

static void vhost_halt(struct vhost *vhost)
{
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		vhost_halt_queue(vhost, i);
}

void vhost_fail(struct vhost *vhost, const char *why)
{
	if (vhost->broken)
		return;
	vhost->broken = true;
	vhost_halt(vhost);
	/* Which tells of itself. */
	if (!vhost->lost)
		vhost->attach.transport->broke(vhost->attach.owner, why);
}

static int vhost_set_call(struct vhost *vhost, unsigned int index)
{
	struct vhost_vring_file file = {
		.index = index % VHOST_QUEUES,
		.fd = vhost->attach.transport->call_eventfd(vhost->attach.owner, index),
	};

	if (file.fd < 0)
		file.fd = VHOST_FILE_UNBIND;
	vhost->queues[index].call = file.fd;
	return vhost_ask(vhost, index, VHOST_SET_VRING_CALL, &file);
}

static int vhost_set_up_queue(struct vhost *vhost, unsigned int index)
{
	const struct vhost_queue *queue = &vhost->queues[index];
	struct vhost_vring_state size = {index % VHOST_QUEUES, queue->ring.size};
	struct vhost_vring_state next = {index % VHOST_QUEUES, queue->next};
	struct vhost_vring_file kick = {index % VHOST_QUEUES, vhost->attach.kicks[index]};
	struct vhost_vring_addr place = {
		.index = index % VHOST_QUEUES,
		.desc_user_addr = (uintptr_t)queue->ring.descriptors,
		.used_user_addr = (uintptr_t)queue->ring.device,
		.avail_user_addr = (uintptr_t)queue->ring.driver,
	};
	const struct {
		unsigned long request;
		void *argument;
	} steps[] = {
		{VHOST_SET_VRING_NUM, &size},
		{VHOST_SET_VRING_BASE, &next},
		{VHOST_SET_VRING_ADDR, &place},
		{VHOST_SET_VRING_KICK, &kick},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = vhost_ask(vhost, index, steps[i].request, steps[i].argument);
	return rc ? rc : vhost_set_call(vhost, index);
}

/* The kernel may have heard of kicks while it did not run: it looks once more. */
static int vhost_run_queue(struct vhost *vhost, unsigned int index)
{
	int rc = vhost->run(vhost, index, true);

	if (rc)
		return rc;
	vhost->queues[index].runs = true;
	fd_signal(vhost->attach.kicks[index]);
	return 0;
}

static bool vhost_may_run(const struct vhost *vhost)
{
	return vhost->running && !vhost->paused && !vhost->broken && !vhost->lost;
}

/* All that the driver has. */
static int vhost_go(struct vhost *vhost, struct err *err)
{
	int rc = 0;

	if (!vhost_may_run(vhost))
		return 0;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX && !rc; i++)
		rc = vhost->queues[i].on ? vhost_set_up_queue(vhost, i) : 0;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX && !rc; i++)
		rc = vhost->queues[i].on ? vhost_run_queue(vhost, i) : 0;
	if (!rc)
		return 0;
	vhost_halt(vhost);
	return err_set(err, rc, "the kernel does not take its queues: %s", err_text(rc));
}

static int vhost_take_queue(struct vhost *vhost, unsigned int index,
			    const struct virtio_queue_place *place, struct err *err)
{
	struct vhost_queue *queue = &vhost->queues[index];
	int rc;

	*queue = (struct vhost_queue){.call = -1};
	if (!place->size)
		return 0;
	/* For its places alone: what was negotiated about it the kernel goes by. */
	rc = virtio_queue_start(&queue->ring, vhost->attach.ram, place, 0, err);
	if (rc)
		return err_prefix(err, "queue %u", index);
	queue->on = true;
	return 0;
}

static int vhost_set_features(struct vhost *vhost, uint64_t features, struct err *err)
{
	int rc = 0;

	features &= vhost->features;
	for (unsigned int i = 0; i < vhost->node_count && !rc; i++)
		rc = vhost_ask(vhost, i * VHOST_QUEUES, VHOST_SET_FEATURES, &features);
	return rc ? err_set(err, rc, "the kernel does not take its features: %s", err_text(rc)) : 0;
}

static int vhost_start_all(struct vhost *vhost, uint64_t features,
			   const struct virtio_queue_place *places, unsigned int count,
			   struct err *err)
{
	int rc = 0;

	if (vhost->lost)
		return err_set(err, -EIO, "the kernel has not stopped it once: start the run anew");
	vhost->count = count;
	for (unsigned int i = 0; i < count && !rc; i++)
		rc = vhost_take_queue(vhost, i, &places[i], err);
	if (!rc)
		rc = vhost_set_features(vhost, features, err);
	vhost->running = !rc;
	return rc ? rc : vhost_go(vhost, err);
}

static void vhost_forget(struct vhost *vhost)
{
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		vhost->queues[i].on = false;
	vhost->running = false;
}

static void vhost_on_trouble(void *owner, uint32_t events)
{
	struct vhost *vhost = owner;

	(void)events;
	pthread_mutex_lock(&vhost->lock);
	if (fd_take(vhost->trouble) && vhost->running)
		vhost_fail(vhost, "the kernel cannot go on with what the driver has put into a "
				  "queue");
	pthread_mutex_unlock(&vhost->lock);
}

/* What the transport does; see device.h. The lock is taken. */

/* It does not change: what a BAR maps the kernel does not reach. */
static int vhost_tell_memory(struct vhost *vhost)
{
	_Alignas(struct vhost_memory)
		uint8_t bytes[sizeof(struct vhost_memory) +
			      RAM_PIECES_MAX * sizeof(struct vhost_memory_region)] = {0};
	struct vhost_memory *table = (void *)bytes;
	int rc = 0;

	table->nregions = (uint32_t)ram_piece_count(vhost->attach.ram);
	for (uint32_t i = 0; i < table->nregions; i++) {
		const struct mem_region *piece = ram_piece(vhost->attach.ram, i);

		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = piece->base,
			.memory_size = piece->size,
			.userspace_addr = (uintptr_t)piece->host,
		};
	}
	for (unsigned int i = 0; i < vhost->node_count && !rc; i++)
		rc = vhost_ask(vhost, i * VHOST_QUEUES, VHOST_SET_MEM_TABLE, table);
	return rc;
}

static int vhost_tell_trouble(struct vhost *vhost)
{
	int rc = 0;

	for (unsigned int i = 0; i < vhost->node_count * VHOST_QUEUES && !rc; i++) {
		struct vhost_vring_file file = {i % VHOST_QUEUES, vhost->trouble};

		rc = vhost_ask(vhost, i, VHOST_SET_VRING_ERR, &file);
	}
	return rc;
}

int vhost_attach(struct vhost *vhost, const struct virtio_attach *attach, struct err *err)
{
	const char *name = vhost->device->name;
	int rc;

	vhost->attach = *attach;
	vhost->trouble = fd_eventfd();
	if (vhost->trouble < 0)
		return err_set(err, vhost->trouble, "%s: no descriptor: %s", name,
			       err_text(vhost->trouble));
	rc = loop_add(attach->loop, vhost->trouble, EPOLLIN, vhost_on_trouble, vhost, err);
	if (rc)
		return err_prefix(err, "%s", name);
	rc = vhost_tell_memory(vhost);
	if (!rc)
		rc = vhost_tell_trouble(vhost);
	return rc ? err_set(err, rc, "%s: the kernel does not take the guest's memory: %s", name,
			    err_text(rc))
		  : 0;
}

int vhost_start(struct vhost *vhost, uint64_t features, const struct virtio_queue_place *places,
		unsigned int count, struct err *err)
{
	int rc;

	pthread_mutex_lock(&vhost->lock);
	assert(!vhost->running);
	vhost->broken = false;
	(void)fd_take(vhost->trouble);
	rc = vhost_start_all(vhost, features, places, count, err);
	if (rc)
		vhost_forget(vhost);
	pthread_mutex_unlock(&vhost->lock);
	return rc;
}

void vhost_stop(struct vhost *vhost)
{
	pthread_mutex_lock(&vhost->lock);
	vhost_halt(vhost);
	vhost_forget(vhost);
	pthread_mutex_unlock(&vhost->lock);
}

void vhost_stop_queue(struct vhost *vhost, unsigned int queue)
{
	pthread_mutex_lock(&vhost->lock);
	vhost_halt_queue(vhost, queue);
	vhost->queues[queue].on = false;
	pthread_mutex_unlock(&vhost->lock);
}

/* Lock held. */
static int vhost_add_queue(struct vhost *vhost, unsigned int index,
			   const struct virtio_queue_place *place, struct err *err)
{
	int rc = vhost_take_queue(vhost, index, place, err);

	if (rc || !vhost->queues[index].on || !vhost_may_run(vhost))
		return rc;
	rc = vhost_set_up_queue(vhost, index);
	if (!rc)
		rc = vhost_run_queue(vhost, index);
	return rc ? err_set(err, rc, "the kernel does not take queue %u: %s", index, err_text(rc))
		  : 0;
}

int vhost_start_queue(struct vhost *vhost, unsigned int queue,
		      const struct virtio_queue_place *place, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&vhost->lock);
	if (vhost->running && queue < vhost->count)
		rc = vhost_add_queue(vhost, queue, place, err);
	pthread_mutex_unlock(&vhost->lock);
	return rc;
}

/* Lock held. */
static void vhost_fail_for(struct vhost *vhost, unsigned int queue, int rc)
{
	char why[96];

	snprintf(why, sizeof(why), "the kernel does not take queue %u's interrupts: %s", queue,
		 err_text(rc));
	vhost_fail(vhost, why);
}

void vhost_rewire(struct vhost *vhost, unsigned int queue)
{
	int rc = 0;

	pthread_mutex_lock(&vhost->lock);
	if (vhost->queues[queue].runs &&
	    vhost->queues[queue].call !=
		    vhost->attach.transport->call_eventfd(vhost->attach.owner, queue))
		rc = vhost_set_call(vhost, queue);
	if (rc)
		vhost_fail_for(vhost, queue, rc);
	pthread_mutex_unlock(&vhost->lock);
}

void vhost_pause(struct vhost *vhost)
{
	pthread_mutex_lock(&vhost->lock);
	vhost->paused = true;
	vhost_halt(vhost);
	pthread_mutex_unlock(&vhost->lock);
}

void vhost_resume(struct vhost *vhost)
{
	struct err err = {0};

	pthread_mutex_lock(&vhost->lock);
	if (vhost->paused) {
		vhost->paused = false;
		if (vhost_go(vhost, &err))
			vhost_fail(vhost, err.text);
	}
	pthread_mutex_unlock(&vhost->lock);
}

void vhost_close(struct vhost *vhost)
{
	if (vhost->trouble >= 0)
		loop_remove(vhost->attach.loop, vhost->trouble);
	vhost_close_nodes(vhost);
	fd_close(&vhost->trouble);
	pthread_mutex_destroy(&vhost->lock);
}
