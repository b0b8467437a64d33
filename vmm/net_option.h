/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --net. */

#ifndef FERRY_VMM_NET_OPTION_H
#define FERRY_VMM_NET_OPTION_H

#include "devices/virtio/net.h"
#include "vmm/base/err.h"
#include "vmm/suboptions.h"

/*
 * Reads them; the strings stay those of @options. Of "fd=" only how many there are: the descriptors
 * are their owner's to take. -EINVAL with @err saying what it takes.
 */
int net_option_parse(struct net_config *net, const struct suboptions *options,
		     struct err *err) FERRY_MUST_CHECK;

/* mac=@value, mtu=@value. -EINVAL with @err. */
int net_option_take_mac(uint8_t mac[6], const char *value, struct err *err) FERRY_MUST_CHECK;
int net_option_take_mtu(unsigned int *mtu, const char *value, struct err *err) FERRY_MUST_CHECK;

#endif
