/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to devices that are programs: one connection each, and what they all reach by DMA. */

#include "vfio/user/way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vfio/user/device.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"

/* Every device that joined. */
struct way {
	struct vfio_provider provider;
	struct vfio_user_memory memory;
	struct way_device *first;
	struct kvm_vm *vm; /* once it was told of */
};

struct way_device {
	struct vfio_lease lease;
	struct way_device *next;
	struct vfio_device_config *config;
	int fd;                       /* a connection to its server, until it is opened; -1: none */
	struct vfio_backend *backend; /* until it is closed */
};

static struct way *way_of(const struct vfio_provider *provider)
{
	return container_of(provider, struct way, provider);
}

static struct way_device *way_device_of(const struct vfio_lease *lease)
{
	return container_of(lease, struct way_device, lease);
}

static int way_serves(const struct vfio_settings *settings, const struct vfio_device_config *config)
{
	(void)settings;
	return config->via == VFIO_VIA_USER;
}

static struct vfio_provider *way_create(const struct vfio_settings *settings, struct err *err)
{
	struct way *way = calloc(1, sizeof(*way));

	(void)settings;
	if (!way) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	vfio_user_memory_init(&way->memory);
	way->provider.ops = &vfio_user_provider;
	way->provider.space = &way->memory.space;
	return &way->provider;
}

/* sysfs knows nothing of it. */
static struct vfio_lease *way_join(struct vfio_provider *provider,
				   struct vfio_device_config *config,
				   struct vfio_sysfs_device *sysfs, struct err *err)
{
	struct way *way = way_of(provider);
	struct way_device *device = calloc(1, sizeof(*device));

	if (!device) {
		err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
		return NULL;
	}
	device->config = config;
	device->fd = config->fd ? config->fd : -1;
	config->fd = 0;
	*sysfs = (struct vfio_sysfs_device){.is_pci = false};
	memcpy(sysfs->address, config->name, sizeof(sysfs->address));
	device->lease.provider = provider;
	device->next = way->first;
	way->first = device;
	return &device->lease;
}

/* What is mapped is the servers' as long as they have it; nothing of it is locked. */
static int way_check_memlock(struct vfio_provider *provider, uint64_t ram_size, struct err *err)
{
	(void)provider;
	(void)ram_size;
	(void)err;
	return 0;
}

/* It need not learn of what does DMA in another process. */
static int way_tell_kvm(struct vfio_provider *provider, struct kvm_vm *vm, struct err *err)
{
	way_of(provider)->vm = vm;
	(void)err;
	return 0;
}

/* Who takes the place of a server that was lost has the guest's memory as it had. */
static int way_reach(struct vfio_device_config *config, struct err *err)
{
	return local_reach_server(config->path, &config->server_user, err);
}

/* A connection that does not block, or a negative errno with @err, which does not name it. */
static int way_connect(struct way_device *device, struct err *err)
{
	int fd = device->fd, rc;

	device->fd = -1;
	if (fd < 0)
		return way_reach(device->config, err);
	rc = fd_do_not_block(fd);
	if (!rc)
		return fd;
	fd_close(&fd);
	return err_set(err, rc, "%s", err_text(rc));
}

static struct vfio_backend *way_open_device(struct vfio_lease *lease,
					    const struct vfio_sysfs_device *sysfs,
					    const char *token, struct err *err)
{
	struct way_device *device = way_device_of(lease);
	const struct vfio_device_config *config = device->config;
	struct way *way = way_of(lease->provider);
	int fd = way_connect(device, err);

	(void)sysfs;
	(void)token;
	if (fd < 0) {
		err_prefix(err, "passthrough device %s: %s", config->name, config->path);
		return NULL;
	}
	device->backend = vfio_user_device(fd, config->name, 0, config->ioeventfd ? way->vm : NULL,
					   &way->memory, err);
	return device->backend;
}

static int way_begin(struct vfio_provider *provider, struct err *err)
{
	int rc = 0;

	for (struct way_device *device = way_of(provider)->first; device && !rc;
	     device = device->next)
		if (device->backend)
			rc = vfio_user_device_begin(device->backend, err);
	return rc;
}

static size_t way_descriptors(const struct vfio_provider *provider, int *descriptors, size_t room,
			      size_t count)
{
	for (const struct way_device *device = way_of(provider)->first; device;
	     device = device->next)
		if (device->backend)
			count = vfio_user_descriptors(device->backend, descriptors, room, count);
	return count;
}

static void way_leave(struct vfio_lease *lease)
{
	struct way_device *device = way_device_of(lease), **link;

	link = &way_of(lease->provider)->first;
	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	fd_close(&device->fd);
	free(device);
}

static void way_destroy(struct vfio_provider *provider)
{
	struct way *way = way_of(provider);

	vfio_user_memory_release(&way->memory);
	free(way);
}

const struct vfio_provider_ops vfio_user_provider = {
	.name = "vfio-user",
	.via = VFIO_VIA_USER,
	.opens_early = true,
	.serves = way_serves,
	.create = way_create,
	.join = way_join,
	.check_memlock = way_check_memlock,
	.tell_kvm = way_tell_kvm,
	.open_device = way_open_device,
	.begin = way_begin,
	.descriptors = way_descriptors,
	.leave = way_leave,
	.reach = way_reach,
	.destroy = way_destroy,
};
