/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding a device's own node, and the device of an open one: sysfs has the node in the folder
 * vfio-dev of the device.
 */

#include "vfio/host/cdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* From 6.1 on each device of VFIO's has a name there; a number only where there is a node too. */
static bool cdev_has_node(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s/dev", folder, name) < sizeof(path) &&
	       access(path, F_OK) == 0;
}

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
		if (strncmp(entry->d_name, "vfio", 4) != 0 || !cdev_has_node(folder, entry->d_name))
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

/* Where sysfs has what is open as @fd, by the node's number: its name is anybody's to choose. */
static int cdev_place(const char *sysfs, int fd, char place[PATH_MAX])
{
	char path[PATH_MAX];
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode))
		return -ENODEV;
	snprintf(path, sizeof(path), "%s/dev/char/%u:%u", sysfs, major(status.st_rdev),
		 minor(status.st_rdev));
	if (realpath(path, place))
		return 0;
	return errno == ENOENT ? -ENODEV : -errno;
}

/* Takes the last component off; "" when there is none. */
static const char *cdev_cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return "";
	*slash = '\0';
	return slash + 1;
}

int vfio_cdev_owner(const char *sysfs, int fd, char folder[PATH_MAX])
{
	int rc = cdev_place(sysfs, fd, folder);

	if (rc)
		return rc;
	cdev_cut(folder);
	return strcmp(cdev_cut(folder), "vfio-dev") == 0 ? 0 : -ENODEV;
}

int vfio_cdev_group(const char *sysfs, int fd, unsigned int *group)
{
	char place[PATH_MAX], *end;
	const char *name;
	int rc = cdev_place(sysfs, fd, place);

	if (rc)
		return rc;
	name = cdev_cut(place);
	*group = (unsigned int)strtoul(name, &end, 10);
	return end != name && !*end && strcmp(cdev_cut(place), "vfio") == 0 ? 0 : -ENODEV;
}

int vfio_cdev_check_iommufd(const char *sysfs, int fd)
{
	char place[PATH_MAX];
	int rc = cdev_place(sysfs, fd, place);

	if (rc)
		return rc;
	if (strcmp(cdev_cut(place), "iommu") != 0)
		return -ENODEV;
	return strcmp(cdev_cut(place), "misc") == 0 ? 0 : -ENODEV;
}
