/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, TCP and processes outside, walled off by the kernel's Landlock (landlock(7)). */

#include "vmm/sandbox/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/held.h"

/* The kernel's interface, which the C library's headers may be older than. */
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_IOCTL_DEV = 1 << 15,
};

struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* What each version brought; the last row is for those that are newer than this. */
static const struct ruleset versions[] = {
	{.handled_access_fs = 0x1fff},                                         /* Linux 5.13 */
	{.handled_access_fs = 0x3fff},                                         /* moving */
	{.handled_access_fs = 0x7fff},                                         /* truncating */
	{.handled_access_fs = 0x7fff, .handled_access_net = 3},                /* TCP */
	{.handled_access_fs = 0xffff, .handled_access_net = 3},                /* ioctls */
	{.handled_access_fs = 0xffff, .handled_access_net = 3, .scoped = 0x3}, /* processes */
};

/* By kind of what is held. */
static const uint64_t rights[] = {
	[HELD_FOLDER] = FS_READ_FILE | FS_READ_DIR,
	[HELD_TERMINAL] = FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV,
	[HELD_NAMES] = FS_REMOVE_FILE,
};

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return version < 0 ? -errno : (int)version;
}

static int landlock_allow(int ruleset, const struct ruleset *handled)
{
	for (size_t kind = 0; kind < ARRAY_SIZE(rights); kind++) {
		int fd;

		for (size_t i = 0; (fd = held_descriptor((enum held_kind)kind, i)) >= 0; i++) {
			struct path_beneath rule = {
				.allowed_access = rights[kind] & handled->handled_access_fs,
				.parent_fd = fd,
			};

			if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0))
				return -errno;
		}
	}
	return 0;
}

int landlock_enter(int version)
{
	const struct ruleset *handled = &versions[ARRAY_SIZE(versions) - 1];
	int ruleset, rc;

	if (version < (int)ARRAY_SIZE(versions))
		handled = &versions[version - 1];
	/* A kernel that knows less takes what is zero. */
	ruleset = (int)syscall(SYS_landlock_create_ruleset, handled, sizeof(*handled), 0);
	if (ruleset < 0)
		return -errno;
	rc = landlock_allow(ruleset, handled);
	if (!rc && syscall(SYS_landlock_restrict_self, ruleset, 0))
		rc = -errno;
	fd_close(&ruleset);
	return rc;
}
