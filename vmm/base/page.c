/* SPDX-License-Identifier: BSD-3-Clause */
/* The size of the host's pages; alone in its file so that a test can have others. */

#include "vmm/base/page.h"

#include <unistd.h>

uint64_t host_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}
