/* SPDX-License-Identifier: BSD-3-Clause */
/* The iommufd and the character devices of a made-up kernel (fake_vfio_kernel.h). */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_IOMMUFD_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_IOMMUFD_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/support/fake_kernel_state.h"
#include "tests/unit/support/fault.h"

enum { FAKE_IOAS = 5, FAKE_IOMMUFD_RANGES = 3 };

static inline int iommufd_map(const struct iommufd_ioas_map *map)
{
	const struct vfio_mapping mapping = {
		.iova = map->iova,
		.size = map->length,
		.host = (void *)(uintptr_t)map->user_va,
		.fd = -1,
		.flags = (map->flags & IOMMUFD_MAP_READABLE ? VFIO_MAP_READ : 0) |
			 (map->flags & IOMMUFD_MAP_WRITEABLE ? VFIO_MAP_WRITE : 0),
	};

	must(map->size == sizeof(*map) && map->ioas_id == FAKE_IOAS);
	must(map->flags & IOMMUFD_MAP_FIXED_IOVA && !map->reserved);
	return kernel.space.space.ops->map(&kernel.space.space, &mapping);
}

static inline int iommufd_map_file(const struct iommufd_ioas_map_file *map)
{
	const struct vfio_mapping mapping = {
		.iova = map->iova,
		.size = map->length,
		.fd = map->fd,
		.fd_offset = map->start,
		.flags = (map->flags & IOMMUFD_MAP_READABLE ? VFIO_MAP_READ : 0) |
			 (map->flags & IOMMUFD_MAP_WRITEABLE ? VFIO_MAP_WRITE : 0),
	};

	must(map->size == 40 && map->ioas_id == FAKE_IOAS && fcntl(map->fd, F_GETFD) >= 0);
	must(map->flags & IOMMUFD_MAP_FIXED_IOVA);
	happened("map-file");
	return kernel.space.space.ops->map(&kernel.space.space, &mapping);
}

static inline int iommufd_unmap(struct iommufd_ioas_unmap *unmap)
{
	uint64_t unmapped = unmap->length;
	int rc;

	must(unmap->size == sizeof(*unmap) && unmap->ioas_id == FAKE_IOAS);
	rc = kernel.space.space.ops->unmap(&kernel.space.space, unmap->iova, unmap->length,
					   &unmapped);
	unmap->length = unmapped;
	return rc;
}

/* The one in the middle has its ends the wrong way round when the kernel lies. */
static inline int iommufd_ranges(struct iommufd_ioas_iova_ranges *ask)
{
	const struct iommufd_iova_range ranges[FAKE_IOMMUFD_RANGES] = {
		{0, 0xfedfffff},
		{0xfef00000, kernel.lies_about_ranges ? 0 : (1ULL << 46) - 1},
		{1ULL << 47, UINT64_MAX},
	};
	uint32_t room = ask->num_iovas;

	must(ask->size == sizeof(*ask) && ask->ioas_id == FAKE_IOAS && !ask->reserved);
	for (uint32_t i = 0; i < room && (i < FAKE_IOMMUFD_RANGES || kernel.more_ranges); i++)
		((struct iommufd_iova_range *)(uintptr_t)ask->allowed_iovas)[i] =
			ranges[i % FAKE_IOMMUFD_RANGES];
	ask->num_iovas = kernel.more_ranges ? UINT32_MAX : FAKE_IOMMUFD_RANGES;
	ask->out_iova_alignment = 4096;
	return kernel.more_ranges || room < FAKE_IOMMUFD_RANGES ? -EMSGSIZE : 0;
}

static inline int iommufd_option(struct iommufd_option *option)
{
	must(option->size == sizeof(*option) && option->size == 24 && !option->reserved);
	must(option->option_id == IOMMUFD_OPTION_RLIMIT_MODE && !option->object_id);
	must(option->op == IOMMUFD_OPTION_GET);
	option->val64 = kernel.counts_for_process;
	return 0;
}

static inline int iommufd_alloc(struct iommufd_ioas_alloc *alloc)
{
	must(alloc->size == 12);
	alloc->out_ioas_id = FAKE_IOAS;
	while (kernel.ioas & 1U << (alloc->out_ioas_id - FAKE_IOAS))
		alloc->out_ioas_id++;
	kernel.ioas |= 1U << (alloc->out_ioas_id - FAKE_IOAS);
	happened("ioas");
	return 0;
}

/* A device of Ferry's own is closed by then, and so no longer attached. */
static inline int iommufd_destroy(const struct iommufd_destroy *destroy)
{
	uint32_t bit = 1U << (destroy->id - FAKE_IOAS);

	must(destroy->size == 8 && destroy->id >= FAKE_IOAS && kernel.ioas & bit);
	for (unsigned int i = 0; i < kernel.nodes_used; i++)
		if (kernel.nodes[i].stays && kernel.nodes[i].attached == destroy->id)
			return -EBUSY;
	kernel.ioas &= ~bit;
	happened("destroy");
	return 0;
}

static inline int on_iommufd(unsigned long request, void *argument)
{
	int result;

	if (request != IOMMUFD_IOAS_MAP && request != IOMMUFD_IOAS_UNMAP &&
	    fault_answers(request == IOMMUFD_OPTION ? "iommufd option" : "iommufd ioctl", "iommufd",
			  NULL, 0, &result))
		return result;
	switch (request) {
	case IOMMUFD_IOAS_ALLOC:
		return iommufd_alloc(argument);
	case IOMMUFD_DESTROY:
		return iommufd_destroy(argument);
	case IOMMUFD_OPTION:
		return iommufd_option(argument);
	case IOMMUFD_IOAS_IOVA_RANGES:
		return iommufd_ranges(argument);
	case IOMMUFD_IOAS_MAP:
		return iommufd_map(argument);
	case IOMMUFD_IOAS_MAP_FILE:
		return iommufd_map_file(argument);
	case IOMMUFD_IOAS_UNMAP:
		happened("unmap");
		return iommufd_unmap(argument);
	default:
		return -ENOTTY;
	}
}

/* From here on the node is the device: its descriptor is that of the device's memory. */
static inline void cdev_become_device(struct fake_node *node)
{
	struct fake_vfio *device = find_device(node->name);

	must(dup3(device->memory, node->fd, O_CLOEXEC) == node->fd);
	node->device = device;
}

static inline int cdev_bind(struct fake_node *node, struct iommufd_device_bind *bind)
{
	must(bind->argsz == (bind->flags ? 24 : 16) && bind->iommufd == kernel.iommufd);
	must(bind->flags <= IOMMUFD_BIND_TOKEN && node->known_to_kvm);
	if (bind->flags && !kernel.knows_tokens)
		return -EINVAL;
	if (bind->flags && !bind->token)
		return -EFAULT;
	if (bind->flags)
		memcpy(kernel.token, (const void *)(uintptr_t)bind->token, sizeof(kernel.token));
	if (kernel.token_answer)
		return kernel.token_answer;
	cdev_become_device(node);
	bind->out_devid = kernel.devices_used;
	happened("bind");
	return 0;
}

/* Who joins others of its group is where they are; who was there takes them along. */
static inline int cdev_attach_group(struct fake_node *node, uint32_t ioas)
{
	for (unsigned int i = 0; i < kernel.nodes_used && kernel.is_one_group; i++) {
		struct fake_node *other = &kernel.nodes[i];

		if (other->attached && !node->attached && other->attached != ioas)
			return -EINVAL;
		if (other->attached && node->attached)
			other->attached = ioas;
	}
	node->attached = ioas;
	return 0;
}

static inline int cdev_attach(struct fake_node *node, const struct iommufd_device_attach *attach)
{
	must(attach->argsz == sizeof(*attach) && !attach->flags && node->known_to_kvm);
	happened("attach");
	if (node->foreign)
		return kernel.has_same_numbers ? 0 : -ENOENT;
	must(kernel.ioas & 1U << (attach->pt_id - FAKE_IOAS));
	return cdev_attach_group(node, attach->pt_id);
}

static inline int cdev_detach(struct fake_node *node, const struct iommufd_device_detach *detach)
{
	must(detach->argsz == sizeof(*detach) && !detach->flags);
	node->attached = 0;
	happened("detach");
	return 0;
}

/* True when it was a request of the node's own, whose answer is in *@result. */
static inline bool on_cdev(struct fake_node *node, unsigned long request, void *argument,
			   int *result)
{
	bool own = request == IOMMUFD_DEVICE_BIND || request == IOMMUFD_DEVICE_ATTACH ||
		   request == IOMMUFD_DEVICE_DETACH;

	/* It was found by its node's number, which it has until then. */
	if (node->bound && !node->device && request == VFIO_DEVICE_GET_INFO)
		cdev_become_device(node);
	if (!own && node->device)
		return false;
	if (fault_answers("cdev ioctl", node->name, NULL, 0, result))
		return true;
	*result = -EINVAL; /* nothing else before it is bound */
	if (request == IOMMUFD_DEVICE_BIND && !node->device && !node->bound)
		*result = cdev_bind(node, argument);
	if (request == IOMMUFD_DEVICE_ATTACH && node->device)
		*result = cdev_attach(node, argument);
	if (request == IOMMUFD_DEVICE_DETACH && node->device)
		*result = cdev_detach(node, argument);
	return true;
}

#endif
