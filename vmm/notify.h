/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells who has started this process, as systemd does, that the guest is about to run. */

#ifndef FERRY_VMM_NOTIFY_H
#define FERRY_VMM_NOTIFY_H

#include "vmm/base/err.h"

/*
 * Where that is to be told (NOTIFY_SOCKET of the environment, sd_notify(3)), as a descriptor; -1
 * when nobody waits for it, or cannot be told. Before files are given up.
 */
int notify_open(void) FERRY_MUST_CHECK;

/* Tells it by *@fd, which it closes, if that is one; without waiting, and behind all walls. */
void notify_ready(int *fd);

#endif
