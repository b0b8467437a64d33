/* SPDX-License-Identifier: BSD-3-Clause */
/* What the superuser may do, taken from this process for good (capabilities(7)). */

#include "vmm/sandbox/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"

struct capability_sets {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static int capability_read(struct capability_sets *sets)
{
	*sets = (struct capability_sets){.header = {.version = _LINUX_CAPABILITY_VERSION_3}};
	return syscall(SYS_capget, &sets->header, sets->words) ? -errno : 0;
}

bool capability_is_effective(unsigned int capability)
{
	struct capability_sets sets;

	return capability_read(&sets) == 0 &&
	       sets.words[capability / 32].effective >> capability % 32 & 1;
}

/* The kernel may know more than its headers did. One who may not drop them can gain none either. */
void capability_empty_bounding_set(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

int capability_keep(uint64_t kept)
{
	struct capability_sets sets;
	int rc;

	capability_empty_bounding_set();
	/* Before Linux 4.3 there is no such set. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	rc = capability_read(&sets);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(sets.words); i++) {
		sets.words[i].permitted &= (uint32_t)(kept >> 32 * i);
		sets.words[i].effective = sets.words[i].permitted;
		sets.words[i].inheritable = 0;
	}
	return syscall(SYS_capset, &sets.header, sets.words) ? -errno : 0;
}
