/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives back the memory that only start-up needed. */

#include "vmm/base/trim.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "vmm/base/page.h"

/*
 * A block of several pages is a mapping of its own: pages that nobody touches take no memory. In
 * the heap calloc() touches them all. There it would be while the heap has room.
 */
enum { MAPPED_BLOCK = 16 * 1024 };

void trim_prepare(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK);
	mallopt(M_TOP_PAD, MAPPED_BLOCK);
	malloc_trim(MAPPED_BLOCK);
}

/* Only segments that cannot be written are sure to be the same as their file. */
static int trim_object(struct dl_phdr_info *info, size_t size, void *owner)
{
	uintptr_t page = *(uintptr_t *)owner;

	(void)size;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && end > start)
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void trim_memory(void)
{
	uintptr_t page = (uintptr_t)host_page_size();

	malloc_trim(0);
	dl_iterate_phdr(trim_object, &page);
}
