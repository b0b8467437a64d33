/* SPDX-License-Identifier: BSD-3-Clause */
/* The network addresses that the host's interfaces have. */

#ifndef FERRY_VMM_TOOLS_ADDRESSES_H
#define FERRY_VMM_TOOLS_ADDRESSES_H

typedef void (*addresses_take)(void *context, const char *interface, const char *address);

/*
 * Tells @take of each, as "192.168.2.5/24", but for the loopback's and IPv6's link-local ones,
 * which every interface has by itself. 0 or a negative errno.
 */
int addresses_each(addresses_take take, void *context);

#endif
