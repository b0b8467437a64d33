/* SPDX-License-Identifier: BSD-3-Clause */
/* The disks of a device that the host uses: mounted, swapped to, or part of something larger. */

#include "vmm/tools/inuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/text.h"
#include "vmm/tools/inuse_private.h"

enum { HOLDERS_DEPTH = 16, LINE_SIZE = 8192 };

/* A block device by its kernel's name, or a host's share as TYPE:TAG, and what uses it. */
struct claim {
	char disk[NAME_MAX + 1];
	char what[IN_USE_TEXT / 2];
};

struct claims {
	struct claim *list;
	size_t count;
};

void in_use_add(struct in_use *in_use, size_t device, const char *format, ...)
{
	va_list args;

	if (in_use->count < IN_USE_MAX) {
		in_use->reasons[in_use->count].device = device;
		va_start(args, format);
		vsnprintf(in_use->reasons[in_use->count].text, IN_USE_TEXT, format, args);
		va_end(args);
		text_make_printable(in_use->reasons[in_use->count].text);
	}
	in_use->count++;
}

bool in_use_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool in_use_belongs(const struct vfio_host_device *device, const char *path)
{
	char real[PATH_MAX], folder[PATH_MAX];

	return realpath(path, real) && realpath(device->sysfs.path, folder) &&
	       in_use_below(real, folder);
}

static const char *inuse_claim_of(const struct claims *claims, const char *disk)
{
	for (size_t i = 0; i < claims->count; i++)
		if (strcmp(claims->list[i].disk, disk) == 0)
			return claims->list[i].what;
	return NULL;
}

static void inuse_claim(struct claims *claims, const char *disk, const char *format,
			const char *what)
{
	struct claim *list = realloc(claims->list, (claims->count + 1) * sizeof(*list));

	if (!list)
		return;
	claims->list = list;
	snprintf(list[claims->count].disk, sizeof(list->disk), "%s", disk);
	snprintf(list[claims->count].what, sizeof(list->what), format, what);
	claims->count++;
}

/* The kernel's own lists write blanks and the like as three octal digits. */
static void inuse_unescape(char *text)
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
static bool inuse_disk_of_node(const struct tool *tool, const char *node, char *disk, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (strncmp(node, "/dev/", 5) != 0 ||
	    snprintf(path, sizeof(path), "%s/%s", tool->dev, node + 5) >= (int)sizeof(path))
		return false;
	snprintf(disk, size, "%s", strrchr(realpath(path, real) ? real : path, '/') + 1);
	return true;
}

static void inuse_claim_share(struct claims *claims, const char *driver, const char *tag,
			      const char *mount)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s:%.200s", driver, tag);
	inuse_claim(claims, name, "mounted at %s", mount);
}

/* "36 35 98:0 /root /mount options - type source options" */
static void inuse_claim_mount(const struct tool *tool, struct claims *claims, char *line)
{
	char number[32], mount[PATH_MAX], source[PATH_MAX], folder[PATH_MAX], disk[NAME_MAX + 1];
	char type[32];
	const char *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*s %*s %31s %*s %4095s", number, mount) != 2)
		return;
	inuse_unescape(mount);
	snprintf(folder, sizeof(folder), "%s/dev/block", tool->sys);
	if (vfio_sysfs_link(folder, number, disk, sizeof(disk)) == 0)
		inuse_claim(claims, disk, "mounted at %s", mount);
	if (sscanf(rest + 3, "%31s %4095s", type, source) != 2)
		return;
	inuse_unescape(source);
	if (strcmp(type, "9p") == 0)
		inuse_claim_share(claims, "9pnet_virtio", source, mount);
	else if (strcmp(type, "virtiofs") == 0)
		inuse_claim_share(claims, "virtiofs", "",
				  mount); /* not every kernel tells its tag */
	else if (inuse_disk_of_node(tool, source, disk, sizeof(disk)))
		inuse_claim(claims, disk, "mounted at %s", mount);
}

static void inuse_claim_swap(const struct tool *tool, struct claims *claims, char *line)
{
	char source[PATH_MAX], disk[NAME_MAX + 1];

	if (sscanf(line, "%4095s", source) != 1)
		return;
	inuse_unescape(source);
	if (inuse_disk_of_node(tool, source, disk, sizeof(disk)))
		inuse_claim(claims, disk, "%s", "used for swap");
}

static bool inuse_claim_lines(const struct tool *tool, struct claims *claims, const char *name,
			      void (*take)(const struct tool *, struct claims *, char *))
{
	char path[PATH_MAX], *line = malloc(LINE_SIZE);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tool->proc, name);
	file = line ? fopen(path, "re") : NULL;
	while (file && fgets(line, LINE_SIZE, file))
		take(tool, claims, line);
	free(line);
	if (!file)
		return false;
	fclose(file);
	return true;
}

/* A file system of several disks names one of them as its source; the kernel lists all here. */
static void inuse_claim_btrfs(const struct tool *tool, struct claims *claims)
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
				inuse_claim(claims, disk->d_name, "part of the btrfs %s",
					    entry->d_name);
		if (disks)
			closedir(disks);
	}
	if (list)
		closedir(list);
}

/* The claim on @disk or on what is built of it, by way of its holders. */
static const char *inuse_claim_above(const struct tool *tool, const struct claims *claims,
				     const char *disk, unsigned int depth)
{
	const char *found = inuse_claim_of(claims, disk);
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *list;

	if (found || depth == HOLDERS_DEPTH)
		return found;
	snprintf(folder, sizeof(folder), "%s/class/block/%s/holders", tool->sys, disk);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			found = inuse_claim_above(tool, claims, entry->d_name, depth + 1);
	if (list)
		closedir(list);
	return found;
}

/*
 * Whether the multipath disk at @real (.../nvme-subsys0/nvme0n1/...) has a path by way of @device.
 */
static bool inuse_is_multipath_of(const struct vfio_host_device *device, const char *real)
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
		found = in_use_belongs(device, path);
	}
	if (list)
		closedir(list);
	return found;
}

bool in_use_owns_disk(const struct tool *tool, const struct vfio_host_device *device,
		      const char *disk)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/block/%s", tool->sys, disk);
	if (in_use_belongs(device, path))
		return true;
	return realpath(path, real) && inuse_is_multipath_of(device, real);
}

/* A holder makes the disk part of it, whether or not anything uses the whole. */
static void inuse_add_holders(const struct tool *tool, const struct claims *claims,
			      const char *disk, size_t device, struct in_use *in_use)
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
		use = inuse_claim_above(tool, claims, entry->d_name, 0);
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		vfio_host_line(path, "dm/name", name, sizeof(name));
		in_use_add(in_use, device, "%s is part of %s%s%s%s%s%s", disk, entry->d_name,
			   *name ? " (" : "", name, *name ? ")" : "", use ? ", " : "",
			   use ? use : "");
	}
	if (list)
		closedir(list);
}

/* Whoever else uses a disk as a whole (other mount namespaces, ZFS) has opened it exclusively. */
static bool inuse_is_held(const struct tool *tool, const char *disk)
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

static void inuse_find_disks(const struct tool *tool, const struct claims *claims,
			     const struct vfio_host_device *device, size_t index, bool exclusive,
			     struct in_use *in_use)
{
	char folder[PATH_MAX], held[NAME_MAX + 1] = "";
	size_t before = in_use->count;
	struct dirent *entry;
	const char *use;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/block", tool->sys);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		if (entry->d_name[0] == '.' || !in_use_owns_disk(tool, device, entry->d_name))
			continue;
		use = inuse_claim_of(claims, entry->d_name);
		if (use)
			in_use_add(in_use, index, "%s is %s", entry->d_name, use);
		inuse_add_holders(tool, claims, entry->d_name, index, in_use);
		if (exclusive && inuse_is_held(tool, entry->d_name))
			snprintf(held, sizeof(held), "%s", entry->d_name);
	}
	if (list)
		closedir(list);
	if (in_use->count == before && *held)
		in_use_add(in_use, index, "%s is held open for exclusive use", held);
}

/* A folder that the hypervisor shares with this host, which is a guest itself then. */
static void inuse_find_shares(const struct claims *claims, const struct vfio_host_device *device,
			      size_t index, struct in_use *in_use)
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
		use = inuse_claim_of(claims, name);
		if (use)
			in_use_add(in_use, index, "the share %s is %s", *tag ? tag : entry->d_name,
				   use);
	}
	if (list)
		closedir(list);
}

void in_use_find(const struct tool *tool, const struct vfio_host_device *devices, size_t count,
		 bool exclusive, struct in_use *in_use)
{
	struct claims claims = {0};

	in_use->count = 0;
	if (!inuse_claim_lines(tool, &claims, "self/mountinfo", inuse_claim_mount))
		in_use_add(in_use, 0, "what is mounted cannot be told: %s/self/mountinfo",
			   tool->proc);
	inuse_claim_lines(tool, &claims, "swaps", inuse_claim_swap);
	inuse_claim_btrfs(tool, &claims);
	for (size_t i = 0; i < count; i++) {
		inuse_find_disks(tool, &claims, &devices[i], i, exclusive, in_use);
		inuse_find_shares(&claims, &devices[i], i, in_use);
	}
	free(claims.list);
	in_use_find_network(tool, devices, count, in_use);
	if (exclusive)
		in_use_find_openers(tool, devices, count, in_use);
}
