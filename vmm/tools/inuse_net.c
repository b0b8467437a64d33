/* SPDX-License-Identifier: BSD-3-Clause */
/* The network interfaces of a device that the host uses, and the addresses that they have. */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
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
struct net_ways {
	size_t given, kept;
	size_t device;     /* who owns one that is given ... */
	char by[IFNAMSIZ]; /* ... and that one */
};

static void net_follow(const struct tool *tool, const char *interface,
		       const struct vfio_host_device *devices, size_t count, unsigned int depth,
		       struct net_ways *ways)
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
		net_follow(tool, entry->d_name + 6, devices, count, depth + 1, ways);
	}
	if (list)
		closedir(list);
	for (size_t i = 0; lowest && i < count; i++) {
		if (!inuse_belongs(&devices[i], folder))
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

struct net_route {
	char interface[IFNAMSIZ];
	char to[INET6_ADDRSTRLEN + 8]; /* "": it is a default route */
};

/* "eth0 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0": destination, gateway, flags ... mask */
static bool net_parse_route_4(const char *line, struct net_route *route)
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
static bool net_parse_route_6(const char *line, struct net_route *route)
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
	bool (*parse)(const char *line, struct net_route *route);
} families[] = {
	{"route", "IPv4", net_parse_route_4},
	{"ipv6_route", "IPv6", net_parse_route_6},
};

static void net_each_route(const struct tool *tool, size_t family,
			   void (*take)(void *context, const struct net_route *route),
			   void *context)
{
	char path[PATH_MAX], line[256];
	struct net_route route;
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
struct net_search {
	const struct tool *tool;
	const struct vfio_host_device *devices;
	size_t count;
	struct net_ways defaults; /* all the default routes' ways */
	char last[IFNAMSIZ];      /* the last one of them that is given */
	struct net_loss *list;    /* by interface */
	size_t losses;
	bool out_of_memory;
};

/* An interface with what it has; only those that go by the devices. */
struct net_loss {
	char interface[IFNAMSIZ], by[IFNAMSIZ];
	size_t device; /* the number of devices: none of them */
	char address[INET6_ADDRSTRLEN + 8], route[INET6_ADDRSTRLEN + 24];
	size_t addresses;
};

static struct net_loss *net_loss_of(struct net_search *search, const char *interface)
{
	struct net_loss *list = search->list, *loss;
	struct net_ways ways = {.device = search->count};

	for (size_t i = 0; i < search->losses; i++)
		if (strcmp(list[i].interface, interface) == 0)
			return &list[i];
	list = realloc(list, (search->losses + 1) * sizeof(*list));
	search->out_of_memory |= !list;
	if (!list)
		return NULL;
	search->list = list;
	loss = &list[search->losses++];
	net_follow(search->tool, interface, search->devices, search->count, 0, &ways);
	*loss = (struct net_loss){.device = ways.device};
	snprintf(loss->interface, sizeof(loss->interface), "%s", interface);
	memcpy(loss->by, ways.by, sizeof(loss->by));
	return loss;
}

static void net_take_address(void *context, const char *interface, const char *address)
{
	struct net_loss *loss = net_loss_of(context, interface);

	if (loss && loss->addresses++ == 0)
		snprintf(loss->address, sizeof(loss->address), "%s", address);
}

static void net_take_route(void *context, const struct net_route *route)
{
	struct net_loss *loss = net_loss_of(context, route->interface);

	if (loss && (!loss->route[0] || !route->to[0]))
		snprintf(loss->route, sizeof(loss->route), "%s%s",
			 route->to[0] ? "the route to " : "a default route", route->to);
}

static void net_take_default(void *context, const struct net_route *route)
{
	struct net_search *search = context;
	size_t given = search->defaults.given;

	if (route->to[0])
		return;
	net_follow(search->tool, route->interface, search->devices, search->count, 0,
		   &search->defaults);
	if (search->defaults.given > given)
		memcpy(search->last, route->interface, sizeof(search->last));
}

static void net_find_default(struct net_search *search, size_t family, struct inuse *inuse)
{
	search->defaults = (struct net_ways){0};
	net_each_route(search->tool, family, net_take_default, search);
	if (search->defaults.given && !search->defaults.kept)
		inuse_add(inuse, search->defaults.device, "the only default route (%s) goes by %s",
			  families[family].name, search->last);
}

static void net_tell_loss(const struct net_loss *loss, struct inuse *inuse)
{
	bool own = strcmp(loss->interface, loss->by) == 0;
	char more[32] = "";

	if (loss->addresses > 1)
		snprintf(more, sizeof(more), " and %zu more", loss->addresses - 1);
	inuse_add(inuse, loss->device, "%s%s%s%s has %s%s%s", loss->interface,
		  own ? "" : ", which goes by ", own ? "" : loss->by, own ? "" : ",",
		  loss->addresses ? "the address " : loss->route, loss->address, more);
}

/* A bridge's or bond's port serves others, whatever the bridge itself has. */
static void net_find_masters(struct net_search *search, struct inuse *inuse)
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
			if (inuse_belongs(&search->devices[i], path))
				inuse_add(inuse, i, "%s is part of %s", entry->d_name, master);
	}
	if (list)
		closedir(list);
}

/* Of a device without an interface nothing of the network can be lost. */
static bool net_has_interface(const struct net_search *search)
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
			found = found || inuse_belongs(&search->devices[i], path);
	}
	if (list)
		closedir(list);
	return found;
}

void inuse_find_network(const struct tool *tool, const struct vfio_host_device *devices,
			size_t count, struct inuse *inuse)
{
	struct net_search search = {.tool = tool, .devices = devices, .count = count};

	if (!net_has_interface(&search))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		net_find_default(&search, i, inuse);
	if (tool->each_address(net_take_address, &search))
		inuse_add(inuse, 0, "the host's network addresses cannot be told");
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		net_each_route(tool, i, net_take_route, &search);
	for (size_t i = 0; i < search.losses; i++)
		if (search.list[i].device < count)
			net_tell_loss(&search.list[i], inuse);
	if (search.out_of_memory)
		inuse_add(inuse, 0, "out of memory");
	free(search.list);
	net_find_masters(&search, inuse);
}

static unsigned int net_count_bits(const void *mask, size_t size)
{
	const unsigned char *bytes = mask;
	unsigned int bits = 0;

	for (size_t i = 0; i < size; i++)
		bits += (unsigned int)__builtin_popcount(bytes[i]);
	return bits;
}

/* Copies, as a sockaddr need not be aligned as what it stands for. */
static bool net_format_address(const struct ifaddrs *entry, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	struct sockaddr_in6 six, six_mask;
	struct sockaddr_in four, four_mask;
	unsigned int bits;

	if (entry->ifa_addr->sa_family == AF_INET) {
		memcpy(&four, entry->ifa_addr, sizeof(four));
		memcpy(&four_mask, entry->ifa_netmask, sizeof(four_mask));
		inet_ntop(AF_INET, &four.sin_addr, address, sizeof(address));
		bits = net_count_bits(&four_mask.sin_addr, sizeof(four_mask.sin_addr));
	} else {
		memcpy(&six, entry->ifa_addr, sizeof(six));
		memcpy(&six_mask, entry->ifa_netmask, sizeof(six_mask));
		inet_ntop(AF_INET6, &six.sin6_addr, address, sizeof(address));
		bits = net_count_bits(&six_mask.sin6_addr, sizeof(six_mask.sin6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr))
			return false;
	}
	snprintf(text, size, "%s/%u", address, bits);
	return true;
}

int inuse_each_address(tool_take_address take, void *context)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		char interface[IFNAMSIZ], text[INET6_ADDRSTRLEN + 8];

		if (!entry->ifa_addr || !entry->ifa_netmask || entry->ifa_flags & IFF_LOOPBACK ||
		    (entry->ifa_addr->sa_family != AF_INET &&
		     entry->ifa_addr->sa_family != AF_INET6) ||
		    !net_format_address(entry, text, sizeof(text)))
			continue;
		/* An address with a label of its own is named by that, as "eth0:1". */
		snprintf(interface, sizeof(interface), "%s", entry->ifa_name);
		interface[strcspn(interface, ":")] = '\0';
		take(context, interface, text);
	}
	freeifaddrs(list);
	return 0;
}
