/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose the names are to be that this process makes, where it goes on as another user later. */

#ifndef FERRY_BASE_OWNER_H
#define FERRY_BASE_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on they are @uid's and @gid's. Main thread, before any is made. */
void owner_set(uid_t uid, gid_t gid);

/* Gives @path, just made, to that user; nothing to do without one. Keeps errno. */
void owner_give(const char *path);

/* The process's real and effective user stay what they are now, and need not be asked for. */
void owner_note(void);

/* Who this process acts as. */
uid_t owner_effective(void);

/* Whether @uid's processes are let in: root, and whom this one is of. Any thread. */
bool owner_lets(uid_t uid);

#endif
