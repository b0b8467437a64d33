/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers, groups and what must be true of them before a device may be opened. */

#include "vfio/type1/group.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/sysfs.h"
#include "vfio/kernel.h"
#include "vfio/sys.h"
#include "vfio/vfio.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/* What Linux allows a container by default (dma_entry_limit) and from 5.10 tells itself. */
enum { IOMMU_INFO_MAX = 64 * 1024, MAPS_USUAL = 65535 };

struct vfio_container {
	struct vfio_space space;
	int fd;
	unsigned int groups;
	uint64_t page_sizes;
	uint64_t maps_left;
	size_t range_count;
	struct ram_range ranges[VFIO_IOVA_RANGES_MAX];
};

struct vfio_group {
	unsigned int number;
	int fd;
	struct vfio_container *container;
};

static struct vfio_container *group_to_container(const struct vfio_space *space)
{
	return container_of(space, struct vfio_container, space);
}

static int group_container_map(struct vfio_space *space, const struct vfio_mapping *mapping)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (mapping->flags & VFIO_MAP_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (mapping->flags & VFIO_MAP_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)mapping->host,
		.iova = mapping->iova,
		.size = mapping->size,
	};
	int rc = vfio_sys_ioctl(group_to_container(space)->fd, VFIO_IOMMU_MAP_DMA, &map);

	return rc < 0 ? rc : 0;
}

static int group_container_unmap(struct vfio_space *space, uint64_t iova, uint64_t size,
				 uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int rc = vfio_sys_ioctl(group_to_container(space)->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*unmapped = unmap.size;
	return rc < 0 ? rc : 0;
}

static size_t group_container_ranges(const struct vfio_space *space, struct ram_range *ranges,
				     size_t room)
{
	const struct vfio_container *container = group_to_container(space);

	for (size_t i = 0; i < container->range_count && i < room; i++)
		ranges[i] = container->ranges[i];
	return container->range_count;
}

static uint64_t group_container_page_sizes(const struct vfio_space *space)
{
	return group_to_container(space)->page_sizes;
}

static uint64_t group_container_maps_left(const struct vfio_space *space)
{
	return group_to_container(space)->maps_left;
}

static const struct vfio_space_ops container_ops = {
	.map = group_container_map,
	.unmap = group_container_unmap,
	.ranges = group_container_ranges,
	.page_sizes = group_container_page_sizes,
	.maps_left = group_container_maps_left,
	.when_full = "the container holds no more mappings: raise vfio_iommu_type1.dma_entry_limit",
};

static int group_check_container(int fd, uint32_t type, struct err *err)
{
	int rc = vfio_sys_ioctl(fd, VFIO_GET_API_VERSION, NULL);

	if (rc < 0)
		return err_set(err, rc, "VFIO container: its API version cannot be had: %s",
			       err_text(rc));
	if (rc != VFIO_API_VERSION)
		return err_set(err, -EPROTO,
			       "VFIO container: API version %d: Ferry speaks version %d", rc,
			       VFIO_API_VERSION);
	if (type != VFIO_TYPE1v2_IOMMU)
		return err_set(err, -EINVAL,
			       "VFIO container: IOMMU type %u: only type %u (TYPE1v2) is served",
			       type, VFIO_TYPE1v2_IOMMU);
	rc = vfio_sys_ioctl(fd, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)type);
	if (rc <= 0)
		return err_set(err, rc < 0 ? rc : -ENOTSUP,
			       "VFIO container: the host has no TYPE1v2 IOMMU driver: "
			       "modprobe vfio_iommu_type1");
	return 0;
}

struct vfio_container *vfio_container_adopt(int fd, uint32_t type, struct err *err)
{
	struct vfio_container *container;

	if (group_check_container(fd, type, err)) {
		fd_close(&fd);
		return NULL;
	}
	container = calloc(1, sizeof(*container));
	if (!container) {
		err_set(err, -ENOMEM, "VFIO container: out of memory");
		fd_close(&fd);
		return NULL;
	}
	container->space.ops = &container_ops;
	container->fd = fd;
	return container;
}

struct vfio_container *vfio_container_open(const char *folder, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vfio", folder);
	fd = vfio_sys_open(path);
	if (fd == -ENOENT || fd == -ENODEV) {
		err_set(err, fd, "VFIO container: %s: %s: load the driver: modprobe vfio-pci", path,
			err_text(fd));
		return NULL;
	}
	if (fd < 0) {
		err_set(err, fd,
			"VFIO container: %s cannot be opened: %s: give this user access to "
			"it",
			path, err_text(fd));
		return NULL;
	}
	return vfio_container_adopt(fd, VFIO_TYPE1v2_IOMMU, err);
}

void vfio_container_close(struct vfio_container *container)
{
	if (!container)
		return;
	fd_close(&container->fd);
	free(container);
}

struct vfio_space *vfio_container_space(struct vfio_container *container)
{
	return &container->space;
}

int vfio_container_descriptor(const struct vfio_container *container)
{
	return container->fd;
}

static void group_take_ranges(struct vfio_container *container, const uint8_t *info, size_t size,
			      size_t offset)
{
	struct vfio_iommu_type1_info_cap_iova_range range;
	size_t count;

	if (!range_fits(offset, sizeof(range), size))
		return;
	memcpy(&range, info + offset, sizeof(range));
	count = (size - offset - sizeof(range)) / sizeof(struct vfio_iova_range);
	if (range.nr_iovas < count)
		count = range.nr_iovas;
	for (size_t i = 0; i < count && container->range_count < VFIO_IOVA_RANGES_MAX; i++) {
		struct vfio_iova_range iova;
		struct ram_range *to = &container->ranges[container->range_count];

		memcpy(&iova, info + offset + sizeof(range) + i * sizeof(iova), sizeof(iova));
		if (iova.end < iova.start)
			continue;
		to->base = iova.start;
		to->size = iova.end - iova.start;
		if (to->size != UINT64_MAX)
			to->size++;
		container->range_count++;
	}
}

static void group_take_maps_left(struct vfio_container *container, const uint8_t *info, size_t size,
				 size_t offset)
{
	struct vfio_iommu_type1_info_dma_avail left;

	if (!range_fits(offset, sizeof(left), size))
		return;
	memcpy(&left, info + offset, sizeof(left));
	container->maps_left = left.avail;
}

/* Old kernels answer without capabilities: then nothing is known and anything goes. */
static void group_take_iommu_info(struct vfio_container *container, const uint8_t *info,
				  size_t size)
{
	struct vfio_iommu_type1_info head;
	struct vfio_info_cap_header cap;
	size_t offset, floor = sizeof(head);

	memcpy(&head, info, sizeof(head));
	container->page_sizes = head.flags & VFIO_IOMMU_INFO_PGSIZES ? head.iova_pgsizes : 0;
	container->range_count = 0;
	container->maps_left = MAPS_USUAL;
	offset = head.flags & VFIO_IOMMU_INFO_CAPS ? head.cap_offset : 0;
	/* Rising offsets only: a chain that turns back is cut, so the walk ends. */
	while (offset >= floor && range_fits(offset, sizeof(cap), size)) {
		memcpy(&cap, info + offset, sizeof(cap));
		if (cap.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			group_take_ranges(container, info, size, offset);
		else if (cap.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			group_take_maps_left(container, info, size, offset);
		floor = offset + sizeof(cap);
		offset = cap.next;
	}
}

static int group_read_iommu_info(struct vfio_container *container, struct err *err)
{
	struct vfio_iommu_type1_info head = {.argsz = sizeof(head)};
	struct vfio_iommu_type1_info *info;
	uint32_t size;
	int rc = vfio_sys_ioctl(container->fd, VFIO_IOMMU_GET_INFO, &head);

	size = head.argsz;
	if (rc < 0)
		return err_set(err, rc, "VFIO container: the IOMMU's properties: %s", err_text(rc));
	if (size < sizeof(head))
		size = sizeof(head);
	if (size > IOMMU_INFO_MAX)
		size = IOMMU_INFO_MAX;
	info = calloc(1, size);
	if (!info)
		return err_set(err, -ENOMEM, "VFIO container: out of memory");
	info->argsz = size;
	rc = vfio_sys_ioctl(container->fd, VFIO_IOMMU_GET_INFO, info);
	if (rc < 0)
		err_set(err, rc, "VFIO container: the IOMMU's properties: %s", err_text(rc));
	else
		group_take_iommu_info(container, (const uint8_t *)info, size);
	free(info);
	return rc < 0 ? rc : 0;
}

static int group_open_node(const char *folder, unsigned int number, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	if (access(folder, F_OK) < 0)
		return err_set(err, -errno,
			       "IOMMU group %u: %s: %s: load the driver: modprobe vfio-pci", number,
			       folder, err_text(-errno));
	snprintf(path, sizeof(path), "%s/%u", folder, number);
	fd = vfio_sys_open(path);
	if (fd >= 0)
		return fd;
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
			       number, path, (unsigned int)geteuid(), path);
	return err_set(err, fd, "IOMMU group %u: %s cannot be opened: %s", number, path,
		       err_text(fd));
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

struct vfio_group *vfio_group_open(const char *sysfs, const char *folder, unsigned int number,
				   struct err *err)
{
	struct vfio_group *group;
	int fd = group_open_node(folder, number, err);

	if (fd < 0)
		return NULL;
	if (group_check_viable(sysfs, fd, number, err))
		goto close_fd;
	group = calloc(1, sizeof(*group));
	if (!group) {
		err_set(err, -ENOMEM, "IOMMU group %u: out of memory", number);
		goto close_fd;
	}
	group->number = number;
	group->fd = fd;
	return group;

close_fd:
	fd_close(&fd);
	return NULL;
}

/* EPERM of both calls has one common cause that a person can do something about. */
static int group_refuse_join(const struct vfio_group *group, const char *what, int rc,
			     struct err *err)
{
	if (rc == -EPERM)
		return err_set(
			err, rc,
			"IOMMU group %u: %s: not permitted: the host cannot remap interrupts: "
			"turn interrupt remapping on, or trust the guest with "
			"vfio_iommu_type1.allow_unsafe_interrupts=1",
			group->number, what);
	return err_set(err, rc, "IOMMU group %u: %s: %s", group->number, what, err_text(rc));
}

int vfio_group_join(struct vfio_group *group, struct vfio_container *container, struct err *err)
{
	int rc = vfio_sys_ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &container->fd);

	if (rc < 0)
		return group_refuse_join(group, "it cannot join the container", rc, err);
	group->container = container;
	container->groups++;
	if (container->groups == 1) {
		rc = vfio_sys_ioctl(container->fd, VFIO_SET_IOMMU,
				    (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
		if (rc < 0)
			return group_refuse_join(group, "the IOMMU type cannot be set", rc, err);
	}
	return group_read_iommu_info(container, err);
}

void vfio_group_close(struct vfio_group *group)
{
	int rc;

	if (!group)
		return;
	if (group->container) {
		rc = vfio_sys_ioctl(group->fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
		/* The kernel takes a group out by itself when its last device loses its driver. */
		if (rc < 0 && rc != -EINVAL)
			log_warn("IOMMU group %u: it did not leave its container: %s",
				 group->number, err_text(rc));
		group->container->groups--;
	}
	fd_close(&group->fd);
	free(group);
}

int vfio_group_descriptor(const struct vfio_group *group)
{
	return group->fd;
}

/* What vfio-pci answers about tokens: a function and who opened its relative must know the same. */
static int group_refuse_open(const struct vfio_group *group, const char *address, const char *token,
			     int rc, struct err *err)
{
	if (rc == -EACCES && !token)
		return err_set(
			err, rc,
			"passthrough device %s: it wants a VF token, which virtual functions share "
			"with their physical one where vfio-pci has both: give vf-token=UUID, the "
			"one that was given with the other",
			address);
	if (rc == -EACCES)
		return err_set(err, rc,
			       "passthrough device %s: vf-token=%s: another one was set by who has "
			       "its physical function, or virtual ones of it",
			       address, token);
	if (token && (rc == -EINVAL || rc == -ENODEV))
		return err_set(
			err, rc,
			"passthrough device %s: vf-token=%s: it takes none, being no virtual "
			"function whose physical one vfio-pci has: leave it out",
			address, token);
	return err_set(err, rc, "passthrough device %s: IOMMU group %u does not open it: %s",
		       address, group->number, err_text(rc));
}

struct vfio_backend *vfio_group_open_device(struct vfio_group *group, const char *address,
					    const char *token, struct err *err)
{
	char name[VFIO_ADDRESS_SIZE + 64];
	int fd;

	snprintf(name, sizeof(name), "%s%s%s", address, token ? " vf_token=" : "",
		 token ? token : "");
	fd = vfio_sys_ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0) {
		group_refuse_open(group, address, token, fd, err);
		return NULL;
	}
	return vfio_kernel_device(fd, address, err);
}
