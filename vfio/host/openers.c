/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processes have a device node open, known by its number: a name is anybody's to choose. */

#include "vfio/host/openers.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vfio/host/host.h"

bool vfio_node_at(const char *path, struct vfio_node *node)
{
	struct statx status;

	/* Whoever serves a file system of its own must not be waited for. */
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0 ||
	    (!S_ISCHR(status.stx_mode) && !S_ISBLK(status.stx_mode)))
		return false;
	*node = (struct vfio_node){
		.block = S_ISBLK(status.stx_mode),
		.major = status.stx_rdev_major,
		.minor = status.stx_rdev_minor,
		.last_minor = status.stx_rdev_minor,
	};
	return true;
}

static size_t opener_find_node(const struct vfio_node *node, const struct vfio_node *nodes,
			       size_t count)
{
	size_t i = 0;

	while (i < count && (nodes[i].block != node->block || nodes[i].major != node->major ||
			     node->minor < nodes[i].minor || node->minor > nodes[i].last_minor))
		i++;
	return i;
}

/* "flags:\t0100002", in octal. */
static bool opener_is_open(const char *process, const char *descriptor)
{
	char path[PATH_MAX + 300], line[128];
	unsigned long flags = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/fdinfo/%s", process, descriptor);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %lo", &flags) == 1)
			break;
	if (file)
		fclose(file);
	return !(flags & O_PATH);
}

/* Which of @nodes the process at folder @process has open; @count for none. */
static size_t opener_find_open(const char *process, const struct vfio_node *nodes, size_t count)
{
	char path[PATH_MAX + 300];
	struct dirent *entry;
	size_t found = count;
	DIR *list;

	snprintf(path, sizeof(path), "%s/fd", process);
	list = opendir(path);
	while (list && found == count && (entry = readdir(list))) {
		struct vfio_node node;

		snprintf(path, sizeof(path), "%s/fd/%s", process, entry->d_name);
		if (!vfio_node_at(path, &node))
			continue;
		found = opener_find_node(&node, nodes, count);
		if (found < count && !opener_is_open(process, entry->d_name))
			found = count;
	}
	if (list)
		closedir(list);
	return found;
}

size_t vfio_openers(const char *proc, const struct vfio_node *nodes, size_t count,
		    struct vfio_opener *openers, size_t room)
{
	DIR *list = count ? opendir(proc) : NULL;
	char process[PATH_MAX];
	struct dirent *entry;
	size_t found = 0;

	while (list && (entry = readdir(list))) {
		unsigned long number = strtoul(entry->d_name, NULL, 10);
		size_t node;

		if (number == 0 || number > INT_MAX)
			continue;
		snprintf(process, sizeof(process), "%s/%lu", proc, number);
		node = opener_find_open(process, nodes, count);
		if (node == count)
			continue;
		if (found < room) {
			openers[found] =
				(struct vfio_opener){.process = (unsigned int)number, .node = node};
			vfio_host_line(process, "comm", openers[found].name,
				       sizeof(openers[found].name));
		}
		found++;
	}
	if (list)
		closedir(list);
	return found;
}

bool vfio_node_opener(const char *proc, const char *path, struct vfio_opener *opener)
{
	struct vfio_node node;

	return vfio_node_at(path, &node) && vfio_openers(proc, &node, 1, opener, 1) > 0;
}
