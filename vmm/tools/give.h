/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives the nodes of bound devices to the user who is to run guests with them. */

#ifndef FERRY_VMM_TOOLS_GIVE_H
#define FERRY_VMM_TOOLS_GIVE_H

#include <sys/types.h>

#include "vfio/host/host.h"
#include "vmm/tools/tools.h"

/*
 * The user that @name means: one of @tool's passwd(5), or else a number. -EINVAL with @err set for
 * any other.
 */
int give_find_user(const struct tool *tool, const char *name, uid_t *user,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * Makes @user the owner of the node of @host's group and, where VFIO offers it, of the device's
 * own. Both nodes, and with them their owner, last until the device is unbound.
 */
int give_nodes(const struct tool *tool, const struct vfio_host_device *host, uid_t user,
	       struct err *err) FERRY_MUST_CHECK;

#endif
