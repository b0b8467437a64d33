/* SPDX-License-Identifier: BSD-3-Clause */
/* An IOAS as an address space: mapping, and which addresses its devices leave usable. */

#include "vfio/iommufd/ioas.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "vfio/iommufd/abi.h"
#include "vfio/iommufd/dmabuf.h"
#include "vfio/sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

static struct vfio_ioas *ioas_of_space(const struct vfio_space *space)
{
	return container_of(space, struct vfio_ioas, space);
}

static uint32_t ioas_flags(const struct vfio_mapping *mapping)
{
	return IOMMUFD_MAP_FIXED_IOVA |
	       (mapping->flags & VFIO_MAP_READ ? IOMMUFD_MAP_READABLE : 0) |
	       (mapping->flags & VFIO_MAP_WRITE ? IOMMUFD_MAP_WRITEABLE : 0);
}

/* By @fd, which is no longer needed then. */
static int ioas_map_file(const struct vfio_ioas *ioas, const struct vfio_mapping *mapping, int fd)
{
	struct iommufd_ioas_map_file map = {
		.size = sizeof(map),
		.flags = ioas_flags(mapping),
		.ioas_id = ioas->id,
		.fd = fd,
		.length = mapping->size,
		.iova = mapping->iova,
	};
	int rc = vfio_sys_ioctl(ioas->iommufd, IOMMUFD_IOAS_MAP_FILE, &map);

	fd_close(&fd);
	return rc < 0 ? rc : 0;
}

/*
 * A device's memory is mapped by a file of it alone. Where the kernel makes none, its answer to the
 * other way says that it does not map such memory. It may make some and have no room for one now.
 */
static int ioas_map(struct vfio_space *space, const struct vfio_mapping *mapping)
{
	const struct vfio_ioas *ioas = ioas_of_space(space);
	struct iommufd_ioas_map map = {
		.size = sizeof(map),
		.flags = ioas_flags(mapping),
		.ioas_id = ioas->id,
		.user_va = (uintptr_t)mapping->host,
		.length = mapping->size,
		.iova = mapping->iova,
	};
	int fd = mapping->flags & VFIO_MAP_DEVICE
			 ? vfio_dmabuf_open(mapping->fd, mapping->fd_offset, mapping->size)
			 : -ENOTTY;
	int rc;

	if (fd >= 0)
		return ioas_map_file(ioas, mapping, fd);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
		return fd;
	rc = vfio_sys_ioctl(ioas->iommufd, IOMMUFD_IOAS_MAP, &map);
	return rc < 0 ? rc : 0;
}

static int ioas_unmap(struct vfio_space *space, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	const struct vfio_ioas *ioas = ioas_of_space(space);
	struct iommufd_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas->id,
		.iova = iova,
		.length = size,
	};
	int rc = vfio_sys_ioctl(ioas->iommufd, IOMMUFD_IOAS_UNMAP, &unmap);

	*unmapped = unmap.length;
	return rc < 0 ? rc : 0;
}

static const struct vfio_space_ops ioas_ops = {
	.map = ioas_map,
	.unmap = ioas_unmap,
	.maps_at_once = UINT_MAX,
	.when_full = "the address space holds no more mappings",
};

/* IOMMU_OPTION. A kernel that does not tell has the default. */
static bool ioas_counts_for_process(int iommufd)
{
	struct iommufd_option option = {
		.size = sizeof(option),
		.option_id = IOMMUFD_OPTION_RLIMIT_MODE,
		.op = IOMMUFD_OPTION_GET,
	};

	return vfio_sys_ioctl(iommufd, IOMMUFD_OPTION, &option) >= 0 && option.val64 == 1;
}

int vfio_ioas_create(struct vfio_ioas *ioas, int iommufd, const char *proc, struct err *err)
{
	struct iommufd_ioas_alloc alloc = {.size = sizeof(alloc)};
	int rc = vfio_sys_ioctl(iommufd, IOMMUFD_IOAS_ALLOC, &alloc);

	if (rc < 0)
		return err_set(err, rc, "iommufd: it gives no address space: %s", err_text(rc));
	ioas->space.ops = &ioas_ops;
	ioas->iommufd = iommufd;
	ioas->id = alloc.out_ioas_id;
	ioas->space.memlock.user_proc = ioas_counts_for_process(iommufd) ? NULL : proc;
	return 0;
}

int vfio_ioas_destroy(const struct vfio_ioas *ioas)
{
	struct iommufd_destroy destroy = {.size = sizeof(destroy), .id = ioas->id};
	int rc = vfio_sys_ioctl(ioas->iommufd, IOMMUFD_DESTROY, &destroy);

	return rc < 0 ? rc : 0;
}

int vfio_ioas_read_ranges(struct vfio_ioas *ioas, struct err *err)
{
	struct iommufd_iova_range told[VFIO_IOVA_RANGES_MAX];
	struct iommufd_ioas_iova_ranges ask = {
		.size = sizeof(ask),
		.ioas_id = ioas->id,
		.num_iovas = VFIO_IOVA_RANGES_MAX,
		.allowed_iovas = (uintptr_t)told,
	};
	int rc = vfio_sys_ioctl(ioas->iommufd, IOMMUFD_IOAS_IOVA_RANGES, &ask);

	if (rc < 0 && rc != -EMSGSIZE)
		return err_set(err, rc, "iommufd: the usable addresses: %s", err_text(rc));
	/* The kernel tells the smallest page alone; what is larger is made of it. */
	ioas->space.page_sizes = -ask.out_iova_alignment;
	ioas->space.range_count = 0;
	for (uint32_t i = 0; i < ask.num_iovas && i < VFIO_IOVA_RANGES_MAX; i++)
		vfio_space_add_range(&ioas->space, told[i].start, told[i].last);
	return 0;
}
