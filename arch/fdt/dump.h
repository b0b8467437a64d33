/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a device tree into a file, for a person and for dtc. */

#ifndef FERRY_ARCH_FDT_DUMP_H
#define FERRY_ARCH_FDT_DUMP_H

#include <stddef.h>

#include "vmm/base/err.h"

/* Builds the tree that the architecture's @config asks for; as dt_finish() answers. */
typedef int (*dt_build)(const void *config, void *blob, size_t size, struct err *err);

/* Creates or replaces the file @path. A negative errno with @err set. */
int dt_dump(const char *path, dt_build build, const void *config, struct err *err) FERRY_MUST_CHECK;

#endif
