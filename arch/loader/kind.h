/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file that is no kernel for this machine seems to be, for the sentence that refuses it. */

#ifndef FERRY_ARCH_LOADER_KIND_H
#define FERRY_ARCH_LOADER_KIND_H

#include <stddef.h>
#include <stdint.h>

enum { KIND_SNIFF_SIZE = 1024 };

/*
 * Tells of the file's first @size bytes, best KIND_SNIFF_SIZE of them, in half a sentence that
 * begins with "it is" or "its". Static text.
 */
const char *kind_describe(const uint8_t *bytes, size_t size);

#endif
