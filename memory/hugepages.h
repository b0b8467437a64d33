/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host says of its reserved huge pages. */

#ifndef FERRY_MEMORY_HUGEPAGES_H
#define FERRY_MEMORY_HUGEPAGES_H

#include <stdint.h>

#include "vmm/base/err.h"

/*
 * 0 when @total bytes of huge pages of @page_size bytes can be had of the pool under @sysfs, of
 * which @held bytes are the caller's already; else @code with @err saying how many are needed and
 * free, and how to reserve more. *@enough becomes the number of pages in a pool that would do, 0
 * without a pool.
 */
int hugepages_check(const char *sysfs, uint64_t page_size, uint64_t total, uint64_t held,
		    uint64_t *enough, int code, struct err *err) FERRY_MUST_CHECK;

/*
 * Writes into @err why @total bytes of huge pages of @page_size bytes were refused with @code: how
 * many pages are needed and free, and how to reserve more. @held bytes of the total are the
 * caller's already. Returns @code.
 */
int hugepages_explain(uint64_t page_size, uint64_t total, uint64_t held, int code, struct err *err);

#endif
