/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes as a person writes them: the guest's memory and the pages that it is made of. */

#ifndef FERRY_VMM_SIZES_H
#define FERRY_VMM_SIZES_H

#include <stdint.h>

#include "vmm/base/err.h"

/*
 * A size in bytes: a number, which may have a point, and K, M, G or T (powers of 1024) in either
 * case, which "B" or "iB" may follow: 512M, 1.5G, 2GiB. Only 0 goes without a unit. -EINVAL with
 * @err saying what to write instead, without the option's name.
 */
int size_parse(const char *text, uint64_t *bytes, struct err *err) FERRY_MUST_CHECK;

/* The size of huge pages that the host may have: 2 MiB or 1 GiB; likewise. */
int size_parse_huge_page(const char *text, uint64_t *bytes, struct err *err) FERRY_MUST_CHECK;

/*
 * Whether a machine can have @memory bytes of RAM, as the user wrote them in @text, in pages of
 * @page_size bytes (0: the host's choice); -EINVAL, likewise.
 */
int size_check_memory(const char *text, uint64_t memory, uint64_t page_size,
		      struct err *err) FERRY_MUST_CHECK;

#endif
