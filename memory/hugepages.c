/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host says of its reserved huge pages, in /sys/kernel/mm/hugepages. */

#include "memory/hugepages.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"

/* One of the pool's counters; false when the host has no such pool. */
static bool hugepage_read_counter(const char *sysfs, uint64_t page_size, const char *name,
				  uint64_t *value)
{
	char path[PATH_MAX];
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "%s/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s", sysfs,
		 page_size / KIB, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	read = fscanf(file, "%" SCNu64, value) == 1;
	fclose(file);
	return read;
}

int hugepages_check(const char *sysfs, uint64_t page_size, uint64_t total, uint64_t held,
		    uint64_t *enough, int code, struct err *err)
{
	char size[TEXT_SIZE_ROOM];
	const char *name = text_size(size, page_size);
	uint64_t needed = total / page_size, unused, reserved, pool;

	*enough = 0;
	if (!hugepage_read_counter(sysfs, page_size, "free_hugepages", &unused) ||
	    !hugepage_read_counter(sysfs, page_size, "resv_hugepages", &reserved) ||
	    !hugepage_read_counter(sysfs, page_size, "nr_hugepages", &pool))
		return err_set(err, code,
			       "guest memory: huge pages of %s: %s: this host has none of that "
			       "size: choose another size, or ordinary pages",
			       name, err_text(code));
	unused = (unused > reserved ? unused - reserved : 0) + held / page_size;
	*enough = unused < needed ? pool + needed - unused : pool;
	if (unused >= needed)
		return 0;
	return err_set(err, code,
		       "guest memory: %" PRIu64 " huge pages of %s: only %" PRIu64
		       " are free: reserve more with `echo %" PRIu64
		       " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages` as root",
		       needed, name, unused, *enough, page_size / KIB);
}

int hugepages_explain(uint64_t page_size, uint64_t total, uint64_t held, int code, struct err *err)
{
	char size[TEXT_SIZE_ROOM];
	uint64_t enough;

	if (hugepages_check("/sys", page_size, total, held, &enough, code, err))
		return code;
	return err_set(err, code,
		       "guest memory: %" PRIu64 " huge pages of %s: %s: as many are free: ask for "
		       "less with --memory, or for ordinary pages",
		       total / page_size, text_size(size, page_size), err_text(code));
}
