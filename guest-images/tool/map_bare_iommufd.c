/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps memory for a device's DMA by nothing but iommufd's calls, from several threads at once, and
 * waits to be killed.
 */

#include <err.h>
#include <fcntl.h>
#include <glob.h>
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

/* Of linux/iommufd.h and, from 6.6 on, linux/vfio.h. */
#define IOAS_ALLOC _IO(';', 0x81)
#define IOAS_MAP   _IO(';', 0x85)
#define BIND       _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH     _IO(VFIO_TYPE, VFIO_BASE + 19)

enum { THREADS_MAX = 16, READ_WRITE_AT_IOVA = 7 };

struct map {
	uint32_t size, flags, ioas, reserved;
	uint64_t address, length, iova;
};

/* So much in one call. */
static const uint64_t part = 256 << 20;

static int iommufd;
static uint32_t ioas;
static char *memory;
static uint64_t size;
static _Atomic uint64_t next;

static void open_device(const char *device)
{
	uint32_t alloc[3] = {sizeof(alloc)};
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t id;
	} bind = {.argsz = sizeof(bind)};
	uint32_t attach[3] = {sizeof(attach)};
	char path[512];
	glob_t found;
	int fd;

	snprintf(path, sizeof(path), "%s/vfio-dev/vfio*", device);
	if (glob(path, 0, NULL, &found) != 0)
		errx(1, "map-bare-iommufd: %s: its character device", device);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", basename(found.gl_pathv[0]));
	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (iommufd < 0 || fd < 0)
		err(1, "map-bare-iommufd: %s", path);
	bind.iommufd = iommufd;
	if (ioctl(iommufd, IOAS_ALLOC, alloc) != 0 || ioctl(fd, BIND, &bind) != 0)
		err(1, "map-bare-iommufd: %s is not bound", path);
	attach[2] = ioas = alloc[2];
	if (ioctl(fd, ATTACH, attach) != 0)
		err(1, "map-bare-iommufd: %s is not attached", path);
}

/* Beginning at 4 GiB there is no range that a host keeps for itself. */
static void *map_parts(void *argument)
{
	struct map map = {.size = sizeof(map), .flags = READ_WRITE_AT_IOVA, .ioas = ioas};

	(void)argument;
	for (;;) {
		uint64_t at = atomic_fetch_add(&next, part);

		if (at >= size)
			return NULL;
		map.address = (uintptr_t)memory + at;
		map.iova = (UINT64_C(4) << 30) + at;
		map.length = size - at < part ? size - at : part;
		if (ioctl(iommufd, IOAS_MAP, &map) != 0)
			err(1, "map-bare-iommufd: at %llu MiB", (unsigned long long)(at >> 20));
	}
}

int map_bare_iommufd_main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	unsigned int count;

	if (argc != 4)
		errx(2, "map-bare-iommufd: SYSFS-DEVICE MIB THREADS");
	size = strtoull(argv[2], NULL, 0) << 20;
	count = (unsigned int)atoi(argv[3]);
	if (count < 1 || count > THREADS_MAX)
		errx(2, "map-bare-iommufd: 1 to %d threads", THREADS_MAX);
	open_device(argv[1]);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "map-bare-iommufd: %s MiB", argv[2]);
	for (unsigned int i = 1; i < count; i++)
		if (pthread_create(&threads[i], NULL, map_parts, NULL))
			errx(1, "map-bare-iommufd: no thread");
	map_parts(NULL);
	for (unsigned int i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	for (;;)
		pause();
}
