/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding gzip data (RFC 1952), member by member. */

#ifndef FERRY_ARCH_LOADER_GZIP_H
#define FERRY_ARCH_LOADER_GZIP_H

#include "arch/loader/unpack.h"

extern const struct unpack_format gzip_format;

#endif
