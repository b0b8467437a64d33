/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a device's own node: sysfs has its name in the folder vfio-dev of the device. */

#include "vfio/host/cdev.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
