/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory whose physical addresses are known. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

void *buffer_alloc(size_t size)
{
	void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);

	if (buffer == MAP_FAILED)
		err(1, "no memory for a buffer");
	memset(buffer, 0, size);
	return buffer;
}

uint64_t buffer_physical(const void *address)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "/proc/self/pagemap");
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / page_size * 8)) != 8)
		err(1, "/proc/self/pagemap");
	close(fd);
	/* Bit 63: present. Bits 0 to 54: page frame number, zero when we may not see it. */
	if (!(entry >> 63) || !(entry & ((UINT64_C(1) << 55) - 1)))
		errx(1, "the physical address of a buffer is hidden");
	return (entry & ((UINT64_C(1) << 55) - 1)) * page_size + (uintptr_t)address % page_size;
}
