/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors that systemd, or who starts services as it does, hands over by names: LISTEN_PID,
 * LISTEN_FDS and LISTEN_FDNAMES in the environment (sd_listen_fds(3)).
 */

#ifndef FERRY_VMM_LISTEN_H
#define FERRY_VMM_LISTEN_H

#include "vmm/base/err.h"

/*
 * "fd=N" from 3 on, or "fd=NAME" of one that has a name, which no number is. It need not be open.
 * -EINVAL with @err saying what to write instead, or why there is none of that name.
 */
int listen_parse(const char *value, int *fd, struct err *err) FERRY_MUST_CHECK;

#endif
