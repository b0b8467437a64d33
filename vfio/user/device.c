/* SPDX-License-Identifier: BSD-3-Clause */
/* A device behind a connection to a vfio-user server: opened, asked what it is, reset, closed. */

#include "vfio/user/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vfio/user/device_private.h"
#include "vmm/base/fd.h"
#include "vmm/base/page.h"

static int device_info(struct vfio_backend *backend, struct vfio_device_info *info)
{
	const struct vfio_user_device *device = vfio_user_of(backend);

	info->flags = device->info.flags & (VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	info->num_regions = device->info.regions;
	/* With the event of its loss, see irq.c. */
	info->num_irqs =
		device->info.irqs > VFIO_PCI_REQ_IRQ_INDEX ? device->info.irqs : VFIO_PCI_NUM_IRQS;
	return 0;
}

static int device_region_info(struct vfio_backend *backend, struct vfio_region_info *info)
{
	const struct vfio_user_device *device = vfio_user_of(backend);
	uint32_t room = info->argsz, size;

	if (info->index >= VFIO_USER_REGIONS || room < sizeof(*info))
		return -EINVAL;
	size = device->regions[info->index].info->argsz;
	memcpy(info, device->regions[info->index].info, room < size ? room : size);
	if (room < size)
		info->cap_offset = 0;
	return 0;
}

static int device_region_fd(struct vfio_backend *backend, const struct vfio_region_info *region,
			    uint64_t *offset)
{
	const struct vfio_user_device *device = vfio_user_of(backend);

	if (region->index >= VFIO_USER_REGIONS || device->regions[region->index].fd < 0)
		return -EBADF;
	*offset = region->offset;
	return device->regions[region->index].fd;
}

/*
 * Not where its file has become smaller: nothing else takes such a page away. That takes the end
 * first; looking at the rest would make memory of what is a hole there.
 */
static bool device_answers(struct vfio_backend *backend, void *host, uint64_t size)
{
	uint64_t page = host_page_size();
	uint64_t last = size > page ? size - page : 0;

	if (madvise((char *)host + last, size - last, MADV_POPULATE_READ) == 0 || errno != EFAULT)
		return true;
	vfio_user_lose(vfio_user_of(backend)->client,
		       "has taken memory away that the guest has mapped");
	return false;
}

static int device_reset(struct vfio_backend *backend)
{
	struct vfio_user_request request = {
		.command = VFIO_USER_RESET,
		.patience_ms = VFIO_USER_RESET_MS,
	};

	return vfio_user_ask(vfio_user_of(backend)->client, &request);
}

/* A server has one device, on no bus. */
static int device_hot_reset_info(struct vfio_backend *backend, struct vfio_pci_hot_reset_info *info)
{
	(void)backend;
	(void)info;
	return -ENODEV;
}

static int device_descriptor(const struct vfio_backend *backend)
{
	return vfio_user_of(backend)->client->wire.fd;
}

static bool device_is_lost(const struct vfio_backend *backend)
{
	return vfio_user_is_lost(vfio_user_of(backend)->client);
}

/* The device's lock is held; the client's own is a leaf. */
static void device_describe(const struct vfio_backend *backend, FILE *out)
{
	struct vfio_user_tallies tallies;

	vfio_user_get_tallies(vfio_user_of(backend)->client, &tallies);
	vfio_user_print_tallies(&tallies, out);
}

static void device_close(struct vfio_backend *backend)
{
	struct vfio_user_device *device = vfio_user_of(backend);

	if (device->memory)
		vfio_user_memory_remove(device->memory, &device->member);
	vfio_user_close(device->client);
	vfio_user_release_doorbells(device);
	vfio_user_release_regions(device);
	free(device);
}

static const struct vfio_backend_ops device_ops = {
	.is_shared = true,
	.info = device_info,
	.region_info = device_region_info,
	.irq_info = vfio_user_irq_info,
	.set_irqs = vfio_user_set_irqs,
	.read = vfio_user_read,
	.write = vfio_user_write,
	.region_fd = device_region_fd,
	.doorbells = vfio_user_doorbells,
	.answers = device_answers,
	.reset = device_reset,
	.hot_reset_info = device_hot_reset_info,
	.descriptor = device_descriptor,
	.is_lost = device_is_lost,
	.describe = device_describe,
	.close = device_close,
};

/* What a person is told of one that is none is vfio/pci's to say. */
static int device_load_info(struct vfio_user_device *device, struct err *err)
{
	const struct vfio_user_info asked = {.argsz = sizeof(asked)};
	struct vfio_user_request request = {
		.command = VFIO_USER_GET_INFO,
		.payload = &asked,
		.size = sizeof(asked),
		.answer = &device->info,
		.least = sizeof(device->info),
		.room = sizeof(device->info),
	};
	int rc = vfio_user_ask(device->client, &request);

	if (rc)
		return err_set(err, rc, "its server does not say what it is: %s", err_text(rc));
	if (device->info.regions <= VFIO_PCI_CONFIG_REGION_INDEX)
		return err_set(err, -ENODEV, "its server has %u regions and no config space",
			       device->info.regions);
	return 0;
}

static int device_open(struct vfio_user_device *device, int fd,
		       const struct vfio_user_config *config, struct err *err)
{
	int rc;

	device->client = vfio_user_open(fd, config, err);
	if (!device->client)
		return err->code;
	rc = device_load_info(device, err);
	if (!rc)
		rc = vfio_user_load_regions(device, err);
	return rc || !config->doorbells ? rc : vfio_user_load_doorbells(device, err);
}

struct vfio_user_device *vfio_user_device_create(int fd, const struct vfio_user_config *config,
						 struct vfio_user_memory *memory, struct err *err)
{
	struct vfio_user_device *device = calloc(1, sizeof(*device));

	if (!device) {
		err_set(err, -ENOMEM, "out of memory");
		fd_close(&fd);
		return NULL;
	}
	device->backend.ops = &device_ops;
	device->name = config->name;
	device->memory = memory;
	vfio_user_init_doorbells(device);
	if (!device_open(device, fd, config, err))
		return device;
	device_close(&device->backend);
	return NULL;
}

struct vfio_backend *vfio_user_device(int fd, const char *name, int64_t patience_ms,
				      struct kvm_vm *doorbells, struct vfio_user_memory *memory,
				      struct err *err)
{
	const struct vfio_user_config config = {
		.name = name,
		.patience_ms = patience_ms,
		.doorbells = doorbells,
		.copy = vfio_user_memory_copy,
		.owner = memory,
	};
	struct vfio_user_device *device = vfio_user_device_create(fd, &config, memory, err);

	if (device)
		return &device->backend;
	err_prefix(err, "passthrough device %s", name);
	return NULL;
}

int vfio_user_device_begin(struct vfio_backend *backend, struct err *err)
{
	struct vfio_user_device *device = vfio_user_of(backend);
	int rc = vfio_user_begin(device->client, err);

	/* Not before: whoever maps asks every server, and one without a thread hears one alone. */
	if (!rc && !device->member.client) {
		device->member.client = device->client;
		rc = vfio_user_memory_add(device->memory, &device->member, err);
		if (rc)
			device->member.client = NULL;
	}
	return rc ? err_prefix(err, "passthrough device %s", device->name) : 0;
}

size_t vfio_user_descriptors(const struct vfio_backend *backend, int *descriptors, size_t room,
			     size_t count)
{
	const struct vfio_user_device *device = vfio_user_of(backend);

	count = vfio_list(device->client->twin.fd, descriptors, room, count);
	count = vfio_list(device->client->stop, descriptors, room, count);
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++)
		count = vfio_list(device->regions[i].fd, descriptors, room, count);
	for (unsigned int i = 0; i < VFIO_USER_BARS * VFIO_USER_FDS; i++)
		count = vfio_list(device->doorbells[i / VFIO_USER_FDS].fds[i % VFIO_USER_FDS],
				  descriptors, room, count);
	return count;
}
