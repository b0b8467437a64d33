/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device by nothing but iommufd's calls: bound, attached, memory mapped for it; and handed over
 * so to another program.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/* Of linux/iommufd.h and, from 6.6 on, linux/vfio.h. */
#define IOAS_ALLOC       _IO(';', 0x81)
#define IOAS_IOVA_RANGES _IO(';', 0x84)
#define IOAS_MAP         _IO(';', 0x85)
#define BIND             _IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH           _IO(VFIO_TYPE, VFIO_BASE + 19)

enum { READ_WRITE_AT_IOVA = 7, DEVICE_FD = 8, IOMMUFD_FD = 9, SPACES_LOOKED_AT = 16 };

struct map {
	uint32_t size, flags, ioas, reserved;
	uint64_t address, length, iova;
};

struct ranges {
	uint32_t size, ioas, count, reserved;
	uint64_t ranges, alignment;
};

static int attach(const struct bare_iommufd *bare)
{
	uint32_t attach[3] = {sizeof(attach), 0, bare->ioas};

	return ioctl(bare->device, ATTACH, attach);
}

void bare_iommufd_open(struct bare_iommufd *bare, const char *device)
{
	uint32_t alloc[3] = {sizeof(alloc)};
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t id;
	} bind = {.argsz = sizeof(bind)};
	char path[512];
	glob_t found;

	snprintf(path, sizeof(path), "%s/vfio-dev/vfio*", device);
	if (glob(path, 0, NULL, &found) != 0)
		errx(1, "%s: its character device", device);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", basename(found.gl_pathv[0]));
	bare->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	bare->device = open(path, O_RDWR | O_CLOEXEC);
	if (bare->iommufd < 0 || bare->device < 0)
		err(1, "%s", path);
	bind.iommufd = bare->iommufd;
	if (ioctl(bare->iommufd, IOAS_ALLOC, alloc) != 0 || ioctl(bare->device, BIND, &bind) != 0)
		err(1, "%s is not bound", path);
	bare->ioas = alloc[2];
	if (attach(bare) != 0)
		err(1, "%s is not attached", path);
}

int bare_iommufd_map(const struct bare_iommufd *bare, void *address, uint64_t iova, uint64_t length)
{
	struct map map = {
		.size = sizeof(map),
		.flags = READ_WRITE_AT_IOVA,
		.ioas = bare->ioas,
		.address = (uintptr_t)address,
		.length = length,
		.iova = iova,
	};

	return ioctl(bare->iommufd, IOAS_MAP, &map);
}

/* How many address spaces there are beside its own. */
static unsigned int other_spaces(const struct bare_iommufd *bare)
{
	unsigned int count = 0;

	for (uint32_t ioas = 1; ioas < SPACES_LOOKED_AT; ioas++) {
		struct ranges ask = {.size = sizeof(ask), .ioas = ioas};

		if (ioas != bare->ioas &&
		    (ioctl(bare->iommufd, IOAS_IOVA_RANGES, &ask) == 0 || errno == EMSGSIZE))
			count++;
	}
	return count;
}

/* Both stay open here: what the other program leaves in them is seen afterwards. */
int hand_over_main(int argc, char **argv)
{
	struct bare_iommufd bare;
	unsigned int spaces;
	int status;
	pid_t pid;

	if (argc < 3)
		errx(2, "hand-over: SYSFS-DEVICE COMMAND...");
	bare_iommufd_open(&bare, argv[1]);
	pid = fork();
	if (pid == 0) {
		if (dup2(bare.device, DEVICE_FD) < 0 || dup2(bare.iommufd, IOMMUFD_FD) < 0)
			err(1, "hand-over");
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "hand-over");
	spaces = other_spaces(&bare);
	if (spaces)
		errx(1, "hand-over: %u address spaces are left", spaces);
	if (attach(&bare) != 0)
		err(1, "hand-over: the device is not attached again");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
