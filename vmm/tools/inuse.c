/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host would lose with a device; its display, and its nodes that processes have open. */

#include "vmm/tools/inuse.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/openers.h"
#include "vmm/base/text.h"
#include "vmm/tools/inuse_private.h"

enum { OPENERS_TOLD = 4, NVIDIA_MAJOR = 195, NVIDIA_LAST = 253 };

struct inuse_nodes {
	struct vfio_node *list;
	char (*names)[NAME_MAX + 1]; /* below /dev */
	size_t count;
};

void inuse_add(struct inuse *inuse, size_t device, const char *format, ...)
{
	va_list args;

	if (inuse->count < INUSE_MAX) {
		inuse->reasons[inuse->count].device = device;
		va_start(args, format);
		vsnprintf(inuse->reasons[inuse->count].text, INUSE_TEXT, format, args);
		va_end(args);
		text_make_printable(inuse->reasons[inuse->count].text);
	}
	inuse->count++;
}

/* Whether @path is @folder or inside it; both without links. */
static bool inuse_is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool inuse_belongs(const struct vfio_host_device *device, const char *path)
{
	char real[PATH_MAX], folder[PATH_MAX];

	return realpath(path, real) && realpath(device->sysfs.path, folder) &&
	       inuse_is_below(real, folder);
}

static void inuse_add_node(struct inuse_nodes *nodes, const struct vfio_node *node,
			   const char *name)
{
	struct vfio_node *list = realloc(nodes->list, (nodes->count + 1) * sizeof(*list));
	char(*names)[NAME_MAX + 1];

	if (list)
		nodes->list = list;
	names = realloc(nodes->names, (nodes->count + 1) * sizeof(*names));
	if (names)
		nodes->names = names;
	if (!list || !names)
		return;
	list[nodes->count] = *node;
	snprintf(names[nodes->count++], sizeof(*names), "%s", name);
}

/* As the kernel names the node ("DEVNAME=dri/card0"), or its folder. */
static void inuse_read_name(const char *folder, char name[NAME_MAX + 1])
{
	char path[PATH_MAX + 400], real[PATH_MAX], line[NAME_MAX + 8];
	FILE *file;

	snprintf(name, NAME_MAX + 1, "%s", realpath(folder, real) ? strrchr(real, '/') + 1 : "");
	snprintf(path, sizeof(path), "%s/uevent", folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "DEVNAME=", 8) == 0)
			snprintf(name, NAME_MAX + 1, "%s", line + 8);
	}
	if (file)
		fclose(file);
}

static bool inuse_folder_belongs(const struct tool *tool, const struct vfio_host_device *device,
				 const char *folder, bool block)
{
	char path[PATH_MAX + 400], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/device", folder);
	if (inuse_belongs(device, folder) || inuse_belongs(device, path))
		return true;
	return block && realpath(folder, real) &&
	       inuse_owns_disk(tool, device, strrchr(real, '/') + 1);
}

/* The kernel lists all that has a number, as "226:0", in dev/char and dev/block. */
static void inuse_find_nodes(const struct tool *tool, const struct vfio_host_device *device,
			     bool block, struct inuse_nodes *nodes)
{
	char folder[PATH_MAX], path[PATH_MAX + 300], name[NAME_MAX + 1];
	struct vfio_node node = {.block = block};
	struct dirent *entry;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/dev/%s", tool->sys, block ? "block" : "char");
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (sscanf(entry->d_name, "%u:%u", &node.major, &node.minor) != 2 ||
		    !inuse_folder_belongs(tool, device, path, block))
			continue;
		node.last_minor = node.minor;
		inuse_read_name(path, name);
		inuse_add_node(nodes, &node, name);
	}
	if (list)
		closedir(list);
}

/* NVIDIA's driver makes its nodes past sysfs: /dev/nvidiaN is 195:N, and it says N under /proc. */
static void inuse_find_nvidia(const struct tool *tool, const struct vfio_host_device *device,
			      struct inuse_nodes *nodes)
{
	struct vfio_node node = {.major = NVIDIA_MAJOR, .last_minor = NVIDIA_LAST};
	char path[PATH_MAX], line[256], name[32] = "nvidia*";
	FILE *file;

	if (strcmp(device->driver, "nvidia") != 0)
		return;
	snprintf(path, sizeof(path), "%s/driver/nvidia/gpus/%s/information", tool->proc,
		 device->sysfs.address);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Device Minor: %u", &node.minor) != 1)
			continue;
		node.last_minor = node.minor;
		snprintf(name, sizeof(name), "nvidia%u", node.minor);
	}
	if (file)
		fclose(file);
	inuse_add_node(nodes, &node, name);
}

static void inuse_tell_openers(const struct vfio_opener *openers, size_t count,
			       const struct inuse_nodes *nodes, size_t device, struct inuse *inuse)
{
	for (size_t i = 0; i < count && i < OPENERS_TOLD; i++)
		inuse_add(inuse, device, "process %u (%s) has /dev/%s open", openers[i].process,
			  openers[i].name, nodes->names[openers[i].node]);
	if (count > OPENERS_TOLD)
		inuse_add(inuse, device, "%zu more processes have nodes of it open",
			  count - OPENERS_TOLD);
}

void inuse_find_openers(const struct tool *tool, const struct vfio_host_device *devices,
			size_t count, struct inuse *inuse)
{
	for (size_t i = 0; i < count; i++) {
		struct vfio_opener openers[OPENERS_TOLD];
		struct inuse_nodes nodes = {0};
		size_t found;

		inuse_find_nodes(tool, &devices[i], false, &nodes);
		inuse_find_nodes(tool, &devices[i], true, &nodes);
		inuse_find_nvidia(tool, &devices[i], &nodes);
		found = vfio_openers(tool->proc, nodes.list, nodes.count, openers, OPENERS_TOLD);
		inuse_tell_openers(openers, found, &nodes, i, inuse);
		free(nodes.list);
		free(nodes.names);
	}
}

bool inuse_as_display(const struct tool *tool, const struct vfio_host_device *device)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	if (!device->boot_vga)
		return false;
	snprintf(folder, sizeof(folder), "%s/class/graphics", tool->sys);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list)))
		found = strncmp(entry->d_name, "fb", 2) == 0 && entry->d_name[2] >= '0' &&
			entry->d_name[2] <= '9';
	if (list)
		closedir(list);
	return found;
}

void inuse_find(const struct tool *tool, const struct vfio_host_device *devices, size_t count,
		bool exclusive, struct inuse *inuse)
{
	inuse->count = 0;
	inuse_find_disks(tool, devices, count, exclusive, inuse);
	inuse_find_network(tool, devices, count, inuse);
	if (exclusive)
		inuse_find_openers(tool, devices, count, inuse);
}
