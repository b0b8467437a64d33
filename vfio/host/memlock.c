/* SPDX-License-Identifier: BSD-3-Clause */
/* The locked-memory limit against the need of a guest with passed-through devices. */

#include "vfio/host/memlock.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/files.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

/* The kernel gives every namespace but the first of its kind a number of its own. */
enum { FIRST_USER_NAMESPACE = 0xeffffffd };

enum { WHOSE_SIZE = 128 };

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

/* The number behind @key in a line of /proc/PID/status, "VmPin:\t    4096 kB". */
static bool memlock_take_number(const char *line, const char *key, uint64_t *number)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0)
		return false;
	*number = strtoull(line + length, NULL, 10);
	return true;
}

/* Bytes that a process of this user's has pinned; 0 for others' and for what is no process. */
static uint64_t memlock_read_pinned(const char *proc, const char *process)
{
	uint64_t user = UINT64_MAX, pinned = 0;
	char path[PATH_MAX], line[256];
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/%s/status", proc, process) >= (int)sizeof(path))
		return 0;
	file = files_open(path);
	while (file && fgets(line, sizeof(line), file))
		if (!memlock_take_number(line, "Uid:", &user))
			memlock_take_number(line, "VmPin:", &pinned);
	if (file)
		fclose(file);
	return user == getuid() ? pinned * KIB : 0;
}

/* The kernel tells nobody its own sum: it counts by the real user. @last where @proc is shut. */
static uint64_t memlock_add_others(const char *proc, uint64_t last)
{
	DIR *list = opendir(proc);
	struct dirent *entry;
	uint64_t sum = 0;

	if (!list)
		return last;
	while ((entry = readdir(list))) {
		long number = strtol(entry->d_name, NULL, 10);

		if (number > 0 && number != thread_process())
			sum += memlock_read_pinned(proc, entry->d_name);
	}
	closedir(list);
	return sum;
}

/* Behind the limit in a sentence: "" for one of this process's own. */
static void memlock_tell_whose(const struct vfio_memlock_scope *scope, uint64_t others,
			       char whose[WHOSE_SIZE])
{
	int length = 0;

	whose[0] = '\0';
	if (scope->user_proc)
		length = snprintf(whose, WHOSE_SIZE, " for all processes of user %u together",
				  (unsigned int)getuid());
	if (others)
		snprintf(whose + length, WHOSE_SIZE - (size_t)length,
			 ", of which others have pinned %" PRIu64 " KiB", others / KIB);
}

/* What the sentences have in common: need, limit, whose they are, and how to raise it. */
static void memlock_format(const struct vfio_memlock_scope *scope, uint64_t need, uint64_t most,
			   uint64_t others, char *text, size_t size)
{
	char whose[WHOSE_SIZE];

	memlock_tell_whose(scope, others, whose);
	snprintf(text, size,
		 "locked-memory limit: guest RAM for passed-through devices needs %" PRIu64
		 " KiB, the limit is %" PRIu64 " KiB%s: raise it with `sudo prlimit --pid $$ "
		 "--memlock=%" PRIu64 ":%" PRIu64 "` in this shell, a memlock line in "
		 "/etc/security/limits.conf or LimitMEMLOCK= of the systemd unit",
		 need / KIB, most / KIB, whose, need + others, need + others);
}

static int memlock_refuse(const struct vfio_memlock_scope *scope, uint64_t need,
			  const struct vfio_memlock *memlock, struct err *err)
{
	char text[sizeof(err->text)];

	memlock_format(scope, need, memlock->hard, memlock->others, text, sizeof(text));
	return err_set(err, -ENOMEM, "%s", text);
}

/* The most that this process may set the limit to; RLIM_INFINITY is more than any other. */
static uint64_t memlock_most(const struct vfio_memlock *memlock)
{
	return memlock_have_capability(CAP_SYS_RESOURCE) ? RLIM_INFINITY : memlock->hard;
}

static int memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
			 struct vfio_memlock *memlock, struct err *err)
{
	struct rlimit limit;
	uint64_t most;

	/* The kernel does not count pages of a process with this capability, by either way. */
	if (memlock_have_capability(CAP_IPC_LOCK))
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return err_set(err, -errno, "locked-memory limit: %s", err_text(-errno));
	memlock->hard = limit.rlim_max;
	if (limit.rlim_cur == RLIM_INFINITY)
		return 0;
	if (scope->user_proc)
		memlock->others = memlock_add_others(scope->user_proc, scope->others);
	if (limit.rlim_cur >= need + memlock->others)
		return 0;
	most = memlock_most(memlock);
	memlock->enough = limit.rlim_cur >= need && limit.rlim_cur == most;
	memlock->may_raise = most >= need && most > limit.rlim_cur;
	if (most < need)
		return memlock_refuse(scope, need, memlock, err);
	if (most < need + memlock->others)
		memlock_format(scope, need, most, memlock->others, memlock->doubt,
			       sizeof(memlock->doubt));
	return 0;
}

/* What is asked of who may look at other processes. */
struct memlock_question {
	const struct vfio_memlock_scope *scope;
	uint64_t need;
	struct vfio_memlock *memlock;
	uint64_t most;
	struct err *err;
	int rc;
};

static void memlock_look(void *owner)
{
	struct memlock_question *question = owner;

	question->rc =
		memlock_check(question->scope, question->need, question->memlock, question->err);
	question->most = memlock_most(question->memlock);
}

/* In *@most, unless that is NULL, what the limit can be raised to. */
static int memlock_ask(const struct vfio_memlock_scope *scope, uint64_t need,
		       struct vfio_memlock *memlock, uint64_t *most, struct err *err)
{
	struct memlock_question question = {scope, need, memlock, 0, err, 0};
	int rc;

	*memlock = (struct vfio_memlock){.enough = true};
	rc = files_look(memlock_look, &question);
	if (most)
		*most = question.most;
	return rc ? err_set(err, rc, "locked-memory limit: no thread to look at it: %s",
			    err_text(rc))
		  : question.rc;
}

int vfio_memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
		       struct vfio_memlock *memlock, struct err *err)
{
	return memlock_ask(scope, need, memlock, NULL, err);
}

int vfio_memlock_ensure(struct vfio_memlock_scope *scope, uint64_t need, struct err *err)
{
	struct vfio_memlock memlock;
	struct rlimit limit;
	uint64_t most;
	int rc = memlock_ask(scope, need, &memlock, &most, err);

	scope->others = memlock.others;
	if (rc)
		return rc;
	if (memlock.doubt[0])
		log_warn("%s", memlock.doubt);
	if (memlock.enough)
		return 0;
	limit.rlim_cur = most;
	if (limit.rlim_cur > need + memlock.others)
		limit.rlim_cur = need + memlock.others;
	limit.rlim_max = memlock.hard > limit.rlim_cur ? memlock.hard : limit.rlim_cur;
	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? memlock_refuse(scope, need, &memlock, err)
						     : 0;
}

struct memlock_sentence {
	const struct vfio_memlock_scope *scope;
	uint64_t more;
	char *text;
	size_t size;
};

static void memlock_explain(void *owner)
{
	const struct memlock_sentence *sentence = owner;
	const struct vfio_memlock_scope *scope = sentence->scope;
	char whose[WHOSE_SIZE];
	struct rlimit limit;

	if (memlock_have_capability(CAP_IPC_LOCK) || getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY) {
		snprintf(sentence->text, sentence->size,
			 "the host's kernel has no memory left for it: free some, or give the "
			 "guest less");
		return;
	}
	memlock_tell_whose(scope,
			   scope->user_proc ? memlock_add_others(scope->user_proc, scope->others)
					    : 0,
			   whose);
	snprintf(sentence->text, sentence->size,
		 "%" PRIu64 " KiB more cannot be locked, the limit is %" PRIu64
		 " KiB%s: raise it (prlimit --memlock) or give the guest less memory",
		 sentence->more / KIB, (uint64_t)limit.rlim_cur / KIB, whose);
}

void vfio_memlock_explain(const struct vfio_memlock_scope *scope, uint64_t more, char *text,
			  size_t size)
{
	struct memlock_sentence sentence = {scope, more, text, size};

	snprintf(text, size, "%s", err_text(-ENOMEM));
	if (files_look(memlock_explain, &sentence))
		log_debug("locked-memory limit: no thread to look at it");
}
