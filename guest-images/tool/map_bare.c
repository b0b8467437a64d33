/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps memory for a device's DMA by nothing but VFIO's or iommufd's calls, and waits to be killed.
 */

#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { THREADS_MAX = 16 };

/* So much in one call. */
static const uint64_t part = 256 << 20;

static char *memory;
static uint64_t size;
static _Atomic uint64_t next;
static int (*map_part)(void *address, uint64_t iova, uint64_t length);

/* Beginning at 4 GiB there is no range that a host keeps for itself. */
static void *map_parts(void *argument)
{
	for (;;) {
		uint64_t at = atomic_fetch_add(&next, part);

		if (at >= size)
			return argument;
		if (map_part(memory + at, (UINT64_C(4) << 30) + at,
			     size - at < part ? size - at : part))
			err(1, "map-bare: at %llu MiB", (unsigned long long)(at >> 20));
	}
}

static void map_all(const char *mib, unsigned int count)
{
	pthread_t threads[THREADS_MAX];

	size = strtoull(mib, NULL, 0) << 20;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "map-bare: %s MiB", mib);
	for (unsigned int i = 1; i < count; i++)
		if (pthread_create(&threads[i], NULL, map_parts, NULL))
			errx(1, "map-bare: no thread");
	map_parts(NULL);
	for (unsigned int i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	for (;;)
		pause();
}

static int container;

/* A container with the device's group in it. */
static void open_container(const char *device)
{
	int group;
	char path[512], link[512], name[600];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		err(1, "map-bare: %s: its group", device);
	link[length] = 0;
	snprintf(name, sizeof(name), "/dev/vfio/%s", basename(link));
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = open(name, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0)
		err(1, "map-bare: %s", name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) != 0 ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0)
		err(1, "map-bare: %s: its IOMMU", name);
}

static int map_in_container(void *address, uint64_t iova, uint64_t length)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)address,
		.iova = iova,
		.size = length,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

int map_bare_main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "map-bare: SYSFS-DEVICE MIB");
	open_container(argv[1]);
	map_part = map_in_container;
	map_all(argv[2], 1);
	return 1;
}

static struct bare_iommufd iommufd;

static int map_in_iommufd(void *address, uint64_t iova, uint64_t length)
{
	return bare_iommufd_map(&iommufd, address, iova, length);
}

int map_bare_iommufd_main(int argc, char **argv)
{
	unsigned int count;

	if (argc != 4)
		errx(2, "map-bare-iommufd: SYSFS-DEVICE MIB THREADS");
	count = (unsigned int)atoi(argv[3]);
	if (count < 1 || count > THREADS_MAX)
		errx(2, "map-bare-iommufd: 1 to %d threads", THREADS_MAX);
	bare_iommufd_open(&iommufd, argv[1]);
	map_part = map_in_iommufd;
	map_all(argv[2], count);
	return 1;
}
