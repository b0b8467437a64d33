/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory the host, and the control group that Ferry is in, can give to a guest. */

#include "vmm/hostmem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/held.h"
#include "vmm/base/page.h"
#include "vmm/base/text.h"

/*
 * Pinned memory cannot be reclaimed or swapped, and the host must go on living beside it: what it
 * allocates next (page cache, network buffers, and for the guest two sets of page tables, KVM's and
 * the IOMMU's, of 8 bytes for each 4 KiB) comes out of this. 256 MiB hold a small host; a fiftieth
 * grows with the caches, and is five times what the page tables of a guest with all the RAM take.
 */
static const uint64_t host_kept = 256 * MIB;
enum { HOST_KEPT_PART = 50 };

/* A control group pays for the monitor and, by the same reckoning, for both sets of page tables. */
static const uint64_t group_kept = 16 * MIB;
enum { GROUP_TABLES_PART = 256 };

/* How the two versions of control groups call their files; limits in the order of their names. */
struct group_files {
	const char *limits[2];
	const char *usage;
	const char *reclaimable[2]; /* in memory.stat: page cache, which makes room */
};

static const struct group_files files_v2 = {
	.limits = {"memory.max", "memory.high"},
	.usage = "memory.current",
	.reclaimable = {"inactive_file", "active_file"},
};

static const struct group_files files_v1 = {
	.limits = {"memory.limit_in_bytes", NULL},
	.usage = "memory.usage_in_bytes",
	.reclaimable = {"total_inactive_file", "total_active_file"},
};

/* The number that follows the word @key in @folder/@name, or the first of the file without @key. */
static bool hostmem_number(const char *folder, const char *name, const char *key, uint64_t *number)
{
	char path[PATH_MAX + 64], line[256];
	size_t length = key ? strlen(key) : 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = held_fopen(path);
	while (file && !found && fgets(line, sizeof(line), file)) {
		if (key && (strncmp(line, key, length) != 0 || !strchr(": ", line[length])))
			continue;
		found = sscanf(line + length + (line[length] == ':'), "%" SCNu64, number) == 1;
		if (!key)
			break;
	}
	if (file)
		fclose(file);
	return found;
}

static uint64_t hostmem_at_least_zero(uint64_t from, uint64_t less)
{
	return from > less ? from - less : 0;
}

/* @host becomes what is said, if that leaves less for RAM. */
static void hostmem_limit(struct hostmem *host, uint64_t available, uint64_t most,
			  const char *whose, const char *limit)
{
	most &= ~(MIB - 1);
	if (most >= host->most)
		return;
	host->available = available;
	host->most = most;
	host->kept = available - most;
	snprintf(host->whose, sizeof(host->whose), "%.*s%s", PATH_MAX, whose, limit);
}

/* One group: what its limit leaves beside what cannot be reclaimed. */
static void hostmem_read_group(struct hostmem *host, const char *folder, const char *group,
			       const struct group_files *files)
{
	uint64_t usage, limit, cached = 0, part;
	char whose[PATH_MAX], name[64];

	if (!hostmem_number(folder, files->usage, NULL, &usage))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(files->reclaimable); i++)
		if (hostmem_number(folder, "memory.stat", files->reclaimable[i], &part))
			cached += part;
	usage = hostmem_at_least_zero(usage, cached);
	snprintf(whose, sizeof(whose), "control group %.200s", *group ? group : "/");
	for (size_t i = 0; i < ARRAY_SIZE(files->limits) && files->limits[i]; i++) {
		if (!hostmem_number(folder, files->limits[i], NULL, &limit))
			continue; /* "max", or this group has none */
		snprintf(name, sizeof(name), " (its %s)", files->limits[i]);
		limit = hostmem_at_least_zero(limit, usage);
		hostmem_limit(host, limit,
			      hostmem_at_least_zero(limit, group_kept) / (GROUP_TABLES_PART + 1) *
				      GROUP_TABLES_PART,
			      whose, name);
	}
}

/* The group and all above it; in a container the path may begin higher than what is mounted. */
static void hostmem_read_groups(struct hostmem *host, const char *root, char *group,
				const struct group_files *files)
{
	char folder[2 * PATH_MAX], *slash;

	for (;;) {
		snprintf(folder, sizeof(folder), "%s%s", root, group);
		hostmem_read_group(host, folder, group, files);
		slash = strrchr(group, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

/*
 * /proc/self/cgroup: HIERARCHY:CONTROLLERS:PATH, of version 2 with neither of the first
 * (cgroups(7)).
 */
static void hostmem_read_cgroups(struct hostmem *host, const char *proc, const char *sys)
{
	char path[PATH_MAX], root[PATH_MAX], line[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/self/cgroup", proc);
	file = held_fopen(path);
	while (file && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':'), *group;

		group = controllers ? strchr(++controllers, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if (*controllers != '\0' && !text_has_word(controllers, ",", "memory"))
			continue;
		snprintf(root, sizeof(root), "%.*s/fs/cgroup%s", PATH_MAX - 32, sys,
			 *controllers ? "/memory" : "");
		hostmem_read_groups(host, root, group, *controllers ? &files_v1 : &files_v2);
	}
	if (file)
		fclose(file);
}

void hostmem_read(const char *proc, const char *sys, struct hostmem *host)
{
	uint64_t available, total = 0, kept = host_kept;

	*host = (struct hostmem){.available = UINT64_MAX, .most = UINT64_MAX};
	if (hostmem_number(proc, "meminfo", "MemAvailable", &available)) {
		if (hostmem_number(proc, "meminfo", "MemTotal", &total) &&
		    total * KIB / HOST_KEPT_PART > kept)
			kept = total * KIB / HOST_KEPT_PART;
		hostmem_limit(host, available * KIB, hostmem_at_least_zero(available * KIB, kept),
			      "the host", "");
	}
	hostmem_read_cgroups(host, proc, sys);
}

int hostmem_check(const struct hostmem *host, uint64_t ram, const char *who, struct err *err)
{
	char remedy[64] = "free some first";

	if (ram <= host->most)
		return 0;
	if (host->most)
		snprintf(remedy, sizeof(remedy), "give --memory %" PRIu64 "M or less, or free some",
			 host->most / MIB);
	return err_set(err, -ENOMEM,
		       "guest memory: %" PRIu64 " MiB are asked, and %s all: %s has %" PRIu64
		       " MiB available, and needs %" PRIu64 " of them itself: %s",
		       ram / MIB, who, host->whose, host->available / MIB, host->kept / MIB,
		       remedy);
}

/* /proc/self/statm: sizes in pages, the second of what is resident (proc_pid_statm(5)). */
uint64_t hostmem_resident(const char *proc)
{
	char path[PATH_MAX];
	uint64_t pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/self/statm", proc);
	file = held_fopen(path);
	if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * host_page_size();
}

int hostmem_check_rest(const struct hostmem *host, uint64_t ram, uint64_t resident, struct err *err)
{
	if (hostmem_at_least_zero(ram, resident) <= host->most)
		return 0;
	return err_set(err, -ENOMEM,
		       "guest memory: a passed-through device pins all %" PRIu64
		       " MiB, of which %" PRIu64 " are in use: %s has %" PRIu64
		       " MiB available, and needs %" PRIu64 " of them itself: free some first",
		       ram / MIB, resident / MIB, host->whose, host->available / MIB,
		       host->kept / MIB);
}
