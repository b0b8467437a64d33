/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps memory for a device's DMA by nothing but VFIO's calls, and waits to be killed. */

#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/* So much in one call. */
static const uint64_t part = 256 << 20;

/* A container with the device's group in it. */
static int open_container(const char *device)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), group;
	char path[512], link[512], name[600];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		err(1, "map-bare: %s: its group", device);
	link[length] = 0;
	snprintf(name, sizeof(name), "/dev/vfio/%s", basename(link));
	group = open(name, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0)
		err(1, "map-bare: %s", name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) != 0 ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0)
		err(1, "map-bare: %s: its IOMMU", name);
	return container;
}

int map_bare_main(int argc, char **argv)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
	};
	uint64_t size;
	int container;
	char *memory;

	if (argc != 3)
		errx(2, "map-bare: SYSFS-DEVICE MIB");
	size = strtoull(argv[2], NULL, 0) << 20;
	container = open_container(argv[1]);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "map-bare: %s MiB", argv[2]);
	/* Beginning at 4 GiB there is no range that a host keeps for itself. */
	for (uint64_t at = 0; at < size; at += part) {
		map.vaddr = (uintptr_t)memory + at;
		map.iova = (UINT64_C(4) << 30) + at;
		map.size = size - at < part ? size - at : part;
		if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map) != 0)
			err(1, "map-bare: VFIO_IOMMU_MAP_DMA at %llu MiB",
			    (unsigned long long)(at >> 20));
	}
	for (;;)
		pause();
}
