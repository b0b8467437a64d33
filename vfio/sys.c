/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening VFIO's nodes, asking them, reading and writing: where the layer meets the kernel. */

#include "vfio/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int vfio_sys_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vfio_sys_ioctl(int fd, unsigned long request, void *argument)
{
	int rc;

	do {
		rc = ioctl(fd, request, argument);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

ssize_t vfio_sys_read(int fd, void *data, size_t size, uint64_t offset)
{
	ssize_t done = pread(fd, data, size, (off_t)offset);

	return done < 0 ? -errno : done;
}

ssize_t vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset)
{
	ssize_t done = pwrite(fd, data, size, (off_t)offset);

	return done < 0 ? -errno : done;
}
