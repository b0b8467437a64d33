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
 * Whether the nodes of @host are there: its own where VFIO offers one, and its group's where the
 * kernel has groups. -ENOENT with @err set.
 */
int give_check_nodes(const struct tool *tool, const struct vfio_host_device *host,
		     struct err *err) FERRY_MUST_CHECK;

/*
 * Makes @user the owner of those nodes. The device's own lasts until the device is unbound, the
 * group's until the last of the group is.
 */
int give_nodes(const struct tool *tool, const struct vfio_host_device *host, uid_t user,
	       struct err *err) FERRY_MUST_CHECK;

#endif
