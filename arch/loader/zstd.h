/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding zstd data (RFC 8878), frame by frame, skippable ones too. */

#ifndef FERRY_ARCH_LOADER_ZSTD_H
#define FERRY_ARCH_LOADER_ZSTD_H

#include "arch/loader/unpack.h"

extern const struct unpack_format zstd_format;

#endif
