/* SPDX-License-Identifier: BSD-3-Clause */
/* Region information with its capabilities, and accesses that cannot leave a region. */

#include "vfio/pci/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

enum { REGION_INFO_MAX = 64 * 1024 };

static void region_take_sparse(struct vfio_region *region, const uint8_t *info, size_t size,
			       size_t offset)
{
	struct vfio_region_info_cap_sparse_mmap cap;
	size_t count;

	if (!range_fits(offset, sizeof(cap), size))
		return;
	memcpy(&cap, info + offset, sizeof(cap));
	region->sparse = true;
	count = (size - offset - sizeof(cap)) / sizeof(struct vfio_region_sparse_mmap_area);
	if (cap.nr_areas < count)
		count = cap.nr_areas;
	for (size_t i = 0; i < count && region->area_count < VFIO_AREAS_MAX; i++) {
		struct vfio_region_sparse_mmap_area area;

		memcpy(&area, info + offset + sizeof(cap) + i * sizeof(area), sizeof(area));
		if (area.size == 0 || !range_fits(area.offset, area.size, region->info.size))
			continue;
		region->areas[region->area_count].offset = area.offset;
		region->areas[region->area_count].size = area.size;
		region->area_count++;
	}
}

static void region_take_capabilities(struct vfio_region *region, const uint8_t *info, size_t size)
{
	struct vfio_info_cap_header cap;
	size_t offset = region->info.cap_offset, floor = sizeof(region->info);

	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_CAPS))
		return;
	/* Rising offsets only: a chain that turns back is cut, so the walk ends. */
	while (offset >= floor && range_fits(offset, sizeof(cap), size)) {
		memcpy(&cap, info + offset, sizeof(cap));
		if (cap.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			region_take_sparse(region, info, size, offset);
		floor = offset + sizeof(cap);
		offset = cap.next;
	}
}

static int region_check(struct vfio_region *region, struct err *err)
{
	if (!range_fits(region->info.offset, region->info.size, INT64_MAX))
		return err_set(err, -ERANGE, "region %u: offset 0x%llx and size 0x%llx are absurd",
			       region->info.index, region->info.offset, region->info.size);
	region->present = region->info.size != 0;
	return 0;
}

int vfio_region_load(struct vfio_backend *backend, uint32_t index, struct vfio_region *region,
		     struct err *err)
{
	struct vfio_region_info head = {.argsz = sizeof(head), .index = index};
	struct vfio_region_info *info;
	uint32_t size;
	int rc;

	memset(region, 0, sizeof(*region));
	rc = backend->ops->region_info(backend, &head);
	if (rc < 0)
		return err_set(err, rc, "region %u: its information cannot be had: %s", index,
			       err_text(rc));
	size = head.argsz;
	if (size < sizeof(head))
		size = sizeof(head);
	if (size > REGION_INFO_MAX)
		size = REGION_INFO_MAX;
	info = calloc(1, size);
	if (!info)
		return err_set(err, -ENOMEM, "region %u: out of memory", index);
	/* Some drivers fill even flags and size only when there is room for everything. */
	info->argsz = size;
	info->index = index;
	rc = size > sizeof(head) ? backend->ops->region_info(backend, info) : 0;
	if (rc < 0) {
		err_set(err, rc, "region %u: its capabilities cannot be had: %s", index,
			err_text(rc));
	} else {
		region->info = size > sizeof(head) ? *info : head;
		region->info.index = index;
		rc = region_check(region, err);
		if (!rc)
			region_take_capabilities(region, (const uint8_t *)info, size);
	}
	free(info);
	return rc;
}

static int region_check_access(const struct vfio_region *region, uint64_t offset, unsigned int size,
			       uint32_t flag)
{
	if (!region->present || size > 8 || !is_power_of_2(size))
		return -EINVAL;
	if (!range_fits(offset, size, region->info.size))
		return -ERANGE;
	return region->info.flags & flag ? 0 : -EACCES;
}

int vfio_region_read(struct vfio_backend *backend, const struct vfio_region *region,
		     uint64_t offset, unsigned int size, uint64_t *value)
{
	uint8_t bytes[8];
	int rc = region_check_access(region, offset, size, VFIO_REGION_INFO_FLAG_READ);

	*value = size >= 1 && size <= 8 ? all_ones(size) : UINT64_MAX;
	if (!rc)
		rc = backend->ops->read(backend, &region->info, offset, bytes, size);
	if (!rc)
		*value = load_le(bytes, size);
	return rc;
}

int vfio_region_write(struct vfio_backend *backend, const struct vfio_region *region,
		      uint64_t offset, unsigned int size, uint64_t value)
{
	uint8_t bytes[8];
	int rc = region_check_access(region, offset, size, VFIO_REGION_INFO_FLAG_WRITE);

	if (rc)
		return rc;
	store_le(bytes, size, value);
	return backend->ops->write(backend, &region->info, offset, bytes, size);
}
