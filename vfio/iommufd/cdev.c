/* SPDX-License-Identifier: BSD-3-Clause */
/* Character devices, bound to one iommufd and attached to its one address space. */

#include "vfio/iommufd/cdev.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vfio/host/cdev.h"
#include "vfio/host/memlock.h"
#include "vfio/iommufd/abi.h"
#include "vfio/iommufd/bind.h"
#include "vfio/iommufd/ioas.h"
#include "vfio/iommufd/msi.h"
#include "vfio/kernel.h"
#include "vfio/kvm.h"
#include "vfio/sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/owner.h"

struct iommufd {
	struct vfio_provider provider;
	const struct vfio_settings *settings;
	int fd; /* /dev/iommu; the settings' when they have one */
	struct vfio_ioas ioas;
	struct cdev *first;
};

/* A device that joined. Once it is opened its descriptor is the back end's. */
struct cdev {
	struct vfio_lease lease;
	struct cdev *next;
	char address[VFIO_ADDRESS_SIZE];
	int fd;
	bool given;    /* opened by somebody else */
	bool attached; /* to the guest's address space, or on the way there */
	bool opened;
	bool known_to_kvm;
};

static struct iommufd *cdev_to_iommufd(const struct vfio_provider *provider)
{
	return container_of(provider, struct iommufd, provider);
}

static struct cdev *cdev_of_lease(const struct vfio_lease *lease)
{
	return container_of(lease, struct cdev, lease);
}

/* Whether this user may open both nodes; what stands in the way is told to who asks for it. */
static int cdev_serves(const struct vfio_settings *settings,
		       const struct vfio_device_config *config)
{
	struct vfio_sysfs_device device;
	char path[PATH_MAX];
	struct err err = {0};
	int rc;

	if (config->via != VFIO_VIA_ANY)
		return config->via == VFIO_VIA_IOMMUFD;
	rc = vfio_sysfs_find(settings->sysfs, config->path, &device, NULL, &err);
	if (rc)
		return rc;
	rc = vfio_cdev_check(&device, settings->dev, path, sizeof(path));
	if (rc)
		log_info("passthrough device %s: not by iommufd: %s: %s", device.address, path,
			 err_text(rc));
	/* A look that failed does not say that there is none. */
	return rc == -ENOENT || rc == -EACCES || rc == -EPERM ? 0 : rc ? rc : 1;
}

static struct vfio_provider *cdev_create(const struct vfio_settings *settings, struct err *err)
{
	struct iommufd *iommufd = calloc(1, sizeof(*iommufd));

	if (!iommufd) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	iommufd->provider.ops = &vfio_iommufd_provider;
	iommufd->settings = settings;
	iommufd->fd = -1;
	return &iommufd->provider;
}

static int cdev_check_given_iommufd(const struct vfio_settings *settings, struct err *err)
{
	int rc = vfio_cdev_check_iommufd(settings->sysfs, settings->iommufd);

	if (rc == -ENODEV)
		return err_set(err, rc, "iommufd fd=%d: it is no open /dev/iommu",
			       settings->iommufd);
	if (rc)
		return err_set(err, rc, "iommufd fd=%d: %s", settings->iommufd, err_text(rc));
	return settings->iommufd;
}

static int cdev_open_iommufd(const struct vfio_settings *settings, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/iommu", settings->dev);
	fd = vfio_sys_open(path);
	if (fd == -ENOENT || fd == -ENODEV)
		return err_set(err, fd,
			       "iommufd: %s: %s: load the driver (modprobe iommufd), or take the "
			       "device by its group: via=group",
			       path, err_text(fd));
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, fd, "iommufd: %s: no permission: as root: chown %u %s", path,
			       (unsigned int)owner_effective(), path);
	if (fd < 0)
		return err_set(err, fd, "iommufd: %s cannot be opened: %s", path, err_text(fd));
	return fd;
}

/* An iommufd with an address space, before the first device. */
static int cdev_prepare(struct iommufd *iommufd, struct err *err)
{
	const struct vfio_settings *settings = iommufd->settings;
	int fd, rc;

	if (iommufd->fd >= 0)
		return 0;
	fd = settings->iommufd ? cdev_check_given_iommufd(settings, err)
			       : cdev_open_iommufd(settings, err);
	if (fd < 0)
		return fd;
	rc = vfio_ioas_create(&iommufd->ioas, fd, settings->proc, err);
	if (rc) {
		if (fd != settings->iommufd)
			fd_close(&fd);
		return rc;
	}
	iommufd->fd = fd;
	iommufd->provider.space = &iommufd->ioas.space;
	return 0;
}

static int cdev_open_node(const struct iommufd *iommufd, const struct vfio_sysfs_device *device,
			  struct err *err)
{
	char path[PATH_MAX];
	int fd, rc;

	rc = vfio_cdev_find(device, iommufd->settings->dev, path, sizeof(path));
	if (rc && rc != -ENOENT)
		return err_set(err, rc,
			       "its character device cannot be looked for in %s/vfio-dev: %s",
			       device->path, err_text(rc));
	if (rc)
		return err_set(err, rc,
			       "VFIO has no character device of it: the host's kernel lacks "
			       "CONFIG_VFIO_DEVICE_CDEV: take it by its group: via=group");
	fd = vfio_sys_open(path);
	if (fd == -ENOENT)
		return err_set(err, fd,
			       "%s is missing: udev has not made it: take the device by its "
			       "group: via=group",
			       path);
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, fd, "%s: no permission: as root: chown %u %s", path,
			       (unsigned int)owner_effective(), path);
	if (fd < 0)
		return err_set(err, fd, "%s cannot be opened: %s", path, err_text(fd));
	return fd;
}

/* The open node gives nothing of the device until it is bound. @given unless it is 0. */
static struct cdev *cdev_add(struct iommufd *iommufd, const struct vfio_sysfs_device *device,
			     int given, struct err *err)
{
	struct cdev *cdev = calloc(1, sizeof(*cdev)), **end = &iommufd->first;

	if (!cdev) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	cdev->given = given;
	cdev->fd = given ? given : cdev_open_node(iommufd, device, err);
	if (cdev->fd < 0) {
		free(cdev);
		return NULL;
	}
	snprintf(cdev->address, sizeof(cdev->address), "%s", device->address);
	while (*end)
		end = &(*end)->next;
	*end = cdev;
	cdev->lease.provider = &iommufd->provider;
	return cdev;
}

/* By its path, or by the node that somebody else has opened. */
static int cdev_find(const struct vfio_settings *settings, const struct vfio_device_config *config,
		     struct vfio_sysfs_device *device, struct err *err)
{
	char folder[PATH_MAX];
	int rc;

	if (!config->fd)
		return vfio_sysfs_find(settings->sysfs, config->path, device, NULL, err);
	rc = vfio_cdev_owner(settings->sysfs, config->fd, folder);
	if (rc == -ENODEV)
		return err_set(err, rc,
			       "passthrough device %s: it is no open character device of VFIO's, "
			       "such as /dev/vfio/devices/vfio0",
			       config->path);
	if (rc)
		return err_set(err, rc,
			       "passthrough device %s: which device it is cannot be found: %s",
			       config->path, err_text(rc));
	return vfio_sysfs_find(settings->sysfs, folder, device, NULL, err);
}

static struct vfio_lease *cdev_join(struct vfio_provider *provider,
				    struct vfio_device_config *config,
				    struct vfio_sysfs_device *device, struct err *err)
{
	struct iommufd *iommufd = cdev_to_iommufd(provider);
	struct cdev *cdev;

	if (cdev_find(iommufd->settings, config, device, err))
		return NULL;
	cdev = cdev_prepare(iommufd, err) ? NULL : cdev_add(iommufd, device, config->fd, err);
	if (!cdev) {
		err_prefix(err, "passthrough device %s", device->address);
		return NULL;
	}
	config->fd = 0;
	return &cdev->lease;
}

/* RAM is pinned once, for however many devices; BARs do not count. */
static int cdev_check_memlock(struct vfio_provider *provider, uint64_t ram_size, struct err *err)
{
	return vfio_memlock_ensure(&provider->space->memlock, ram_size, err);
}

static int cdev_tell_kvm(struct vfio_provider *provider, struct kvm_vm *vm, struct err *err)
{
	int rc = vfio_kvm_open(provider->kvm, vm, err);

	for (struct cdev *cdev = cdev_to_iommufd(provider)->first; cdev && !rc; cdev = cdev->next) {
		if (!cdev->known_to_kvm)
			rc = vfio_kvm_add(*provider->kvm, cdev->fd, cdev->address, err);
		cdev->known_to_kvm = !rc;
	}
	return rc;
}

/*
 * KVM holds the open node as well: without this the device would not come free. So may whoever
 * opened it, who gets it back without the guest's memory.
 */
static void cdev_closing(void *owner)
{
	struct cdev *cdev = owner;

	if (cdev->known_to_kvm)
		vfio_kvm_del(*cdev->lease.provider->kvm, cdev->fd, cdev->address);
	cdev->known_to_kvm = false;
	if (cdev->given && cdev->attached)
		vfio_unbind(cdev->fd);
	cdev->attached = false;
	cdev->opened = false;
	cdev->fd = -1;
}

/* The kernel says the same of interrupts that it does not trust and of a driver in the way. */
static void cdev_explain(const struct vfio_sysfs_device *device, const char *sysfs, struct err *err)
{
	struct err why = {0};
	unsigned int group;

	if (err->code == -EPERM && !vfio_sysfs_group(device, &group, &why) &&
	    vfio_sysfs_check_members(sysfs, group, &why))
		err_set(err, why.code, "passthrough device %s: %s", device->address, why.text);
}

static struct vfio_backend *cdev_open_device(struct vfio_lease *lease,
					     const struct vfio_sysfs_device *device,
					     const char *token, struct err *err)
{
	struct cdev *cdev = cdev_of_lease(lease);
	struct iommufd *iommufd = cdev_to_iommufd(lease->provider);
	const struct vfio_bind bind = {
		.address = cdev->address,
		.fd = cdev->fd,
		.given = cdev->given,
		.iommufd_given = iommufd->settings->iommufd,
		.token = token,
		.attached = &cdev->attached,
	};
	struct vfio_backend *backend;

	if (vfio_bind(&iommufd->ioas, &bind, err)) {
		cdev_explain(device, iommufd->settings->sysfs, err);
		return NULL;
	}
	if (vfio_ioas_read_ranges(&iommufd->ioas, err)) {
		err_prefix(err, "passthrough device %s", device->address);
		return NULL;
	}
	cdev->opened = true;
	backend = vfio_kernel_device(cdev->fd, device->address, cdev_closing, cdev, err);
	if (backend && vfio_msi_check(backend, device, iommufd->settings->sysfs, err)) {
		backend->ops->close(backend);
		return NULL;
	}
	return backend;
}

/* The kernel knows whose they are: nothing is to be shown. */
static int cdev_bus_reset(struct vfio_provider *provider, struct vfio_bus_reset *reset,
			  const char *name, struct err *err)
{
	(void)provider;
	for (uint32_t i = 0; i < reset->info->count; i++) {
		char address[VFIO_ADDRESS_SIZE];

		if (reset->info->devices[i].group_id != IOMMUFD_DEVID_NOT_OWNED)
			continue;
		vfio_bus_reset_address(reset, i, address, sizeof(address));
		return err_set(err, -EPERM,
			       "passthrough device %s: its bus cannot be reset: %s would be hit: "
			       "pass that device too",
			       name, address);
	}
	return 0;
}

static size_t cdev_descriptors(const struct vfio_provider *provider, int *descriptors, size_t room,
			       size_t count)
{
	const struct iommufd *iommufd = cdev_to_iommufd(provider);

	count = vfio_list(iommufd->fd, descriptors, room, count);
	for (const struct cdev *cdev = iommufd->first; cdev; cdev = cdev->next)
		if (!cdev->opened)
			count = vfio_list(cdev->fd, descriptors, room, count);
	return count;
}

static void cdev_leave(struct vfio_lease *lease)
{
	struct cdev *cdev = cdev_of_lease(lease), **at;
	struct iommufd *iommufd = cdev_to_iommufd(lease->provider);
	int fd = cdev->fd;

	assert(!cdev->opened);
	if (fd >= 0)
		cdev_closing(cdev);
	fd_close(&fd);
	for (at = &iommufd->first; *at != cdev;)
		at = &(*at)->next;
	*at = cdev->next;
	free(cdev);
}

/* Whoever opened it may go on with it: nothing of this guest's is to stay. */
static void cdev_leave_given_iommufd(const struct iommufd *iommufd)
{
	int rc = vfio_ioas_destroy(&iommufd->ioas);

	if (rc)
		log_info("iommufd fd=%d: the guest's address space stays in it: %s", iommufd->fd,
			 err_text(rc));
}

static void cdev_destroy(struct vfio_provider *provider)
{
	struct iommufd *iommufd = cdev_to_iommufd(provider);

	assert(!iommufd->first);
	if (iommufd->fd == iommufd->settings->iommufd)
		cdev_leave_given_iommufd(iommufd);
	else
		fd_close(&iommufd->fd);
	free(iommufd);
}

const struct vfio_provider_ops vfio_iommufd_provider = {
	.name = "iommufd",
	.via = VFIO_VIA_IOMMUFD,
	.opens_early = true,
	.serves = cdev_serves,
	.create = cdev_create,
	.join = cdev_join,
	.check_memlock = cdev_check_memlock,
	.tell_kvm = cdev_tell_kvm,
	.open_device = cdev_open_device,
	.bus_reset = cdev_bus_reset,
	.descriptors = cdev_descriptors,
	.leave = cdev_leave,
	.destroy = cdev_destroy,
};
