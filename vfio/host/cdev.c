/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding a device's own node, and the device of an open one: sysfs has the node in the folder
 * vfio-dev of the device.
 */

#include "vfio/host/cdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vmm/base/files.h"

/* From 6.1 on each device of VFIO's has a name there; a number only where there is a node too. */
static bool cdev_has_node(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s/dev", folder, name) < sizeof(path) &&
	       files_check(path) == 0;
}

int vfio_cdev_find(const struct vfio_sysfs_device *device, const char *dev, char *path, size_t size)
{
	char folder[PATH_MAX + 16];
	const char *name = NULL;
	char *names;
	int rc;

	snprintf(folder, sizeof(folder), "%s/vfio-dev", device->path);
	rc = files_list(folder, &names);
	if (rc)
		return rc;
	rc = -ENOENT;
	while (rc && (name = files_next(names, name))) {
		if (strncmp(name, "vfio", 4) != 0 || !cdev_has_node(folder, name))
			continue;
		rc = (size_t)snprintf(path, size, "%s/vfio/devices/%s", dev, name) < size
			     ? 0
			     : -ENAMETOOLONG;
	}
	free(names);
	return rc;
}

static int cdev_access(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
}

/* Whether the nodes of a device may be opened. */
struct cdev_question {
	const struct vfio_sysfs_device *device;
	const char *dev;
	char *path;
	size_t size;
	int rc;
};

static void cdev_look(void *owner)
{
	struct cdev_question *question = owner;
	char *path = question->path;
	int rc;

	snprintf(path, question->size, "%s/iommu", question->dev);
	rc = cdev_access(path);
	if (!rc) {
		rc = vfio_cdev_find(question->device, question->dev, path, question->size);
		if (rc)
			snprintf(path, question->size, "%s/vfio/devices", question->dev);
		else
			rc = cdev_access(path);
	}
	question->rc = rc;
}

int vfio_cdev_check(const struct vfio_sysfs_device *device, const char *dev, char *path,
		    size_t size)
{
	struct cdev_question question = {device, dev, path, size, 0};
	int rc;

	path[0] = '\0';
	rc = files_look(cdev_look, &question);
	return rc ? rc : question.rc;
}

/* Where sysfs has what is open as @fd, by the node's number: its name is anybody's to choose. */
static int cdev_place(const char *sysfs, int fd, char place[PATH_MAX])
{
	char path[PATH_MAX];
	struct stat status;
	int rc = files_stat(fd, &status);

	if (rc)
		return rc;
	if (!S_ISCHR(status.st_mode))
		return -ENODEV;
	snprintf(path, sizeof(path), "%s/dev/char/%u:%u", sysfs, major(status.st_rdev),
		 minor(status.st_rdev));
	rc = files_real(path, place);
	return rc == -ENOENT ? -ENODEV : rc;
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
