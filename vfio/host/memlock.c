/* SPDX-License-Identifier: BSD-3-Clause */
/* The locked-memory limit against the need of a guest with passed-through devices. */

#include "vfio/host/memlock.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"

/* The kernel gives every namespace but the first of its kind a number of its own. */
enum { FIRST_USER_NAMESPACE = 0xeffffffd };

/* In a container of an ordinary user the kernel counts none of root's capabilities for this. */
static bool memlock_is_in_first_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/user", &status) < 0 || status.st_ino == FIRST_USER_NAMESPACE;
}

static bool memlock_have_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0 &&
	       memlock_is_in_first_namespace();
}

static int memlock_refuse(uint64_t need, uint64_t most, struct err *err)
{
	return err_set(err, -ENOMEM,
		       "locked-memory limit: guest RAM for passed-through devices needs %" PRIu64
		       " KiB, the limit is %" PRIu64 " KiB: raise it with `sudo prlimit --pid $$ "
		       "--memlock=%" PRIu64 ":%" PRIu64 "` in this shell, a memlock line in "
		       "/etc/security/limits.conf or LimitMEMLOCK= of the systemd unit",
		       need / KIB, most / KIB, need, need);
}

int vfio_memlock_check(uint64_t need, struct vfio_memlock *memlock, struct err *err)
{
	struct rlimit limit;

	*memlock = (struct vfio_memlock){.enough = true};
	/* The kernel's type1 does not count pages of a process with this capability. */
	if (memlock_have_capability(CAP_IPC_LOCK))
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return err_set(err, -errno, "locked-memory limit: %s", err_text(-errno));
	memlock->hard = limit.rlim_max;
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= need)
		return 0;
	memlock->enough = false;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= need ||
	    memlock_have_capability(CAP_SYS_RESOURCE)) {
		memlock->may_raise = true;
		return 0;
	}
	return memlock_refuse(need, memlock->hard, err);
}

int vfio_memlock_ensure(uint64_t need, struct err *err)
{
	struct vfio_memlock memlock;
	struct rlimit limit;
	int rc = vfio_memlock_check(need, &memlock, err);

	if (rc || memlock.enough)
		return rc;
	limit.rlim_cur = need;
	limit.rlim_max = memlock.hard;
	if (memlock.hard != RLIM_INFINITY && memlock.hard < need)
		limit.rlim_max = need;
	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? memlock_refuse(need, memlock.hard, err) : 0;
}
