/* SPDX-License-Identifier: BSD-3-Clause */
/* The network interfaces and the display of a device that the host uses. */

#include <dirent.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/tools/inuse_private.h"

enum { LOWER_DEPTH = 8, ROUTE_UP = 1, ROUTE_REJECT = 0x200 };

/* The ways an interface goes: how many of its lowest ones are given away, how many are others. */
struct ways {
	size_t given, kept;
	size_t device; /* who owns one that is given */
};

static void follow(const struct tool *tool, const char *interface,
		   const struct vfio_host_device *devices, size_t count, unsigned int depth,
		   struct ways *ways)
{
	char folder[PATH_MAX], path[PATH_MAX + 16];
	struct dirent *entry;
	bool lowest = true;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/net/%s", tool->sys, interface);
	list = depth < LOWER_DEPTH ? opendir(folder) : NULL;
	while (list && (entry = readdir(list))) {
		if (strncmp(entry->d_name, "lower_", 6) != 0)
			continue;
		lowest = false;
		follow(tool, entry->d_name + 6, devices, count, depth + 1, ways);
	}
	if (list)
		closedir(list);
	for (size_t i = 0; lowest && i < count; i++) {
		if (!in_use_belongs(&devices[i], folder))
			continue;
		ways->given++;
		ways->device = i;
		return;
	}
	/* One without hardware, such as a guest's tap in a bridge, leads nowhere by itself. */
	snprintf(path, sizeof(path), "%s/device", folder);
	if (lowest && access(path, F_OK) == 0)
		ways->kept++;
}

/* "eth0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0": destination, gateway, flags ... mask */
static bool default_route_4(const char *line, char *interface)
{
	unsigned long destination, flags, mask;

	return sscanf(line, "%15s %lx %*s %lx %*s %*s %*s %lx", interface, &destination, &flags,
		      &mask) == 4 &&
	       destination == 0 && mask == 0 && flags & ROUTE_UP && !(flags & ROUTE_REJECT);
}

/* "destination prefix source prefix gateway metric count use flags interface", in hexadecimal */
static bool default_route_6(const char *line, char *interface)
{
	char destination[33];
	unsigned long prefix, flags;

	return sscanf(line, "%32s %lx %*s %*s %*s %*s %*s %*s %lx %15s", destination, &prefix,
		      &flags, interface) == 4 &&
	       prefix == 0 && strspn(destination, "0") == strlen(destination) && flags & ROUTE_UP &&
	       !(flags & ROUTE_REJECT) && strcmp(interface, "lo") != 0;
}

static void find_route(const struct tool *tool, const struct vfio_host_device *devices,
		       size_t count, const char *name, const char *family,
		       bool (*parse)(const char *, char *), struct in_use *in_use)
{
	char path[PATH_MAX], line[256], interface[IFNAMSIZ] = "", last[IFNAMSIZ] = "";
	struct ways all = {0};
	FILE *file;

	snprintf(path, sizeof(path), "%s/net/%s", tool->proc, name);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		size_t given = all.given;

		if (!parse(line, interface) || strchr(interface, '/'))
			continue;
		follow(tool, interface, devices, count, 0, &all);
		if (all.given > given)
			memcpy(last, interface, sizeof(last));
	}
	if (file)
		fclose(file);
	if (all.given && !all.kept)
		in_use_add(in_use, all.device, "the only default route (%s) goes by %s", family,
			   last);
}

void in_use_find_routes(const struct tool *tool, const struct vfio_host_device *devices,
			size_t count, struct in_use *in_use)
{
	find_route(tool, devices, count, "route", "IPv4", default_route_4, in_use);
	find_route(tool, devices, count, "ipv6_route", "IPv6", default_route_6, in_use);
}

bool in_use_as_display(const struct tool *tool, const struct vfio_host_device *device)
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
