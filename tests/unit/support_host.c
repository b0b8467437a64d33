/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel under a test really does; an emulator of user mode claims some of it only. */

#include "tests/unit/support_host.h"

#include <errno.h>
#include <linux/mman.h>
#include <stdio.h>
#include <sys/mman.h>

#include "vmm/base/bits.h"
#include "vmm/base/page.h"

bool advice_is_heeded(int advice, const char *test)
{
	size_t size = host_page_size();
	void *gone = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (gone == MAP_FAILED)
		return true;
	munmap(gone, size);
	/* Whoever agrees to do it where no memory is does nothing anywhere. */
	if (madvise(gone, size, advice) != 0)
		return true;
	printf("skip: %s: madvise does nothing here\n", test);
	return false;
}

bool huge_pages_are_told_of(const char *test)
{
	void *page = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (page != MAP_FAILED) {
		munmap(page, 2 * MIB);
		return true;
	}
	if (errno == ENOMEM)
		return true;
	printf("skip: %s: mmap knows no huge pages here\n", test);
	return false;
}
