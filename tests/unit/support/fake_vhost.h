/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's vhost and its taps, made of nothing, for the one test program that includes this:
 * takes the place of devices/virtio/vhost_sys.c. It refuses what the kernel refuses; every call may
 * be struck by the test's fault_plan.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VHOST_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VHOST_H

#include <check.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "devices/virtio/vhost_sys.h"
#include "memory/ram.h"
#include "tests/unit/support/fault.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum { FAKE_VHOST_MAX = 32, FAKE_VHOST_RINGS = 2 };

enum fake_vhost_kind { FAKE_VHOST_NET, FAKE_VHOST_VSOCK, FAKE_VHOST_TAP };

struct fake_ring {
	uint32_t size, next;
	struct vhost_vring_addr place;
	int kick, call, err, backend; /* backend: negative: it stands */
};

struct fake_vhost_file {
	enum fake_vhost_kind kind;
	int fd;
	ino_t inode; /* of a file of its own: whether `fd` is still this one */
	bool owned;
	uint64_t features, cid;
	uint32_t regions;
	bool running; /* vsock */
	struct fake_ring rings[FAKE_VHOST_RINGS];
	/* A tap's. */
	short flags;
	char name[IFNAMSIZ];
	unsigned int offloads, header;
	bool detached;
};

static struct {
	uint64_t features;     /* that the kernel has */
	unsigned int offloads; /* that a tap has */
	const char *absent;    /* a node that is not there */
	int tap_error;         /* of TUNSETIFF */
	uint64_t taken;        /* the CID of another guest */
	struct fake_vhost_file files[FAKE_VHOST_MAX];
	unsigned int count;
} fake_vhost;

static inline void fake_vhost_begin(void)
{
	memset(&fake_vhost, 0, sizeof(fake_vhost));
	fake_vhost.features = UINT64_C(1) << VIRTIO_F_VERSION_1 |
			      UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX |
			      UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC |
			      UINT64_C(1) << VIRTIO_NET_F_MRG_RXBUF | 1 << 1;
	fake_vhost.offloads = 0x7f;
}

/* The numbers of closed ones are used again: the last of a number counts. */
static inline struct fake_vhost_file *fake_vhost_find(int fd)
{
	for (unsigned int i = fake_vhost.count; i-- > 0;)
		if (fake_vhost.files[i].fd == fd)
			return &fake_vhost.files[i];
	ck_abort_msg("descriptor %d is no file of the fake", fd);
}

/* The @index-th of its kind that was opened. */
static inline struct fake_vhost_file *fake_vhost_file(enum fake_vhost_kind kind, unsigned int index)
{
	for (unsigned int i = 0; i < fake_vhost.count; i++)
		if (fake_vhost.files[i].kind == kind && index-- == 0)
			return &fake_vhost.files[i];
	ck_abort_msg("it was not opened");
}

static inline bool fake_vhost_is_open(const struct fake_vhost_file *file)
{
	struct stat status;

	return fstat(file->fd, &status) == 0 && status.st_ino == file->inode;
}

static inline bool fake_ring_runs(const struct fake_vhost_file *file, unsigned int index)
{
	if (!fake_vhost_is_open(file))
		return false;
	return file->kind == FAKE_VHOST_NET ? file->rings[index].backend >= 0 : file->running;
}

static inline int fake_vhost_add(enum fake_vhost_kind kind)
{
	struct fake_vhost_file *file = &fake_vhost.files[fake_vhost.count++];
	struct stat status;

	ck_assert_uint_le(fake_vhost.count, FAKE_VHOST_MAX);
	*file = (struct fake_vhost_file){
		.kind = kind,
		.fd = memfd_create("fake-vhost", MFD_CLOEXEC),
	};
	ck_assert_int_eq(fstat(file->fd, &status), 0);
	file->inode = status.st_ino;
	for (unsigned int i = 0; i < FAKE_VHOST_RINGS; i++)
		file->rings[i].kick = file->rings[i].call = file->rings[i].err =
			file->rings[i].backend = -1;
	return file->fd;
}

int vhost_sys_open(const char *path)
{
	int result;

	if (fault_answers("open", path, NULL, 0, &result))
		return result;
	if (fake_vhost.absent && strcmp(path, fake_vhost.absent) == 0)
		return -ENOENT;
	return fake_vhost_add(strcmp(path, "/dev/vhost-net") == 0     ? FAKE_VHOST_NET
			      : strcmp(path, "/dev/vhost-vsock") == 0 ? FAKE_VHOST_VSOCK
								      : FAKE_VHOST_TAP);
}

int vhost_sys_find_interface(const char *name)
{
	int result;

	if (fault_answers("if_nametoindex", name, NULL, 0, &result))
		return result;
	return strncmp(name, "tap", 3) == 0 ? 0 : -ENODEV;
}

static inline int fake_tap_ioctl(struct fake_vhost_file *file, unsigned long request,
				 void *argument)
{
	unsigned int offloads = (unsigned int)(uintptr_t)argument;
	struct ifreq *interface = argument;

	switch (request) {
	case TUNSETIFF:
		file->flags = interface->ifr_flags;
		memcpy(file->name, interface->ifr_name, sizeof(file->name));
		return fake_vhost.tap_error;
	case TUNGETIFF:
		interface->ifr_flags = file->flags;
		memcpy(interface->ifr_name, file->name, sizeof(file->name));
		return file->flags ? 0 : -EBADFD;
	case TUNSETVNETHDRSZ:
		file->header = *(unsigned int *)argument;
		return 0;
	case TUNSETOFFLOAD:
		if (offloads & ~fake_vhost.offloads)
			return -EINVAL;
		file->offloads = offloads;
		return 0;
	case TUNSETQUEUE:
		ck_assert(file->flags & IFF_MULTI_QUEUE);
		if (file->detached == !!(interface->ifr_flags & IFF_DETACH_QUEUE))
			return -EINVAL;
		file->detached = !file->detached;
		return 0;
	default:
		ck_abort_msg("a tap is asked for 0x%lx", request);
	}
}

/* A ring that is to run has all that it needs, in the owner's memory. */
static inline int fake_ring_check(const struct fake_vhost_file *file, unsigned int index)
{
	const struct fake_ring *ring = &file->rings[index];

	ck_assert(file->owned && file->regions);
	return ring->size && ring->place.desc_user_addr && ring->kick >= 0 ? 0 : -EFAULT;
}

static inline int fake_ring_ioctl(struct fake_vhost_file *file, unsigned long request,
				  void *argument)
{
	struct vhost_vring_state *state = argument;
	const struct vhost_vring_file *of = argument;
	struct fake_ring *ring;

	ck_assert_uint_lt(state->index, FAKE_VHOST_RINGS);
	ring = &file->rings[state->index];
	switch (request) {
	case VHOST_SET_VRING_NUM:
		ring->size = state->num;
		return fake_ring_runs(file, state->index) ? -EBUSY : 0;
	case VHOST_SET_VRING_BASE:
		ring->next = state->num;
		return fake_ring_runs(file, state->index) ? -EBUSY : 0;
	case VHOST_GET_VRING_BASE:
		state->num = ring->next;
		return 0;
	case VHOST_SET_VRING_ADDR:
		ring->place = *(struct vhost_vring_addr *)argument;
		return 0;
	case VHOST_SET_VRING_KICK:
		ring->kick = of->fd;
		return 0;
	case VHOST_SET_VRING_CALL:
		ring->call = of->fd;
		return 0;
	case VHOST_SET_VRING_ERR:
		ring->err = of->fd;
		return 0;
	case VHOST_NET_SET_BACKEND:
		ring->backend = of->fd;
		return of->fd < 0 ? 0 : fake_ring_check(file, state->index);
	default:
		ck_abort_msg("vhost is asked for 0x%lx", request);
	}
}

static inline int fake_vsock_run(struct fake_vhost_file *file, bool on)
{
	for (unsigned int i = 0; i < FAKE_VHOST_RINGS && on; i++)
		if (fake_ring_check(file, i))
			return -EFAULT;
	file->running = on;
	return 0;
}

static inline int fake_vhost_ioctl(struct fake_vhost_file *file, unsigned long request,
				   void *argument)
{
	switch (request) {
	case VHOST_SET_OWNER:
		file->owned = true;
		return 0;
	case VHOST_GET_FEATURES:
		*(uint64_t *)argument = fake_vhost.features;
		return 0;
	case VHOST_SET_FEATURES:
		file->features = *(uint64_t *)argument;
		return file->features & ~fake_vhost.features ? -EOPNOTSUPP : 0;
	case VHOST_SET_MEM_TABLE:
		ck_assert(file->owned);
		file->regions = ((struct vhost_memory *)argument)->nregions;
		return 0;
	case VHOST_VSOCK_SET_GUEST_CID:
		file->cid = *(uint64_t *)argument;
		return file->cid == fake_vhost.taken ? -EADDRINUSE : 0;
	case VHOST_VSOCK_SET_RUNNING:
		return fake_vsock_run(file, *(int *)argument);
	default:
		return fake_ring_ioctl(file, request, argument);
	}
}

int vhost_sys_ioctl(int fd, unsigned long request, void *argument)
{
	struct fake_vhost_file *file = fake_vhost_find(fd);
	int result;

	if (fault_answers("ioctl", NULL, NULL, 0, &result))
		return result;
	return file->kind == FAKE_VHOST_TAP ? fake_tap_ioctl(file, request, argument)
					    : fake_vhost_ioctl(file, request, argument);
}

/* The kernel takes the next chain of a ring that runs, gives it back, and interrupts. */
static inline void fake_vhost_serve(struct fake_vhost_file *file, unsigned int index)
{
	struct fake_ring *ring = &file->rings[index];
	const uint16_t *avail = (const void *)(uintptr_t)ring->place.avail_user_addr;
	uint16_t *used = (void *)(uintptr_t)ring->place.used_user_addr;
	uint8_t *entry = (uint8_t *)used + 4 + 8 * (ring->next % ring->size);

	ck_assert(fake_ring_runs(file, index));
	ck_assert_uint_ne(avail[1], (uint16_t)ring->next);
	store_le32(entry, avail[2 + ring->next % ring->size]);
	store_le32(entry + 4, 0);
	ring->next = (uint16_t)(ring->next + 1);
	used[1]++;
	if (ring->call >= 0)
		fd_signal(ring->call);
}

#endif
