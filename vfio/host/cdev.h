/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO's character devices: that of one device, of a group, and what is open on which. */

#ifndef FERRY_VFIO_HOST_CDEV_H
#define FERRY_VFIO_HOST_CDEV_H

#include <limits.h>
#include <stddef.h>

#include "vfio/host/sysfs.h"

/*
 * The path of @device's node below @dev (/dev), such as /dev/vfio/devices/vfio0, which need not be
 * there. -ENOENT: VFIO offers none, as before Linux 6.6 or without CONFIG_VFIO_DEVICE_CDEV; another
 * errno: that could not be looked up.
 */
int vfio_cdev_find(const struct vfio_sysfs_device *device, const char *dev, char *path,
		   size_t size) FERRY_MUST_CHECK;

/*
 * Whether this user may have @device by iommufd, with its node in @path. If not -errno, and in
 * @path what that is about: /dev/iommu, the node, or the folder where it would be.
 */
int vfio_cdev_check(const struct vfio_sysfs_device *device, const char *dev, char *path,
		    size_t size) FERRY_MUST_CHECK;

/*
 * The folder in @sysfs of the device whose character device is open as @fd, as vfio_sysfs_find()
 * takes it. -ENODEV: @fd is open on something else.
 */
int vfio_cdev_owner(const char *sysfs, int fd, char folder[PATH_MAX]) FERRY_MUST_CHECK;

/*
 * The number of the IOMMU group whose node, such as /dev/vfio/7, is open as @fd. -ENODEV: @fd is
 * open on something else.
 */
int vfio_cdev_group(const char *sysfs, int fd, unsigned int *group) FERRY_MUST_CHECK;

/* 0 when @fd is an open /dev/iommu, -ENODEV when it is open on something else. */
int vfio_cdev_check_iommufd(const char *sysfs, int fd) FERRY_MUST_CHECK;

#endif
