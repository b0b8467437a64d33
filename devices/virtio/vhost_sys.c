/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening vhost's nodes and taps, and asking them: where these devices meet the kernel. */

#include "devices/virtio/vhost_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>

int vhost_sys_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vhost_sys_ioctl(int fd, unsigned long request, void *argument)
{
	int rc;

	do {
		rc = ioctl(fd, request, argument);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

int vhost_sys_find_interface(const char *name)
{
	return if_nametoindex(name) ? 0 : -errno;
}
