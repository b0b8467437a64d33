/* SPDX-License-Identifier: BSD-3-Clause */
/* The monitor gives up everything but its work: privileges, files, networks, neighbours. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "vmm/base/bits.h"
#include "vmm/base/held.h"
#include "vmm/base/log.h"
#include "vmm/base/random.h"
#include "vmm/sandbox/capability.h"
#include "vmm/sandbox/landlock.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/user.h"
#include "vmm/sandbox/variant.h"

int sandbox_parse_mode(const char *text, enum sandbox_mode *mode)
{
	static const char *const names[] = {
		[SANDBOX_ON] = "on", [SANDBOX_LOG] = "log", [SANDBOX_OFF] = "off"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*mode = (enum sandbox_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* For a device that comes later, when no thread may change a limit any more. */
static void drop_raise_own_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		log_debug("sandbox: the limit of locked memory stays as it is");
}

/*
 * Who has CAP_IPC_LOCK pins what it likes. Without it the limit is to let as much, which only the
 * privileged raise: where that is refused, the capability stays. The capabilities to keep.
 */
static uint64_t drop_settle_locked_memory(const struct sandbox_settings *settings)
{
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	if (!settings->pins)
		return 0;
	if (!capability_is_effective(CAP_IPC_LOCK)) {
		drop_raise_own_limit();
		return 0;
	}
	if (setrlimit(RLIMIT_MEMLOCK, &none) == 0)
		return 0;
	log_info("sandbox: CAP_IPC_LOCK is kept to pin memory, as the limit of locked memory "
		 "cannot be raised");
	return (uint64_t)1 << CAP_IPC_LOCK;
}

/* What is told of the host's memory, and seeds for guests, for as long as the process lasts. */
static void drop_hold_files(void)
{
	static const char *const paths[] = {"/proc/meminfo", "/proc/self/cgroup",
					    "/proc/self/statm"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (held_add(HELD_FILE, paths[i]) < 0)
			log_debug("sandbox: %s cannot be held", paths[i]);
	random_hold();
}

static void drop_wall_files(enum sandbox_mode mode)
{
	int version = landlock_version(), rc, folders[2];

	if (mode == SANDBOX_LOG) {
		log_info("sandbox: without Landlock, which cannot tell what it refuses");
		return;
	}
	/* What the host tells of devices, and what this build's own libraries read. */
	folders[0] = held_add(HELD_FOLDER, "/sys");
	folders[1] = variant_folder() ? held_add(HELD_FOLDER, variant_folder()) : -1;
	rc = version < 0 ? version : landlock_enter(version);
	held_remove(&folders[0]);
	held_remove(&folders[1]);
	if (rc)
		log_info("sandbox: without Landlock, files and TCP are behind fewer walls: %s",
			 rc == -EOPNOTSUPP ? "the host was started without it (lsm=)"
			 : rc == -ENOSYS   ? "the host's kernel has none"
					   : err_text(rc));
	else
		log_info("sandbox: Landlock %d walls files off%s%s%s", version,
			 version >= 4 ? ", TCP" : "", version >= 5 ? ", devices" : "",
			 version >= 6 ? ", other processes" : "");
}

static int drop_capabilities(uint64_t kept, struct err *err)
{
	int rc = capability_keep(kept);

	return rc ? err_set(err, rc, "sandbox: capabilities cannot be dropped: %s", err_text(rc))
		  : 0;
}

/* Without the sandbox another user is what it is, but for what it needs to pin memory. */
static int drop_user_alone(const struct user *user, uint64_t kept, struct err *err)
{
	int rc = user_change(user, kept, err);

	return rc || !kept ? rc : drop_capabilities(kept, err);
}

int sandbox_drop(const struct sandbox_settings *settings, struct err *err)
{
	uint64_t kept;
	int rc = 0;

	if (settings->mode == SANDBOX_OFF && !settings->user)
		return 0;
	drop_hold_files();
	kept = drop_settle_locked_memory(settings);
	if (settings->mode == SANDBOX_OFF)
		return drop_user_alone(settings->user, kept, err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(err, -errno, "sandbox: no_new_privs: %s", err_text(errno));
	/* Another user may not do that any more. */
	capability_empty_bounding_set();
	if (settings->user)
		rc = user_change(settings->user, true, err);
	if (rc)
		return rc;
	rc = drop_capabilities(kept, err);
	if (rc)
		return rc;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(err, -errno, "sandbox: others cannot be kept from looking in: %s",
			       err_text(errno));
	drop_wall_files(settings->mode);
	return 0;
}
