/* SPDX-License-Identifier: BSD-3-Clause */
/* The disks of a device that the host uses: mounted, swapped to, or part of something larger. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/tools/inuse_private.h"

enum { HOLDERS_DEPTH = 16, LINE_SIZE = 8192 };

/* A block device by its kernel's name, or a host's share as TYPE:TAG, and what uses it. */
struct disk_use {
	char disk[NAME_MAX + 1];
	char what[INUSE_TEXT / 2];
};

struct disk_uses {
	struct disk_use *list;
	size_t count;
};

static const char *disk_use_of(const struct disk_uses *uses, const char *disk)
{
	for (size_t i = 0; i < uses->count; i++)
		if (strcmp(uses->list[i].disk, disk) == 0)
			return uses->list[i].what;
	return NULL;
}

static void disk_note(struct disk_uses *uses, const char *disk, const char *format,
		      const char *what)
{
	struct disk_use *list = realloc(uses->list, (uses->count + 1) * sizeof(*list));

	if (!list)
		return;
	uses->list = list;
	snprintf(list[uses->count].disk, sizeof(list->disk), "%s", disk);
	snprintf(list[uses->count].what, sizeof(list->what), format, what);
	uses->count++;
}

/* The kernel's own lists write blanks and the like as three octal digits. */
static void disk_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/*
 * The kernel's name of the block device whose node is /dev/..., following links such as
 * mapper/NAME.
 */
static bool disk_of_node(const struct tool *tool, const char *node, char *disk, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (strncmp(node, "/dev/", 5) != 0 ||
	    snprintf(path, sizeof(path), "%s/%s", tool->dev, node + 5) >= (int)sizeof(path))
		return false;
	snprintf(disk, size, "%s", strrchr(realpath(path, real) ? real : path, '/') + 1);
	return true;
}

static void disk_note_share(struct disk_uses *uses, const char *driver, const char *tag,
			    const char *mount)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s:%.200s", driver, tag);
	disk_note(uses, name, "mounted at %s", mount);
}

/* "36 35 98:0 /root /mount options - type source options" */
static void disk_note_mount(const struct tool *tool, struct disk_uses *uses, char *line)
{
	char number[32], mount[PATH_MAX], source[PATH_MAX], folder[PATH_MAX], disk[NAME_MAX + 1];
	char type[32];
	const char *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*s %*s %31s %*s %4095s", number, mount) != 2)
		return;
	disk_unescape(mount);
	snprintf(folder, sizeof(folder), "%s/dev/block", tool->sys);
	if (vfio_sysfs_link(folder, number, disk, sizeof(disk)) == 0)
		disk_note(uses, disk, "mounted at %s", mount);
	if (sscanf(rest + 3, "%31s %4095s", type, source) != 2)
		return;
	disk_unescape(source);
	if (strcmp(type, "9p") == 0)
		disk_note_share(uses, "9pnet_virtio", source, mount);
	else if (strcmp(type, "virtiofs") == 0)
		disk_note_share(uses, "virtiofs", "", mount); /* not every kernel tells its tag */
	else if (disk_of_node(tool, source, disk, sizeof(disk)))
		disk_note(uses, disk, "mounted at %s", mount);
}

static void disk_note_swap(const struct tool *tool, struct disk_uses *uses, char *line)
{
	char source[PATH_MAX], disk[NAME_MAX + 1];

	if (sscanf(line, "%4095s", source) != 1)
		return;
	disk_unescape(source);
	if (disk_of_node(tool, source, disk, sizeof(disk)))
		disk_note(uses, disk, "%s", "used for swap");
}

static bool disk_note_lines(const struct tool *tool, struct disk_uses *uses, const char *name,
			    void (*take)(const struct tool *, struct disk_uses *, char *))
{
	char path[PATH_MAX], *line = malloc(LINE_SIZE);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tool->proc, name);
	file = line ? fopen(path, "re") : NULL;
	while (file && fgets(line, LINE_SIZE, file))
		take(tool, uses, line);
	free(line);
	if (!file)
		return false;
	fclose(file);
	return true;
}

/* A file system of several disks names one of them as its source; the kernel lists all here. */
static void disk_note_btrfs(const struct tool *tool, struct disk_uses *uses)
{
	char folder[PATH_MAX], path[PATH_MAX + 300];
	struct dirent *entry, *disk;
	DIR *list, *disks;

	snprintf(folder, sizeof(folder), "%s/fs/btrfs", tool->sys);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/devices", folder, entry->d_name);
		disks = opendir(path);
		while (disks && (disk = readdir(disks)))
			if (disk->d_name[0] != '.')
				disk_note(uses, disk->d_name, "part of the btrfs %s",
					  entry->d_name);
		if (disks)
			closedir(disks);
	}
	if (list)
		closedir(list);
}

/* The use of @disk or of what is built of it, by way of its holders. */
static const char *disk_use_above(const struct tool *tool, const struct disk_uses *uses,
				  const char *disk, unsigned int depth)
{
	const char *found = disk_use_of(uses, disk);
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *list;

	if (found || depth == HOLDERS_DEPTH)
		return found;
	snprintf(folder, sizeof(folder), "%s/class/block/%s/holders", tool->sys, disk);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			found = disk_use_above(tool, uses, entry->d_name, depth + 1);
	if (list)
		closedir(list);
	return found;
}

/*
 * Whether the multipath disk at @real (.../nvme-subsys0/nvme0n1/...) has a path by way of @device.
 */
static bool disk_has_path_by(const struct vfio_host_device *device, const char *real)
{
	const char *subsystem = strstr(real, "/nvme-subsystem/"), *end;
	char folder[PATH_MAX], path[PATH_MAX + 300];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	end = subsystem ? strchr(subsystem + strlen("/nvme-subsystem/"), '/') : NULL;
	if (!end)
		return false;
	snprintf(folder, sizeof(folder), "%.*s", (int)(end - real), real);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list))) {
		if (strncmp(entry->d_name, "nvme", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		found = inuse_belongs(device, path);
	}
	if (list)
		closedir(list);
	return found;
}

bool inuse_owns_disk(const struct tool *tool, const struct vfio_host_device *device,
		     const char *disk)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/block/%s", tool->sys, disk);
	if (inuse_belongs(device, path))
		return true;
	return realpath(path, real) && disk_has_path_by(device, real);
}

/* A holder makes the disk part of it, whether or not anything uses the whole. */
static void disk_add_holders(const struct tool *tool, const struct disk_uses *uses,
			     const char *disk, size_t device, struct inuse *inuse)
{
	char folder[PATH_MAX], name[128];
	struct dirent *entry;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/block/%s/holders", tool->sys, disk);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		const char *use;
		char path[PATH_MAX + 300];

		if (entry->d_name[0] == '.')
			continue;
		use = disk_use_above(tool, uses, entry->d_name, 0);
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		vfio_host_line(path, "dm/name", name, sizeof(name));
		inuse_add(inuse, device, "%s is part of %s%s%s%s%s%s", disk, entry->d_name,
			  *name ? " (" : "", name, *name ? ")" : "", use ? ", " : "",
			  use ? use : "");
	}
	if (list)
		closedir(list);
}

/* Whoever else uses a disk as a whole (other mount namespaces, ZFS) has opened it exclusively. */
static bool disk_is_held(const struct tool *tool, const char *disk)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tool->dev, disk);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == EBUSY;
	fd_close(&fd);
	return false;
}

static void disk_find_own(const struct tool *tool, const struct disk_uses *uses,
			  const struct vfio_host_device *device, size_t index, bool exclusive,
			  struct inuse *inuse)
{
	char folder[PATH_MAX], held[NAME_MAX + 1] = "";
	size_t before = inuse->count;
	struct dirent *entry;
	const char *use;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/block", tool->sys);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.' || !inuse_owns_disk(tool, device, entry->d_name))
			continue;
		use = disk_use_of(uses, entry->d_name);
		if (use)
			inuse_add(inuse, index, "%s is %s", entry->d_name, use);
		disk_add_holders(tool, uses, entry->d_name, index, inuse);
		if (exclusive && disk_is_held(tool, entry->d_name))
			snprintf(held, sizeof(held), "%s", entry->d_name);
	}
	if (list)
		closedir(list);
	if (inuse->count == before && *held)
		inuse_add(inuse, index, "%s is held open for exclusive use", held);
}

/* A folder that the hypervisor shares with this host, which is a guest itself then. */
static void disk_find_shares(const struct disk_uses *uses, const struct vfio_host_device *device,
			     size_t index, struct inuse *inuse)
{
	char path[PATH_MAX + 300], driver[VFIO_DRIVER_SIZE], tag[128], name[NAME_MAX + 1];
	struct dirent *entry;
	const char *use;
	DIR *list = opendir(device->sysfs.path);

	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", device->sysfs.path, entry->d_name);
		if (strncmp(entry->d_name, "virtio", 6) != 0 ||
		    vfio_sysfs_link(path, "driver", driver, sizeof(driver)))
			continue;
		vfio_host_line(path, "mount_tag", tag, sizeof(tag));
		snprintf(name, sizeof(name), "%s:%s", driver, tag);
		use = disk_use_of(uses, name);
		if (use)
			inuse_add(inuse, index, "the share %s is %s", *tag ? tag : entry->d_name,
				  use);
	}
	if (list)
		closedir(list);
}

void inuse_find_disks(const struct tool *tool, const struct vfio_host_device *devices, size_t count,
		      bool exclusive, struct inuse *inuse)
{
	struct disk_uses uses = {0};

	if (!disk_note_lines(tool, &uses, "self/mountinfo", disk_note_mount))
		inuse_add(inuse, 0, "what is mounted cannot be told: %s/self/mountinfo",
			  tool->proc);
	disk_note_lines(tool, &uses, "swaps", disk_note_swap);
	disk_note_btrfs(tool, &uses);
	for (size_t i = 0; i < count; i++) {
		disk_find_own(tool, &uses, &devices[i], i, exclusive, inuse);
		disk_find_shares(&uses, &devices[i], i, inuse);
	}
	free(uses.list);
}
