/* SPDX-License-Identifier: BSD-3-Clause */
/* The size of the host's pages. */

#ifndef FERRY_BASE_PAGE_H
#define FERRY_BASE_PAGE_H

#include <stdint.h>

/* Bytes, a power of two: 4 KiB, and on some arm64 kernels 16 or 64 KiB. */
uint64_t host_page_size(void);

#endif
