/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a device's own node: sysfs has its name in the folder vfio-dev of the device. */

#include "vfio/host/cdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int vfio_cdev_find(const struct vfio_sysfs_device *device, const char *dev, char *path, size_t size)
{
	char folder[PATH_MAX + 16];
	const struct dirent *entry;
	DIR *dir;
	int rc = -ENOENT;

	snprintf(folder, sizeof(folder), "%s/vfio-dev", device->path);
	dir = opendir(folder);
	if (!dir)
		return -ENOENT;
	while (rc && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0)
			continue;
		rc = (size_t)snprintf(path, size, "%s/vfio/devices/%s", dev, entry->d_name) < size
			     ? 0
			     : -ENAMETOOLONG;
	}
	closedir(dir);
	return rc;
}

static int cdev_access(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
}

int vfio_cdev_check(const struct vfio_sysfs_device *device, const char *dev, char *path,
		    size_t size)
{
	int rc;

	snprintf(path, size, "%s/iommu", dev);
	rc = cdev_access(path);
	if (rc)
		return rc;
	rc = vfio_cdev_find(device, dev, path, size);
	if (!rc)
		return cdev_access(path);
	snprintf(path, size, "%s/vfio/devices", dev);
	return rc;
}
