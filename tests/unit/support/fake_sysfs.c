/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes folders, files and links the way sysfs has them. */

#include "tests/unit/support/fake_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char root[64];

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	abort();
}

void fake_tree_create(void)
{
	const char *folder = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%.40s/ferry-vfio-XXXXXX", folder ? folder : "/tmp");
	must(mkdtemp(root), root);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

void fake_tree_remove(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fake_tree_path(const char *path)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *to = paths[next++ % 4];

	snprintf(to, PATH_MAX, "%s%s%s", root, *path ? "/" : "", path);
	return to;
}

void fake_tree_folder(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s", fake_tree_path(path));
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		must(mkdir(full, 0755) == 0 || errno == EEXIST, full);
		*slash = '/';
	}
	must(mkdir(full, 0755) == 0 || errno == EEXIST, full);
}

void fake_tree_write(const char *path, const char *text)
{
	FILE *file = fopen(fake_tree_path(path), "w");

	must(file, path);
	fputs(text, file);
	must(fclose(file) == 0, path);
}

void fake_tree_link(const char *path, const char *target)
{
	must(symlink(target, fake_tree_path(path)) == 0, path);
}

void fake_tree_unlink(const char *path)
{
	must(unlink(fake_tree_path(path)) == 0, path);
}

void fake_tree_add_device(const char *address, unsigned int group, const char *driver)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s", address);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "bus/pci/devices/%s/subsystem", address);
	fake_tree_link(path, "../../../../bus/pci");
	snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", address);
	snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%u", group);
	fake_tree_link(path, target);
	snprintf(path, sizeof(path), "bus/pci/devices/%s/resource", address);
	fake_tree_write(path, "0xfeb40000 0xfeb4ffff 0x40200\n"
			      "0x0 0x0 0x0\n"
			      "0xe000 0xe01f 0x40101\n"
			      "0x0 0x0 0x0\n"
			      "0x12c0000000 0x12c01fffff 0x14220c\n");
	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", address);
	snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver ? driver : "");
	if (driver)
		fake_tree_link(path, target);
	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/devices", group);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/devices/%s", group, address);
	fake_tree_link(path, "../../../../devices/somewhere");
}

void fake_tree_add_cdev(const char *address, unsigned int number)
{
	char path[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/vfio-dev/vfio%u", address, number);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "bus/pci/devices/%s/vfio-dev/vfio%u/dev", address, number);
	fake_tree_write(path, "511:0\n");
	fake_tree_folder("dev/vfio/devices");
	snprintf(path, sizeof(path), "dev/vfio/devices/vfio%u", number);
	fake_tree_write(path, address);
	fake_tree_write("dev/iommu", "");
}

int fake_tree_open_as(const char *folder, const char *node)
{
	char path[64], target[256];
	struct stat status;
	int fd = open(node, O_RDWR | O_CLOEXEC);

	must(fd >= 0 && fstat(fd, &status) == 0, node);
	snprintf(path, sizeof(path), "dev/char/%u:%u", major(status.st_rdev),
		 minor(status.st_rdev));
	snprintf(target, sizeof(target), "../../%s", folder);
	fake_tree_folder("dev/char");
	unlink(fake_tree_path(path));
	fake_tree_link(path, target);
	return fd;
}
