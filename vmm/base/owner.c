/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose the names are to be that this process makes, where it goes on as another user later. */

#include "vmm/base/owner.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/base/log.h"

/* Of the process, as its user is. */
static struct {
	bool is_set;
	uid_t uid;
	gid_t gid;
	bool noted;
	uid_t real, effective;
} owner;

void owner_set(uid_t uid, gid_t gid)
{
	owner.is_set = true;
	owner.uid = uid;
	owner.gid = gid;
}

void owner_give(const char *path)
{
	int saved = errno;

	if (owner.is_set && lchown(path, owner.uid, owner.gid))
		log_warn("%s: it cannot be given to user %u: %s", path, (unsigned int)owner.uid,
			 err_text(errno));
	errno = saved;
}

void owner_note(void)
{
	owner.noted = true;
	owner.real = getuid();
	owner.effective = geteuid();
}

uid_t owner_effective(void)
{
	return owner.noted ? owner.effective : geteuid();
}

bool owner_lets(uid_t uid)
{
	uid_t real = owner.noted ? owner.real : getuid();

	return uid == 0 || uid == real || uid == owner_effective();
}
