/* SPDX-License-Identifier: BSD-3-Clause */
/* The container as an address space: mapping, and what its IOMMU tells of itself. */

#include "vfio/type1/container.h"

#include <errno.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* What Linux allows a container by default (dma_entry_limit) and from 5.10 tells itself. */
enum { IOMMU_INFO_MAX = 64 * 1024, MAPS_USUAL = 65535 };

static struct vfio_container *container_of_space(const struct vfio_space *space)
{
	return container_of(space, struct vfio_container, space);
}

static int container_map(struct vfio_space *space, const struct vfio_mapping *mapping)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (mapping->flags & VFIO_MAP_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (mapping->flags & VFIO_MAP_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)mapping->host,
		.iova = mapping->iova,
		.size = mapping->size,
	};
	int rc = vfio_sys_ioctl(container_of_space(space)->fd, VFIO_IOMMU_MAP_DMA, &map);

	return rc < 0 ? rc : 0;
}

static int container_unmap(struct vfio_space *space, uint64_t iova, uint64_t size,
			   uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int rc = vfio_sys_ioctl(container_of_space(space)->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*unmapped = unmap.size;
	return rc < 0 ? rc : 0;
}

static uint64_t container_maps_left(const struct vfio_space *space)
{
	return container_of_space(space)->maps_left;
}

static const struct vfio_space_ops container_ops = {
	.map = container_map,
	.unmap = container_unmap,
	.maps_left = container_maps_left,
	.when_full = "the container holds no more mappings: raise vfio_iommu_type1.dma_entry_limit",
};

static int container_check(int fd, uint32_t type, struct err *err)
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

	if (container_check(fd, type, err)) {
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

struct vfio_container *vfio_container_open(const char *dev, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vfio/vfio", dev);
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

/* Only one that has an IOMMU, and so a group, tells of it. */
static int container_check_fresh(int fd, struct err *err)
{
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	if (vfio_sys_ioctl(fd, VFIO_IOMMU_GET_INFO, &info) < 0)
		return 0;
	return err_set(err, -EBUSY,
		       "VFIO container: a group that was not handed over is in it: hand over all "
		       "that are, or one of its own");
}

struct vfio_container *vfio_container_take(int fd, struct err *err)
{
	struct vfio_container *container = vfio_container_adopt(fd, VFIO_TYPE1v2_IOMMU, err);

	if (container && container_check_fresh(fd, err)) {
		vfio_container_close(container);
		return NULL;
	}
	return container;
}

void vfio_container_close(struct vfio_container *container)
{
	if (!container)
		return;
	fd_close(&container->fd);
	free(container);
}

static void container_take_ranges(struct vfio_container *container, const uint8_t *info,
				  size_t size, size_t offset)
{
	struct vfio_iommu_type1_info_cap_iova_range range;
	size_t count;

	if (!range_fits(offset, sizeof(range), size))
		return;
	memcpy(&range, info + offset, sizeof(range));
	count = (size - offset - sizeof(range)) / sizeof(struct vfio_iova_range);
	if (range.nr_iovas < count)
		count = range.nr_iovas;
	for (size_t i = 0; i < count; i++) {
		struct vfio_iova_range iova;

		memcpy(&iova, info + offset + sizeof(range) + i * sizeof(iova), sizeof(iova));
		vfio_space_add_range(&container->space, iova.start, iova.end);
	}
}

static void container_take_maps_left(struct vfio_container *container, const uint8_t *info,
				     size_t size, size_t offset)
{
	struct vfio_iommu_type1_info_dma_avail left;

	if (!range_fits(offset, sizeof(left), size))
		return;
	memcpy(&left, info + offset, sizeof(left));
	container->maps_left = left.avail;
}

/* Old kernels answer without capabilities: then nothing is known and anything goes. */
static void container_take_iommu_info(struct vfio_container *container, const uint8_t *info,
				      size_t size)
{
	struct vfio_iommu_type1_info head;
	struct vfio_info_cap_header cap;
	size_t offset, floor = sizeof(head);

	memcpy(&head, info, sizeof(head));
	container->space.page_sizes = head.flags & VFIO_IOMMU_INFO_PGSIZES ? head.iova_pgsizes : 0;
	container->space.range_count = 0;
	container->maps_left = MAPS_USUAL;
	offset = head.flags & VFIO_IOMMU_INFO_CAPS ? head.cap_offset : 0;
	/* Rising offsets only: a chain that turns back is cut, so the walk ends. */
	while (offset >= floor && range_fits(offset, sizeof(cap), size)) {
		memcpy(&cap, info + offset, sizeof(cap));
		if (cap.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			container_take_ranges(container, info, size, offset);
		else if (cap.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			container_take_maps_left(container, info, size, offset);
		floor = offset + sizeof(cap);
		offset = cap.next;
	}
}

int vfio_container_read_info(struct vfio_container *container, struct err *err)
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
		container_take_iommu_info(container, (const uint8_t *)info, size);
	free(info);
	return rc < 0 ? rc : 0;
}
