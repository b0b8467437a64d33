/* SPDX-License-Identifier: BSD-3-Clause */
/* Another user than root for the rest of the run, in a root folder without files. */

#ifndef FERRY_VMM_SANDBOX_USER_H
#define FERRY_VMM_SANDBOX_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "vmm/base/err.h"

struct user {
	uid_t uid; /* never 0 but where there is no other user */
	gid_t gid;
};

/*
 * Finds "NAME" or "UID", with or without ":GROUP" or ":GID", in the files passwd and group of the
 * folder @etc: names that come from elsewhere (LDAP) are unknown, and go by number. -EINVAL with
 * @err saying why there is no such user, or that it is root.
 */
int user_find(const char *etc, const char *text, struct user *user,
	      struct err *err) FERRY_MUST_CHECK;

/* Whether this process may become another user at all: it is root's. -EPERM with @err set. */
int user_check(struct err *err) FERRY_MUST_CHECK;

/*
 * Becomes @user: namespaces of its own (files, IPC, network), a root folder with nothing in it but
 * /sys to read, no supplementary groups, and all group and user ids. What is open stays
 * so. Namespaces that the kernel refuses, as in containers, are done without, and told
 * where information is. @keep has the permitted capabilities survive, for the caller to drop. Main
 * thread, once, before any other. A failure is one sentence, and the process is of no use then.
 */
int user_change(const struct user *user, bool keep, struct err *err) FERRY_MUST_CHECK;

#endif
