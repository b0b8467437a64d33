/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel with VFIO and KVM made of nothing, for the one test program that includes this. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_KERNEL_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_KERNEL_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_vfio_fake.h"
#include "tests/unit/support_vfio_kvm.h"
#include "vfio/sys.h"
#include "vmm/base/bits.h"

enum { NODES_MAX = 8, EVENTS_SIZE = 4096 };

/* A group or device that is open, by its descriptor. */
struct node {
	int fd;
	unsigned int group;
	struct vfio_fake *device; /* NULL: the group itself */
};

static struct {
	int container;
	struct node nodes[NODES_MAX];
	unsigned int nodes_used;
	struct vfio_fake devices[3];
	unsigned int devices_used;
	struct vfio_fake_space space;
	int version;
	bool has_type1;
	uint32_t group_flags;
	unsigned long fails_request;
	int fails_code;
	int open_fails; /* of group nodes */
	int kvm_create_fails, kvm_add_fails;
	bool lies_about_ranges;
	char events[EVENTS_SIZE]; /* what happened, in order */
} kernel;

static inline void happened(const char *what)
{
	size_t used = strlen(kernel.events);

	snprintf(kernel.events + used, sizeof(kernel.events) - used, "%s ", what);
}

int vfio_sys_open(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	int fd;

	if (strcmp(name, "vfio") != 0 && kernel.open_fails)
		return kernel.open_fails;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (strcmp(name, "vfio") == 0)
		kernel.container = fd;
	else
		kernel.nodes[kernel.nodes_used++] =
			(struct node){.fd = fd, .group = (unsigned int)atoi(name)};
	return fd;
}

static inline struct node *find_node(int fd)
{
	for (unsigned int i = kernel.nodes_used; i-- > 0;)
		if (kernel.nodes[i].fd == fd)
			return &kernel.nodes[i];
	return NULL;
}

/* A page size, one capability with two ranges; or one whose count is a lie. */
static inline int iommu_info(struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1},
		.nr_iovas = kernel.lies_about_ranges ? UINT32_MAX : 2,
	};
	const struct vfio_iova_range ranges[] = {{0, 0xfedfffff}, {0xfef00000, UINT64_MAX}};
	uint32_t room = info->argsz;
	char *end = (char *)(info + 1);

	info->argsz = (uint32_t)(sizeof(*info) + sizeof(cap) + sizeof(ranges));
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = 4096;
	info->cap_offset = 0;
	if (room < info->argsz)
		return 0;
	info->cap_offset = sizeof(*info);
	memcpy(end, &cap, sizeof(cap));
	memcpy(end + sizeof(cap), ranges, sizeof(ranges));
	return 0;
}

static inline int open_device(const struct node *group)
{
	struct vfio_fake *device = &kernel.devices[kernel.devices_used];
	int fd = fcntl(device->memory, F_DUPFD_CLOEXEC, 0);

	happened("device");
	kernel.devices_used++;
	kernel.nodes[kernel.nodes_used++] =
		(struct node){.fd = fd, .group = group->group, .device = device};
	return fd;
}

static inline int on_container(unsigned long request, void *argument)
{
	struct vfio_space *space = &kernel.space.space;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return kernel.version;
	case VFIO_CHECK_EXTENSION:
		return kernel.has_type1 && (uintptr_t)argument == VFIO_TYPE1v2_IOMMU;
	case VFIO_SET_IOMMU:
		happened("set-iommu");
		return 0;
	case VFIO_IOMMU_GET_INFO:
		return iommu_info(argument);
	case VFIO_IOMMU_MAP_DMA:
		return space->ops->map(space, argument);
	case VFIO_IOMMU_UNMAP_DMA:
		happened("unmap");
		return space->ops->unmap(space, argument);
	default:
		return -ENOTTY;
	}
}

static inline int on_group(struct node *node, unsigned long request, void *argument)
{
	struct vfio_group_status *status = argument;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		status->flags = kernel.group_flags;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		happened("join");
		return *(int *)argument == kernel.container ? 0 : -EINVAL;
	case VFIO_GROUP_UNSET_CONTAINER:
		happened("leave");
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return open_device(node);
	default:
		return -ENOTTY;
	}
}

static inline int on_device(struct vfio_fake *device, unsigned long request, void *argument)
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
	default:
		return -ENOTTY;
	}
}

int vfio_sys_ioctl(int fd, unsigned long request, void *argument)
{
	struct node *node = find_node(fd);

	if (request == kernel.fails_request)
		return kernel.fails_code;
	if (fd == kernel.container)
		return on_container(request, argument);
	if (!node)
		return -EBADF;
	return node->device ? on_device(node->device, request, argument)
			    : on_group(node, request, argument);
}

int kvm_vm_create_device(struct kvm_vm *vm, uint32_t type, const char *name, struct err *err)
{
	(void)vm;
	ck_assert_uint_eq(type, KVM_DEV_TYPE_VFIO);
	if (kernel.kvm_create_fails)
		return err_set(err, kernel.kvm_create_fails, "KVM: %s", name);
	happened("kvm");
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int kvm_device_set_attribute(int fd, uint32_t group, uint64_t attribute, const void *value)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(group, KVM_DEV_VFIO_GROUP);
	ck_assert_ptr_nonnull(find_node(*(const int *)value));
	if (attribute == KVM_DEV_VFIO_GROUP_ADD && kernel.kvm_add_fails)
		return kernel.kvm_add_fails;
	happened(attribute == KVM_DEV_VFIO_GROUP_ADD ? "kvm-add" : "kvm-del");
	return 0;
}

#endif
