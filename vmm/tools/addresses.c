/* SPDX-License-Identifier: BSD-3-Clause */
/* The network addresses that the host's interfaces have. */

#include "vmm/tools/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned int address_count_bits(const void *mask, size_t size)
{
	const unsigned char *bytes = mask;
	unsigned int bits = 0;

	for (size_t i = 0; i < size; i++)
		bits += (unsigned int)__builtin_popcount(bytes[i]);
	return bits;
}

/* Copies, as a sockaddr need not be aligned as what it stands for. */
static bool address_format(const struct ifaddrs *entry, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	struct sockaddr_in6 six, six_mask;
	struct sockaddr_in four, four_mask;
	unsigned int bits;

	if (entry->ifa_addr->sa_family == AF_INET) {
		memcpy(&four, entry->ifa_addr, sizeof(four));
		memcpy(&four_mask, entry->ifa_netmask, sizeof(four_mask));
		inet_ntop(AF_INET, &four.sin_addr, address, sizeof(address));
		bits = address_count_bits(&four_mask.sin_addr, sizeof(four_mask.sin_addr));
	} else {
		memcpy(&six, entry->ifa_addr, sizeof(six));
		memcpy(&six_mask, entry->ifa_netmask, sizeof(six_mask));
		inet_ntop(AF_INET6, &six.sin6_addr, address, sizeof(address));
		bits = address_count_bits(&six_mask.sin6_addr, sizeof(six_mask.sin6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr))
			return false;
	}
	snprintf(text, size, "%s/%u", address, bits);
	return true;
}

int addresses_each(addresses_take take, void *context)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		char interface[IFNAMSIZ], text[INET6_ADDRSTRLEN + 8];

		if (!entry->ifa_addr || !entry->ifa_netmask || entry->ifa_flags & IFF_LOOPBACK ||
		    (entry->ifa_addr->sa_family != AF_INET &&
		     entry->ifa_addr->sa_family != AF_INET6) ||
		    !address_format(entry, text, sizeof(text)))
			continue;
		/* An address with a label of its own is named by that, as "eth0:1". */
		snprintf(interface, sizeof(interface), "%s", entry->ifa_name);
		interface[strcspn(interface, ":")] = '\0';
		take(context, interface, text);
	}
	freeifaddrs(list);
	return 0;
}
