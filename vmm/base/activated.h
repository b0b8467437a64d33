/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that somebody else has opened for this process: what they must be to be of use. */

#ifndef FERRY_BASE_ACTIVATED_H
#define FERRY_BASE_ACTIVATED_H

#include "vmm/base/err.h"

/* "fd=N" as a number; -EINVAL for anything else. */
int activated_parse(const char *text) FERRY_MUST_CHECK;

/*
 * Whether open @fd is a stream socket that listens, which from then on does not wait at accept(2).
 * Its family in *@family (AF_UNIX, AF_INET, AF_INET6), or -EINVAL with @err saying what it is
 * instead.
 */
int activated_check_listener(int fd, int *family, struct err *err) FERRY_MUST_CHECK;

/* Whether @fd, if it is a socket at all, is a stream that is connected; likewise. */
int activated_check_connection(int fd, struct err *err) FERRY_MUST_CHECK;

#endif
