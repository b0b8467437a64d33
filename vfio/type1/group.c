/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and what must be true of them before a device of theirs may be opened. */

#include "vfio/type1/group.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vfio/host/cdev.h"
#include "vfio/host/memlock.h"
#include "vfio/host/sysfs.h"
#include "vfio/kernel.h"
#include "vfio/kvm.h"
#include "vfio/sys.h"
#include "vfio/token.h"
#include "vfio/type1/container.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/base/log.h"
#include "vmm/base/owner.h"

/* Every group that the guest has a device of, in the one container. */
struct type1 {
	struct vfio_provider provider;
	const struct vfio_settings *settings;
	struct vfio_container *container; /* NULL before the first group */
	/* A reset of a bus looks at the list while one thread lets devices in and out. */
	pthread_mutex_t lock;
	struct group *first;
};

struct group {
	struct vfio_lease lease;
	struct group *next;
	unsigned int number;
	char name[32]; /* for a sentence */
	int fd;
	unsigned int devices; /* that joined and did not leave */
	bool joined;          /* the container */
	bool known_to_kvm;
};

static struct type1 *group_to_type1(const struct vfio_provider *provider)
{
	return container_of(provider, struct type1, provider);
}

static struct group *group_of_lease(const struct vfio_lease *lease)
{
	return container_of(lease, struct group, lease);
}

static int group_serves(const struct vfio_settings *settings,
			const struct vfio_device_config *config)
{
	(void)settings;
	return config->via == VFIO_VIA_ANY || config->via == VFIO_VIA_GROUP;
}

static struct vfio_provider *group_create(const struct vfio_settings *settings, struct err *err)
{
	struct type1 *type1 = calloc(1, sizeof(*type1));

	if (!type1) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	pthread_mutex_init(&type1->lock, NULL);
	type1->provider.ops = &vfio_type1_provider;
	type1->settings = settings;
	return &type1->provider;
}

static int group_open_node(const char *dev, unsigned int number, struct err *err)
{
	char folder[PATH_MAX], path[PATH_MAX + 16];
	int fd;

	snprintf(folder, sizeof(folder), "%s/vfio", dev);
	snprintf(path, sizeof(path), "%s/%u", folder, number);
	fd = vfio_sys_open(path);
	if (fd >= 0)
		return fd;
	if (fd == -ENOENT && files_check(folder))
		return err_set(err, fd,
			       "IOMMU group %u: %s: %s: load the driver: modprobe vfio-pci", number,
			       folder, err_text(fd));
	if (fd == -ENOENT)
		return err_set(err, fd,
			       "IOMMU group %u: %s is missing: no device of the group is bound to "
			       "vfio-pci, or udev has not made it: modprobe vfio-pci and bind it",
			       number, path);
	if (fd == -EBUSY)
		return err_set(err, fd,
			       "IOMMU group %u: %s is in use by another process: stop it first "
			       "(fuser -v %s names it)",
			       number, path, path);
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, fd, "IOMMU group %u: %s: no permission: as root: chown %u %s",
			       number, path, (unsigned int)owner_effective(), path);
	return err_set(err, fd, "IOMMU group %u: %s cannot be opened: %s", number, path,
		       err_text(fd));
}

/*
 * Has @fd, which somebody else has opened, leave what that may have put it into: what is mapped
 * there is not the guest's. The kernel lets it while no device of the group is open.
 */
static int group_empty_given(int fd)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int rc = vfio_sys_ioctl(fd, VFIO_GROUP_GET_STATUS, &status);

	if (rc >= 0 && status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET)
		rc = vfio_sys_ioctl(fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
	return rc < 0 ? rc : 0;
}

static int group_check_given(const char *sysfs, int fd, unsigned int number, struct err *err)
{
	unsigned int its;
	int rc = vfio_cdev_group(sysfs, fd, &its);

	if (rc && rc != -ENODEV)
		return err_set(err, rc,
			       "IOMMU group %u: what was handed over for it cannot be looked at: "
			       "%s",
			       number, err_text(rc));
	if (rc || its != number)
		return err_set(err, rc ? rc : -EINVAL,
			       "IOMMU group %u: what was handed over for it is not open on "
			       "/dev/vfio/%u",
			       number, number);
	rc = group_empty_given(fd);
	return rc ? err_set(err, rc,
			    "IOMMU group %u: who handed it over has put it into a container, which "
			    "it cannot leave: %s: have no device of it open, or hand it over as it is "
			    "opened",
			    number, err_text(rc))
		  : 0;
}

static int group_check_viable(const char *sysfs, int fd, unsigned int number, struct err *err)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int rc = vfio_sys_ioctl(fd, VFIO_GROUP_GET_STATUS, &status);

	if (rc < 0)
		return err_set(err, rc, "IOMMU group %u: its status cannot be had: %s", number,
			       err_text(rc));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_sysfs_not_viable(sysfs, number, err);
	return 0;
}

/*
 * @given unless it is 0, else the node. NULL with @err saying missing, busy, no permission, or the
 * members in the way.
 */
static struct group *group_open(const struct vfio_settings *settings, unsigned int number,
				int given, struct err *err)
{
	struct group *group;
	int fd = given ? given : group_open_node(settings->dev, number, err);

	if (fd < 0)
		return NULL;
	if ((given && group_check_given(settings->sysfs, fd, number, err)) ||
	    group_check_viable(settings->sysfs, fd, number, err))
		goto close_fd;
	group = calloc(1, sizeof(*group));
	if (!group) {
		err_set(err, -ENOMEM, "IOMMU group %u: out of memory", number);
		goto close_fd;
	}
	group->number = number;
	snprintf(group->name, sizeof(group->name), "IOMMU group %u", number);
	group->fd = fd;
	return group;

close_fd:
	fd_close(&fd);
	return NULL;
}

/*
 * EPERM of both calls has one common cause that a person can do something about. So has EINVAL of a
 * group that comes @beside others: what is mapped for those.
 */
static int group_refuse_join(const struct group *group, const char *what, int rc, bool beside,
			     struct err *err)
{
	if (rc == -EPERM)
		return err_set(err, rc,
			       "%s: %s: not permitted: the host cannot remap interrupts: "
			       "turn interrupt remapping on, or trust the guest with "
			       "vfio_iommu_type1.allow_unsafe_interrupts=1",
			       group->name, what);
	if (rc == -EINVAL && beside)
		return err_set(err, rc,
			       "%s: %s: its IOMMU does not map where guest RAM is, or does not go "
			       "with that of the other devices: start the guest with the device",
			       group->name, what);
	return err_set(err, rc, "%s: %s: %s", group->name, what, err_text(rc));
}

/* The container's IOMMU type is set once it has a group. */
static int group_enter(struct type1 *type1, struct group *group, struct err *err)
{
	struct vfio_container *container = type1->container;
	int rc = vfio_sys_ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &container->fd);

	if (rc < 0)
		return group_refuse_join(group, "it cannot join the container", rc, type1->first,
					 err);
	group->joined = true;
	if (!type1->first) {
		rc = vfio_sys_ioctl(container->fd, VFIO_SET_IOMMU,
				    (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
		if (rc < 0)
			return group_refuse_join(group, "the IOMMU type cannot be set", rc, false,
						 err);
	}
	return vfio_container_read_info(container, err);
}

static void group_close(struct group *group)
{
	if (group->joined) {
		int rc = vfio_sys_ioctl(group->fd, VFIO_GROUP_UNSET_CONTAINER, NULL);

		/* The kernel takes a group out by itself when its last device loses its driver. */
		if (rc < 0 && rc != -EINVAL)
			log_warn("%s: it did not leave its container: %s", group->name,
				 err_text(rc));
	}
	fd_close(&group->fd);
	free(group);
}

static struct group *group_find(const struct type1 *type1, unsigned int number)
{
	struct group *group = type1->first;

	while (group && group->number != number)
		group = group->next;
	return group;
}

/* A descriptor of the caller's that is no longer its. */
static int group_take(int *given)
{
	int fd = *given;

	*given = 0;
	return fd;
}

static int group_need_container(struct type1 *type1, struct vfio_device_config *config,
				struct err *err)
{
	const struct vfio_settings *settings = type1->settings;

	if (type1->container)
		return 0;
	/* Those that join later may be in it already; each says itself what goes wrong. */
	for (size_t i = 0; i < settings->group_count; i++)
		if (settings->groups[i])
			(void)group_empty_given(settings->groups[i]);
	type1->container = config->container_fd
				   ? vfio_container_take(group_take(&config->container_fd), err)
				   : vfio_container_open(type1->settings->dev, err);
	return type1->container ? 0 : err->code;
}

/*
 * Opens a group that no earlier device is in, unless somebody else has, and lets it join the
 * container.
 */
static struct group *group_add(struct type1 *type1, unsigned int number,
			       struct vfio_device_config *config, struct err *err)
{
	struct group *group =
		group_open(type1->settings, number, group_take(&config->group_fd), err);
	struct group **end = &type1->first;

	if (!group)
		return NULL;
	if (group_need_container(type1, config, err) || group_enter(type1, group, err)) {
		group_close(group);
		return NULL;
	}
	group->lease.provider = &type1->provider;
	pthread_mutex_lock(&type1->lock);
	while (*end)
		end = &(*end)->next;
	*end = group;
	pthread_mutex_unlock(&type1->lock);
	type1->provider.space = &type1->container->space;
	return group;
}

/* By its group, which is opened, checked and let into the container once for all its devices. */
static struct vfio_lease *group_join(struct vfio_provider *provider,
				     struct vfio_device_config *config,
				     struct vfio_sysfs_device *device, struct err *err)
{
	struct type1 *type1 = group_to_type1(provider);
	struct group *group;
	unsigned int number;

	if (vfio_sysfs_find(type1->settings->sysfs, config->path, device, &number, err))
		return NULL;
	group = group_find(type1, number);
	if (!group)
		group = group_add(type1, number, config, err);
	if (!group) {
		err_prefix(err, "passthrough device %s", device->address);
		return NULL;
	}
	group->devices++;
	return &group->lease;
}

/* Locked memory is the container's: it is counted once, however many groups share it. */
static int group_check_memlock(struct vfio_provider *provider, uint64_t ram_size, struct err *err)
{
	return vfio_memlock_ensure(&provider->space->memlock, ram_size, err);
}

static int group_tell_kvm(struct vfio_provider *provider, struct kvm_vm *vm, struct err *err)
{
	int rc = vfio_kvm_open(provider->kvm, vm, err);

	for (struct group *group = group_to_type1(provider)->first; group && !rc;
	     group = group->next) {
		if (!group->known_to_kvm)
			rc = vfio_kvm_add(*provider->kvm, group->fd, group->name, err);
		group->known_to_kvm = !rc;
	}
	return rc;
}

/* VFIO_GROUP_GET_DEVICE_FD by the name that VFIO has for it. */
static struct vfio_backend *group_open_device(struct vfio_lease *lease,
					      const struct vfio_sysfs_device *device,
					      const char *token, struct err *err)
{
	const struct group *group = group_of_lease(lease);
	char name[VFIO_ADDRESS_SIZE + 64];
	int fd;

	snprintf(name, sizeof(name), "%s%s%s", device->address, token ? " vf_token=" : "",
		 token ? token : "");
	fd = vfio_sys_ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0) {
		if (!vfio_token_refuse(device->address, token, fd, err))
			err_set(err, fd, "passthrough device %s: %s does not open it: %s",
				device->address, group->name, err_text(fd));
		return NULL;
	}
	return vfio_kernel_device(fd, device->address, NULL, NULL, err);
}

static bool group_is_first_hit(const struct vfio_pci_hot_reset_info *info, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (info->devices[i].group_id == info->devices[index].group_id)
			return false;
	return true;
}

/* The groups of all that are hit, each once. The list's lock is held. */
static int group_show_all(const struct type1 *type1, struct vfio_bus_reset *reset, const char *name,
			  struct err *err)
{
	for (uint32_t i = 0; i < reset->info->count; i++) {
		uint32_t number = reset->info->devices[i].group_id;
		const struct group *group = group_find(type1, number);
		char address[VFIO_ADDRESS_SIZE];
		int rc;

		vfio_bus_reset_address(reset, i, address, sizeof(address));
		if (!group)
			return err_set(err, -EPERM,
				       "passthrough device %s: its bus cannot be reset: %s in "
				       "IOMMU group %u would be hit: pass that device too",
				       name, address, number);
		rc = group_is_first_hit(reset->info, i) ? vfio_bus_reset_show(reset, group->fd) : 0;
		if (rc)
			return err_set(err, rc, "passthrough device %s: reset of its bus: %s: %s",
				       name, group->name, err_text(rc));
	}
	return 0;
}

static int group_bus_reset(struct vfio_provider *provider, struct vfio_bus_reset *reset,
			   const char *name, struct err *err)
{
	struct type1 *type1 = group_to_type1(provider);
	int rc;

	pthread_mutex_lock(&type1->lock);
	rc = group_show_all(type1, reset, name, err);
	pthread_mutex_unlock(&type1->lock);
	return rc;
}

static size_t group_descriptors(const struct vfio_provider *provider, int *descriptors, size_t room,
				size_t count)
{
	const struct type1 *type1 = group_to_type1(provider);

	if (type1->container)
		count = vfio_list(type1->container->fd, descriptors, room, count);
	for (const struct group *group = type1->first; group; group = group->next)
		count = vfio_list(group->fd, descriptors, room, count);
	return count;
}

/* With its last device a group goes too, so that nothing of it is held from the host. */
static void group_leave(struct vfio_lease *lease)
{
	struct group *group = group_of_lease(lease), **at;
	struct type1 *type1 = group_to_type1(lease->provider);

	if (--group->devices > 0)
		return;
	if (group->known_to_kvm)
		vfio_kvm_del(*lease->provider->kvm, group->fd, group->name);
	pthread_mutex_lock(&type1->lock);
	for (at = &type1->first; *at != group;)
		at = &(*at)->next;
	*at = group->next;
	pthread_mutex_unlock(&type1->lock);
	group_close(group);
}

static void group_destroy(struct vfio_provider *provider)
{
	struct type1 *type1 = group_to_type1(provider);

	assert(!type1->first);
	vfio_container_close(type1->container);
	pthread_mutex_destroy(&type1->lock);
	free(type1);
}

const struct vfio_provider_ops vfio_type1_provider = {
	.name = "IOMMU groups",
	.via = VFIO_VIA_GROUP,
	.serves = group_serves,
	.create = group_create,
	.join = group_join,
	.check_memlock = group_check_memlock,
	.tell_kvm = group_tell_kvm,
	.open_device = group_open_device,
	.bus_reset = group_bus_reset,
	.descriptors = group_descriptors,
	.leave = group_leave,
	.destroy = group_destroy,
};
