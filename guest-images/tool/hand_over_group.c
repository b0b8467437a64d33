/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets a device's group and a container up, with memory mapped where a guest's will be, and runs a
 * command that has both open.
 */

#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { GROUP_FD = 8, CONTAINER_FD = 9, MAPPED = 2 << 20 };

static int open_group(const char *device)
{
	char path[PATH_MAX], link[PATH_MAX] = "", node[NAME_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		err(1, "%s", path);
	snprintf(node, sizeof(node), "/dev/vfio/%s", basename(link));
	fd = open(node, O_RDWR);
	if (fd < 0)
		err(1, "%s", node);
	return fd;
}

/* RAM begins at one of these on every architecture. */
static void map_some(int container)
{
	const uint64_t places[] = {0x100000, 0x40000000};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.size = MAPPED,
	};
	void *memory =
		mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "hand-over-group: memory");
	map.vaddr = (uintptr_t)memory;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		map.iova = places[i];
		if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
			err(1, "hand-over-group: mapping");
	}
}

int hand_over_group_main(int argc, char **argv)
{
	int group, container = open("/dev/vfio/vfio", O_RDWR);

	if (argc < 3)
		errx(2, "hand-over-group: SYSFS-DEVICE COMMAND...");
	group = open_group(argv[1]);
	if (container < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(1, "hand-over-group: the container");
	map_some(container);
	if (dup2(group, GROUP_FD) < 0 || dup2(container, CONTAINER_FD) < 0)
		err(1, "hand-over-group");
	if (group != GROUP_FD)
		close(group);
	if (container != CONTAINER_FD)
		close(container);
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
