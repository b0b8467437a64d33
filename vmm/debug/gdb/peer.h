/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose the other end of a TCP connection is, when it is on this machine. */

#ifndef FERRY_VMM_DEBUG_GDB_PEER_H
#define FERRY_VMM_DEBUG_GDB_PEER_H

#include "vmm/base/err.h"

/*
 * Whether the peer of the connected TCP socket @fd may come in: a process of this user's or root's,
 * or one of another machine (loopback is for nobody else). -EPERM: another user's; -ESRCH: nobody
 * is known to have the socket any more; or why it cannot be told.
 */
int gdb_peer_check(int fd) FERRY_MUST_CHECK;

#endif
