/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel with VFIO and KVM made of nothing, for the one test program that includes this. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_KERNEL_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/fake_iommufd.h"
#include "tests/unit/support/fake_kernel_state.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/fault.h"
#include "vfio/iommufd/abi.h"
#include "vfio/sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* In good health, with every device closed; to be released. */
static inline void fake_kernel_boot(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.container = kernel.iommufd = -1;
	kernel.version = VFIO_API_VERSION;
	kernel.has_type1 = true;
	kernel.group_flags = VFIO_GROUP_FLAGS_VIABLE;
	fake_vfio_space_init(&kernel.space);
	for (size_t i = 0; i < ARRAY_SIZE(kernel.devices); i++)
		fake_vfio_init(&kernel.devices[i]);
}

static inline void fake_kernel_release(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernel.devices); i++)
		fake_vfio_release(&kernel.devices[i]);
}

static inline bool fails_to_open(const char *name, const struct fake_node *node, int *result)
{
	const char *object = strcmp(name, "vfio") == 0    ? "VFIO container"
			     : strcmp(name, "iommu") == 0 ? "iommufd"
							  : node->name;

	if (fault_answers("open", object, NULL, 0, result))
		return true;
	*result = kernel.open_fails;
	return object == node->name && kernel.open_fails;
}

/* What is closed holds no mappings; nothing is told of a close. */
static inline void notice_closed_iommufd(void)
{
	if (kernel.iommufd < 0 || fcntl(kernel.iommufd, F_GETFD) >= 0)
		return;
	kernel.iommufd = -1;
	kernel.ioas = 0;
	fake_vfio_space_clear(&kernel.space);
}

/* Of the one before nothing is left. */
static inline void open_iommufd(int fd)
{
	kernel.iommufd = fd;
	kernel.ioas = 0;
	fake_vfio_space_clear(&kernel.space);
}

/* Likewise, of either way. */
static inline void open_container(int fd)
{
	kernel.container = fd;
	if (kernel.joined == 0)
		fake_vfio_space_clear(&kernel.space);
}

/* @fd is new: what was open by that number is closed. */
static inline int opened(int fd)
{
	if (fd == kernel.container)
		kernel.container = -1;
	if (fd == kernel.iommufd)
		kernel.iommufd = -1;
	return fd;
}

int vfio_sys_open(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct fake_node node = {.group = (unsigned int)atoi(name)};
	int fd, result;

	snprintf(node.name, sizeof(node.name), "IOMMU group %.8s", name);
	node.is_cdev = strstr(path, "/devices/");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	opened(fd);
	if (node.is_cdev)
		node.name[read(fd, node.name, sizeof(node.name) - 1)] = '\0';
	if (fails_to_open(name, &node, &result)) {
		close(fd);
		return result;
	}
	node.fd = fd;
	if (strcmp(name, "vfio") == 0)
		open_container(fd);
	else if (strcmp(name, "iommu") == 0)
		open_iommufd(fd);
	else
		add_node(&node);
	return fd;
}

static inline struct fake_node *find_node(int fd)
{
	struct fake_node *found = NULL;

	pthread_mutex_lock(&kernel_lock);
	for (unsigned int i = 0; i < kernel.nodes_used; i++)
		if (kernel.nodes[i].fd == fd)
			found = &kernel.nodes[i];
	pthread_mutex_unlock(&kernel_lock);
	return found;
}

/* Character device vfio@number of @address as somebody else has opened it, with @node's number. */
static inline int open_cdev_as_other(const char *address, unsigned int number, const char *node)
{
	struct fake_node cdev = {.is_cdev = true, .stays = true};
	char folder[256];

	snprintf(folder, sizeof(folder), "bus/pci/devices/%s/vfio-dev/vfio%u", address, number);
	cdev.fd = fake_tree_open_as(folder, node);
	snprintf(cdev.name, sizeof(cdev.name), "%s", address);
	add_node(&cdev);
	return cdev.fd;
}

/* That is bound as well. */
static inline int open_bound_as_other(const char *address, unsigned int number, const char *node,
				      bool foreign)
{
	int fd = open_cdev_as_other(address, number, node);
	struct fake_node *cdev = find_node(fd);

	cdev->bound = true;
	cdev->foreign = foreign;
	return fd;
}

/* The node of group @number as somebody else has opened it, with @node's number. */
static inline int open_group_as_other(unsigned int number, const char *node)
{
	struct fake_node group = {.group = number};
	char folder[64];

	snprintf(folder, sizeof(folder), "devices/virtual/vfio/%u", number);
	fake_tree_folder(folder);
	group.fd = opened(fake_tree_open_as(folder, node));
	snprintf(group.name, sizeof(group.name), "IOMMU group %u", number);
	add_node(&group);
	return group.fd;
}

static inline int open_container_as_other(void)
{
	open_container(open("/dev/null", O_RDWR | O_CLOEXEC));
	return kernel.container;
}

static inline int open_iommufd_as_other(const char *node)
{
	fake_tree_folder("devices/virtual/misc/iommu");
	kernel.iommufd = fake_tree_open_as("devices/virtual/misc/iommu", node);
	return kernel.iommufd;
}

/* A page size, how many maps there may be, two ranges; or ranges whose count is a lie. */
static inline int iommu_info(struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1},
		.nr_iovas = kernel.lies_about_ranges ? UINT32_MAX : 2,
	};
	const struct vfio_iommu_type1_info_dma_avail avail = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
			   .version = 1,
			   .next = sizeof(*info) + sizeof(avail)},
		.avail = 1000,
	};
	const struct vfio_iova_range ranges[] = {{0, 0xfedfffff}, {0xfef00000, UINT64_MAX}};
	uint32_t room = info->argsz;
	char *end = (char *)(info + 1);

	info->argsz = (uint32_t)(sizeof(*info) + sizeof(avail) + sizeof(cap) + sizeof(ranges));
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = 4096;
	info->cap_offset = 0;
	if (room < info->argsz)
		return 0;
	info->cap_offset = sizeof(*info);
	memcpy(end, &avail, sizeof(avail));
	end += sizeof(avail);
	memcpy(end, &cap, sizeof(cap));
	memcpy(end + sizeof(cap), ranges, sizeof(ranges));
	return 0;
}

static inline int open_device(const struct fake_node *group, const char *name)
{
	struct fake_vfio *device = find_device(name);
	int fd = opened(fcntl(device->memory, F_DUPFD_CLOEXEC, 0));

	happened("device");
	add_node(&(struct fake_node){.fd = fd, .group = group->group, .device = device});
	return fd;
}

static inline int container_map(const struct vfio_iommu_type1_dma_map *map)
{
	const struct vfio_mapping mapping = {
		.iova = map->iova,
		.size = map->size,
		.host = (void *)(uintptr_t)map->vaddr,
		.fd = -1,
		.flags = (map->flags & VFIO_DMA_MAP_FLAG_READ ? VFIO_MAP_READ : 0) |
			 (map->flags & VFIO_DMA_MAP_FLAG_WRITE ? VFIO_MAP_WRITE : 0),
	};

	must(map->argsz == sizeof(*map));
	return kernel.space.space.ops->map(&kernel.space.space, &mapping);
}

static inline int container_unmap(struct vfio_iommu_type1_dma_unmap *unmap)
{
	uint64_t unmapped = unmap->size;
	int rc = kernel.space.space.ops->unmap(&kernel.space.space, unmap->iova, unmap->size,
					       &unmapped);

	unmap->size = unmapped;
	return rc;
}

static inline int on_container(unsigned long request, void *argument)
{
	struct vfio_iommu_type1_info *info = request == VFIO_IOMMU_GET_INFO ? argument : NULL;
	int result;

	if (request != VFIO_IOMMU_MAP_DMA && request != VFIO_IOMMU_UNMAP_DMA &&
	    fault_answers("container ioctl",
			  request == VFIO_SET_IOMMU ? "the IOMMU type" : "VFIO container",
			  info ? &info->flags : NULL, info ? info->argsz - sizeof(info->argsz) : 0,
			  &result))
		return result;
	switch (request) {
	case VFIO_GET_API_VERSION:
		return kernel.version;
	case VFIO_CHECK_EXTENSION:
		return kernel.has_type1 && (uintptr_t)argument == VFIO_TYPE1v2_IOMMU;
	case VFIO_SET_IOMMU:
		happened("set-iommu");
		return 0;
	case VFIO_IOMMU_GET_INFO:
		return kernel.joined ? iommu_info(argument) : -EINVAL;
	case VFIO_IOMMU_MAP_DMA:
		return container_map(argument);
	case VFIO_IOMMU_UNMAP_DMA:
		happened("unmap");
		return container_unmap(argument);
	default:
		return -ENOTTY;
	}
}

static inline int on_group(struct fake_node *node, unsigned long request, void *argument)
{
	struct vfio_group_status *status = argument;
	int result;

	if (fault_answers("group ioctl", node->name, NULL, 0, &result))
		return result;
	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		status->flags = kernel.group_flags;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		happened("join");
		if (*(int *)argument != kernel.container)
			return -EINVAL;
		kernel.joined++;
		return 0;
	case VFIO_GROUP_UNSET_CONTAINER:
		happened("leave");
		/* The last takes the IOMMU and all mappings with it. */
		if (--kernel.joined == 0)
			fake_vfio_space_clear(&kernel.space);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return open_device(node, argument);
	default:
		return -ENOTTY;
	}
}

/* A dma-buf, which any descriptor serves as. */
static inline int device_feature(const struct iommufd_feature_dma_buf *ask)
{
	must(ask->flags == (VFIO_DEVICE_FEATURE_GET | IOMMUFD_FEATURE_DMA_BUF));
	must(ask->argsz == sizeof(*ask) && ask->ranges == 1 && !ask->reserved);
	kernel.dma_buf = *ask;
	return kernel.has_dma_buf ? opened(open("/dev/null", O_RDWR | O_CLOEXEC)) : -ENOTTY;
}

static inline int answer_device(struct fake_vfio *device, unsigned long request, void *argument)
{
	struct vfio_backend *backend = &device->backend;

	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return backend->ops->info(backend, argument);
	case VFIO_DEVICE_GET_REGION_INFO:
		return backend->ops->region_info(backend, argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return backend->ops->irq_info(backend, argument);
	case VFIO_DEVICE_SET_IRQS:
		return backend->ops->set_irqs(backend, argument);
	case VFIO_DEVICE_RESET:
		return backend->ops->reset(backend);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return backend->ops->hot_reset_info(backend, argument);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return backend->ops->hot_reset(backend, argument);
	case VFIO_DEVICE_FEATURE:
		return device_feature(argument);
	default:
		return -ENOTTY;
	}
}

static inline int on_device(struct fake_vfio *device, unsigned long request, void *argument)
{
	int result;

	pthread_mutex_lock(&device_lock);
	result = answer_device(device, request, argument);
	pthread_mutex_unlock(&device_lock);
	return result;
}

/* The device raises @vector of @index, if anybody listens. Any thread. */
static inline void kernel_fire(struct fake_vfio *device, uint32_t index, unsigned int vector)
{
	pthread_mutex_lock(&device_lock);
	if (device->triggers[index][vector] >= 0)
		fd_signal(device->triggers[index][vector]);
	pthread_mutex_unlock(&device_lock);
}

/* The device is another from now on: dead, or one whose resets fail. Likewise. */
static inline void kernel_change(struct fake_vfio *device, unsigned int how)
{
	pthread_mutex_lock(&device_lock);
	switch (how) {
	case 0:
		fake_vfio_kill(device);
		break;
	case 1:
		device->dies_in_reset = true;
		break;
	case 2:
		device->refusals = 3;
		break;
	case 3:
		device->hot_refusals = 3;
		break;
	default:
		device->dies_in_reset = false;
	}
	pthread_mutex_unlock(&device_lock);
}

int vfio_sys_ioctl(int fd, unsigned long request, void *argument)
{
	struct fake_node *node = find_node(fd);
	int result;

	stand(request);
	if (request == kernel.fails_request)
		return kernel.fails_code;
	if (fd == kernel.container)
		return on_container(request, argument);
	if (fd == kernel.iommufd)
		return on_iommufd(request, argument);
	if (!node)
		return -EBADF;
	if (node->is_cdev && on_cdev(node, request, argument, &result))
		return result;
	return node->device ? on_device(node->device, request, argument)
			    : on_group(node, request, argument);
}

/* Whether this access is struck: then it fails, is cut or reads nonsense. */
static inline bool access_outcome(int fd, const char *call, void *data, size_t size,
				  ssize_t *outcome)
{
	const struct fake_node *node = find_node(fd);

	*outcome = -EBADF;
	if (!node || !node->device)
		return true;
	*outcome = (ssize_t)size;
	if (!fault_strikes(call, node->device->name))
		return false;
	switch (fault_plan.fault) {
	case FAULT_ERROR:
		*outcome = fault_plan.error;
		return true;
	case FAULT_SHORT:
		*outcome = (ssize_t)size / 2;
		return true;
	case FAULT_NONSENSE:
		break;
	}
	if (data)
		memset(data, fault_plan.filling, size);
	return true;
}

ssize_t vfio_sys_read(int fd, void *data, size_t size, uint64_t offset)
{
	bool bar = offset >> FAKE_REGION_SHIFT < VFIO_PCI_ROM_REGION_INDEX;
	ssize_t outcome;

	return access_outcome(fd, bar ? "BAR read" : "read", data, size, &outcome)
		       ? outcome
		       : pread(fd, data, size, (off_t)offset);
}

ssize_t vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset)
{
	ssize_t outcome;

	access_outcome(fd, "write", NULL, size, &outcome);
	return outcome == (ssize_t)size ? pwrite(fd, data, size, (off_t)offset) : outcome;
}

/* KVM's device for VFIO: the descriptor, or what creating it is refused with. */
static inline int kernel_create_kvm_device(void)
{
	int result;

	if (fault_answers("KVM device", "KVM", NULL, 0, &result))
		return result;
	if (kernel.kvm_create_fails)
		return kernel.kvm_create_fails;
	happened("kvm");
	return opened(open("/dev/null", O_RDWR | O_CLOEXEC));
}

/* That device learns of what is open as @fd, or forgets it. */
static inline int kernel_tell_kvm(int fd, bool adds)
{
	struct fake_node *node = find_node(fd);
	int result;

	must(node);
	if (fault_answers("KVM attribute", node->name, NULL, 0, &result))
		return result;
	if (adds && kernel.kvm_add_fails)
		return kernel.kvm_add_fails;
	if (node->known_to_kvm == adds)
		return adds ? -EEXIST : -ENOENT;
	node->known_to_kvm = adds;
	happened(adds ? "kvm-add" : "kvm-del");
	return 0;
}

#endif
