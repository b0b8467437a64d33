/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a user's running monitors are listed: a folder with a link to each one's control socket. */

#ifndef FERRY_VMM_RUNTIME_H
#define FERRY_VMM_RUNTIME_H

#include <limits.h>
#include <stddef.h>

#include "vmm/base/err.h"

/*
 * Root's is @run/ferry/monitors, where @run is /run; another user's is in XDG_RUNTIME_DIR.
 * -ENOENT where that is not set.
 */
int runtime_folder(const char *run, char folder[PATH_MAX], struct err *err) FERRY_MUST_CHECK;

/* The link of process @pid, be it there or not. */
int runtime_entry(const char *run, const char *pid, char path[PATH_MAX],
		  struct err *err) FERRY_MUST_CHECK;

/*
 * Lists this process with its @socket, making the folder where it is not there; @path is the link.
 * -EPERM where the folder is another's, or others may write to it.
 */
int runtime_enter(const char *run, const char *socket, char path[PATH_MAX],
		  struct err *err) FERRY_MUST_CHECK;

#endif
