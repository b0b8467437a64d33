/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls that reach /dev/kvm; tests link a fake of these in their place. */

#include "vmm/kvm/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

int kvm_sys_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kvm_sys_ioctl(int fd, unsigned long request, void *argument)
{
	int rc;

	do
		rc = ioctl(fd, request, argument);
	while (rc < 0 && errno == EINTR && request != KVM_RUN);
	return rc < 0 ? -errno : rc;
}

int kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	int rc;

	do
		rc = ioctl(fd, request, argument);
	while (rc < 0 && errno == EINTR && request != KVM_RUN);
	return rc < 0 ? -errno : rc;
}
