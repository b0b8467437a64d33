/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --vhost-user. */

#ifndef FERRY_VMM_VHOST_USER_OPTION_H
#define FERRY_VMM_VHOST_USER_OPTION_H

#include "devices/virtio/vhost_user_device.h"
#include "vmm/base/err.h"
#include "vmm/suboptions.h"

/*
 * Reads them; the strings stay those of @options. What is behind "fd=" is in *@given, and not
 * looked at; NULL without it. -EINVAL with @err saying what it takes.
 */
int vhost_user_option_parse(struct vhost_user_config *device, const struct suboptions *options,
			    const char **given, struct err *err) FERRY_MUST_CHECK;

/* tag=@value, of a folder. -EINVAL with @err. */
int vhost_user_option_take_tag(struct vhost_user_config *device, const char *value,
			       struct err *err) FERRY_MUST_CHECK;

#endif
