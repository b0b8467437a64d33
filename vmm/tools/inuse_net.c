/* SPDX-License-Identifier: BSD-3-Clause */
/* The network interfaces and the display of a device that the host uses. */

#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/tools/inuse_private.h"

/* Flags as linux/route.h and linux/ipv6_route.h have them. */
enum { LOWER_DEPTH = 8, ROUTE_UP = 1, ROUTE_REJECT = 0x200, ROUTE_ANYCAST = 0x100000 };

static const unsigned long ROUTE_LOCAL = 0x80000000;

/* The ways an interface goes: how many of its lowest ones are given away, how many are others. */
struct ways {
	size_t given, kept;
	size_t device;     /* who owns one that is given ... */
	char by[IFNAMSIZ]; /* ... and that one */
};

static void inuse_follow(const struct tool *tool, const char *interface,
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
		inuse_follow(tool, entry->d_name + 6, devices, count, depth + 1, ways);
	}
	if (list)
		closedir(list);
	for (size_t i = 0; lowest && i < count; i++) {
		if (!in_use_belongs(&devices[i], folder))
			continue;
		ways->given++;
		ways->device = i;
		snprintf(ways->by, sizeof(ways->by), "%s", interface);
		return;
	}
	/* One without hardware, such as a guest's tap in a bridge, leads nowhere by itself. */
	snprintf(path, sizeof(path), "%s/device", folder);
	if (lowest && access(path, F_OK) == 0)
		ways->kept++;
}

struct route {
	char interface[IFNAMSIZ];
	char to[INET6_ADDRSTRLEN + 8]; /* "": it is a default route */
};

/* "eth0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0": destination, gateway, flags ... mask */
static bool inuse_parse_route_4(const char *line, struct route *route)
{
	unsigned long destination, flags, mask;
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (sscanf(line, "%15s %lx %*s %lx %*s %*s %*s %lx", route->interface, &destination, &flags,
		   &mask) != 4 ||
	    !(flags & ROUTE_UP) || flags & ROUTE_REJECT)
		return false;
	route->to[0] = '\0';
	if (destination == 0 && mask == 0)
		return true;
	address.s_addr = (in_addr_t)destination;
	inet_ntop(AF_INET, &address, text, sizeof(text));
	snprintf(route->to, sizeof(route->to), "%s/%d", text, __builtin_popcountl(mask));
	return true;
}

/*
 * "destination prefix source prefix gateway metric count use flags interface", in hexadecimal.
 * Every interface has routes to its own addresses, to link-local and to multicast ones.
 */
static bool inuse_parse_route_6(const char *line, struct route *route)
{
	char destination[33], text[INET6_ADDRSTRLEN];
	unsigned long prefix, flags;
	struct in6_addr address;

	if (sscanf(line, "%32s %lx %*s %*s %*s %*s %*s %*s %lx %15s", destination, &prefix, &flags,
		   route->interface) != 4 ||
	    !(flags & ROUTE_UP) || flags & (ROUTE_REJECT | ROUTE_ANYCAST | ROUTE_LOCAL) ||
	    strcmp(route->interface, "lo") == 0)
		return false;
	for (size_t i = 0; i < sizeof(address.s6_addr); i++)
		if (sscanf(destination + 2 * i, "%2hhx", &address.s6_addr[i]) != 1)
			return false;
	if (IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MULTICAST(&address))
		return false;
	route->to[0] = '\0';
	if (prefix == 0)
		return true;
	inet_ntop(AF_INET6, &address, text, sizeof(text));
	snprintf(route->to, sizeof(route->to), "%s/%lu", text, prefix);
	return true;
}

static const struct {
	const char *file, *name;
	bool (*parse)(const char *line, struct route *route);
} families[] = {
	{"route", "IPv4", inuse_parse_route_4},
	{"ipv6_route", "IPv6", inuse_parse_route_6},
};

static void inuse_each_route(const struct tool *tool, size_t family,
			     void (*take)(void *context, const struct route *route), void *context)
{
	char path[PATH_MAX], line[256];
	struct route route;
	FILE *file;

	snprintf(path, sizeof(path), "%s/net/%s", tool->proc, families[family].file);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (families[family].parse(line, &route) && !strchr(route.interface, '/'))
			take(context, &route);
	if (file)
		fclose(file);
}

/* The search for what would be lost of the network. */
struct search {
	const struct tool *tool;
	const struct vfio_host_device *devices;
	size_t count;
	struct ways defaults; /* all the default routes' ways */
	char last[IFNAMSIZ];  /* the last one of them that is given */
	struct lost *list;    /* by interface */
	size_t losses;
	bool out_of_memory;
};

/* An interface with what it has; only those that go by the devices. */
struct lost {
	char interface[IFNAMSIZ], by[IFNAMSIZ];
	size_t device; /* the number of devices: none of them */
	char address[INET6_ADDRSTRLEN + 8], route[INET6_ADDRSTRLEN + 24];
	size_t addresses;
};

static struct lost *inuse_lost_find(struct search *search, const char *interface)
{
	struct lost *list = search->list, *lost;
	struct ways ways = {.device = search->count};

	for (size_t i = 0; i < search->losses; i++)
		if (strcmp(list[i].interface, interface) == 0)
			return &list[i];
	list = realloc(list, (search->losses + 1) * sizeof(*list));
	search->out_of_memory |= !list;
	if (!list)
		return NULL;
	search->list = list;
	lost = &list[search->losses++];
	inuse_follow(search->tool, interface, search->devices, search->count, 0, &ways);
	*lost = (struct lost){.device = ways.device};
	snprintf(lost->interface, sizeof(lost->interface), "%s", interface);
	memcpy(lost->by, ways.by, sizeof(lost->by));
	return lost;
}

static void inuse_take_address(void *context, const char *interface, const char *address)
{
	struct lost *lost = inuse_lost_find(context, interface);

	if (lost && lost->addresses++ == 0)
		snprintf(lost->address, sizeof(lost->address), "%s", address);
}

static void inuse_take_route(void *context, const struct route *route)
{
	struct lost *lost = inuse_lost_find(context, route->interface);

	if (lost && (!lost->route[0] || !route->to[0]))
		snprintf(lost->route, sizeof(lost->route), "%s%s",
			 route->to[0] ? "the route to " : "a default route", route->to);
}

static void inuse_take_default(void *context, const struct route *route)
{
	struct search *search = context;
	size_t given = search->defaults.given;

	if (route->to[0])
		return;
	inuse_follow(search->tool, route->interface, search->devices, search->count, 0,
		     &search->defaults);
	if (search->defaults.given > given)
		memcpy(search->last, route->interface, sizeof(search->last));
}

static void inuse_find_default(struct search *search, size_t family, struct in_use *in_use)
{
	search->defaults = (struct ways){0};
	inuse_each_route(search->tool, family, inuse_take_default, search);
	if (search->defaults.given && !search->defaults.kept)
		in_use_add(in_use, search->defaults.device,
			   "the only default route (%s) goes by %s", families[family].name,
			   search->last);
}

static void inuse_tell_lost(const struct lost *lost, struct in_use *in_use)
{
	bool own = strcmp(lost->interface, lost->by) == 0;
	char more[32] = "";

	if (lost->addresses > 1)
		snprintf(more, sizeof(more), " and %zu more", lost->addresses - 1);
	in_use_add(in_use, lost->device, "%s%s%s%s has %s%s%s", lost->interface,
		   own ? "" : ", which goes by ", own ? "" : lost->by, own ? "" : ",",
		   lost->addresses ? "the address " : lost->route, lost->address, more);
}

/* A bridge's or bond's port serves others, whatever the bridge itself has. */
static void inuse_find_masters(struct search *search, struct in_use *in_use)
{
	char folder[PATH_MAX], path[PATH_MAX + 300], master[NAME_MAX + 1];
	struct dirent *entry;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/net", search->tool->sys);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' ||
		    vfio_sysfs_link(path, "master", master, sizeof(master)))
			continue;
		for (size_t i = 0; i < search->count; i++)
			if (in_use_belongs(&search->devices[i], path))
				in_use_add(in_use, i, "%s is part of %s", entry->d_name, master);
	}
	if (list)
		closedir(list);
}

/* Of a device without an interface nothing of the network can be lost. */
static bool inuse_has_interface(const struct search *search)
{
	char folder[PATH_MAX], path[PATH_MAX + 300];
	struct dirent *entry;
	bool found = false;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/net", search->tool->sys);
	list = opendir(folder);
	while (list && !found && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		for (size_t i = 0; i < search->count && entry->d_name[0] != '.'; i++)
			found = found || in_use_belongs(&search->devices[i], path);
	}
	if (list)
		closedir(list);
	return found;
}

void in_use_find_network(const struct tool *tool, const struct vfio_host_device *devices,
			 size_t count, struct in_use *in_use)
{
	struct search search = {.tool = tool, .devices = devices, .count = count};

	if (!inuse_has_interface(&search))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		inuse_find_default(&search, i, in_use);
	if (tool->addresses(inuse_take_address, &search))
		in_use_add(in_use, 0, "the host's network addresses cannot be told");
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		inuse_each_route(tool, i, inuse_take_route, &search);
	for (size_t i = 0; i < search.losses; i++)
		if (search.list[i].device < count)
			inuse_tell_lost(&search.list[i], in_use);
	if (search.out_of_memory)
		in_use_add(in_use, 0, "out of memory");
	free(search.list);
	inuse_find_masters(&search, in_use);
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
